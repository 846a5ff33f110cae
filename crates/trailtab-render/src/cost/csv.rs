//! Writes a cost report as one long CSV table. The column `section` says what a row is; amounts have all digits.
//!
//! Names may be attacker-controlled and must never become formulas.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::escape::cell;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{
    AccountName, AudienceKind, ChargeRow, CommitmentUse, CostReport, LabelKind, MonthAmounts,
    ReportPart, ReportRow, RowFigure, RowLabel,
};

const COLUMNS: [&str; 15] = [
    "section",
    "account_id",
    "account",
    "kind",
    "name",
    "currency",
    "from",
    "through",
    "amount",
    "compared_from",
    "compared_through",
    "compared_amount",
    "last_day_amount",
    "settled_through",
    "settled_amount",
];

/// Writes a report's figures. Within a section, currency and account, rows add up to the whole; different sections
/// count the same money again.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn csv(report: &CostReport) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    let period = &report.period;
    if let Some(shown) = period.days.known(period.data_through) {
        for part in &report.parts {
            let mut sheet = CurrencySheet {
                table: &mut table,
                currency: &part.currency,
                shown,
                compared: period.compared,
                settled_through: period.settled_through,
            };
            sheet.part(report.audience.kind, part)?;
        }
    }
    for restated in &report.restatements {
        table.write_record([
            "restatement",
            "",
            "",
            "",
            &cell(&restated.sentence),
            &cell(&restated.currency),
            &restated.days.from.to_string(),
            &restated.days.through.to_string(),
            &exact(restated.is),
            "",
            "",
            &exact(restated.was),
            "",
            "",
            "",
        ])?;
    }
    // Flushing to memory does not fail.
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// What a row is about.
#[derive(Clone, Copy)]
struct RowSubject<'r> {
    section: &'static str,
    account: Option<&'r AccountName>,
    /// Absent for totals.
    label: Option<&'r RowLabel>,
}

/// The rows of one currency.
struct CurrencySheet<'r> {
    table: &'r mut csv::Writer<Vec<u8>>,
    currency: &'r str,
    shown: DayRange,
    compared: Option<DayRange>,
    settled_through: Option<Date>,
}

impl CurrencySheet<'_> {
    fn part(&mut self, kind: AudienceKind, part: &ReportPart) -> csv::Result<()> {
        self.figure(of_all("total"), &part.total)?;
        for row in charges(&part.charges) {
            self.row("charge", None, row)?;
        }
        self.rows("owner", None, &part.owners)?;
        self.rows("service", None, &part.services)?;
        for by in &part.by {
            self.rows(kind_name(by.dimension.label_kind()), None, &by.rows)?;
        }
        for account in &part.accounts {
            self.row("account", account.account.as_ref(), &account.row)?;
        }
        for account in &part.accounts {
            // Cost outside any account has no account ID.
            let id = account.account.as_ref();
            for row in charges(&account.charges) {
                self.row("account_charge", id, row)?;
            }
            self.rows("account_owner", id, &account.owners)?;
            self.rows("account_service", id, &account.services)?;
        }
        self.commitments(part.commitments.as_ref())?;
        self.months(&part.trend)?;
        self.days(kind, part)
    }

    /// Writes what is known of reservations and savings plans on settled days.
    fn commitments(&mut self, commitments: Option<&CommitmentUse>) -> csv::Result<()> {
        let Some(known) = commitments else {
            return Ok(());
        };
        for (section, amount) in [
            ("commitment_covered", known.covered),
            ("commitment_used", known.used),
            ("commitment_unused", known.unused),
        ] {
            if let Some(amount) = amount {
                self.record(of_all(section), known.days, amount, Default::default())?;
            }
        }
        Ok(())
    }

    /// Writes the months before the period: all charges, and the usage in them.
    fn months(&mut self, trend: &[MonthAmounts]) -> csv::Result<()> {
        for amounts in trend {
            let usage = amounts.usage.map(|usage| ("month_usage", usage));
            let total = ("month_total", amounts.total);
            for (section, amount) in std::iter::once(total).chain(usage) {
                self.record(of_all(section), amounts.month, amount, Default::default())?;
            }
        }
        Ok(())
    }

    /// Writes the nonzero amounts of each day. An amount occurs once per section.
    fn days(&mut self, kind: AudienceKind, part: &ReportPart) -> csv::Result<()> {
        self.daily(of_all("day_total"), self.shown.from, &part.daily)?;
        if let Some(compared) = self.compared {
            self.daily(
                of_all("compared_day_total"),
                compared.from,
                &part.daily_before,
            )?;
        }
        for account in &part.accounts {
            let id = account.account.as_ref();
            let charges = account.charges.iter().map(|row| ("day_charge", &row.row));
            let owners = account.owners.iter().map(|row| ("day_owner", row));
            let services = account.services.iter().map(|row| ("day_service", row));
            for (section, row) in charges.chain(owners).chain(services) {
                self.daily_row(section, id, row)?;
            }
        }
        // An executive's report has no owners and services per account.
        if kind == AudienceKind::Executive {
            let owners = part.owners.iter().map(|row| ("day_owner", row));
            let services = part.services.iter().map(|row| ("day_service", row));
            for (section, row) in owners.chain(services) {
                self.daily_row(section, None, row)?;
            }
        }
        Ok(())
    }

    fn rows(
        &mut self,
        section: &'static str,
        account: Option<&AccountName>,
        rows: &[ReportRow],
    ) -> csv::Result<()> {
        rows.iter()
            .try_for_each(|row| self.row(section, account, row))
    }

    fn row(
        &mut self,
        section: &'static str,
        account: Option<&AccountName>,
        row: &ReportRow,
    ) -> csv::Result<()> {
        let label = Some(&row.label);
        let subject = RowSubject {
            section,
            account,
            label,
        };
        self.figure(subject, &row.figure)
    }

    fn daily_row(
        &mut self,
        section: &'static str,
        account: Option<&AccountName>,
        row: &ReportRow,
    ) -> csv::Result<()> {
        let label = Some(&row.label);
        let subject = RowSubject {
            section,
            account,
            label,
        };
        self.daily(subject, self.shown.from, &row.daily)
    }

    fn figure(&mut self, subject: RowSubject<'_>, figure: &RowFigure) -> csv::Result<()> {
        let compared =
            |day: fn(DayRange) -> Date| self.compared.map(day).map(|day| day.to_string());
        let (from, through) = (compared(|days| days.from), compared(|days| days.through));
        let rest = [
            from.unwrap_or_default(),
            through.unwrap_or_default(),
            figure.before.map(exact).unwrap_or_default(),
            figure.last_day.map(exact).unwrap_or_default(),
            self.settled_through
                .map(|day| day.to_string())
                .unwrap_or_default(),
            match self.settled_through {
                Some(_) => exact(figure.settled),
                None => String::new(),
            },
        ];
        self.record(subject, self.shown, figure.amount, rest)
    }

    fn daily(&mut self, subject: RowSubject<'_>, from: Date, daily: &[Decimal]) -> csv::Result<()> {
        let days = DayRange {
            from,
            through: Date::MAX,
        };
        for (day, amount) in days.iter().zip(daily) {
            if !amount.is_zero() {
                let (from, through) = (day, day);
                self.record(
                    subject,
                    DayRange { from, through },
                    *amount,
                    Default::default(),
                )?;
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        subject: RowSubject<'_>,
        days: DayRange,
        amount: Decimal,
        rest: [String; 6],
    ) -> csv::Result<()> {
        let account = subject.account;
        let (id, name) = account.map_or(("", ""), |account| (&account.id, &account.name));
        let label = subject.label;
        let first = [
            subject.section.into(),
            cell(id),
            cell(name),
            label.map_or("", |label| kind_name(label.kind)).into(),
            cell(label.map_or("", |label| &label.name)),
            cell(self.currency),
            days.from.to_string().into(),
            days.through.to_string().into(),
            exact(amount).into(),
        ];
        let rest = rest.into_iter().map(Cow::from);
        let record: Vec<Cow<'_, str>> = first.into_iter().chain(rest).collect();
        self.table
            .write_record(record.iter().map(|cell| cell.as_bytes()))
    }
}

/// A row about all accounts of the report together.
fn of_all(section: &'static str) -> RowSubject<'static> {
    RowSubject {
        section,
        account: None,
        label: None,
    }
}

fn charges(charges: &[ChargeRow]) -> impl Iterator<Item = &ReportRow> {
    charges.iter().map(|charge| &charge.row)
}

/// The name of a kind, as in JSON.
fn kind_name(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Owner => "owner",
        LabelKind::Instances => "instances",
        LabelKind::Untagged => "untagged",
        LabelKind::Service => "service",
        LabelKind::Region => "region",
        LabelKind::UsageType => "usage_type",
        LabelKind::PurchaseType => "purchase_type",
        LabelKind::Account => "account",
        LabelKind::Charge => "charge",
        LabelKind::Unassigned => "unassigned",
        LabelKind::Unread => "unread",
    }
}

/// An amount with all digits. Not escaped: a negative number is not a formula.
fn exact(amount: Decimal) -> String {
    amount.normalize().to_string()
}
