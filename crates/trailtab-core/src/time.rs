//! Times and time windows, and how both are written. All times are UTC.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Seconds since 1970-01-01T00:00:00Z.
pub type Seconds = i64;

/// The requested time range. An end that is None has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// The first second inside the window.
    pub since: Option<Seconds>,
    /// The first second after the window.
    pub until: Option<Seconds>,
}

/// An invalid time argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The text is neither a date nor a time.
    #[error("{0:?} is no time: write a UTC date (2026-09-07) or time (2026-09-07T08:30:00Z)")]
    Unreadable(String),
    /// The window contains no second.
    #[error("the window is empty: it would begin at {since} and end at {until}")]
    Empty {
        /// The start of the window, as written in messages.
        since: String,
        /// The end of the window (exclusive), as written in messages.
        until: String,
    },
}

impl Window {
    /// Builds a window from its ends, each a date or a time. A date in `until` includes that day.
    ///
    /// # Errors
    ///
    /// Fails if an end is neither a date nor a time, or if the window is empty.
    pub fn between(since: Option<&str>, until: Option<&str>) -> Result<Window, WindowError> {
        let window = Window {
            since: since.map(|text| parse_argument(text, 0)).transpose()?,
            until: until.map(|text| parse_argument(text, 1)).transpose()?,
        };
        match (window.since, window.until) {
            (Some(since), Some(until)) if since >= until => Err(WindowError::Empty {
                since: iso(since),
                until: iso(until),
            }),
            _ => Ok(window),
        }
    }

    /// The last `hours` hours up to and including the second `now`.
    pub fn last_hours(hours: u32, now: Seconds) -> Window {
        Window {
            since: Some(now.saturating_sub(i64::from(hours) * 3600)),
            until: Some(now.saturating_add(1)),
        }
    }

    /// Tells whether a time is inside the window. An event without a time is inside only if the
    /// window has no limits.
    pub fn contains(&self, time: Option<Seconds>) -> bool {
        match time {
            Some(time) => {
                self.since.is_none_or(|since| since <= time)
                    && self.until.is_none_or(|until| time < until)
            }
            None => *self == Window::default(),
        }
    }
}

/// Parses a time, or a date. A date stands for its first second, `days_later` days later.
fn parse_argument(text: &str, days_later: i64) -> Result<Seconds, WindowError> {
    let unreadable = || WindowError::Unreadable(text.to_owned());
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let midnight = seconds(date.to_datetime(jiff::civil::Time::midnight()));
        return Ok(midnight.ok_or_else(unreadable)? + days_later * 86_400);
    }
    parse(text.as_bytes()).ok_or_else(unreadable)
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

/// Parses the times of records. It is fast because most records have the same date as the previous
/// one.
#[derive(Debug, Default)]
pub struct Clock {
    date: [u8; 10],
    midnight: Seconds,
}

impl Clock {
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
    instant.to_zoned(TimeZone::UTC).datetime()
}

/// Writes `2026-09-07T08:00:00Z`.
pub fn iso(time: Seconds) -> String {
    civil(time).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes `20260907080000`, the form of aws-summarize-account-activity.
pub fn compact(time: Seconds) -> String {
    civil(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// Writes the hour as `2026-09-07T08`.
pub fn hour(time: Seconds) -> String {
    civil(time).strftime("%Y-%m-%dT%H").to_string()
}

/// Parses the output of [`hour`].
pub fn parse_hour(text: &str) -> Option<Seconds> {
    parse(format!("{text}:00:00Z").as_bytes())
}

/// The day as year, month and day, for the folders of a trail's bucket.
pub fn day(time: Seconds) -> (i16, i8, i8) {
    let date = civil(time).date();
    (date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_dates_or_times_in_utc() {
        let window = Window::between(Some("2026-09-07"), Some("2026-09-07")).unwrap();
        assert_eq!(iso(window.since.unwrap()), "2026-09-07T00:00:00Z");
        assert_eq!(iso(window.until.unwrap()), "2026-09-08T00:00:00Z");
        let window = Window::between(Some("2026-09-07T08:30:00+02:00"), None).unwrap();
        assert_eq!(iso(window.since.unwrap()), "2026-09-07T06:30:00Z");
        let window = Window::between(Some("2026-09-07 08:30"), None).unwrap();
        assert_eq!(iso(window.since.unwrap()), "2026-09-07T08:30:00Z");
    }

    #[test]
    fn bad_arguments_fail_loudly() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "07.09.2026",
            "2026-09-07T25:00:00Z",
            "7",
        ] {
            let refused = Window::between(Some(text), None);
            assert_eq!(refused, Err(WindowError::Unreadable(text.to_owned())));
        }
        let empty = Window::between(Some("2026-09-08"), Some("2026-09-07"));
        assert!(matches!(empty, Err(WindowError::Empty { .. })));
    }

    #[test]
    fn a_window_holds_its_first_second_and_not_its_last() {
        let window = Window {
            since: Some(10),
            until: Some(20),
        };
        assert!(window.contains(Some(10)) && window.contains(Some(19)));
        assert!(!window.contains(Some(9)) && !window.contains(Some(20)));
        assert!(!window.contains(None) && Window::default().contains(None));
        assert!(Window::last_hours(1, 7200).contains(Some(3600)));
        assert!(Window::last_hours(1, 7200).contains(Some(7200)));
    }

    #[test]
    fn the_clock_reads_what_parse_reads() {
        let mut clock = Clock::default();
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
    fn times_are_written_in_three_forms() {
        let time = parse(b"2026-09-07T08:05:09Z").unwrap();
        assert_eq!(iso(time), "2026-09-07T08:05:09Z");
        assert_eq!(compact(time), "20260907080509");
        assert_eq!(hour(time), "2026-09-07T08");
        assert_eq!(parse_hour("2026-09-07T08"), Some(time - 309));
        assert_eq!(day(time), (2026, 9, 7));
        assert_eq!(iso(i64::MAX).len(), 20);
    }
}
