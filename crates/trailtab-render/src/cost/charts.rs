//! Draws the charts of a mail.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::layout::shown;
use super::letter::InlinePicture;
use crate::chart::{ChartScene, CumulativeChart, MAIL_WIDTH, StackChart, StackRow};
use crate::document::PictureRef;
use crate::escape;
use crate::page::middle;
use trailtab_core::cost::money;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, CostReport, CutScope, PeriodKind, ReportPart,
    ReportRow, RowLabel,
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

/// A place in a report where a chart may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChartPlace {
    /// Index of the part.
    pub(super) part: usize,
    /// Index of one of its accounts; all of them without one.
    pub(super) account: Option<usize>,
    pub(super) subject: ChartSubject,
}

/// The charts of a report, each drawn when it is asked for first.
pub(super) struct ChartAlbum<'r> {
    report: &'r CostReport,
    ranks: ColorRanks,
    /// What was asked for; nothing where there is nothing to draw.
    places: Vec<(ChartPlace, Option<PictureRef>)>,
    pictures: Vec<InlinePicture>,
}

/// Which colour each row has in all charts of a mail.
struct ColorRanks {
    owners: BTreeMap<RowLabel, usize>,
    services: BTreeMap<RowLabel, usize>,
    accounts: BTreeMap<RowLabel, usize>,
}

impl ColorRanks {
    fn of(report: &CostReport) -> ColorRanks {
        let ranked = |rows: &mut dyn Iterator<Item = RowLabel>| {
            let mut ranks = BTreeMap::new();
            for label in rows {
                let next = ranks.len();
                ranks.entry(label).or_insert(next);
            }
            ranks
        };
        let parts = report.parts.iter();
        let label = |row: &ReportRow| row.label.clone();
        ColorRanks {
            owners: ranked(&mut parts.clone().flat_map(|part| &part.owners).map(label)),
            services: ranked(&mut parts.clone().flat_map(|part| &part.services).map(label)),
            accounts: ranked(
                &mut parts
                    .flat_map(|part| accounts(report, part))
                    .map(|row| row.label),
            ),
        }
    }
}

/// A chart before it becomes a picture.
struct DrawnChart {
    /// What the file is named after.
    about: String,
    alt: String,
    scene: ChartScene,
}

impl<'r> ChartAlbum<'r> {
    pub(super) fn new(report: &'r CostReport) -> ChartAlbum<'r> {
        ChartAlbum {
            report,
            ranks: ColorRanks::of(report),
            places: Vec::new(),
            pictures: Vec::new(),
        }
    }

    /// The picture of a reference.
    pub(super) fn picture(&self, of: &PictureRef) -> Option<&InlinePicture> {
        self.pictures.get(of.id)
    }

    /// The chart of a place, unless there is nothing to draw.
    pub(super) fn chart(&mut self, place: ChartPlace) -> Option<PictureRef> {
        if let Some((_, known)) = self.places.iter().find(|(of, _)| *of == place) {
            return known.clone();
        }
        let drawn = self.draw(place);
        let drawn = drawn.map(|drawn| self.add(drawn));
        self.places.push((place, drawn.clone()));
        drawn
    }

    fn draw(&self, place: ChartPlace) -> Option<DrawnChart> {
        let part = self.report.parts.get(place.part)?;
        let account = match place.account {
            Some(at) if MAX_CHARTED_ACCOUNTS <= at => return None,
            Some(at) => Some(part.accounts.get(at)?),
            None => None,
        };
        let (owners, services) = match account {
            Some(account) => (&account.owners, &account.services),
            None => (&part.owners, &part.services),
        };
        let of = match account {
            Some(account) => account
                .account
                .as_ref()
                .map_or_else(|| account.row.label.name.clone(), AccountName::label),
            None if self.report.audience.kind == AudienceKind::Manager => "All accounts".to_owned(),
            None => "Cost".to_owned(),
        };
        match place.subject {
            ChartSubject::Owners => self.stack(place.subject, &of, owners, &part.currency),
            ChartSubject::Services => self.stack(place.subject, &of, services, &part.currency),
            ChartSubject::Accounts => self.stack(
                place.subject,
                &of,
                &accounts(self.report, part),
                &part.currency,
            ),
            ChartSubject::RunningTotal => self.running_total(part),
        }
    }

    /// Stacked bars, unless all amounts are zero.
    fn stack(
        &self,
        subject: ChartSubject,
        of: &str,
        rows: &[ReportRow],
        currency: &str,
    ) -> Option<DrawnChart> {
        if rows
            .iter()
            .all(|row| row.daily.iter().all(Decimal::is_zero))
        {
            return None;
        }
        let by = match subject {
            ChartSubject::Owners => "owner",
            ChartSubject::Services => "service",
            ChartSubject::Accounts | ChartSubject::RunningTotal => "account",
        };
        let ranks = match subject {
            ChartSubject::Owners => &self.ranks.owners,
            ChartSubject::Services => &self.ranks.services,
            ChartSubject::Accounts | ChartSubject::RunningTotal => &self.ranks.accounts,
        };
        let named: Vec<StackRow<'_>> = rows
            .iter()
            .map(|row| StackRow {
                name: short(subject, &row.label.name),
                daily: &row.daily,
                rank: ranks.get(&row.label).copied().unwrap_or_default(),
            })
            .collect();
        let title = format!("{of} by {by}");
        let what = match self.report.basis.cut_scope {
            CutScope::Usage => "usage",
            CutScope::AllCharges => "all charge types",
        };
        let loading = self.report.period.loading();
        let loading: Vec<Date> = loading.into_iter().flat_map(DayRange::iter).collect();
        let scene = StackChart {
            title: &title,
            subtitle: &format!("{}, {what}", charted(self.report)),
            currency,
            first: self.report.period.days.from,
            rows: &named,
            loading: &loading,
        }
        .scene();
        let largest = rows.iter().take(3).map(|row| {
            let amount = match self.report.period.settled() {
                Some(_) => row.figure.settled,
                None => row.figure.amount,
            };
            let amount = money::words(amount, currency);
            format!("{} {amount}", name(&row.label.name))
        });
        let largest: Vec<String> = largest.collect();
        let alt = format!(
            "{}, day by day. Largest, {}: {}.",
            name(&title),
            shown(self.report),
            largest.join(", ")
        );
        Some(DrawnChart {
            about: format!("{of}-by-{by}"),
            alt,
            scene,
        })
    }

    /// The running total, unless there is at most one day.
    fn running_total(&self, part: &ReportPart) -> Option<DrawnChart> {
        let period = &self.report.period;
        // Days that are loading would look like a saving.
        let settled = period.settled().map_or(0, DayRange::len);
        let daily = &part.daily[..settled.min(part.daily.len())];
        if daily.len() < 2 && part.daily_before.len() < 2 {
            return None;
        }
        let now = shown(self.report);
        let against = period
            .compared_label
            .as_deref()
            .filter(|_| !part.daily_before.is_empty());
        // A month in progress is drawn against the whole month before, not only against the compared days.
        let whole = period
            .compared
            .filter(|_| daily.len() < part.daily_before.len());
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
            now: (&now, daily),
            before: against.map(|_| (before.as_str(), part.daily_before.as_slice())),
            first: period.days.from,
            months,
        }
        .scene();
        let total = money::words(part.total.settled, &part.currency);
        let mut alt = format!("The total so far, day by day. {now}: {total}");
        if let (Some(label), Some(before)) = (&period.compared_label, part.total.before) {
            alt += &format!("; {label}: {}", money::words(before, &part.currency));
        }
        Some(DrawnChart {
            about: "total-so-far".to_owned(),
            alt: format!("{alt}."),
            scene,
        })
    }

    fn add(&mut self, drawn: DrawnChart) -> PictureRef {
        let DrawnChart {
            about,
            alt,
            mut scene,
        } = drawn;
        let png = scene.to_png();
        // Read out in place of the picture.
        scene.rename(&alt);
        let id = self.pictures.len();
        let number = id + 1;
        let about: String = about.chars().filter(|c| !c.is_control()).take(80).collect();
        let name = escape::file_name(&about.to_lowercase().replace([' ', '(', ')'], "-"));
        let name = name
            .split('-')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("-");
        // The number makes it unique.
        let name = format!("{number:02}-{name}.png");
        self.pictures.push(InlinePicture {
            // The checksum keeps clients from showing another mail's cached picture.
            cid: format!("{number}.{:08x}@trailtab", libdeflater::crc32(&png)),
            name: name.clone(),
            width: MAIL_WIDTH / 2,
            height: scene.height.div_ceil(2),
            png,
            svg: scene.to_svg(),
        });
        PictureRef { id, name, alt }
    }
}

/// Label of the days with data, which the charts show.
fn charted(report: &CostReport) -> String {
    let period = &report.period;
    let known = period.days.known(period.data_through);
    known.map_or_else(|| period.label.clone(), DayRange::label)
}

/// Rows of accounts. An account that shares its name with another is shown with its ID.
fn accounts(report: &CostReport, part: &ReportPart) -> Vec<ReportRow> {
    let name = |account: &AccountPart| account.account.as_ref().map(|account| account.name.clone());
    let is_twice = |of: &AccountPart| {
        1 < part
            .accounts
            .iter()
            .filter(|other| name(other) == name(of))
            .count()
    };
    let row = |of: &AccountPart| {
        let mut row = match report.basis.cut_scope {
            CutScope::Usage => of.usage()?,
            CutScope::AllCharges => of.row.clone(),
        };
        if let Some(account) = &of.account {
            row.label.name = match is_twice(of) {
                true => format!("{} {}", account.id, account.name),
                false => account.name.clone(),
            };
        }
        Some(row)
    };
    part.accounts.iter().filter_map(row).collect()
}

/// The name of a row in a chart.
fn short(about: ChartSubject, name: &str) -> &str {
    match about {
        ChartSubject::Services => short_service(name),
        _ => name,
    }
}

/// A service's name without the prefix `Amazon` or `AWS`.
pub(super) fn short_service(name: &str) -> &str {
    let brand = name
        .strip_prefix("Amazon ")
        .or_else(|| name.strip_prefix("AWS "));
    let rest = brand.filter(|rest| !rest.trim().is_empty());
    rest.unwrap_or(name)
}

/// Escapes and shortens a name for a sentence.
fn name(name: &str) -> String {
    middle(&escape::terminal(name), 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::layout::{ReportForm, document};
    use super::super::letter::{LIMITS, LetterOccasion};
    use super::super::tidy;
    use super::*;
    use trailtab_core::cost::report::sample;
    use trailtab_core::cost::wording::MailWording;

    fn names(report: &CostReport) -> Vec<String> {
        let mut album = ChartAlbum::new(report);
        let form = ReportForm::Letter {
            wording: &MailWording::default(),
            occasion: LetterOccasion::First,
            has_table: true,
            limits: LIMITS[0],
        };
        let document = document(report, form, &mut |place| album.chart(place));
        let mut cids = BTreeSet::new();
        let mut names = Vec::new();
        for of in document.pictures() {
            let picture = album.picture(of).unwrap();
            assert!(picture.png.starts_with(b"\x89PNG"));
            // Keeps a mail with all pictures small.
            let bytes = picture.png.len();
            assert!(bytes < 60_000, "{} {bytes}", picture.name);
            assert_eq!(picture.width, MAIL_WIDTH / 2);
            assert!((200..520).contains(&picture.height), "{}", picture.height);
            assert!(!of.alt.contains(char::is_control), "{}", of.alt);
            assert!(of.alt.chars().count() < 500);
            assert!(cids.insert(&picture.cid));
            names.push(picture.name.clone());
        }
        names
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
        let mut report = sample::executive();
        let mut part = report.parts.remove(0);
        for account in part.accounts.iter_mut().take(2) {
            account.account.as_mut().unwrap().name = "Twin".to_owned();
        }
        let rows = accounts(&report, &part);
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
