//! Days: the period of a report, and the days that it is compared with. All days are UTC.
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};
use serde::{Deserialize, Serialize};

/// The kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// From the first day of the current month until now.
    MonthToDate,
    /// The whole month before the current one.
    LastMonth,
    /// Days that were chosen freely.
    Range,
}

/// A range of consecutive days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayRange {
    /// The first day.
    pub from: Date,
    /// The last day, which is never before the first.
    pub through: Date,
}

#[expect(clippy::len_without_is_empty, reason = "it has one day at least")]
impl DayRange {
    /// All days of the month that contains a day.
    pub fn month_of(day: Date) -> DayRange {
        DayRange {
            from: day.first_of_month(),
            through: day.last_of_month(),
        }
    }

    /// Returns whether these are all days of one month.
    pub fn is_a_month(self) -> bool {
        self == DayRange::month_of(self.from)
    }

    /// Number of days, at least 1.
    pub fn len(self) -> usize {
        self.place(self.through).map_or(1, |last| last + 1)
    }

    /// Returns whether a day is in the range.
    pub fn contains(self, day: Date) -> bool {
        (self.from..=self.through).contains(&day)
    }

    /// The index of a day in the range, starting at 0.
    pub fn place(self, day: Date) -> Option<usize> {
        let hours = self.from.duration_until(day).as_hours();
        match self.contains(day) {
            true => usize::try_from(hours / 24).ok(),
            false => None,
        }
    }

    /// The days in order.
    pub fn iter(self) -> impl Iterator<Item = Date> {
        let days = self.from.series(1.day());
        days.take_while(move |day| *day <= self.through)
    }

    /// The days that have data.
    pub fn known(self, data_through: Option<Date>) -> Option<DayRange> {
        let through = data_through?.min(self.through);
        (through >= self.from).then_some(DayRange { through, ..self })
    }

    /// The same days of the previous month. In a shorter month the range ends earlier.
    fn a_month_earlier(self) -> DayRange {
        DayRange {
            from: self.from.saturating_sub(1.month()),
            through: self.through.saturating_sub(1.month()),
        }
    }

    /// The same number of days, directly before these.
    fn right_before(self) -> DayRange {
        let day = SignedDuration::from_hours(24);
        let days = i32::try_from(self.len()).unwrap_or(i32::MAX);
        DayRange {
            from: self.from.saturating_sub(day.saturating_mul(days)),
            through: self.from.saturating_sub(day),
        }
    }

    /// The range in words: `20 November 2026`, `1–20 November 2026`, `28 October – 3 November
    /// 2026`.
    pub fn label(self) -> String {
        let year = self.through.strftime("%Y");
        match self.from.year() == self.through.year() {
            true => format!("{} {year}", self.within_a_year()),
            false => {
                let from = self.from.strftime("%-d %B %Y");
                format!("{from} – {} {year}", self.through.strftime("%-d %B"))
            }
        }
    }

    /// The range in words, next to another range: without the year if both are in the same year.
    pub fn label_beside(self, other: DayRange) -> String {
        let years = [self.from, self.through, other.from, other.through].map(Date::year);
        match years.iter().all(|year| *year == years[0]) {
            true => self.within_a_year(),
            false => self.label(),
        }
    }

    fn within_a_year(self) -> String {
        let (from, through) = (self.from, self.through.strftime("%-d %B"));
        match self {
            _ if from == self.through => through.to_string(),
            _ if from.month() == self.through.month() => format!("{}–{through}", from.day()),
            _ => format!("{} – {through}", from.strftime("%-d %B")),
        }
    }
}

/// A day in words: `20 November 2026`.
pub fn label_of(day: Date) -> String {
    let (from, through) = (day, day);
    DayRange { from, through }.label()
}

/// Joins consecutive days to ranges. The days must be sorted.
pub fn in_a_row(days: &[Date]) -> Vec<DayRange> {
    let mut rows: Vec<DayRange> = Vec::new();
    for day in days {
        match rows.last_mut() {
            Some(row) if row.through.tomorrow().is_ok_and(|next| next == *day) => {
                row.through = *day;
            }
            _ => rows.push(DayRange {
                from: *day,
                through: *day,
            }),
        }
    }
    rows
}

/// The days of the current month, without today unless requested. Absent on the first day of a month
/// unless today is included.
pub fn month_to_date(today: Date, include_today: bool) -> Option<DayRange> {
    let through = match include_today {
        true => today,
        false => today.yesterday().ok()?,
    };
    let from = today.first_of_month();
    (from <= through).then_some(DayRange { from, through })
}

/// All days of the previous month.
pub fn last_month(today: Date) -> DayRange {
    DayRange::month_of(today.first_of_month().saturating_sub(1.month()))
}

/// The last day that is settled: whose costs will hardly change any more. A day is settled `lag_days` days after its
/// end; with none, yesterday is.
pub fn settled_through(today: Date, lag_days: u8) -> Date {
    today.saturating_sub((1 + i32::from(lag_days)).days())
}

/// The month before a period, if the period is a month or the first days of one: what is charged once a month is shown
/// beside its amount in that month.
pub fn month_before(kind: PeriodKind, days: DayRange) -> Option<DayRange> {
    let is_of_month = match kind {
        PeriodKind::MonthToDate | PeriodKind::LastMonth => true,
        PeriodKind::Range => days.is_a_month(),
    };
    is_of_month.then(|| last_month(days.from))
}

/// The days that a period is compared with: as many as are settled, if any day is.
///
/// A whole month is compared with the whole previous month, a month to date with the same days of the
/// previous month, and any other range with the same number of days directly before it.
pub fn compared(
    kind: PeriodKind,
    days: DayRange,
    settled_through: Option<Date>,
) -> Option<DayRange> {
    let known = days.known(settled_through)?;
    Some(match kind {
        // A month whose last days are not settled yet is not a whole month.
        _ if known == days && days.is_a_month() => last_month(days.from),
        PeriodKind::MonthToDate | PeriodKind::LastMonth => known.a_month_earlier(),
        PeriodKind::Range if days.is_a_month() => known.a_month_earlier(),
        PeriodKind::Range => known.right_before(),
    })
}

/// The smallest range of days that contains a period and everything it may be compared with.
pub fn whole(kind: PeriodKind, days: DayRange) -> DayRange {
    let from = match kind {
        PeriodKind::MonthToDate | PeriodKind::LastMonth => days.a_month_earlier().from,
        PeriodKind::Range if days.is_a_month() => last_month(days.from).from,
        PeriodKind::Range => days.right_before().from,
    };
    DayRange { from, ..days }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::PeriodKind::{LastMonth, MonthToDate, Range};
    use super::*;

    fn days(from: &str, through: &str) -> DayRange {
        DayRange {
            from: from.parse().unwrap(),
            through: through.parse().unwrap(),
        }
    }

    fn compared_all(kind: PeriodKind, from: &str, through: &str) -> DayRange {
        let days = days(from, through);
        compared(kind, days, Some(days.through)).unwrap()
    }

    #[test]
    fn a_day_is_settled_days_after_its_end() {
        let today = date(2026, 11, 21);
        assert_eq!(settled_through(today, 2), date(2026, 11, 18));
        assert_eq!(settled_through(today, 0), date(2026, 11, 20));
        assert_eq!(settled_through(date(2026, 11, 2), 2), date(2026, 10, 30));
        assert_eq!(settled_through(Date::MIN, 255), Date::MIN);
    }

    #[test]
    fn today_is_left_out_unless_asked_for() {
        let month = |today: Date, include| month_to_date(today, include);
        let first = date(2026, 11, 1);
        assert_eq!(month(first, false), None);
        assert_eq!(month(first, true), Some(days("2026-11-01", "2026-11-01")));
        let last = date(2024, 2, 29);
        assert_eq!(month(last, false), Some(days("2024-02-01", "2024-02-28")));
        assert_eq!(month(last, true), Some(days("2024-02-01", "2024-02-29")));
        assert_eq!(month(Date::MIN, false), None);
    }

    #[test]
    fn the_last_month_is_whole() {
        let cases = [
            ("2026-01-01", "2025-12-01", "2025-12-31"),
            ("2026-01-31", "2025-12-01", "2025-12-31"),
            ("2024-03-31", "2024-02-01", "2024-02-29"),
            ("2026-03-29", "2026-02-01", "2026-02-28"),
            ("2100-03-01", "2100-02-01", "2100-02-28"),
            ("2026-05-31", "2026-04-01", "2026-04-30"),
        ];
        for (today, from, through) in cases {
            assert_eq!(last_month(today.parse().unwrap()), days(from, through));
        }
    }

    #[test]
    fn a_month_to_date_is_compared_with_the_same_days() {
        let cases = [
            ("2026-11-01", "2026-11-20", "2026-10-01", "2026-10-20"),
            ("2026-11-01", "2026-11-01", "2026-10-01", "2026-10-01"),
            ("2026-01-01", "2026-01-31", "2025-12-01", "2025-12-31"),
            // Longer than the month before: it ends where that one ends.
            ("2026-03-01", "2026-03-28", "2026-02-01", "2026-02-28"),
            ("2026-03-01", "2026-03-29", "2026-02-01", "2026-02-28"),
            ("2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"),
            ("2024-03-01", "2024-03-31", "2024-02-01", "2024-02-29"),
            ("2026-05-01", "2026-05-31", "2026-04-01", "2026-04-30"),
            ("2026-02-01", "2026-02-27", "2026-01-01", "2026-01-27"),
            // A month that has all its days is a whole month.
            ("2026-02-01", "2026-02-28", "2026-01-01", "2026-01-31"),
            ("2024-02-01", "2024-02-29", "2024-01-01", "2024-01-31"),
        ];
        for (from, through, first, last) in cases {
            assert_eq!(compared_all(MonthToDate, from, through), days(first, last));
        }
    }

    #[test]
    fn a_whole_month_is_compared_with_a_whole_one() {
        let february = days("2026-02-01", "2026-02-28");
        let january = days("2026-01-01", "2026-01-31");
        let of = |through: Date| compared(LastMonth, february, Some(through));
        assert_eq!(of(february.through), Some(january));
        assert_eq!(of(date(2026, 3, 5)), Some(january));
        let partial = days("2026-01-01", "2026-01-27");
        assert_eq!(of(date(2026, 2, 27)), Some(partial));
        for kind in [LastMonth, MonthToDate, Range] {
            let march = compared_all(kind, "2026-03-01", "2026-03-31");
            assert_eq!(march, february);
            let november = compared_all(kind, "2026-11-01", "2026-11-30");
            assert_eq!(november, days("2026-10-01", "2026-10-31"));
        }
        let of = |through: Date| compared(Range, february, Some(through));
        assert_eq!(of(date(2026, 2, 27)), Some(partial));
    }

    #[test]
    fn a_range_is_compared_with_as_many_days_before() {
        let range = days("2026-03-01", "2026-03-10");
        let of = |through: &str| compared(Range, range, Some(through.parse().unwrap()));
        let expected = Some(days("2026-02-19", "2026-02-28"));
        assert_eq!(of("2026-03-10"), expected);
        assert_eq!(of("2026-12-31"), expected);
        assert_eq!(of("2026-03-03"), Some(days("2026-02-26", "2026-02-28")));
        assert_eq!(of("2026-02-28"), None);
        assert_eq!(compared(Range, range, None), None);
    }

    #[test]
    fn labels_say_the_true_days() {
        let cases = [
            ("2026-11-20", "2026-11-20", "20 November 2026"),
            ("2026-11-01", "2026-11-20", "1–20 November 2026"),
            ("2026-10-28", "2026-11-03", "28 October – 3 November 2026"),
            (
                "2025-12-28",
                "2026-01-03",
                "28 December 2025 – 3 January 2026",
            ),
        ];
        for (from, through, label) in cases {
            assert_eq!(days(from, through).label(), label);
        }
        let march = days("2026-03-01", "2026-03-31");
        let february = compared_all(MonthToDate, "2026-03-01", "2026-03-31");
        assert_eq!(february.label_beside(march), "1–28 February");
        let january = days("2026-01-01", "2026-01-05");
        let december = days("2025-12-01", "2025-12-05");
        assert_eq!(december.label_beside(january), "1–5 December 2025");
    }

    #[test]
    fn days_that_follow_each_other_are_one_row() {
        let given = ["2026-11-18", "2026-11-19", "2026-11-21"].map(|day| day.parse().unwrap());
        let rows = in_a_row(&given);
        let expected = [
            days("2026-11-18", "2026-11-19"),
            days("2026-11-21", "2026-11-21"),
        ];
        assert_eq!(rows, expected);
        assert_eq!(in_a_row(&[]), []);
    }

    fn any_day() -> impl Strategy<Value = Date> {
        (2019i16..2032, 1i8..=12, 1i8..=31).prop_map(|(year, month, day)| {
            let first = date(year, month, 1);
            date(year, month, day.min(first.days_in_month()))
        })
    }

    proptest! {
        #[test]
        fn what_is_compared_is_never_longer_and_lies_in_the_whole(
            (one, other, data) in (any_day(), any_day(), any_day()),
            kind in proptest::sample::select(vec![MonthToDate, LastMonth, Range]),
        ) {
            let days = match kind {
                MonthToDate => DayRange { from: one.first_of_month(), through: one },
                LastMonth => last_month(one),
                Range => DayRange { from: one.min(other), through: one.max(other) },
            };
            let whole = whole(kind, days);
            prop_assert_eq!(days.iter().count(), days.len());
            prop_assert_eq!(whole.through, days.through);
            let Some(compared) = compared(kind, days, Some(data)) else {
                prop_assert!(data < days.from);
                return Ok(());
            };
            if let Some(month) = month_before(kind, days) {
                prop_assert_eq!(month.from, compared.from);
                prop_assert!(compared.through <= month.through && month.through < days.from);
            }
            prop_assert!(whole.from <= compared.from);
            // A whole month may be compared with a longer one.
            let known = days.known(Some(data)).unwrap();
            prop_assert!(compared.len() <= known.len() || known == days && days.is_a_month());
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        for kind in [MonthToDate, LastMonth, Range] {
            let all = DayRange {
                from: Date::MIN,
                through: Date::MAX,
            };
            let compared = compared(kind, all, Some(Date::MAX)).unwrap();
            assert!(compared.from <= compared.through);
            assert!(whole(kind, all).len() >= 7_000_000);
        }
        assert_eq!(last_month(Date::MIN).from, Date::MIN);
    }
}
