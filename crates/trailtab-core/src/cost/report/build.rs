//! Builds a report from cost lines.
//!
//! Each account has its own sums, and the sums over all accounts are made of these, so the parts
//! add up by construction. The lines with owners determine the totals. Services come from another
//! answer of Cost Explorer, given some seconds earlier or later; the difference is a row of its
//! own.
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::cuts::{AccountCuts, CurrencyLines, label};
use super::dimension::DimensionTable;
use super::movers::movers;
use super::outlook;
use super::sight::AudienceFilter;
use super::sums::{DayFrame, largest_first};
use super::trend::{self, KnownMonths, MonthAmounts};
use super::unread::UnreadCut;
use super::words::{self, UNASSIGNED_ACCOUNT};
use super::{
    AccountName, AccountPart, Audience, AudienceKind, CostReport, LabelKind, PeriodKind,
    ReportBasis, ReportPart, ReportRange, SCHEMA_VERSION, UsageMovers,
};
use crate::cost::budget::MonthlyBudget;
use crate::cost::charge::{ChargeType, CostMetric};
use crate::cost::commitment::CommitmentLines;
use crate::cost::forecast::AskedForecast;
use crate::cost::owner::{CostOwner, OwnerKey};
use crate::cost::period::DayRange;
use crate::cost::table::{CostLine, CostTable};
use crate::cost::tag_usage::TagUsage;
use crate::cost::unusual::UnusualRules;

/// The input of a report besides the audience.
#[derive(Debug, Clone)]
pub struct ReportQuestion<'a> {
    /// What the period is called.
    pub kind: PeriodKind,
    /// The requested period.
    pub days: DayRange,
    /// The first day whose costs are in the table; a comparison with earlier days is left out.
    pub data_from: Date,
    /// Where whole months before the period are known from; the first one that has a month counts.
    pub months: Vec<KnownMonths<'a>>,
    /// Amounts of commitments.
    pub commitments: &'a CommitmentLines,
    /// Usage by further dimensions.
    pub by: Vec<DimensionTable<'a>>,
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
    /// From when on a day is unusual.
    pub unusual: &'a UnusualRules,
    /// All budgets; a report has those that its audience may see.
    pub budgets: &'a [MonthlyBudget],
    /// Usage by the tags that budgets are about, by the key of the tag.
    pub tags: &'a BTreeMap<String, TagUsage>,
    /// What AWS itself forecasts for the bill of the audience; absent if it was not asked for.
    pub aws_forecast: Option<&'a AskedForecast>,
    /// The managers of accounts, by account id.
    pub contacts: &'a BTreeMap<String, Vec<String>>,
    /// What all reports of the run rest on; `report` adds its own notes.
    pub basis: ReportBasis,
    /// Cuts that were not read.
    pub unread: Vec<UnreadCut>,
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
        owner,
        names: question.names,
        unusual: question.unusual,
        budgets: question.budgets,
        tags: question.tags,
        aws_forecast: question.aws_forecast,
        contacts: question.contacts,
        unread: &question.unread,
        basis: &question.basis,
        metric: question.metric,
        commitments: question.commitments,
        by: &question.by,
        trends: trend::trend(question, audience.kind, &sight),
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

/// Adds up the lines of an audience, and makes its parts of them.
pub(super) struct ReportBuilder<'a, 't> {
    pub(super) audience: &'a Audience,
    /// The owner of an individual's costs.
    pub(super) owner: Option<&'a CostOwner>,
    names: &'a BTreeMap<String, String>,
    pub(super) unusual: &'a UnusualRules,
    pub(super) budgets: &'a [MonthlyBudget],
    pub(super) tags: &'a BTreeMap<String, TagUsage>,
    aws_forecast: Option<&'a AskedForecast>,
    pub(super) contacts: &'a BTreeMap<String, Vec<String>>,
    pub(super) unread: &'a [UnreadCut],
    basis: &'a ReportBasis,
    pub(super) metric: CostMetric,
    pub(super) commitments: &'a CommitmentLines,
    /// Usage by further dimensions.
    pub(super) by: &'a [DimensionTable<'a>],
    /// The months before the period by currency.
    trends: BTreeMap<&'a str, Vec<MonthAmounts>>,
    ledgers: BTreeMap<&'t str, CurrencyLines<'t>>,
    estimated: BTreeSet<Date>,
    is_month_before_estimated: bool,
}

impl<'t> ReportBuilder<'_, 't> {
    /// Adds up the lines of the audience.
    fn read(&mut self, table: &'t CostTable, sight: &AudienceFilter<'_>, frame: &DayFrame) {
        // An individual is the only owner in the report.
        let owners = self.audience.kind != AudienceKind::Individual;
        let unread = self.unread;
        let new = |account| move || AccountCuts::new(unread, account);
        for line in sight.money(table) {
            let Some(ledger) = self.ledger(frame, line) else {
                continue;
            };
            ledger.lines += 1;
            let id = line.0.account.as_deref();
            let account = ledger.accounts.entry(id).or_insert_with(new(id));
            account.add_money(frame, line, owners);
        }
        for line in sight.services(table) {
            if let Some(ledger) = self.ledger(frame, line) {
                let id = line.0.account.as_deref();
                let account = ledger.accounts.entry(id).or_insert_with(new(id));
                account.add_service(frame, line);
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
        let mut all = AccountCuts::new(&[], None);
        for books in ledger.accounts.values() {
            all.add_all(frame, books);
        }
        let total = all.total(frame);
        let usage = all.charges.get(&ChargeType::Usage);
        let mut part = ReportPart {
            currency: currency.to_owned(),
            sentence: String::new(),
            usage: frame.figure(usage.unwrap_or(&frame.nothing())),
            total: frame.figure(&total),
            daily: total.daily().to_vec(),
            daily_before: total.history().to_vec(),
            charges: all.charge_rows(frame),
            owners: all.estimated_owner_rows(frame),
            services: all.service_rows(frame),
            by: self.by(frame, currency, usage.unwrap_or(&frame.nothing())),
            accounts: self.accounts(frame, ledger),
            bill: all.bill(frame),
            commitments: self.commitments(frame, currency),
            trend: self.trends.get(currency).cloned().unwrap_or_default(),
            outlook: outlook::month(
                frame,
                usage,
                &all.bill(frame),
                currency,
                self.is_month_before_estimated,
            ),
            aws_forecast: self.aws_forecast.map(|it| it.in_currency(currency)),
            unusual: self.unusual(frame, currency, ledger),
            budgets: self.budgets(frame, currency, ledger, &all),
            tagged: self.tagged(frame, currency, ledger),
            movers: UsageMovers::default(),
        };
        part.movers = movers(self.audience.kind, &part);
        part.sentence = words::sentence(self.audience, frame, &part, self.basis);
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

    pub(super) fn account(&self, id: &str) -> AccountName {
        let known = self.audience.accounts.iter();
        let known = known.into_iter().find(|account| account.id == id);
        known.cloned().unwrap_or_else(|| AccountName {
            id: id.to_owned(),
            name: self.names.get(id).map_or(id, String::as_str).to_owned(),
        })
    }
}
