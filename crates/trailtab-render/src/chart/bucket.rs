//! Divides time into calendar periods (UTC) for columns and ticks.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// A division of time into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bucket {
    /// A number of hours that divides a day.
    Hours(i64),
    /// Monday to Sunday.
    Week,
    /// A number of months that divides a year, or a multiple of 12.
    Months(i64),
}

/// All divisions, finest first. The coarsest divides the years 1970 to 9999
/// into fewer than [`MAX_COLUMNS`].
const ALL: [Bucket; 13] = [
    Bucket::Hours(1),
    Bucket::Hours(3),
    Bucket::Hours(6),
    Bucket::Hours(12),
    Bucket::Hours(24),
    Bucket::Week,
    Bucket::Months(1),
    Bucket::Months(3),
    Bucket::Months(12),
    Bucket::Months(12 * 5),
    Bucket::Months(12 * 10),
    Bucket::Months(12 * 50),
    Bucket::Months(12 * 500),
];

/// Most columns that remain distinct at the charts' width.
pub(super) const MAX_COLUMNS: i64 = 200;

/// Seconds in an hour.
pub(super) const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 1970 began on a Thursday, three days after a Monday.
const MONDAY_OFFSET: i64 = 3 * DAY;
/// The last second that `jiff` can express, late in the year 9999.
const LAST_SECOND: i64 = 253_402_207_199;

impl Bucket {
    /// The finest division of a time span into fewer than [`MAX_COLUMNS`] columns.
    pub(super) fn of_columns(first: i64, last: i64) -> Self {
        Self::finest(|bucket| bucket.index(last) - bucket.index(first) < MAX_COLUMNS)
    }

    /// The finest division that leaves room for the labels of its ticks.
    pub(super) fn of_ticks(first: i64, last: i64) -> Self {
        Self::finest(|bucket| {
            // Day numbers are shorter than times, month names and years.
            let most = if bucket == Self::Hours(24) { 40 } else { 24 };
            bucket.index(last) - bucket.index(first) < most
        })
    }

    fn finest(fits: impl Fn(Self) -> bool) -> Self {
        let found = ALL.into_iter().find(|bucket| fits(*bucket));
        found.unwrap_or(ALL[ALL.len() - 1])
    }

    /// The number of the period that contains `second`, a Unix time. Times
    /// outside the years 1970 to 9999 count as the nearest time within.
    pub(super) fn index(self, second: i64) -> i64 {
        let second = second.clamp(0, LAST_SECOND);
        match self {
            Self::Hours(hours) => second / (hours * HOUR),
            Self::Week => (second + MONDAY_OFFSET) / (7 * DAY),
            Self::Months(months) => {
                let date = civil(second).date();
                (i64::from(date.year()) * 12 + i64::from(date.month()) - 1) / months
            }
        }
    }

    /// The Unix time at which a period begins.
    pub(super) fn start(self, index: i64) -> i64 {
        match self {
            Self::Hours(hours) => index * hours * HOUR,
            Self::Week => index * 7 * DAY - MONDAY_OFFSET,
            Self::Months(months) => {
                let month = index * months;
                // Indices come from `index`, so the date exists.
                Date::new((month / 12) as i16, (month % 12 + 1) as i8, 1)
                    .and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)))
                    .map_or(0, Timestamp::as_second)
            }
        }
    }

    /// The name of one period: `hour`, `6 hours`, `week`, `10 years`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Hours(1) => "hour".to_owned(),
            Self::Hours(24) => "day".to_owned(),
            Self::Hours(hours) => format!("{hours} hours"),
            Self::Week => "week".to_owned(),
            Self::Months(1) => "month".to_owned(),
            Self::Months(3) => "quarter".to_owned(),
            Self::Months(12) => "year".to_owned(),
            Self::Months(months) => format!("{} years", months / 12),
        }
    }

    /// The label of a tick, and the group label below the first tick of those that share it.
    pub(super) fn tick_labels(self, second: i64) -> (String, String) {
        let (near, far) = match self {
            Self::Hours(24) | Self::Week => ("%-d", "%b %Y"),
            Self::Hours(_) => ("%H:%M", "%a %-d %b"),
            Self::Months(1 | 3) => ("%b", "%Y"),
            Self::Months(_) => ("%Y", ""),
        };
        let time = civil(second);
        (
            time.strftime(near).to_string(),
            time.strftime(far).to_string(),
        )
    }

    /// The start of a period, to the precision of the division.
    pub(super) fn label(self, second: i64) -> String {
        let format = match self {
            Self::Hours(24) | Self::Week => "%Y-%m-%d",
            Self::Hours(_) => "%Y-%m-%d %H:%M",
            Self::Months(1 | 3) => "%Y-%m",
            Self::Months(_) => "%Y",
        };
        civil(second).strftime(format).to_string()
    }
}

/// Formats a Unix time as `2024-06-03 00:00`, UTC.
pub(super) fn minute(second: i64) -> String {
    civil(second).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The date and time in UTC.
fn civil(second: i64) -> DateTime {
    let time =
        Timestamp::from_second(second.clamp(0, LAST_SECOND)).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 3 June 2024, 00:00.
    const JUNE: i64 = 1_717_372_800;

    #[test]
    fn periods_contain_their_start_and_not_their_end() {
        for bucket in ALL {
            for second in [0, JUNE - 1, JUNE, JUNE + 12_345, LAST_SECOND] {
                let index = bucket.index(second);
                assert!(bucket.start(index) <= second, "{bucket:?}");
                assert!(second < bucket.start(index + 1) || bucket.start(index + 1) == 0);
            }
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let week = Bucket::Week;
        assert_eq!(week.start(week.index(JUNE)), JUNE);
        assert_eq!(week.index(JUNE - 1) + 1, week.index(JUNE));
    }

    #[test]
    fn spans_choose_their_columns() {
        let of = |days: i64| Bucket::of_columns(JUNE, JUNE + days * DAY - HOUR);
        assert_eq!(of(1), Bucket::Hours(1));
        assert_eq!(of(14), Bucket::Hours(3));
        assert_eq!(of(120), Bucket::Hours(24));
        assert_eq!(of(400), Bucket::Week);
        let all = Bucket::of_columns(i64::MIN, i64::MAX);
        assert!(all.index(i64::MAX) - all.index(i64::MIN) < MAX_COLUMNS);
        let ticks = Bucket::of_ticks(i64::MIN, i64::MAX);
        assert!(ticks.index(i64::MAX) - ticks.index(i64::MIN) < 24);
    }

    #[test]
    fn labels_name_the_period() {
        assert_eq!(Bucket::Hours(6).label(JUNE), "2024-06-03 00:00");
        assert_eq!(Bucket::Months(12).label(JUNE), "2024");
        let (near, far) = Bucket::Hours(24).tick_labels(JUNE);
        assert_eq!((near.as_str(), far.as_str()), ("3", "Jun 2024"));
    }
}
