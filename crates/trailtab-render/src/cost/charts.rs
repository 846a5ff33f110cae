//! Draws the charts of a mail.

use rust_decimal::Decimal;

use super::body::shown;
use super::letter::InlinePicture;
use crate::chart::{ChartScene, CumulativeChart, MAIL_WIDTH, StackChart};
use crate::escape;
use crate::page::middle;
use trailtab_core::cost::money;
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, CostReport, PeriodKind, ReportPart, ReportRow,
};

/// Accounts with charts of their own; the tables list more.
const MAX_CHARTED_ACCOUNTS: usize = 12;

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChartSubject {
    Owners,
    Services,
    Accounts,
    RunningTotal,
}

/// A picture and its place in the mail.
pub(super) struct PlacedChart {
    /// Index of the part, index of one of its accounts, and subject.
    pub(super) place: (usize, Option<usize>, ChartSubject),
    pub(super) picture: InlinePicture,
}

/// Draws the charts that a mail may show.
pub(super) fn pictures(report: &CostReport) -> Vec<PlacedChart> {
    let mut album = ChartAlbum {
        report,
        pictures: Vec::new(),
    };
    for (at, part) in report.parts.iter().enumerate() {
        album.part(at, part);
    }
    album.pictures
}

struct ChartAlbum<'r> {
    report: &'r CostReport,
    pictures: Vec<PlacedChart>,
}

impl ChartAlbum<'_> {
    fn part(&mut self, at: usize, part: &ReportPart) {
        let several = 1 < part.accounts.len();
        let place = |about| (at, None, about);
        let currency = &part.currency;
        match self.report.audience.kind {
            AudienceKind::Manager => {
                if several {
                    self.stack(
                        place(ChartSubject::Owners),
                        "All accounts",
                        &part.owners,
                        currency,
                    );
                    self.stack(
                        place(ChartSubject::Services),
                        "All accounts",
                        &part.services,
                        currency,
                    );
                }
                self.running_total(place(ChartSubject::RunningTotal), part);
                self.accounts(at, part);
            }
            AudienceKind::Individual => {
                self.stack(
                    place(ChartSubject::Services),
                    "Cost",
                    &part.services,
                    currency,
                );
                if several {
                    let rows = accounts(part);
                    self.stack(place(ChartSubject::Accounts), "Cost", &rows, currency);
                    self.accounts(at, part);
                }
                self.running_total(place(ChartSubject::RunningTotal), part);
            }
            AudienceKind::Executive => {
                let rows = accounts(part);
                self.stack(place(ChartSubject::Accounts), "Cost", &rows, currency);
                self.stack(
                    place(ChartSubject::Services),
                    "Cost",
                    &part.services,
                    currency,
                );
                self.stack(place(ChartSubject::Owners), "Cost", &part.owners, currency);
                self.running_total(place(ChartSubject::RunningTotal), part);
            }
        }
    }

    fn accounts(&mut self, at: usize, part: &ReportPart) {
        for (place, account) in part.accounts.iter().enumerate().take(MAX_CHARTED_ACCOUNTS) {
            let name = &account.row.label.name;
            let of = account
                .account
                .as_ref()
                .map_or_else(|| name.clone(), AccountName::label);
            let at = |about| (at, Some(place), about);
            self.stack(
                at(ChartSubject::Owners),
                &of,
                &account.owners,
                &part.currency,
            );
            self.stack(
                at(ChartSubject::Services),
                &of,
                &account.services,
                &part.currency,
            );
        }
    }

    /// Adds stacked bars, unless all amounts are zero.
    fn stack(
        &mut self,
        place: (usize, Option<usize>, ChartSubject),
        of: &str,
        rows: &[ReportRow],
        currency: &str,
    ) {
        if rows
            .iter()
            .all(|row| row.daily.iter().all(Decimal::is_zero))
        {
            return;
        }
        let (by, what) = match place.2 {
            ChartSubject::Owners => ("owner", "usage alone"),
            ChartSubject::Services => ("service", "usage alone"),
            ChartSubject::Accounts | ChartSubject::RunningTotal => ("account", "all charge types"),
        };
        let what = match self.report.audience.kind {
            AudienceKind::Individual => "usage alone",
            AudienceKind::Manager | AudienceKind::Executive => what,
        };
        let named: Vec<(&str, &[Decimal])> = rows
            .iter()
            .map(|row| (short(place.2, &row.label.name), row.daily.as_slice()))
            .collect();
        let title = format!("{of} by {by}");
        let scene = StackChart {
            title: &title,
            subtitle: &format!("{}, {what}", shown(self.report)),
            currency,
            first: self.report.period.days.from,
            rows: &named,
            estimated: &self.report.period.estimated,
        }
        .scene();
        let largest = rows.iter().take(3).map(|row| {
            let amount = money::words(row.figure.amount, currency);
            format!("{} {amount}", name(&row.label.name))
        });
        let largest: Vec<String> = largest.collect();
        let alt = format!(
            "{}, day by day. Largest: {}.",
            name(&title),
            largest.join(", ")
        );
        self.add(place, &format!("{of}-by-{by}"), alt, &scene);
    }

    /// Adds the running total, unless there is at most one day.
    fn running_total(&mut self, place: (usize, Option<usize>, ChartSubject), part: &ReportPart) {
        if part.daily.len() < 2 && part.daily_before.len() < 2 {
            return;
        }
        let period = &self.report.period;
        let now = shown(self.report);
        let against = period
            .compared_label
            .as_deref()
            .filter(|_| !part.daily_before.is_empty());
        // A month in progress is drawn against the whole month before, not only against the compared days.
        let whole = period
            .compared
            .filter(|_| part.daily.len() < part.daily_before.len());
        let before = match whole {
            Some(days) => days.from.strftime("%B %Y").to_string(),
            None => against.unwrap_or("").to_owned(),
        };
        let months = matches!(period.kind, PeriodKind::MonthToDate | PeriodKind::LastMonth);
        let what = match self.report.audience.kind {
            AudienceKind::Individual => "usage alone",
            AudienceKind::Manager | AudienceKind::Executive => "all charge types",
        };
        let scene = CumulativeChart {
            title: "Total so far",
            subtitle: &format!("{now}, {what}"),
            currency: &part.currency,
            now: (&now, &part.daily),
            before: against.map(|_| (before.as_str(), part.daily_before.as_slice())),
            first: period.days.from,
            months,
        }
        .scene();
        let total = money::words(part.total.amount, &part.currency);
        let mut alt = format!("The total so far, day by day. {now}: {total}");
        if let (Some(label), Some(before)) = (&period.compared_label, part.total.before) {
            alt += &format!("; {label}: {}", money::words(before, &part.currency));
        }
        self.add(place, "total-so-far", format!("{alt}."), &scene);
    }

    fn add(
        &mut self,
        place: (usize, Option<usize>, ChartSubject),
        about: &str,
        alt: String,
        scene: &ChartScene,
    ) {
        let png = scene.to_png();
        let number = self.pictures.len() + 1;
        let about: String = about.chars().filter(|c| !c.is_control()).take(80).collect();
        let name = escape::file_name(&about.to_lowercase().replace([' ', '(', ')'], "-"));
        let name = name
            .split('-')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("-");
        let picture = InlinePicture {
            // The checksum keeps clients from showing another mail's cached picture.
            cid: format!("{number}.{:08x}@trailtab", libdeflater::crc32(&png)),
            // The number makes it unique.
            name: format!("{number:02}-{name}.png"),
            alt,
            width: MAIL_WIDTH / 2,
            height: scene.height.div_ceil(2),
            png,
        };
        self.pictures.push(PlacedChart { place, picture });
    }
}

/// Rows of accounts. An account that shares its name with another is shown with its ID.
fn accounts(part: &ReportPart) -> Vec<ReportRow> {
    let name = |account: &AccountPart| account.account.as_ref().map(|account| account.name.clone());
    let is_twice = |of: &AccountPart| {
        1 < part
            .accounts
            .iter()
            .filter(|other| name(other) == name(of))
            .count()
    };
    let row = |of: &AccountPart| {
        let mut row = of.row.clone();
        if let Some(account) = of.account.as_ref().filter(|_| is_twice(of)) {
            row.label.name = format!("{} {}", account.id, account.name);
        }
        row
    };
    part.accounts.iter().map(row).collect()
}

/// A service's name without the prefix `Amazon` or `AWS`.
fn short(about: ChartSubject, name: &str) -> &str {
    let brand = || {
        name.strip_prefix("Amazon ")
            .or_else(|| name.strip_prefix("AWS "))
    };
    match about {
        ChartSubject::Services => brand()
            .filter(|rest| !rest.trim().is_empty())
            .unwrap_or(name),
        _ => name,
    }
}

/// Escapes and shortens a name for a sentence.
fn name(name: &str) -> String {
    middle(&escape::terminal(name), 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::letter::tidy;
    use super::*;
    use trailtab_core::cost::report::sample;

    fn names(report: &CostReport) -> Vec<String> {
        let pictures = pictures(report);
        for placed in &pictures {
            let picture = &placed.picture;
            assert!(picture.png.starts_with(b"\x89PNG"));
            // Keeps a mail with all pictures small.
            assert!(
                picture.png.len() < 60_000,
                "{} {}",
                picture.name,
                picture.png.len()
            );
            assert_eq!(picture.width, 600);
            assert!((200..400).contains(&picture.height));
            assert!(!picture.alt.contains(char::is_control), "{}", picture.alt);
            assert!(picture.alt.chars().count() < 500);
        }
        let cids: BTreeSet<&str> = pictures
            .iter()
            .map(|placed| placed.picture.cid.as_str())
            .collect();
        assert_eq!(cids.len(), pictures.len());
        pictures
            .into_iter()
            .map(|placed| placed.picture.name)
            .collect()
    }

    #[test]
    fn each_reader_has_their_charts() {
        let manager = names(&sample::manager());
        assert_eq!(manager.len(), 3 + 2 * 4, "{manager:?}");
        assert_eq!(manager[0], "01-all-accounts-by-owner.png");
        assert_eq!(manager[3], "04-production-111122223333-by-owner.png");
        assert_eq!(names(&sample::individual()).len(), 2 + 3 + 1);
        assert_eq!(names(&sample::executive()).len(), 4);
    }

    #[test]
    fn charts_are_bounded_and_nothing_is_drawn_of_nothing() {
        let mut report = sample::manager();
        let account = report.parts[0].accounts[0].clone();
        report.parts[0].accounts = vec![account; 40];
        assert_eq!(names(&report).len(), 3 + 2 * MAX_CHARTED_ACCOUNTS);
        assert_eq!(names(&sample::nothing()), Vec::<String>::new());
    }

    #[test]
    fn accounts_with_one_name_stay_apart() {
        let mut part = sample::executive().parts.remove(0);
        for account in part.accounts.iter_mut().take(2) {
            account.account.as_mut().unwrap().name = "Twin".to_owned();
        }
        let rows = accounts(&part);
        assert_eq!(rows[0].label.name, "111122223333 Twin");
        assert_eq!(rows[1].label.name, "444455556666 Twin");
        assert_eq!(rows[2].label.name, "Staging");
    }

    #[test]
    fn hostile_names_are_no_paths() {
        for name in names(&tidy(&sample::hostile())) {
            let good = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
            assert!(name.chars().all(good) && name.ends_with(".png"), "{name}");
            assert!(name.len() < 120);
        }
    }
}
