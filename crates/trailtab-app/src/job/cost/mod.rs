//! Cost reports: answers → cost lines → one report per audience → files and mails.

pub mod answers;
mod channel_check;
pub mod check;
mod cut_dimension;
mod cut_months;
mod cut_reading;
mod cut_sections;
pub mod cuts;
mod earlier_mail;
mod forecast_check;
pub mod gather;
pub mod growth;
pub mod history;
pub mod mail_setup;
pub mod mails;
mod needs;
pub mod open;
mod operator;
pub mod pages;
pub mod round;
pub mod send;
mod tag_check;
pub mod test_message;
#[cfg(test)]
mod tests;
pub mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;

use self::answers::{NoAnswer, RunAnswers};
use self::gather::GatheredCosts;
use self::needs::kept_from;
use crate::cost_source::cost_explorer::PRICE;
use trailtab_core::cost::audience::AccountDirectory;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::recipient::{RecipientList, ReportRecipient};
use trailtab_core::cost::report::{
    Audience, AudienceKind, CostReport, CutScope, DimensionTable, KnownMonths, PeriodKind,
    ReportBasis, ReportQuestion, trend_months,
};
use trailtab_core::cost::settings::{CostSettings, DaySpan, MailFrequency};
use trailtab_core::time::{self, Seconds};
use trailtab_cost_explorer::lines::MonthLines;
use trailtab_cost_explorer::plan::ReportNeeds;
use trailtab_cost_explorer::settled;

/// The state of a cost run.
#[derive(Debug)]
pub struct CostRun {
    /// The operator's settings.
    pub settings: CostSettings,
    /// The source of Cost Explorer answers.
    pub answers: Arc<RunAnswers>,
    /// The known accounts.
    pub directory: AccountDirectory,
    /// Whether the directory holds all accounts. If not, names come from Cost Explorer.
    pub has_directory: bool,
    /// Further dimensions that reports show usage by.
    pub by: Vec<UsageDimension>,
    /// Notes for readers about limits that they cannot change.
    pub notes: Vec<String>,
    /// Notes for the operator, with more detail.
    pub remarks: Vec<String>,
    /// When the run began, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
}

/// The days of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportPeriod {
    /// The kind of period.
    pub kind: PeriodKind,
    /// The days.
    pub days: DayRange,
}

/// A report to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The recipient.
    pub recipient: ReportRecipient,
    /// The days of the report.
    pub occasion: ReportPeriod,
    /// Whether the schedule asks for it, and no person.
    pub is_scheduled: bool,
    /// Whether it is sent only if an earlier mail about these days has to be corrected or was not final.
    pub is_follow_up: bool,
}

/// Days after `closing_day` on which a closing report that was not sent yet is still sent, as after failures.
const MAX_CLOSING_DELAY_DAYS: i8 = 10;

/// Where the months before a period are known from: the days that were asked for, and answers by month.
fn known_months(
    books: &GatheredCosts,
    kind: AudienceKind,
    occasion: ReportPeriod,
) -> Vec<KnownMonths<'_>> {
    let MonthLines { table, months } = match kind {
        AudienceKind::Executive => &books.months.in_total,
        AudienceKind::Manager | AudienceKind::Individual => &books.months.by_account,
    };
    let is_asked =
        |month: &DayRange| books.asked.contains(month.from) && books.asked.contains(month.through);
    let by_day = trend_months(occasion.kind, occasion.days).filter(is_asked);
    vec![
        KnownMonths {
            table: &books.table,
            months: by_day.map(|month| month.from).collect(),
            has_charges: true,
        },
        KnownMonths {
            table,
            months: months.clone(),
            has_charges: true,
        },
    ]
}

impl CostRun {
    /// The day of the run, in UTC.
    pub fn today(&self) -> Date {
        settled::day_of(self.now)
    }

    /// The month to date; `None` on its first day unless `include_today` is set.
    pub fn month_to_date(&self) -> Option<ReportPeriod> {
        let days = period::month_to_date(self.today(), self.settings.include_today)?;
        Some(ReportPeriod {
            kind: PeriodKind::MonthToDate,
            days,
        })
    }

    /// The month before the current one.
    pub fn last_month(&self) -> ReportPeriod {
        ReportPeriod {
            kind: PeriodKind::LastMonth,
            days: period::last_month(self.today()),
        }
    }

    /// Resolves the recipients of the settings. If accounts cannot be listed, gets their names from
    /// Cost Explorer first, with a query that the reports need anyway.
    ///
    /// # Errors
    ///
    /// Fails if names are needed and cannot be obtained.
    pub async fn recipients(
        &mut self,
        occasions: &[ReportPeriod],
    ) -> Result<RecipientList, NoAnswer> {
        let settings = &self.settings;
        let mut channels = settings.channels.iter();
        let names_matter = !(settings.managers.is_empty() && settings.executives.is_empty())
            || channels.any(|channel| channel.owner.is_none());
        if !self.has_directory && names_matter {
            self.learn_names(occasions).await?;
        }
        Ok(RecipientList::of(&self.settings, &self.directory))
    }

    /// Learns account names from Cost Explorer.
    ///
    /// # Errors
    ///
    /// Fails if Cost Explorer does not answer.
    pub async fn learn_names(&mut self, occasions: &[ReportPeriod]) -> Result<(), NoAnswer> {
        let mut need = self.need(&[], occasions);
        need.accounts = None;
        let charges = need.charges();
        if self.answers.are_cuts(&charges) {
            for cut in self.answers.cuts() {
                self.directory.learn(&cut_reading::answers_names(&cut));
            }
            return Ok(());
        }
        let answer = self.answers.answer(&charges).await?;
        let mut reader = trailtab_cost_explorer::lines::LineReader::default();
        reader.charges(&answer)?;
        self.directory.learn(&reader.names);
        Ok(())
    }

    /// The days of the scheduled report of an audience; `None` if it has no day yet.
    fn scheduled(&self, kind: AudienceKind) -> Option<ReportPeriod> {
        let days = &self.settings.days;
        let span = match kind {
            AudienceKind::Manager => days.managers,
            AudienceKind::Individual => days.users,
            AudienceKind::Executive => days.executives,
        };
        let through = self.settled_through();
        let DaySpan::Last(days) = span else {
            // Before a day is settled there is nothing to tell of the month that will last.
            return self
                .month_to_date()
                .filter(|month| month.days.from <= through);
        };
        let from = through.saturating_sub((i32::from(days) - 1).days());
        Some(ReportPeriod {
            kind: PeriodKind::Range,
            days: DayRange { from, through },
        })
    }

    /// The managers of the settings by account id: they may know whose usage is that has no owner.
    fn contacts(&self) -> BTreeMap<String, Vec<String>> {
        let mut contacts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (address, accounts) in &self.settings.managers {
            for account in accounts
                .iter()
                .filter_map(|wanted| self.directory.find(wanted).ok())
            {
                contacts
                    .entry(account.id)
                    .or_default()
                    .push(address.clone());
            }
        }
        contacts
    }

    /// The last settled day.
    fn settled_through(&self) -> Date {
        period::settled_through(self.today(), self.settings.lag_days.0)
    }

    /// The reports due today, including the closing report of last month from its day on.
    pub fn due(&self, recipients: &[ReportRecipient]) -> Vec<Wanted> {
        let today = self.today();
        let closing = self.closing();
        let mut wanted = Vec::new();
        for recipient in recipients {
            let is_due = recipient.frequency.is_due(today);
            let scheduled = self.scheduled(recipient.audience.kind).filter(|_| is_due);
            let occasions = closing.into_iter().chain(scheduled);
            wanted.extend(occasions.map(|occasion| Wanted {
                recipient: recipient.clone(),
                occasion,
                is_scheduled: true,
                is_follow_up: occasion.kind == PeriodKind::LastMonth && self.is_late_to_close(),
            }));
        }
        wanted
    }

    /// The period of the closing report, if it may be sent or corrected today.
    fn closing(&self) -> Option<ReportPeriod> {
        let has_come = self.settings.closing_day.has_come(self.today());
        has_come.then(|| self.last_month())
    }

    /// Whether last month's closing report is no longer sent for the first time.
    fn is_late_to_close(&self) -> bool {
        self.today().day() > self.settings.closing_day.0 + MAX_CLOSING_DELAY_DAYS
    }

    /// All periods for which a report can be due today.
    pub fn occasions(&self) -> Vec<ReportPeriod> {
        let kinds = [
            AudienceKind::Manager,
            AudienceKind::Individual,
            AudienceKind::Executive,
        ];
        let scheduled = kinds.into_iter().filter_map(|kind| self.scheduled(kind));
        let all: BTreeSet<ReportPeriod> = self.closing().into_iter().chain(scheduled).collect();
        all.into_iter().collect()
    }

    /// Tells whether any report is due today.
    pub fn is_anything_due(&self) -> bool {
        let (settings, today) = (&self.settings, self.today());
        // Later, an invoice that has changed is looked at only with other reports: each look is paid.
        let closes = settings.closing_day.has_come(today) && !self.is_late_to_close();
        let is_due =
            |is_empty: bool, every: MailFrequency| !is_empty && (closes || every.is_due(today));
        is_due(settings.managers.is_empty(), settings.schedule.managers)
            || is_due(settings.users.is_empty(), settings.schedule.users)
            || is_due(settings.executives.is_empty(), settings.schedule.executives)
            || settings
                .channels
                .iter()
                .any(|channel| is_due(false, channel.schedule))
    }

    /// Gathers the costs that some reports need.
    ///
    /// # Errors
    ///
    /// Fails if the costs by charge type cannot be read.
    pub async fn books(&mut self, need: &ReportNeeds) -> Result<GatheredCosts, NoAnswer> {
        let mut need = need.clone();
        // Saved answers may lack the days of the comparison.
        if let Some(from) = self.answers.saved_from(&need.charges()) {
            need.time_period.start = from;
        }
        let mut gathered = gather::gather(&need, &self.settings.owner, &self.answers).await?;
        self.answers.keep_page_history().await;
        if let Some(through) = self.answers.saved_through(&need.charges()) {
            gathered.asked.through = gathered.asked.through.min(through);
        }
        self.directory.learn(&gathered.names);
        gathered.budget_doubts = self.budget_doubts(&gathered.tags);
        // The growth of days is that of the whole organisation.
        if let Some(cache) = self.answers.cache()
            && need.accounts.is_none()
            && need.whole_accounts
        {
            let recorded = growth::record(cache, need.metric, self.today(), &gathered).await;
            if let Err(error) = recorded {
                self.answers.trouble(&error);
            }
        }
        Ok(gathered)
    }

    /// Makes the report of one audience.
    pub fn report(
        &self,
        books: &GatheredCosts,
        audience: &Audience,
        owner: Option<&CostOwner>,
        occasion: ReportPeriod,
        problems: &[String],
    ) -> CostReport {
        let mut audience = audience.clone();
        for account in &mut audience.accounts {
            *account = self.directory.account(&account.id);
        }
        let cut = books.cuts.as_ref();
        let of_cuts = cut
            .and_then(|cuts| cuts::report(self, books, cuts, &audience, owner, occasion, problems));
        if let Some(report) = of_cuts {
            return report;
        }
        let mut problems = problems.to_vec();
        let mut occasion = occasion;
        if occasion.days.from < books.asked.from && books.asked.from <= occasion.days.through {
            let asked = occasion.days;
            occasion.days.from = books.asked.from;
            occasion.kind = PeriodKind::Range;
            problems.push(format!(
                "the saved answers have no days before {}: the report is about {} instead of {}",
                period::label_of(books.asked.from),
                occasion.days.label(),
                asked.label()
            ));
        }
        if books.asked.through < occasion.days.through {
            problems.push(format!(
                "the saved answers have no days after {}",
                period::label_of(books.asked.through)
            ));
        }
        let contacts = self.contacts();
        let budgets = self.budgets();
        let question = ReportQuestion {
            unread: books.unread.clone(),
            kind: occasion.kind,
            days: occasion.days,
            data_from: books.asked.from,
            commitments: &books.commitments,
            months: known_months(books, audience.kind, occasion),
            by: books
                .by
                .iter()
                .map(|(dimension, table)| DimensionTable {
                    dimension: *dimension,
                    table,
                })
                .collect(),
            data_through: books.table.data_through(),
            settled_through: self.settled_through(),
            today: self.today(),
            names: self.directory.names(),
            metric: self.settings.metric,
            owner_keys: self.settings.owner.keys.clone(),
            unusual: &self.settings.unusual,
            budgets: &budgets,
            tags: &books.tags,
            aws_forecast: books.forecast_of(&audience, occasion.kind),
            contacts: &contacts,
            basis: self.basis(books, &audience, owner, &problems),
        };
        let mut report =
            trailtab_core::cost::report::report(&books.table, &audience, owner, &question);
        let settled_through = report.period.settled_through;
        let compared = period::compared(occasion.kind, occasion.days, settled_through);
        if let Some(compared) = compared.filter(|_| report.period.compared.is_none()) {
            let (who, from) = match self.answers.are_saved() {
                true => ("the saved answers have", books.asked.from),
                false => ("Cost Explorer has", kept_from(self.today())),
            };
            report.basis.notes.push(format!(
                "There is no comparison with {}: {who} no days before {}.",
                compared.label(),
                period::label_of(from)
            ));
        }
        report
    }

    /// Where owners come from, for a sentence: `the tag Owner or the cost category Team`.
    fn owner_keys(&self) -> String {
        let keys: Vec<String> = self
            .settings
            .owner
            .keys
            .iter()
            .map(ToString::to_string)
            .collect();
        keys.join(" or ")
    }

    /// A note if the owner's tag is on nothing before some day, and on much from then on.
    fn activated(&self, books: &GatheredCosts) -> Option<String> {
        let since = books.tagged_from?;
        let key = self.owner_keys();
        Some(format!(
            "Nothing has {key} before {}, and much has it from then on: Cost Explorer knows a tag from the day on which it \
             was activated for cost allocation, so earlier days have no owners.",
            period::label_of(since)
        ))
    }

    pub(super) fn basis(
        &self,
        books: &GatheredCosts,
        audience: &Audience,
        owner: Option<&CostOwner>,
        problems: &[String],
    ) -> ReportBasis {
        let (requests, charged) = self.answers.requests();
        let mut notes = self.notes.clone();
        if !books.has_owners && books.knows_owners && !books.table.is_empty() {
            notes.push(format!(
                "nothing has an owner: is {} activated for cost allocation in the management account?",
                self.owner_keys()
            ));
        }
        if let Some(note) = self.activated(books) {
            notes.push(note);
        }
        let gaps = books.gaps_of(audience, owner).map(|gap| gap.reason.clone());
        ReportBasis {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run_time: time::iso(self.now),
            as_of: self.answers.as_of().map(time::iso),
            requests,
            requests_usd: Decimal::from(charged) * PRICE,
            problems: {
                let files = self.answers.saved_problems().iter().cloned();
                problems.iter().cloned().chain(files).chain(gaps).collect()
            },
            notes,
            cut_scope: CutScope::default(),
        }
    }
}
