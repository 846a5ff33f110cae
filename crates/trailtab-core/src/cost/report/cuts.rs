//! The sums of one account, cut by charge type, owner and service.
use std::collections::BTreeMap;

use super::outlook;
use super::sums::{DayFrame, DaySeries};
use super::unread::{UnreadCut, UsagePart, unread_usage};
use super::words::{self, UNASSIGNED_USAGE};
use super::{BillLine, ChargeRow, LabelKind, ReportRow, RowLabel};
use crate::cost::charge::ChargeType;
use crate::cost::estimate::MonthEstimate;
use crate::cost::owner::CostOwner;
use crate::cost::table::{CostLine, LineCut};

/// Usage by owner or by service.
type UsageKey<'t, K> = BTreeMap<UsagePart<&'t K>, DaySeries>;

/// The costs of one account in all cuts.
#[derive(Debug)]
pub(super) struct AccountCuts<'t> {
    pub(super) charges: BTreeMap<ChargeType, DaySeries>,
    pub(super) owners: UsageKey<'t, CostOwner>,
    pub(super) services: UsageKey<'t, str>,
    /// What lines without an owner are.
    without_owner: UsagePart<&'t CostOwner>,
    /// What lines without a service are.
    without_service: UsagePart<&'t str>,
}

impl<'t> AccountCuts<'t> {
    pub(super) fn new(unread: &[UnreadCut], account: Option<&str>) -> AccountCuts<'t> {
        AccountCuts {
            charges: BTreeMap::new(),
            owners: BTreeMap::new(),
            services: BTreeMap::new(),
            without_owner: UsagePart::rest(unread, LineCut::Owners, account),
            without_service: UsagePart::rest(unread, LineCut::Services, account),
        }
    }

    pub(super) fn add_money(&mut self, frame: &DayFrame, (key, line): CostLine<'t>, owners: bool) {
        let nothing = || frame.nothing();
        let charge = self.charges.entry(key.charge).or_insert_with(nothing);
        charge.add(frame, key.day, line.amount);
        if owners && key.charge == ChargeType::Usage {
            let owner = key.owner.as_ref();
            let owner = owner.map_or(self.without_owner, UsagePart::Named);
            let owner = self.owners.entry(owner);
            let owner = owner.or_insert_with(nothing);
            owner.add(frame, key.day, line.amount);
        }
    }

    pub(super) fn add_service(&mut self, frame: &DayFrame, (key, line): CostLine<'t>) {
        let service = key.service.as_deref();
        let service = service.map_or(self.without_service, UsagePart::Named);
        let service = self.services.entry(service);
        let service = service.or_insert_with(|| frame.nothing());
        service.add(frame, key.day, line.amount);
    }

    /// Makes the services add up to the usage, which is the sum of the owners.
    pub(super) fn reconcile(&mut self, frame: &DayFrame) {
        let usage = self.charges.get(&ChargeType::Usage);
        let mut missing = usage.cloned().unwrap_or_else(|| frame.nothing());
        for service in self.services.values() {
            missing.subtract_all(service);
        }
        if !missing.is_zero(frame) {
            let unknown = self.services.entry(self.without_service);
            let unknown = unknown.or_insert_with(|| frame.nothing());
            unknown.add_all(&missing);
        }
    }

    pub(super) fn add_all(&mut self, frame: &DayFrame, other: &AccountCuts<'t>) {
        merge(frame, &mut self.charges, &other.charges);
        merge(frame, &mut self.owners, &other.owners);
        merge(frame, &mut self.services, &other.services);
    }

    pub(super) fn total(&self, frame: &DayFrame) -> DaySeries {
        let mut total = frame.nothing();
        for charge in self.charges.values() {
            total.add_all(charge);
        }
        total
    }

    pub(super) fn charge_rows(&self, frame: &DayFrame) -> Vec<ChargeRow> {
        let spent = self
            .charges
            .iter()
            .filter(|(_, series)| !series.is_zero(frame));
        let row = |(charge, series): (&ChargeType, &DaySeries)| {
            let mut row = frame.row(label(LabelKind::Charge, charge.label()), series);
            if *charge == ChargeType::Usage {
                row.estimate = outlook::usage(frame, series).map(|course| course.estimate);
            }
            ChargeRow {
                charge: *charge,
                row,
            }
        };
        spent.map(row).collect()
    }

    /// All charge types beside the month before.
    pub(super) fn bill(&self, frame: &DayFrame) -> Vec<BillLine> {
        let lines = self.charges.iter().filter_map(|(charge, series)| {
            let so_far = series.amount();
            Some(BillLine {
                charge: *charge,
                so_far,
                month_before: frame.month_before_of(series)?,
                is_to_come: so_far.is_zero() && frame.is_to_come(*charge),
            })
        });
        let is_some = |line: &BillLine| !(line.so_far.is_zero() && line.month_before.is_zero());
        lines.filter(is_some).collect()
    }

    pub(super) fn owner_rows(&self, frame: &DayFrame) -> Vec<ReportRow> {
        frame.rows(&self.owners, |owner| owner_label(*owner))
    }

    /// The owners over all accounts, with what each one's month will come to.
    pub(super) fn estimated_owner_rows(&self, frame: &DayFrame) -> Vec<ReportRow> {
        let estimates = self.owners.iter().filter_map(|(owner, series)| {
            let course = outlook::usage(frame, series)?;
            Some((owner_label(*owner), course.estimate))
        });
        let estimates: BTreeMap<RowLabel, MonthEstimate> = estimates.collect();
        let mut rows = self.owner_rows(frame);
        for row in &mut rows {
            row.estimate = estimates.get(&row.label).copied();
        }
        rows
    }

    pub(super) fn service_rows(&self, frame: &DayFrame) -> Vec<ReportRow> {
        frame.rows(&self.services, |service| service_label(*service))
    }
}

fn merge<K: Ord + Copy>(
    frame: &DayFrame,
    sums: &mut BTreeMap<K, DaySeries>,
    others: &BTreeMap<K, DaySeries>,
) {
    for (key, series) in others {
        let sum = sums.entry(*key).or_insert_with(|| frame.nothing());
        sum.add_all(series);
    }
}

/// The costs in one currency.
#[derive(Debug, Default)]
pub(super) struct CurrencyLines<'t> {
    pub(super) lines: usize,
    pub(super) accounts: BTreeMap<Option<&'t str>, AccountCuts<'t>>,
}

fn owner_label(owner: UsagePart<&CostOwner>) -> RowLabel {
    match owner {
        UsagePart::Named(owner) => owner.label(),
        UsagePart::Changed => label(LabelKind::Unassigned, UNASSIGNED_USAGE),
        UsagePart::Unread => unread_usage(),
    }
}

pub(super) fn service_label(service: UsagePart<&str>) -> RowLabel {
    match service {
        UsagePart::Named(service) => words::service(service),
        UsagePart::Changed => label(LabelKind::Unassigned, UNASSIGNED_USAGE),
        UsagePart::Unread => unread_usage(),
    }
}

pub(super) fn label(kind: LabelKind, name: &str) -> RowLabel {
    RowLabel {
        kind,
        name: name.to_owned(),
    }
}
