//! Times and time windows, and how both are written. All times are UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970-01-01T00:00:00Z.
pub type Seconds = i64;

const SECONDS_PER_DAY: Seconds = 86_400;

const SECONDS_PER_HOUR: Seconds = 3600;

/// The requested time range. An end that is not set has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeWindow {
    /// The first second inside the window.
    pub since: Option<Seconds>,
    /// The first second after the window.
    pub until: Option<Seconds>,
}

/// A half-open range of seconds in UTC, [from, until).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeRange {
    /// The first second, in seconds since 1970-01-01T00:00:00Z.
    pub from: Seconds,
    /// The first second after it, in seconds since 1970-01-01T00:00:00Z.
    pub until: Seconds,
}

impl TimeRange {
    /// Returns whether the range contains no second.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// The number of seconds.
    pub fn seconds(self) -> u64 {
        u64::try_from(i128::from(self.until) - i128::from(self.from)).unwrap_or(0)
    }

    /// The intersection of both; may be empty.
    pub fn intersect(self, other: TimeRange) -> TimeRange {
        TimeRange {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }

    /// The smallest range that contains both; an empty one is ignored.
    pub fn hull(self, other: TimeRange) -> TimeRange {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => TimeRange {
                from: self.from.min(other.from),
                until: self.until.max(other.until),
            },
        }
    }
}

/// Text that is not a time argument. The message lists every accepted form; `invalid time "x": ` or clap's
/// `invalid value 'x' for '--since <TIME>': ` precedes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a date (2026-09-07), a time (2026-09-07T08:30:00Z), today, yesterday, now, or an age such as 7d or 24h"
)]
pub struct InvalidTime;

/// A window that contains no second.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time window is empty: it starts at {since} and ends at {until}")]
pub struct EmptyWindow {
    since: String,
    until: String,
}

/// A time as a user writes it, for `--since` and `--until` of all verbs.
///
/// It is resolved against the current time, which is why [`TimeWindow::between`] takes `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeArgument {
    /// `now`
    Now,
    /// `today`, in UTC
    Today,
    /// `yesterday`, in UTC
    Yesterday,
    /// `2026-09-07`, in UTC
    Date(Date),
    /// `2026-09-07T08:30:00Z`; UTC if it names no zone
    Instant(Seconds),
    /// `7d`: this long before now
    Age {
        /// Number of units.
        count: u32,
        /// Length of a unit.
        unit: AgeUnit,
    },
}

/// The unit of an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeUnit {
    /// `m`, 60 seconds.
    Minutes,
    /// `h`, 3600 seconds.
    Hours,
    /// `d`, 24 hours.
    Days,
    /// `w`, 7 days.
    Weeks,
}

impl AgeUnit {
    const ALL: [AgeUnit; 4] = [
        AgeUnit::Minutes,
        AgeUnit::Hours,
        AgeUnit::Days,
        AgeUnit::Weeks,
    ];

    fn letter(self) -> char {
        match self {
            AgeUnit::Minutes => 'm',
            AgeUnit::Hours => 'h',
            AgeUnit::Days => 'd',
            AgeUnit::Weeks => 'w',
        }
    }

    fn seconds(self) -> Seconds {
        match self {
            AgeUnit::Minutes => 60,
            AgeUnit::Hours => 3600,
            AgeUnit::Days => SECONDS_PER_DAY,
            AgeUnit::Weeks => 7 * SECONDS_PER_DAY,
        }
    }
}

impl FromStr for TimeArgument {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<TimeArgument, InvalidTime> {
        let text = text.trim();
        let words = [
            TimeArgument::Now,
            TimeArgument::Today,
            TimeArgument::Yesterday,
        ];
        if let Some(word) = words
            .into_iter()
            .find(|word| word.to_string().eq_ignore_ascii_case(text))
        {
            return Ok(word);
        }
        if let Some(age) = parse_age(text) {
            return Ok(age);
        }
        // jiff also parses a date from a longer text, and drops the time of day.
        let is_date = text.len() == 10 || (text.len() == 8 && !text.contains(':'));
        if is_date && let Ok(date) = text.parse::<Date>() {
            return Ok(TimeArgument::Date(date));
        }
        let instant = parse(text.as_bytes()).ok_or(InvalidTime)?;
        Ok(TimeArgument::Instant(instant))
    }
}

/// Reads an age such as `7d`; the unit is a letter of either case.
fn parse_age(text: &str) -> Option<TimeArgument> {
    let letter = text.chars().next_back()?.to_ascii_lowercase();
    let unit = AgeUnit::ALL
        .into_iter()
        .find(|unit| unit.letter() == letter)?;
    let digits = &text[..text.len() - 1];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.parse().ok().filter(|_| is_number)?;
    Some(TimeArgument::Age { count, unit })
}

impl fmt::Display for TimeArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeArgument::Now => f.write_str("now"),
            TimeArgument::Today => f.write_str("today"),
            TimeArgument::Yesterday => f.write_str("yesterday"),
            TimeArgument::Date(date) => write!(f, "{date}"),
            TimeArgument::Instant(instant) => f.write_str(&iso(*instant)),
            TimeArgument::Age { count, unit } => write!(f, "{count}{}", unit.letter()),
        }
    }
}

impl TimeArgument {
    /// The first second that `--since` with this argument includes: a day counts from its first second.
    pub fn start(self, now: Seconds) -> Seconds {
        match self {
            TimeArgument::Now => now,
            TimeArgument::Today => midnight(date_of(now)),
            TimeArgument::Yesterday => midnight(date_of(now)) - SECONDS_PER_DAY,
            TimeArgument::Date(date) => midnight(date),
            TimeArgument::Instant(instant) => instant,
            // No event is older than 1970.
            TimeArgument::Age { count, unit } => (now - i64::from(count) * unit.seconds()).max(0),
        }
    }

    /// The first second that `--until` with this argument excludes: a day counts as a whole, `now`
    /// includes the current second, and a time or age is the second to stop before.
    pub fn end(self, now: Seconds) -> Seconds {
        match self {
            TimeArgument::Now => now.saturating_add(1),
            TimeArgument::Today | TimeArgument::Yesterday | TimeArgument::Date(_) => {
                self.start(now) + SECONDS_PER_DAY
            }
            TimeArgument::Instant(_) | TimeArgument::Age { .. } => self.start(now),
        }
    }

    /// The first UTC day that `--since` with this argument includes, for what is known by the day only.
    pub fn first_day(self, now: Seconds) -> Date {
        date_of(self.start(now))
    }

    /// The last UTC day of which `--until` with this argument includes a part.
    pub fn last_day(self, now: Seconds) -> Date {
        date_of(self.end(now).saturating_sub(1))
    }
}

impl TimeWindow {
    /// Builds a window from its ends; one that is not given is open.
    ///
    /// # Errors
    ///
    /// If there is no second between the two.
    pub fn between(
        since: Option<TimeArgument>,
        until: Option<TimeArgument>,
        now: Seconds,
    ) -> Result<TimeWindow, EmptyWindow> {
        let window = TimeWindow {
            since: since.map(|since| since.start(now)),
            until: until.map(|until| until.end(now)),
        };
        match (window.since, window.until) {
            (Some(since), Some(until)) if since >= until => Err(EmptyWindow {
                since: iso(since),
                until: iso(until),
            }),
            _ => Ok(window),
        }
    }

    /// The last `hours` hours up to and including the second `now`.
    pub fn last_hours(hours: u32, now: Seconds) -> TimeWindow {
        TimeWindow {
            since: Some(now.saturating_sub(i64::from(hours) * 3600)),
            until: Some(now.saturating_add(1)),
        }
    }

    /// Returns whether a time is inside the window. An event without a time is inside only if the
    /// window has no limits.
    pub fn contains(&self, time: Option<Seconds>) -> bool {
        match time {
            Some(time) => {
                self.since.is_none_or(|since| since <= time)
                    && self.until.is_none_or(|until| time < until)
            }
            None => *self == TimeWindow::default(),
        }
    }
}

/// The first second of a day in UTC.
fn midnight(date: Date) -> Seconds {
    let midnight = seconds(date.to_datetime(jiff::civil::Time::midnight()));
    // The last day that jiff can write has no instant of its own.
    midnight.unwrap_or_else(|| Timestamp::MAX.as_second())
}

/// The UTC day of a second.
pub fn date_of(time: Seconds) -> Date {
    civil(time).date()
}

fn seconds(utc: DateTime) -> Option<Seconds> {
    Some(utc.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Parses an RFC 3339 time. A time without a zone is UTC. Fractions of a second are dropped.
pub fn parse(text: &[u8]) -> Option<Seconds> {
    let text = str::from_utf8(text).ok()?.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond().div_euclid(1000));
    }
    // The console shows `September 07, 2026, 08:06:00 (UTC+02:00)`.
    if let Ok(instant) = Timestamp::strptime("%B %d, %Y, %H:%M:%S (UTC%:z)", text) {
        return Some(instant.as_second());
    }
    let civil = text
        .strip_suffix(" UTC")
        .unwrap_or(text)
        .parse::<DateTime>();
    seconds(civil.ok()?)
}

/// Parses a time as other programs write it into exports of records: `9/7/2026, 8:00:00.000 AM`
/// (Sentinel, in UTC), `09/07/2026 08:00:00.000 +0000` (Sumo Logic), and offsets without a colon
/// (Splunk). A form in which day and month, or the zone, are ambiguous is not read.
pub fn parse_exported(text: &str) -> Option<Seconds> {
    const WITH_ZONE: [&str; 2] = ["%m/%d/%Y %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M:%S%.f%z"];
    const IN_UTC: [&str; 1] = ["%m/%d/%Y, %I:%M:%S%.f %p"];
    let text = text.trim();
    let with_zone = || {
        let instant = WITH_ZONE
            .iter()
            .find_map(|form| Timestamp::strptime(form, text).ok())?;
        Some(instant.as_millisecond().div_euclid(1000))
    };
    let in_utc = || {
        let civil = IN_UTC
            .iter()
            .find_map(|form| DateTime::strptime(form, text).ok())?;
        seconds(civil)
    };
    with_zone().or_else(in_utc)
}

/// Parses the times of records. It is fast because most records have the same date as the previous
/// one.
#[derive(Debug, Default)]
pub struct TimeParser {
    date: [u8; 10],
    midnight: Seconds,
}

impl TimeParser {
    /// Parses `2026-09-07T08:00:00Z`, or any other form that [`parse`] accepts.
    #[inline]
    pub fn parse(&mut self, text: &[u8]) -> Option<Seconds> {
        let Some((date, time)) = text.split_first_chunk::<10>() else {
            return parse(text);
        };
        let Some(second) = second_of_day(time) else {
            return parse(text);
        };
        if *date != self.date {
            let midnight = str::from_utf8(date).ok()?.parse::<Date>().ok()?;
            self.midnight = seconds(midnight.to_datetime(jiff::civil::Time::midnight()))?;
            self.date = *date;
        }
        Some(self.midnight + second)
    }
}

/// Parses `T08:00:00Z`.
#[inline]
fn second_of_day(text: &[u8]) -> Option<i64> {
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = *text else {
        return None;
    };
    let number = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let (hours, minutes, seconds) = (number(h1, h2)?, number(m1, m2)?, number(s1, s2)?);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

fn civil(time: Seconds) -> DateTime {
    let latest = || {
        if time < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        }
    };
    let instant = Timestamp::from_second(time).unwrap_or_else(|_| latest());
    Offset::UTC.to_datetime(instant)
}

/// Writes `2026-09-07T08:00:00Z`.
pub fn iso(time: Seconds) -> String {
    let time = civil(time);
    let Ok(year) = u16::try_from(time.year()) else {
        return time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    };
    // A result has tens of thousands of times, and a format that is interpreted takes most of what they cost.
    let numbers = [
        ((year / 100) as u8, ""),
        ((year % 100) as u8, "-"),
        (time.month().unsigned_abs(), "-"),
        (time.day().unsigned_abs(), "T"),
        (time.hour().unsigned_abs(), ":"),
        (time.minute().unsigned_abs(), ":"),
        (time.second().unsigned_abs(), "Z"),
    ];
    let mut text = String::with_capacity(20);
    for (number, end) in numbers {
        text.push(char::from(b'0' + number / 10));
        text.push(char::from(b'0' + number % 10));
        text.push_str(end);
    }
    text
}

/// Writes `20260907080000`, the form of aws-summarize-account-activity.
pub fn compact(time: Seconds) -> String {
    civil(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// An hour of a day in UTC, written `2026-09-07T08`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcHour(Seconds);

impl UtcHour {
    /// The hour that contains a time.
    pub fn of(time: Seconds) -> UtcHour {
        UtcHour(
            time.div_euclid(SECONDS_PER_HOUR)
                .saturating_mul(SECONDS_PER_HOUR),
        )
    }

    /// The first second.
    pub fn start(self) -> Seconds {
        self.0
    }

    /// The hour of the day, from 0 to 23.
    pub fn of_day(self) -> usize {
        // A remainder of 24: not negative.
        (self.0.div_euclid(SECONDS_PER_HOUR)).rem_euclid(24) as usize
    }

    /// The day of the week, from 0 for Monday to 6.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday. A remainder of 7: not negative.
        (self.0.div_euclid(SECONDS_PER_DAY) + 3).rem_euclid(7) as usize
    }
}

impl fmt::Display for UtcHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", civil(self.0).strftime("%Y-%m-%dT%H"))
    }
}

impl Serialize for UtcHour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for UtcHour {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<UtcHour, D::Error> {
        let text = String::deserialize(deserializer)?;
        let start = parse(format!("{text}:00:00Z").as_bytes());
        let invalid = || D::Error::custom(format!("{text:?} is not an hour like 2026-09-07T08"));
        start.map(UtcHour).ok_or_else(invalid)
    }
}

/// The day as year, month and day, for the folders of a trail's bucket.
pub fn day(time: Seconds) -> (i16, i8, i8) {
    let date = civil(time).date();
    (date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-09-17T10:20:30Z
    const NOW: Seconds = 1_789_640_430;

    fn argument(text: &str) -> TimeArgument {
        text.parse()
            .unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    fn between(since: &str, until: &str) -> (String, String) {
        let window =
            TimeWindow::between(Some(argument(since)), Some(argument(until)), NOW).unwrap();
        (iso(window.since.unwrap()), iso(window.until.unwrap()))
    }

    #[test]
    fn time_arguments_start_and_end_at_a_second() {
        assert_eq!(iso(NOW), "2026-09-17T10:20:30Z");
        let cases = [
            ("2026-09-07", "2026-09-07T00:00:00Z", "2026-09-08T00:00:00Z"),
            ("20260907", "2026-09-07T00:00:00Z", "2026-09-08T00:00:00Z"),
            ("today", "2026-09-17T00:00:00Z", "2026-09-18T00:00:00Z"),
            ("Yesterday", "2026-09-16T00:00:00Z", "2026-09-17T00:00:00Z"),
            ("now", "2026-09-17T10:20:30Z", "2026-09-17T10:20:31Z"),
            ("7d", "2026-09-10T10:20:30Z", "2026-09-10T10:20:30Z"),
            ("24h", "2026-09-16T10:20:30Z", "2026-09-16T10:20:30Z"),
            ("90m", "2026-09-17T08:50:30Z", "2026-09-17T08:50:30Z"),
            ("2W", "2026-09-03T10:20:30Z", "2026-09-03T10:20:30Z"),
            (
                "4294967295w",
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:00:00Z",
            ),
            (
                "2026-09-07T08:30:00+02:00",
                "2026-09-07T06:30:00Z",
                "2026-09-07T06:30:00Z",
            ),
            (
                "2026-09-07 08:30",
                "2026-09-07T08:30:00Z",
                "2026-09-07T08:30:00Z",
            ),
            (
                " 2026-09-07T08:30:00Z ",
                "2026-09-07T08:30:00Z",
                "2026-09-07T08:30:00Z",
            ),
        ];
        for (text, start, end) in cases {
            let argument = argument(text);
            assert_eq!(iso(argument.start(NOW)), start, "{text}");
            assert_eq!(iso(argument.end(NOW)), end, "{text}");
        }
    }

    #[test]
    fn a_window_lies_between_two_time_arguments() {
        let day = (
            "2026-09-07T00:00:00Z".to_owned(),
            "2026-09-08T00:00:00Z".to_owned(),
        );
        assert_eq!(between("2026-09-07", "2026-09-07"), day);
        let week = (
            "2026-09-10T10:20:30Z".to_owned(),
            "2026-09-17T10:20:31Z".to_owned(),
        );
        assert_eq!(between("7d", "now"), week);
        let since = Some(argument("2026-09-08"));
        let empty = TimeWindow::between(since, Some(argument("2026-09-07")), NOW);
        assert!(empty.is_err());
        assert!(
            TimeWindow::between(since, None, NOW)
                .unwrap()
                .until
                .is_none()
        );
    }

    #[test]
    fn days_are_those_that_a_window_touches() {
        let cases = [
            ("2026-09-07", "2026-09-07", "2026-09-07"),
            ("today", "2026-09-17", "2026-09-17"),
            ("yesterday", "2026-09-16", "2026-09-16"),
            ("now", "2026-09-17", "2026-09-17"),
            ("7d", "2026-09-10", "2026-09-10"),
            ("11h", "2026-09-16", "2026-09-16"),
            ("2026-09-07T08:30:00Z", "2026-09-07", "2026-09-07"),
            // As --until, midnight is the second to stop before.
            ("2026-09-07T00:00:00Z", "2026-09-07", "2026-09-06"),
        ];
        for (text, first, last) in cases {
            let argument = argument(text);
            assert_eq!(argument.first_day(NOW).to_string(), first, "{text}");
            assert_eq!(argument.last_day(NOW).to_string(), last, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_argument_is_refused() {
        for text in [
            "",
            " ",
            "d",
            "7",
            "-7d",
            "+7d",
            "7 d",
            "7dd",
            "7y",
            "4294967296d",
            "1.5h",
            "tomorrow",
            "2026-13-01",
            "07.09.2026",
            "08:30:00",
            "2026-09-07T25:00:00Z",
            "\u{667}d",
            "d\u{e4}",
        ] {
            assert_eq!(text.parse::<TimeArgument>(), Err(InvalidTime), "{text:?}");
        }
    }

    fn any_argument() -> impl Strategy<Value = TimeArgument> {
        let units = proptest::sample::select(&AgeUnit::ALL[..]);
        let years_0_to_9999 = -62_167_219_200_i64..253_402_207_200;
        prop_oneof![
            Just(TimeArgument::Now),
            Just(TimeArgument::Today),
            Just(TimeArgument::Yesterday),
            years_0_to_9999
                .clone()
                .prop_map(|time| TimeArgument::Date(date_of(time))),
            years_0_to_9999.prop_map(TimeArgument::Instant),
            (any::<u32>(), units).prop_map(|(count, unit)| TimeArgument::Age { count, unit }),
        ]
    }

    proptest! {
        #[test]
        fn a_time_argument_is_read_as_it_is_written(argument in any_argument()) {
            prop_assert_eq!(argument.to_string().parse(), Ok(argument));
        }

        #[test]
        fn no_text_ends_the_parser(text in ".{0,30}", now in any::<i32>()) {
            if let Ok(argument) = text.parse::<TimeArgument>() {
                prop_assert!(argument.start(now.into()) <= argument.end(now.into()));
            }
        }
    }

    #[test]
    fn a_window_holds_its_first_second_and_not_its_last() {
        let window = TimeWindow {
            since: Some(10),
            until: Some(20),
        };
        assert!(window.contains(Some(10)) && window.contains(Some(19)));
        assert!(!window.contains(Some(9)) && !window.contains(Some(20)));
        assert!(!window.contains(None) && TimeWindow::default().contains(None));
        assert!(TimeWindow::last_hours(1, 7200).contains(Some(3600)));
        assert!(TimeWindow::last_hours(1, 7200).contains(Some(7200)));
    }

    #[test]
    fn the_clock_reads_what_parse_reads() {
        let mut clock = TimeParser::default();
        for text in [
            "2026-09-07T08:00:00Z",
            "2026-09-07T08:00:01Z",
            "2026-09-08T23:59:59Z",
            "2026-09-08T24:00:00Z",
            "2026-02-30T08:00:00Z",
            "2020-09-14T00:44:23.000Z",
            "2026-09-07T08:00:00+02:00",
            "1969-12-31T23:59:59Z",
            "September 07, 2026, 08:06:00 (UTC+02:00)",
            "nonsense",
            "",
        ] {
            assert_eq!(
                clock.parse(text.as_bytes()),
                parse(text.as_bytes()),
                "{text}"
            );
        }
        let console = clock.parse(b"September 07, 2026, 08:06:00 (UTC+02:00)");
        assert_eq!(console, parse(b"2026-09-07T06:06:00Z"));
        assert_eq!(clock.parse(b"1969-12-31T23:59:59Z"), Some(-1));
    }

    #[test]
    fn hours_know_their_day() {
        let hour: UtcHour = serde_json::from_str("\"2026-09-07T08\"").unwrap();
        assert_eq!(hour.start(), parse(b"2026-09-07T08:00:00Z").unwrap());
        // A Monday.
        assert_eq!((hour.weekday(), hour.of_day()), (0, 8));
        let before_1970 = UtcHour::of(-1);
        assert_eq!((before_1970.weekday(), before_1970.of_day()), (2, 23));
        assert_eq!(before_1970.to_string(), "1969-12-31T23");
        for wrong in ["\"2026-09-07\"", "\"2026-09-07T24\"", "\"\"", "8"] {
            assert!(serde_json::from_str::<UtcHour>(wrong).is_err(), "{wrong}");
        }
        for extreme in [i64::MIN, i64::MAX] {
            let hour = UtcHour::of(extreme);
            assert!(hour.weekday() < 7 && hour.of_day() < 24, "{hour}");
        }
    }

    #[test]
    fn times_are_written_in_three_forms() {
        let time = parse(b"2026-09-07T08:05:09Z").unwrap();
        assert_eq!(iso(time), "2026-09-07T08:05:09Z");
        assert_eq!(compact(time), "20260907080509");
        assert_eq!(UtcHour::of(time).to_string(), "2026-09-07T08");
        assert_eq!(day(time), (2026, 9, 7));
        assert_eq!(iso(i64::MAX), "9999-12-30T22:00:00Z");
        // The years 0, -1 and -99.
        for ancient in [-62_167_219_200, -62_167_219_201, -65_291_356_800] {
            let text = civil(ancient).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            assert_eq!(iso(ancient), text);
        }
    }
}
