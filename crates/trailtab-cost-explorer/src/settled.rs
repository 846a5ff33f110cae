//! Determines which days of an answer are final, so that they are not requested again.
//!
//! A day is final if Cost Explorer no longer estimates it, and if it was requested at least two
//! weeks after the end of its month: until then AWS may still refresh a bill (Data Exports user
//! guide). The same holds for the months of an answer by month.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::answer::{AnswerPage, CostAnswer};
use crate::query::{CostQuery, TimePeriod};
use trailtab_core::time::Seconds;

/// Days after the end of a month until its figures are final.
const SETTLING: i64 = 15;

/// Number of days of answers that are kept.
const KEPT: i64 = 430;

/// The UTC day of a time.
pub fn day_of(time: Seconds) -> Date {
    let instant = jiff::Timestamp::from_second(time).unwrap_or_default();
    instant.to_zoned(TimeZone::UTC).date()
}

/// What remains to be requested, given an answer to the same request for other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemainingQuestion {
    /// Nothing.
    Nothing,
    /// The days from this one on.
    From(Date),
}

/// Determines what remains to be requested, given an answer to the same request for some days. An
/// answer younger than `max_age` seconds is valid for all its days.
pub fn left(
    query: &CostQuery,
    known: &CostAnswer,
    now: Seconds,
    max_age: Seconds,
) -> RemainingQuestion {
    let TimePeriod { start, end } = query.time_period;
    let is_young = now.saturating_sub(known.asked) < max_age && known.asked <= now;
    let has = known.request.time_period;
    if has.start > start || has.end <= start {
        return RemainingQuestion::From(start);
    }
    if is_young && has.end >= end {
        return RemainingQuestion::Nothing;
    }
    let day = unsettled(known, start).min(end);
    match day >= end {
        true => RemainingQuestion::Nothing,
        false => RemainingQuestion::From(day),
    }
}

/// The first day from `start` on that may still change, or is missing.
fn unsettled(known: &CostAnswer, start: Date) -> Date {
    let asked = day_of(known.asked);
    // The end of each day or month, and whether it is estimated.
    let mut blocks: BTreeMap<Date, (Date, bool)> = BTreeMap::new();
    for result in known.pages.iter().flat_map(|page| &page.results_by_time) {
        let TimePeriod { start, end } = result.time_period;
        let block = blocks.entry(start).or_insert((end, false));
        block.1 |= result.estimated;
    }
    let mut day = start;
    while day < known.request.time_period.end && is_closed(day, asked) {
        match blocks.get(&day) {
            Some((end, false)) if day < *end => day = *end,
            _ => break,
        }
    }
    day
}

/// Returns whether the month of a day had ended long enough before it was requested.
fn is_closed(day: Date, asked: Date) -> bool {
    let final_on = day.last_of_month().checked_add((SETTLING + 1).days());
    final_on.is_ok_and(|final_on| asked >= final_on)
}

/// Returns the part of an answer from `start` to before `end`, without duplicate names.
pub fn cut(mut answer: CostAnswer, time_period: TimePeriod) -> CostAnswer {
    let TimePeriod { start, end } = time_period;
    let mut names = BTreeMap::new();
    for page in &mut answer.pages {
        let values = std::mem::take(&mut page.dimension_value_attributes);
        names.extend(values.into_iter().map(|value| (value.value.clone(), value)));
        page.results_by_time
            .retain(|result| (start..end).contains(&result.time_period.start));
        page.next_page_token = None;
    }
    answer.pages.retain(|page| !page.results_by_time.is_empty());
    if answer.pages.is_empty() {
        answer.pages.push(AnswerPage::default());
    }
    if let Some(first) = answer.pages.first_mut() {
        first.dimension_value_attributes = names.into_values().collect();
    }
    answer.request.time_period = time_period;
    answer
}

/// Joins the settled days of an older answer with a newer answer, if no day is missing in between.
/// Days that were not settled in the older answer are dropped, so the joined answer is as recent as
/// the newer one.
pub fn join(older: CostAnswer, newer: CostAnswer) -> CostAnswer {
    let TimePeriod { start: middle, end } = newer.request.time_period;
    // Cost Explorer has thirteen months of data. Answers by month begin with a month.
    let oldest = end.checked_sub(KEPT.days()).unwrap_or(Date::MIN);
    let oldest = oldest.first_of_month();
    let start = older.request.time_period.start.max(oldest);
    if middle <= start || unsettled(&older, start) < middle {
        return newer;
    }
    let mut joined = cut(older, TimePeriod { start, end: middle });
    joined.asked = newer.asked;
    joined.pages.extend(newer.pages);
    cut(joined, TimePeriod { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::ResultByTime;
    use trailtab_core::time;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn answer(start: &str, end: &str, asked: &str, estimated_from: &str) -> CostAnswer {
        let time_period = TimePeriod {
            start: date(start),
            end: date(end),
        };
        let days = date(start)
            .series(1.day())
            .take_while(|day| *day < date(end));
        let result = |day: Date| ResultByTime {
            time_period: TimePeriod {
                start: day,
                end: day.tomorrow().unwrap(),
            },
            total: Default::default(),
            groups: Vec::new(),
            estimated: day >= date(estimated_from),
        };
        CostAnswer {
            request: serde_json::from_value(serde_json::json!({
                "TimePeriod": time_period, "Granularity": "DAILY", "Metrics": ["UnblendedCost"],
            }))
            .unwrap(),
            asked: time::parse(asked.as_bytes()).unwrap(),
            pages: vec![AnswerPage {
                results_by_time: days.map(result).collect(),
                ..AnswerPage::default()
            }],
        }
    }

    fn left_of(known: &CostAnswer, start: &str, end: &str, now: &str) -> RemainingQuestion {
        let mut query = known.request.clone();
        query.time_period = TimePeriod {
            start: date(start),
            end: date(end),
        };
        let now = time::parse(now.as_bytes()).unwrap();
        left(&query, known, now, 6 * 3600)
    }

    #[test]
    fn settled_days_are_not_asked_for_again() {
        let known = answer(
            "2026-09-01",
            "2026-10-20",
            "2026-10-19T06:00:00Z",
            "2026-10-01",
        );
        let of = |start, end| left_of(&known, start, end, "2026-10-20T06:00:00Z");
        assert_eq!(
            of("2026-09-01", "2026-10-21"),
            RemainingQuestion::From(date("2026-10-01"))
        );
        assert_eq!(of("2026-09-01", "2026-10-01"), RemainingQuestion::Nothing);
        assert_eq!(
            of("2026-08-31", "2026-10-21"),
            RemainingQuestion::From(date("2026-08-31"))
        );
        // Too early after the end of the month, although nothing is estimated.
        let early = answer(
            "2026-09-01",
            "2026-10-10",
            "2026-10-15T06:00:00Z",
            "2026-11-01",
        );
        let left = left_of(&early, "2026-09-01", "2026-10-21", "2026-10-20T06:00:00Z");
        assert_eq!(left, RemainingQuestion::From(date("2026-09-01")));
        let later = answer(
            "2026-09-01",
            "2026-10-10",
            "2026-10-16T06:00:00Z",
            "2026-11-01",
        );
        let left = left_of(&later, "2026-09-01", "2026-10-21", "2026-10-20T06:00:00Z");
        assert_eq!(left, RemainingQuestion::From(date("2026-10-01")));
    }

    #[test]
    fn a_young_answer_is_good_for_all_its_days() {
        let known = answer(
            "2026-09-01",
            "2026-10-20",
            "2026-10-19T06:00:00Z",
            "2026-09-01",
        );
        let of = |end, now| left_of(&known, "2026-09-01", end, now);
        assert_eq!(
            of("2026-10-20", "2026-10-19T11:00:00Z"),
            RemainingQuestion::Nothing
        );
        assert_ne!(
            of("2026-10-20", "2026-10-19T12:00:00Z"),
            RemainingQuestion::Nothing
        );
        assert_ne!(
            of("2026-10-21", "2026-10-19T11:00:00Z"),
            RemainingQuestion::Nothing
        );
        // From a clock that was wrong.
        assert_ne!(
            of("2026-10-20", "2026-10-19T05:00:00Z"),
            RemainingQuestion::Nothing
        );
    }

    #[test]
    fn joined_answers_have_each_day_once() {
        let older = answer(
            "2026-09-01",
            "2026-10-20",
            "2026-10-19T06:00:00Z",
            "2026-10-01",
        );
        let newer = answer(
            "2026-10-01",
            "2026-10-21",
            "2026-10-20T06:00:00Z",
            "2026-10-01",
        );
        let joined = join(older.clone(), newer.clone());
        let results = joined.pages.iter().flat_map(|page| &page.results_by_time);
        let days: Vec<Date> = results.map(|result| result.time_period.start).collect();
        let expected: Vec<Date> = date("2026-09-01").series(1.day()).take(50).collect();
        assert_eq!(days, expected);
        assert_eq!(joined.asked, newer.asked);
        assert_eq!(joined.request.time_period.start, date("2026-09-01"));
        assert_eq!(join(newer, older.clone()), older);
    }

    /// An answer by month.
    fn months(start: &str, end: &str, asked: &str, estimated_from: &str) -> CostAnswer {
        let mut answer = answer(start, end, asked, estimated_from);
        answer.request.granularity = crate::query::QueryGranularity::Monthly;
        let results = &mut answer.pages[0].results_by_time;
        results.retain(|result| result.time_period.start.day() == 1);
        for result in results {
            let month = trailtab_core::cost::period::DayRange::month_of(result.time_period.start);
            result.time_period = month.into();
        }
        answer
    }

    #[test]
    fn months_that_are_final_are_not_asked_for_again() {
        let asked = "2026-10-16T06:00:00Z";
        let known = months("2026-04-01", "2026-10-01", asked, "2026-11-01");
        let of =
            |known: &CostAnswer, end| left_of(known, "2026-05-01", end, "2026-11-21T06:00:00Z");
        assert_eq!(of(&known, "2026-10-01"), RemainingQuestion::Nothing);
        assert_eq!(
            of(&known, "2026-11-01"),
            RemainingQuestion::From(date("2026-10-01"))
        );
        let early = months(
            "2026-04-01",
            "2026-10-01",
            "2026-10-15T06:00:00Z",
            "2026-11-01",
        );
        assert_eq!(
            of(&early, "2026-10-01"),
            RemainingQuestion::From(date("2026-09-01"))
        );
        let estimated = months("2026-04-01", "2026-10-01", asked, "2026-09-01");
        assert_eq!(
            of(&estimated, "2026-10-01"),
            RemainingQuestion::From(date("2026-09-01"))
        );
    }

    #[test]
    fn months_are_joined_year_after_year() {
        let older = months(
            "2025-06-01",
            "2026-10-01",
            "2026-10-16T06:00:00Z",
            "2026-11-01",
        );
        let newer = months(
            "2026-10-01",
            "2026-11-01",
            "2026-11-16T06:00:00Z",
            "2026-12-01",
        );
        let joined = join(older, newer);
        let results = joined.pages.iter().flat_map(|page| &page.results_by_time);
        let starts: Vec<Date> = results.map(|result| result.time_period.start).collect();
        assert_eq!(starts.len(), 15);
        assert_eq!(starts[0], joined.request.time_period.start);
        assert_eq!(starts[0], date("2025-08-01"));
    }

    #[test]
    fn days_that_were_not_requested_are_not_joined() {
        // A range of early September, then the month so far in November: mid-September is in neither.
        let early = answer(
            "2026-08-31",
            "2026-09-06",
            "2026-11-21T06:00:00Z",
            "2026-12-01",
        );
        let later = answer(
            "2026-10-01",
            "2026-11-21",
            "2026-11-21T07:00:00Z",
            "2026-11-01",
        );
        let joined = join(early, later.clone());
        assert_eq!(joined, later);
        let left = left_of(&joined, "2026-08-30", "2026-10-01", "2026-11-21T08:00:00Z");
        assert_eq!(left, RemainingQuestion::From(date("2026-08-30")));
    }

    #[test]
    fn what_was_not_settled_does_not_grow_young_again() {
        // October as it was on 5 November, and November as it is on 8 December.
        let early = answer(
            "2026-10-01",
            "2026-11-05",
            "2026-11-05T06:00:00Z",
            "2026-12-31",
        );
        let later = answer(
            "2026-11-01",
            "2026-12-08",
            "2026-12-08T06:00:00Z",
            "2026-12-01",
        );
        let joined = join(early, later.clone());
        assert_eq!(joined, later);
        let left = left_of(&joined, "2026-10-01", "2026-12-01", "2026-12-08T07:00:00Z");
        assert_eq!(left, RemainingQuestion::From(date("2026-10-01")));
    }
}
