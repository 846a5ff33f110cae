//! Builds a report from cost lines.
//!
//! Each account has its own sums, and the sums over all accounts are made of these, so the parts
//! add up by construction. The lines with owners determine the totals. Services come from another
//! answer of Cost Explorer, given some seconds earlier or later; the difference is a row of its
//! own.
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::movers::movers;
use super::sight::AudienceFilter;
use super::sums::{DayFrame, DaySeries, largest_first};
use super::words::{self, UNASSIGNED_ACCOUNT, UNASSIGNED_USAGE};
use super::{
    AccountName, AccountPart, Audience, AudienceKind, BillLine, ChargeRow, CostReport, LabelKind,
    PeriodKind, ReportBasis, ReportPart, ReportRange, ReportRow, RowLabel, SCHEMA_VERSION,
    UsageMovers,
};
use crate::cost::charge::{ChargeType, CostMetric};
use crate::cost::owner::{CostOwner, OwnerKey};
use crate::cost::period::DayRange;
use crate::cost::table::{CostLine, CostTable};

/// The input of a report besides the audience.
#[derive(Debug, Clone)]
pub struct ReportQuestion<'a> {
    /// What the period is called.
    pub kind: PeriodKind,
    /// The requested period.
    pub days: DayRange,
    /// The first day whose costs are in the table; a comparison with earlier days is left out.
    pub data_from: Date,
    /// The last day for which Cost Explorer has data; absent without data.
    pub data_through: Option<Date>,
    /// The last day that is settled, see [`period::settled_through`](crate::cost::period::settled_through).
    pub settled_through: Date,
    /// The day on which the report is made, in UTC.
    pub today: Date,
    /// The names of accounts by their ids.
    pub names: &'a BTreeMap<String, String>,
    /// The metric of all amounts.
    pub metric: CostMetric,
    /// Where owners come from.
    pub owner_keys: Vec<OwnerKey>,
    /// What all reports of the run rest on; `report` adds its own notes.
    pub basis: ReportBasis,
}

/// Builds the report of one audience. `owner` is the owner for an individual.
///
/// The function does not know what was mailed before, so the report has no restatements.
pub fn report(
    table: &CostTable,
    audience: &Audience,
    owner: Option<&CostOwner>,
    question: &ReportQuestion<'_>,
) -> CostReport {
    let sight = AudienceFilter::new(audience, owner);
    let frame = DayFrame::of(question);
    let mut builder = ReportBuilder {
        audience,
        names: question.names,
        ledgers: BTreeMap::new(),
        estimated: BTreeSet::new(),
        is_month_before_estimated: false,
    };
    let mut parts = Vec::new();
    if let Some(frame) = &frame {
        builder.read(table, &sight, frame);
        parts = builder.parts(&frame.with_estimates(&builder.estimated));
    }
    let mut basis = question.basis.clone();
    let mut period = period(question, frame.as_ref(), &builder.estimated);
    period.is_month_before_estimated = builder.is_month_before_estimated;
    basis
        .notes
        .extend(words::notes(&parts, question.today, &period));
    CostReport {
        schema_version: SCHEMA_VERSION,
        audience: audience.clone(),
        period,
        metric: question.metric,
        parts,
        restatements: Vec::new(),
        owner_keys: question.owner_keys.clone(),
        basis,
    }
}

fn period(
    question: &ReportQuestion<'_>,
    frame: Option<&DayFrame>,
    estimated: &BTreeSet<Date>,
) -> ReportRange {
    let (kind, days) = (question.kind, question.days);
    let compared = frame.and_then(|frame| frame.compared);
    ReportRange {
        kind,
        days,
        label: days.label(),
        data_through: frame.map(|frame| frame.shown.through),
        settled_through: frame
            .and_then(|frame| frame.settled)
            .map(|days| days.through),
        estimated: estimated.iter().copied().collect(),
        compared,
        compared_label: compared.map(|compared| compared.label_beside(days)),
        is_month_before_estimated: false,
    }
}

/// An owner or a service of usage; absent if Cost Explorer does not give it.
type UsageKey<'t, K> = BTreeMap<Option<&'t K>, DaySeries>;

/// The costs of one account in all cuts.
#[derive(Debug, Default)]
struct AccountCuts<'t> {
    charges: BTreeMap<ChargeType, DaySeries>,
    owners: UsageKey<'t, CostOwner>,
    services: UsageKey<'t, str>,
}

impl<'t> AccountCuts<'t> {
    fn add_money(&mut self, frame: &DayFrame, (key, line): CostLine<'t>, owners: bool) {
        let nothing = || frame.nothing();
        let charge = self.charges.entry(key.charge).or_insert_with(nothing);
        charge.add(frame, key.day, line.amount);
        if owners && key.charge == ChargeType::Usage {
            let owner = self.owners.entry(key.owner.as_ref());
            let owner = owner.or_insert_with(nothing);
            owner.add(frame, key.day, line.amount);
        }
    }

    fn add_service(&mut self, frame: &DayFrame, (key, line): CostLine<'t>) {
        let service = self.services.entry(key.service.as_deref());
        let service = service.or_insert_with(|| frame.nothing());
        service.add(frame, key.day, line.amount);
    }

    /// Makes the services add up to the usage, which is the sum of the owners.
    fn reconcile(&mut self, frame: &DayFrame) {
        let usage = self.charges.get(&ChargeType::Usage);
        let mut missing = usage.cloned().unwrap_or_else(|| frame.nothing());
        for service in self.services.values() {
            missing.subtract_all(service);
        }
        if !missing.is_zero() {
            let unknown = self.services.entry(None);
            let unknown = unknown.or_insert_with(|| frame.nothing());
            unknown.add_all(&missing);
        }
    }

    fn add_all(&mut self, frame: &DayFrame, other: &AccountCuts<'t>) {
        merge(frame, &mut self.charges, &other.charges);
        merge(frame, &mut self.owners, &other.owners);
        merge(frame, &mut self.services, &other.services);
    }

    fn total(&self, frame: &DayFrame) -> DaySeries {
        let mut total = frame.nothing();
        for charge in self.charges.values() {
            total.add_all(charge);
        }
        total
    }

    fn charge_rows(&self, frame: &DayFrame) -> Vec<ChargeRow> {
        let spent = self.charges.iter().filter(|(_, series)| !series.is_zero());
        let row = |(charge, series): (&ChargeType, &DaySeries)| ChargeRow {
            charge: *charge,
            row: frame.row(label(LabelKind::Charge, charge.label()), series),
        };
        spent.map(row).collect()
    }

    /// All charge types beside the month before.
    fn bill(&self, frame: &DayFrame) -> Vec<BillLine> {
        if frame.month_before.is_none() {
            return Vec::new();
        }
        let lines = self.charges.iter().map(|(charge, series)| {
            let (so_far, month_before) = (series.amount(), series.month_before());
            BillLine {
                charge: *charge,
                so_far,
                month_before,
                is_to_come: so_far.is_zero() && frame.is_to_come(*charge),
            }
        });
        let is_some = |line: &BillLine| !(line.so_far.is_zero() && line.month_before.is_zero());
        lines.filter(is_some).collect()
    }

    fn owner_rows(&self, frame: &DayFrame) -> Vec<ReportRow> {
        frame.rows(&self.owners, |owner| match owner {
            Some(owner) => owner.label(),
            None => label(LabelKind::Unassigned, UNASSIGNED_USAGE),
        })
    }

    fn service_rows(&self, frame: &DayFrame) -> Vec<ReportRow> {
        frame.rows(&self.services, |service| match service {
            Some(service) => words::service(service),
            None => label(LabelKind::Unassigned, UNASSIGNED_USAGE),
        })
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
struct CurrencyLines<'t> {
    lines: usize,
    accounts: BTreeMap<Option<&'t str>, AccountCuts<'t>>,
    /// The total by day of the days that the period is drawn against.
    history: BTreeMap<Date, rust_decimal::Decimal>,
}

struct ReportBuilder<'a, 't> {
    audience: &'a Audience,
    names: &'a BTreeMap<String, String>,
    ledgers: BTreeMap<&'t str, CurrencyLines<'t>>,
    estimated: BTreeSet<Date>,
    is_month_before_estimated: bool,
}

impl<'t> ReportBuilder<'_, 't> {
    /// Adds up the lines of the audience.
    fn read(&mut self, table: &'t CostTable, sight: &AudienceFilter<'_>, frame: &DayFrame) {
        // An individual is the only owner in the report.
        let owners = self.audience.kind != AudienceKind::Individual;
        for line in sight.money(table) {
            let Some(ledger) = self.ledger(frame, line) else {
                continue;
            };
            let (key, amount) = (line.0, line.1.amount);
            ledger.lines += 1;
            if frame.history().is_some_and(|days| days.contains(key.day)) {
                let sum = ledger.history.entry(key.day).or_default();
                *sum = super::sums::plus(*sum, amount);
            }
            let account = ledger.accounts.entry(key.account.as_deref());
            account.or_default().add_money(frame, line, owners);
        }
        for line in sight.services(table) {
            if let Some(ledger) = self.ledger(frame, line) {
                let account = ledger.accounts.entry(line.0.account.as_deref());
                account.or_default().add_service(frame, line);
            }
        }
    }

    /// The sums that a line belongs to, if the report covers its day.
    fn ledger(
        &mut self,
        frame: &DayFrame,
        (key, line): CostLine<'t>,
    ) -> Option<&mut CurrencyLines<'t>> {
        if line.estimated && frame.shown.contains(key.day) {
            self.estimated.insert(key.day);
        }
        let is_before = frame
            .month_before
            .is_some_and(|days| days.contains(key.day));
        self.is_month_before_estimated |= line.estimated && is_before;
        match frame.contains(key.day) {
            true => Some(self.ledgers.entry(&key.currency).or_default()),
            false => None,
        }
    }

    /// One part for each currency, the one with the most lines first.
    fn parts(&mut self, frame: &DayFrame) -> Vec<ReportPart> {
        let mut parts = Vec::new();
        for (currency, mut ledger) in std::mem::take(&mut self.ledgers) {
            for books in ledger.accounts.values_mut() {
                books.reconcile(frame);
            }
            let part = self.part(frame, currency, &ledger);
            // Lines may be zero, and rows may add up to zero.
            let rows = part.charges.len() + part.accounts.len() + part.services.len();
            if rows + part.owners.len() + part.bill.len() > 0 {
                parts.push((ledger.lines, part));
            }
        }
        parts.sort_by(|(one, part), (other, next)| {
            let lines = other.cmp(one);
            lines.then_with(|| part.currency.cmp(&next.currency))
        });
        parts.into_iter().map(|(_, part)| part).collect()
    }

    fn part(&self, frame: &DayFrame, currency: &str, ledger: &CurrencyLines<'_>) -> ReportPart {
        let mut all = AccountCuts::default();
        for books in ledger.accounts.values() {
            all.add_all(frame, books);
        }
        let total = all.total(frame);
        let history = frame.history().into_iter().flat_map(DayRange::iter);
        let history = history.map(|day| ledger.history.get(&day).copied().unwrap_or_default());
        let usage = all.charges.get(&ChargeType::Usage);
        let mut part = ReportPart {
            currency: currency.to_owned(),
            sentence: String::new(),
            usage: frame.figure(usage.unwrap_or(&frame.nothing())),
            total: frame.figure(&total),
            daily: total.daily().to_vec(),
            daily_before: history.collect(),
            charges: all.charge_rows(frame),
            owners: all.owner_rows(frame),
            services: all.service_rows(frame),
            accounts: self.accounts(frame, ledger),
            bill: all.bill(frame),
            movers: UsageMovers::default(),
        };
        part.movers = movers(self.audience.kind, &part);
        part.sentence = words::sentence(self.audience, frame, &part);
        if self.audience.kind == AudienceKind::Executive {
            for account in &mut part.accounts {
                account.owners.clear();
                account.services.clear();
            }
            part.accounts.retain(|account| !account.charges.is_empty());
        }
        part
    }

    fn accounts(&self, frame: &DayFrame, ledger: &CurrencyLines<'_>) -> Vec<AccountPart> {
        let accounts = ledger.accounts.iter();
        let mut accounts: Vec<AccountPart> = accounts
            .map(|(id, books)| {
                let account = id.map(|id| self.account(id));
                let name = account.as_ref().map_or_else(
                    || label(LabelKind::Unassigned, UNASSIGNED_ACCOUNT),
                    |account| label(LabelKind::Account, &account.label()),
                );
                AccountPart {
                    account,
                    row: frame.row(name, &books.total(frame)),
                    charges: books.charge_rows(frame),
                    bill: books.bill(frame),
                    owners: books.owner_rows(frame),
                    services: books.service_rows(frame),
                }
            })
            .collect();
        accounts.retain(|part| {
            let rows = part.charges.len() + part.owners.len() + part.services.len();
            rows > 0
        });
        accounts.sort_by(|one, other| largest_first(&one.row, &other.row));
        accounts
    }

    fn account(&self, id: &str) -> AccountName {
        let known = self.audience.accounts.iter();
        let known = known.into_iter().find(|account| account.id == id);
        known.cloned().unwrap_or_else(|| AccountName {
            id: id.to_owned(),
            name: self.names.get(id).map_or(id, String::as_str).to_owned(),
        })
    }
}

fn label(kind: LabelKind, name: &str) -> RowLabel {
    RowLabel {
        kind,
        name: name.to_owned(),
    }
}
