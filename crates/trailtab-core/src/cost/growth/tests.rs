//! Tests of how days grow.

use jiff::ToSpan as _;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const FIRST: Date = date(2026, 11, 1);

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn day(after_first: i64) -> Date {
    FIRST.saturating_add(after_first.days())
}

/// Daily runs of which each sees twelve days of 200; of the youngest as many percent as given, youngest first.
fn runs(count: i64, percent: &[i64]) -> DayGrowth {
    let mut growth = DayGrowth::default();
    for run in 0..count {
        let totals = (1..=12).map(|age: i64| {
            let there = usize::try_from(age - 1)
                .ok()
                .and_then(|age| percent.get(age));
            (day(run - age), Decimal::from(2 * there.unwrap_or(&100)))
        });
        growth.record(day(run), totals);
    }
    growth
}

#[test]
fn the_lag_is_the_age_from_which_on_days_are_complete() {
    for (percent, lag) in [
        (&[][..], 0),
        (&[99], 0),
        (&[98], 1),
        (&[30, 97], 2),
        (&[30, 97, 99], 2),
        (&[30, 97, 98], 3),
        (&[30, 100, 98], 3),
        (&[10, 20, 30, 40, 50, 60], 6),
    ] {
        let lag_days = runs(40, percent).observed_lag().unwrap().lag_days;
        assert_eq!(lag_days, lag, "{percent:?}");
    }
    let lag = runs(40, &[30, 97]).observed_lag().unwrap();
    // On 10 December, the last run, days until 3 December are seven days old, and six days before the first run were
    // seen younger.
    assert_eq!(lag.days_measured, 33 + 6);
    let medians: Vec<Decimal> = lag.shares.iter().map(|share| share.median).collect();
    assert_eq!(
        medians,
        [
            usd("0.3"),
            usd("0.97"),
            usd("1"),
            usd("1"),
            usd("1"),
            usd("1")
        ]
    );
    let ages: Vec<usize> = lag.shares.iter().map(|share| share.days_after).collect();
    assert_eq!(ages, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_few_late_days_do_not_change_the_lag() {
    let late = |late: i64| {
        let mut growth = DayGrowth::default();
        for run in 0..47 {
            let there = |age: i64| match age {
                1 => "50",
                // Days that are late by a day.
                2 if run % 40 < late => "60",
                _ => "100",
            };
            growth.record(
                day(run),
                (1..=12).map(|age| (day(run - age), usd(there(age)))),
            );
        }
        growth.observed_lag().unwrap()
    };
    assert_eq!(late(0).lag_days, 1);
    assert_eq!(late(1).lag_days, 1);
    assert_eq!(late(5).lag_days, 2);
}

#[test]
fn days_that_are_not_known_say_nothing() {
    assert_eq!(DayGrowth::default().observed_lag(), None);
    // Only five days before the first run are older than six days at the last one, and were seen younger.
    assert_eq!(runs(1, &[30]).observed_lag(), None);
    assert_eq!(runs(4, &[30, 97]).observed_lag(), None);
    assert!(runs(8, &[30, 97]).observed_lag().is_some());
    // Days without usage, and days of credits alone, have no share.
    for amount in ["0", "-5"] {
        let mut idle = DayGrowth::default();
        for run in 0..40 {
            idle.record(day(run), (1..=12).map(|age| (day(run - age), usd(amount))));
        }
        assert_eq!(idle.observed_lag(), None);
    }
}

#[test]
fn ages_that_were_not_seen_are_not_claimed() {
    // Weekly runs that see only the last three days and those a week ago.
    let mut growth = DayGrowth::default();
    for week in 0..12 {
        let run = day(7 * week);
        let ages = [1, 2, 3, 8, 9, 10];
        growth.record(run, ages.map(|age| (day(7 * week - age), usd("5"))));
    }
    let lag = growth.observed_lag().unwrap();
    assert_eq!(lag.lag_days, 6);
    assert_eq!(
        lag.shares
            .iter()
            .map(|share| share.days_after)
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
}

#[test]
fn the_first_run_of_a_day_counts() {
    let mut growth = DayGrowth::default();
    growth.record(FIRST, [(day(-1), usd("3"))]);
    growth.record(FIRST, [(day(-1), usd("10"))]);
    assert_eq!(growth.runs()[&FIRST][&day(-1)], usd("3"));
    // Today and later days are not over.
    growth.record(day(1), [(day(1), usd("1")), (day(2), usd("1"))]);
    assert_eq!(growth.runs().len(), 1);
}

#[test]
fn the_record_is_bounded() {
    let mut growth = DayGrowth::default();
    for run in 0..100 {
        let totals = (1..=40)
            .rev()
            .chain(1..=40)
            .map(|age| (day(run - age), Decimal::ONE));
        growth.record(day(run), totals);
    }
    assert_eq!(growth.runs().len(), 60);
    assert_eq!(growth.runs().keys().next(), Some(&day(40)));
    for (run, seen) in growth.runs() {
        let days: Vec<Date> = (1..=12)
            .rev()
            .map(|age| run.saturating_sub(age.days()))
            .collect();
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), days);
        assert!(seen.values().all(|amount| *amount == Decimal::TWO));
    }
}

#[test]
fn the_serialised_record_is_plain_json() {
    let mut growth = DayGrowth::default();
    growth.record(
        date(2026, 11, 3),
        [
            (date(2026, 11, 1), usd("12.50")),
            (date(2026, 11, 2), usd("-3")),
        ],
    );
    let json = serde_json::to_string(&growth).unwrap();
    assert_eq!(
        json,
        r#"{"2026-11-03":{"2026-11-01":"12.5","2026-11-02":"-3"}}"#
    );
    assert_eq!(serde_json::from_str::<DayGrowth>(&json).unwrap(), growth);
    for (broken, part) in [
        (
            r#"{"2026-11-03":{"2026-11-01":"many"}}"#,
            "\"many\" is not a decimal number such as \"12.34\"",
        ),
        (r#"{"yesterday":{}}"#, "year"),
        (r#"{"2026-11-03":{"2026-11-01":12}}"#, "string"),
    ] {
        let error = serde_json::from_str::<DayGrowth>(broken)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
    // A record that grew elsewhere is cut.
    let days: Vec<String> = (1..30)
        .map(|day| format!("\"2026-10-{day:02}\":\"1\""))
        .collect();
    let long: DayGrowth =
        serde_json::from_str(&format!("{{\"2026-11-03\":{{{}}}}}", days.join(","))).unwrap();
    assert_eq!(long.runs()[&date(2026, 11, 3)].len(), 12);
}

proptest! {
    #[test]
    fn any_record_survives(
        runs in proptest::collection::vec((0_i64..90, proptest::collection::vec((1_i64..20, -9_i64..999), 0..20)), 0..80),
        huge in any::<bool>(),
    ) {
        let mut growth = DayGrowth::default();
        for (run, totals) in runs {
            let unit = if huge { Decimal::MAX / Decimal::from(999) } else { Decimal::ONE };
            growth.record(day(run), totals.into_iter().map(|(age, amount)| (day(run - age), Decimal::from(amount) * unit)));
        }
        if let Some(lag) = growth.observed_lag() {
            prop_assert!(lag.lag_days <= 6 && lag.days_measured >= 5);
        }
        let json = serde_json::to_string(&growth).unwrap();
        prop_assert_eq!(serde_json::from_str::<DayGrowth>(&json).unwrap(), growth);
    }
}
