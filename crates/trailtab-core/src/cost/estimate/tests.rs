//! Tests of estimates: shapes of series with a known end, and what holds for any series.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// October and November 2026, day by day. 1 October is a Thursday.
fn two_months(amount: impl Fn(Date) -> f64) -> Vec<Decimal> {
    let days = DayRange {
        from: date(2026, 10, 1),
        through: date(2026, 11, 30),
    };
    days.iter()
        .map(|day| Decimal::from_f64(amount(day)).unwrap())
        .collect()
}

/// The estimate of November after a number of its days, and what November came to.
fn november(daily: &[Decimal], settled: usize) -> (MonthEstimate, Decimal) {
    let estimate = of_month(date(2026, 10, 1), &daily[..31 + settled], NOVEMBER).unwrap();
    (estimate, daily[31..].iter().sum())
}

const NOVEMBER: DayRange = DayRange {
    from: date(2026, 11, 1),
    through: date(2026, 11, 30),
};

/// How far one amount is from another, in percent.
fn apart(amount: Decimal, real: Decimal) -> f64 {
    ((amount - real) / real).to_f64().unwrap() * 100.0
}

fn holds(estimate: MonthEstimate, real: Decimal) -> bool {
    (estimate.low..=estimate.high).contains(&real)
}

fn is_weekend(day: Date) -> bool {
    day.weekday().to_monday_zero_offset() > 4
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn what_never_changes_goes_on() {
    let (estimate, real) = november(&two_months(|_| 12.5), 10);
    assert_eq!(estimate.expected, real);
    assert!(holds(estimate, real));
    let width = (estimate.high - estimate.low) / real;
    assert!(usd("0.01") < width && width < usd("0.1"), "{width}");
}

#[test]
fn an_idle_series_comes_to_nothing() {
    let (estimate, _) = november(&two_months(|_| 0.0), 10);
    assert_eq!(
        [estimate.low, estimate.expected, estimate.high],
        [Decimal::ZERO; 3]
    );
    // What stopped last month is not expected again.
    let stopped = two_months(|day| if day < date(2026, 10, 12) { 40.0 } else { 0.0 });
    assert_eq!(november(&stopped, 10).0.expected, Decimal::ZERO);
}

#[test]
fn weekends_have_a_level_of_their_own() {
    let daily = two_months(|day| if is_weekend(day) { 20.0 } else { 100.0 });
    for settled in [0, 1, 7, 10, 20, 29] {
        let (estimate, real) = november(&daily, settled);
        assert!(
            apart(estimate.expected, real).abs() < 0.5,
            "{settled}: {estimate:?} {real}"
        );
        assert!(holds(estimate, real));
    }
    let batch = two_months(|day| {
        if day.weekday().to_monday_zero_offset() == 2 {
            80.0
        } else {
            1.0
        }
    });
    let (estimate, real) = november(&batch, 10);
    assert!(
        apart(estimate.expected, real).abs() < 2.0,
        "{estimate:?} {real}"
    );
}

#[test]
fn a_spike_does_not_become_a_level() {
    for spike in [date(2026, 10, 20), date(2026, 11, 5), date(2026, 11, 9)] {
        let daily = two_months(|day| if day == spike { 900.0 } else { 100.0 });
        let (estimate, real) = november(&daily, 10);
        assert!(
            apart(estimate.expected, real).abs() < 6.0,
            "{spike}: {estimate:?} {real}"
        );
        assert!(holds(estimate, real), "{spike}: {estimate:?} {real}");
    }
}

#[test]
fn a_new_level_is_followed() {
    for (settled, error) in [(12, 4.0), (13, 4.0), (17, 3.0), (20, 3.0)] {
        let daily = two_months(|day| {
            if day > date(2026, 11, 10) {
                160.0
            } else {
                100.0
            }
        });
        let (estimate, real) = november(&daily, settled);
        assert!(
            apart(estimate.expected, real).abs() < error,
            "{settled}: {estimate:?} {real}"
        );
        assert!(holds(estimate, real), "{settled}: {estimate:?} {real}");
    }
}

#[test]
fn a_day_that_stands_out_may_be_a_spike_or_a_level() {
    let jump = date(2026, 11, 10);
    let spike = two_months(|day| if day == jump { 300.0 } else { 100.0 });
    let level = two_months(|day| if day >= jump { 300.0 } else { 100.0 });
    for settled in [10, 11] {
        let (estimate, real) = november(&level, settled);
        assert!(holds(estimate, real), "{settled}: {estimate:?} {real}");
        let real: Decimal =
            spike[31..].iter().sum::<Decimal>() + Decimal::from(200 * (settled - 10));
        assert!(holds(estimate, real), "{settled}: {estimate:?} {real}");
    }
    let (estimate, real) = november(&spike, 10);
    assert!(
        apart(estimate.expected, real).abs() < 4.0,
        "{estimate:?} {real}"
    );
}

#[test]
fn a_trend_goes_on_for_a_while() {
    let growing = |weekly: f64| {
        two_months(move |day| {
            let weeks = f64::from(date(2026, 10, 1).until(day).unwrap().get_days()) / 7.0;
            100.0 * (1.0 + weekly * weeks)
        })
    };
    for weekly in [0.03, -0.03] {
        let daily = growing(weekly);
        let (estimate, real) = november(&daily, 10);
        let so_far: Decimal = daily[31..41].iter().sum();
        let run_rate = so_far * Decimal::from(3);
        assert!(
            apart(estimate.expected, real).abs() < 1.5,
            "{estimate:?} {real}"
        );
        assert!(apart(run_rate, real).abs() > 3.5);
        assert!(holds(estimate, real));
    }
}

#[test]
fn what_falls_on_the_first_falls_on_the_next_first() {
    let daily = two_months(|day| if day.day() == 1 { 700.0 } else { 100.0 });
    // The first itself is expected, and afterwards neither repeated nor spread.
    for settled in [0, 1, 2, 10, 20] {
        let (estimate, real) = november(&daily, settled);
        assert!(
            apart(estimate.expected, real).abs() < 1.0,
            "{settled}: {estimate:?} {real}"
        );
    }
    // A first that is large on its weekday alone is none.
    let thursdays = two_months(|day| {
        if day.weekday().to_monday_zero_offset() == 3 {
            600.0
        } else {
            100.0
        }
    });
    let (estimate, real) = november(&thursdays, 0);
    assert!(
        apart(estimate.expected, real).abs() < 3.0,
        "{estimate:?} {real}"
    );
}

#[test]
fn too_few_days_have_no_estimate_and_few_have_a_wide_one() {
    let first = date(2026, 11, 5);
    let daily = vec![usd("10"); 20];
    for days in 0..3 {
        assert_eq!(of_month(first, &daily[..days], NOVEMBER), None);
    }
    let width = |days: usize| {
        let estimate = of_month(first, &daily[..days], NOVEMBER).unwrap();
        // The month began before the series; those days had nothing.
        assert_eq!(estimate.expected, usd("260"));
        assert!(estimate.low >= Decimal::from(10 * days));
        (estimate.high - estimate.low) / Decimal::from(260 - 10 * days)
    };
    assert!(width(3) > Decimal::ONE && width(3) > width(10) && width(10) > width(20));
}

#[test]
fn the_first_days_of_an_account_show_weekends_alone() {
    let estimate = |amount: &dyn Fn(Date) -> f64| {
        let daily = two_months(amount);
        let estimate = of_month(NOVEMBER.from, &daily[31..41], NOVEMBER).unwrap();
        (estimate, daily[31..].iter().sum::<Decimal>())
    };
    let (quiet, real) = estimate(&|day| if is_weekend(day) { 20.0 } else { 100.0 });
    assert!(apart(quiet.expected, real).abs() < 1.0, "{quiet:?} {real}");
    // A day that stood out may recur each week: some of it is expected, and the range holds both.
    let job = |day: Date| {
        if day.weekday().to_monday_zero_offset() == 3 {
            500.0
        } else {
            100.0
        }
    };
    let (weekly, real) = estimate(&job);
    assert!(
        apart(weekly.expected, real).abs() < 25.0,
        "{weekly:?} {real}"
    );
    assert!(
        holds(weekly, real) && holds(weekly, usd("3400")),
        "{weekly:?}"
    );
}

#[test]
fn a_series_may_begin_within_the_month_before() {
    let daily = two_months(|day| if is_weekend(day) { 20.0 } else { 100.0 });
    let real: Decimal = daily[31..].iter().sum();
    let estimate = of_month(date(2026, 10, 16), &daily[15..41], NOVEMBER).unwrap();
    assert!(
        apart(estimate.expected, real).abs() < 1.0,
        "{estimate:?} {real}"
    );
}

#[test]
fn a_settled_month_is_known() {
    let daily = two_months(|day| f64::from(day.day()) + 0.333);
    let (estimate, real) = november(&daily, 30);
    assert_eq!(
        [estimate.low, estimate.expected, estimate.high],
        [cents(real); 3]
    );
    let october = DayRange::month_of(date(2026, 10, 1));
    let course = course_of_month(date(2026, 10, 1), &daily, october).unwrap();
    assert_eq!(course.spent, daily[..31].iter().sum());
    assert_eq!(course.ahead, []);
}

#[test]
fn days_between_the_last_settled_one_and_the_month_do_not_count() {
    let daily = two_months(|_| 10.0);
    let (first, october) = (date(2026, 10, 1), &daily[..29]);
    let course = course_of_month(first, october, NOVEMBER).unwrap();
    assert_eq!(
        (course.spent, course.estimate.expected),
        (Decimal::ZERO, usd("300"))
    );
    assert_eq!(course.ahead.len(), 30);
    assert_eq!(course.ahead[0].day, NOVEMBER.from);
    let december = DayRange::month_of(date(2026, 12, 1));
    assert_eq!(of_month(first, october, december), None);
    let september = DayRange::month_of(date(2026, 9, 1));
    assert_eq!(of_month(first, october, september), None);
}

#[test]
fn months_have_their_own_length() {
    for (month, days) in [
        ((2026, 2), 28),
        ((2024, 2), 29),
        ((2026, 4), 30),
        ((2026, 3), 31),
    ] {
        let month = DayRange::month_of(date(month.0, month.1, 1));
        let first = month.from.saturating_sub(31.days());
        for settled in [31, 36, 40] {
            let estimate = of_month(first, &vec![usd("2"); settled], month).unwrap();
            assert_eq!(estimate.expected, Decimal::from(2 * days), "{month:?}");
        }
    }
}

#[test]
fn credits_within_usage_are_numbers_too() {
    let (estimate, real) = november(
        &two_months(|day| if is_weekend(day) { -4.0 } else { -10.0 }),
        10,
    );
    assert!(
        apart(estimate.expected, real).abs() < 1.0,
        "{estimate:?} {real}"
    );
    assert!(estimate.low < real && real < estimate.high);
    // One refund is not the end of spending.
    let refund = two_months(|day| {
        if day == date(2026, 11, 7) {
            -500.0
        } else {
            100.0
        }
    });
    let (estimate, real) = november(&refund, 10);
    assert!(
        apart(estimate.expected, real).abs() < 8.0,
        "{estimate:?} {real}"
    );
}

#[test]
fn huge_amounts_do_not_overflow() {
    let daily = vec![usd("999999999999999.999999999999"); 40];
    let estimate = of_month(date(2026, 10, 1), &daily, NOVEMBER).unwrap();
    assert!(apart(estimate.expected, usd("30000000000000000")).abs() < 1e-9);
    for daily in [
        vec![Decimal::MAX; 40],
        vec![Decimal::MIN; 40],
        [Decimal::MAX, Decimal::MIN].repeat(20),
    ] {
        let _ = of_month(date(2026, 10, 1), &daily, NOVEMBER);
    }
    let _ = of_month(Date::MAX, &daily, NOVEMBER);
    let _ = of_month(Date::MIN, &daily, DayRange::month_of(Date::MIN));
}

#[test]
fn the_range_holds_for_about_four_in_five_months() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut held = 0;
    for _ in 0..100 {
        let mut level = 100.0;
        let daily: Vec<Decimal> = (0..61)
            .map(|_| {
                level *= 1.0 + 0.02 * (random.f64() + random.f64() - 1.0);
                Decimal::from_f64(level * (0.7 + 0.6 * random.f64())).unwrap()
            })
            .collect();
        let (estimate, real) = november(&daily, 10);
        held += usize::from(holds(estimate, real));
    }
    assert!((72..=96).contains(&held), "{held} of 100");
}

fn amounts(least: i64) -> impl Strategy<Value = Vec<Decimal>> {
    let amount = prop_oneof![
        4 => least..100_000_i64,
        1 => Just(0_i64),
        1 => least * 10_000_000_000..1_000_000_000_000_000_i64,
    ];
    proptest::collection::vec(
        (amount, 0_u32..=6).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
        0..70,
    )
}

fn a_day() -> impl Strategy<Value = Date> {
    (2023_i16..2029, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

proptest! {
    #[test]
    fn an_estimate_is_a_range_in_cents_above_what_is_spent(daily in amounts(0), last in a_day()) {
        let first = last.saturating_sub(i64::try_from(daily.len().max(1) - 1).unwrap().days());
        let month = DayRange::month_of(last);
        let course = course_of_month(first, &daily, month);
        prop_assert_eq!(course.is_some(), daily.len() >= 3);
        let Some(MonthCourse { spent, ahead, estimate }) = course else { return Ok(()) };
        prop_assert!(cents(spent) <= estimate.low && estimate.low <= estimate.expected && estimate.expected <= estimate.high);
        for amount in [estimate.low, estimate.expected, estimate.high] {
            prop_assert_eq!(amount, cents(amount));
        }
        let days: Vec<Date> = ahead.iter().map(|ahead| ahead.day).collect();
        let expected: Vec<Date> = month.iter().filter(|day| *day > last).collect();
        prop_assert_eq!(days, expected);
        let sum: Decimal = ahead.iter().map(|ahead| ahead.amount).sum();
        prop_assert_eq!(cents(spent + sum), estimate.expected);
        prop_assert!(ahead.iter().all(|ahead| ahead.amount >= Decimal::ZERO && ahead.amount == cents(ahead.amount)));
    }

    #[test]
    fn any_series_has_an_ordered_estimate(daily in amounts(-100_000), last in a_day()) {
        let first = last.saturating_sub(i64::try_from(daily.len().max(1) - 1).unwrap().days());
        if let Some(estimate) = of_month(first, &daily, DayRange::month_of(last)) {
            prop_assert!(estimate.low <= estimate.expected && estimate.expected <= estimate.high);
        }
    }

    #[test]
    fn the_unit_of_money_does_not_matter(daily in amounts(0), last in a_day()) {
        let first = last.saturating_sub(i64::try_from(daily.len().max(1) - 1).unwrap().days());
        let month = DayRange::month_of(last);
        let larger: Vec<Decimal> = daily.iter().map(|amount| amount * Decimal::from(1024)).collect();
        let pair = (of_month(first, &daily, month), of_month(first, &larger, month));
        let (Some(one), Some(other)) = pair else { return Ok(()) };
        for (one, other) in [(one.low, other.low), (one.expected, other.expected), (one.high, other.high)] {
            // Either is rounded to cents.
            let off = (one * Decimal::from(1024) - other).abs();
            prop_assert!(off <= Decimal::from(12) + other / Decimal::from(1_000_000_000), "{} {}", one, other);
        }
    }
}

#[test]
fn days_long_ago_change_nothing() {
    let recent: Vec<Decimal> = (0..MAX_DAYS)
        .map(|day| Decimal::from(100 + (day * 37) % 23))
        .collect();
    let mut long = vec![usd("5000"); 215];
    long.extend_from_slice(&recent);
    let month = DayRange::month_of(date(2026, 11, 1));
    let last = date(2026, 11, 10);
    let first = |days: usize| last.saturating_sub(i64::try_from(days - 1).unwrap().days());
    assert_eq!(
        of_month(first(long.len()), &long, month),
        of_month(first(recent.len()), &recent, month)
    );
}
