//! Tests of unusual days: what is one, and what is none.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// 1 September 2026, a Tuesday.
const FIRST: Date = date(2026, 9, 1);

/// The last settled day: Friday, 20 November.
const LAST: Date = date(2026, 11, 20);

const LAST_WEEK: DayRange = DayRange {
    from: date(2026, 11, 14),
    through: LAST,
};

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Amounts of all days from the first to the last one.
fn daily(amount: impl Fn(Date) -> i64) -> Vec<Decimal> {
    let days = DayRange {
        from: FIRST,
        through: LAST,
    };
    days.iter().map(|day| Decimal::from(amount(day))).collect()
}

type KeyedSeries = BTreeMap<&'static str, Vec<Decimal>>;

/// Findings beside a base of 100 a day, so that the floor is 5 or a little more.
fn found(
    series: impl IntoIterator<Item = (&'static str, Vec<Decimal>)>,
) -> Vec<UnusualUsage<&'static str>> {
    let mut all: KeyedSeries = series.into_iter().collect();
    all.insert("base", daily(|_| 100));
    unusual_days(FIRST, &all, LAST_WEEK, &UnusualRules::default())
}

fn weekday(day: Date) -> i8 {
    day.weekday().to_monday_zero_offset()
}

#[test]
fn a_rise_is_found_with_what_it_is_compared_with() {
    let spike = date(2026, 11, 18);
    let usual = daily(|day| {
        if day == spike {
            65
        } else if weekday(day) > 4 {
            5
        } else {
            20
        }
    });
    let [finding] = &found([("EC2", usual)])[..] else {
        panic!()
    };
    assert_eq!(finding.key, "EC2");
    assert_eq!(
        (&finding.days[..], finding.amount),
        (&[spike][..], usd("65"))
    );
    assert_eq!((finding.usual, finding.excess()), (usd("20"), usd("45")));
    assert_eq!(
        (finding.compared, finding.compared_days),
        (ComparedDays::SameWeekdays, 8)
    );
    assert!(!finding.is_new);
}

#[test]
fn days_of_one_key_are_one_finding() {
    let days = [date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 19)];
    let usage = daily(|day| if days.contains(&day) { 50 } else { 10 });
    let [finding] = &found([("EC2", usage)])[..] else {
        panic!()
    };
    assert_eq!(
        (&finding.days[..], finding.amount, finding.usual),
        (&days[..], usd("150"), usd("30"))
    );
}

#[test]
fn a_new_key_is_unusual_above_the_floor() {
    let since = date(2026, 11, 17);
    let new = |amount| daily(move |day| if day < since { 0 } else { amount });
    let findings = found([("large", new(6)), ("small", new(4))]);
    let [finding] = &findings[..] else { panic!() };
    assert!(finding.is_new);
    assert_eq!(
        (finding.key, finding.days.len(), finding.usual),
        ("large", 4, Decimal::ZERO)
    );
    // What returns after a pause is not new.
    let again = daily(|day| if day == FIRST || day >= since { 9 } else { 0 });
    let [finding] = &found([("again", again)])[..] else {
        panic!()
    };
    assert!(!finding.is_new);
}

#[test]
fn what_recurs_is_usual() {
    type Runs = fn(Date) -> bool;
    let jobs: [(&str, Runs); 4] = [
        ("weekly", |day| weekday(day) == 1),
        ("every other week", |day| {
            weekday(day) == 2 && FIRST.until(day).unwrap().get_days() / 7 % 2 == 1
        }),
        ("monthly", |day| day.day() == 15),
        ("first", |day| day.day() == 1),
    ];
    let series =
        jobs.map(|(name, runs)| (name, daily(move |day| if runs(day) { 500 } else { 10 })));
    assert_eq!(found(series), []);
    // The same jobs, when they cost more than twice as much.
    let series = jobs.map(|(name, runs)| {
        let of = move |day| {
            if !runs(day) {
                10
            } else if day < LAST_WEEK.from {
                500
            } else {
                1100
            }
        };
        (name, daily(of))
    });
    let keys: Vec<&str> = found(series).iter().map(|finding| finding.key).collect();
    assert_eq!(keys, ["every other week", "monthly", "weekly"]);
}

#[test]
fn a_first_is_compared_with_firsts() {
    let on_first = |september: i64, november: i64| {
        let amount = move |day: Date| match (day.day(), day.month()) {
            (1, 9 | 10) => september,
            (1, _) => november,
            _ => 10,
        };
        BTreeMap::from([("fees", daily(amount))])
    };
    let days = DayRange {
        from: date(2026, 10, 30),
        through: date(2026, 11, 3),
    };
    let find = |series: &BTreeMap<&'static str, Vec<Decimal>>, first: Date| {
        let skipped = usize::try_from(FIRST.until(first).unwrap().get_days()).unwrap();
        let cut = series
            .iter()
            .map(|(key, amounts)| (*key, amounts[skipped..].to_vec()))
            .collect();
        unusual_days(first, &cut, days, &UnusualRules::default())
    };
    assert_eq!(find(&on_first(500, 600), FIRST), []);
    let [finding] = &find(&on_first(500, 900), FIRST)[..] else {
        panic!()
    };
    assert_eq!(
        (finding.compared, finding.compared_days),
        (ComparedDays::SameDayOfMonth, 2)
    );
    assert_eq!(finding.usual, usd("500"));
    // A first without an earlier one cannot be judged.
    assert_eq!(find(&on_first(10, 900), date(2026, 10, 2)), []);
}

#[test]
fn a_large_first_is_not_what_later_days_are_measured_by() {
    let first = date(2026, 9, 25);
    let days = DayRange {
        from: first,
        through: date(2026, 10, 12),
    };
    let amount = |day: Date| match (day.month(), day.day()) {
        (10, 1) => 500,
        (10, 10) => 100,
        _ => 10,
    };
    let series = BTreeMap::from([(
        "fees",
        days.iter().map(|day| Decimal::from(amount(day))).collect(),
    )]);
    let [finding] = &unusual_days(first, &series, days, &UnusualRules::default())[..] else {
        panic!()
    };
    assert_eq!(
        (finding.compared, finding.compared_days),
        (ComparedDays::AllDays, 10)
    );
    assert_eq!(finding.days, [date(2026, 10, 10)]);
}

#[test]
fn the_last_day_of_a_month_is_compared_with_last_days() {
    let first = date(2026, 3, 1);
    let days = DayRange {
        from: first,
        through: date(2026, 4, 30),
    };
    let closing = days
        .iter()
        .map(|day| Decimal::from(if day == day.last_of_month() { 400 } else { 10 }));
    let series = BTreeMap::from([("closing", closing.collect())]);
    assert_eq!(
        unusual_days(first, &series, days, &UnusualRules::default()),
        []
    );
}

#[test]
fn noise_is_usual() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut findings = 0;
    for _ in 0..50 {
        let small = daily(|_| 0)
            .iter()
            .map(|_| Decimal::from(random.u32(0..300)) / usd("100"))
            .collect();
        let large = daily(|_| 0)
            .iter()
            .map(|_| Decimal::from(random.u32(70..130)))
            .collect();
        findings += found([("small", small), ("large", large)]).len();
    }
    assert_eq!(findings, 0);
}

#[test]
fn a_spread_counts_besides_the_ratio() {
    // Three weekdays, of 10, 40 and 70: 130 is more than 1.5 × 70, and within three deviations of 30.
    let first = date(2026, 10, 27);
    let amounts = |friday: i64| {
        let fridays = [10, 40, 70, friday];
        let mut amounts = vec![Decimal::from(20); 25];
        for (week, amount) in fridays.into_iter().enumerate() {
            amounts[3 + 7 * week] = Decimal::from(amount);
        }
        BTreeMap::from([("Athena", amounts)])
    };
    let find = |friday| unusual_days(first, &amounts(friday), LAST_WEEK, &UnusualRules::default());
    assert_eq!(find(130), []);
    assert_eq!(find(131).len(), 1);
}

#[test]
fn the_settings_decide() {
    let spike = date(2026, 11, 18);
    let all = BTreeMap::from([("EC2", daily(|day| if day == spike { 160 } else { 100 }))]);
    let find = |settings: &str| {
        let rules: UnusualRules = toml::from_str(settings).unwrap();
        unusual_days(FIRST, &all, LAST_WEEK, &rules).len()
    };
    assert_eq!(find(""), 1);
    assert_eq!(find("ratio = 1.7"), 0);
    assert_eq!(find("floor = 60"), 1);
    assert_eq!(find("floor = \"60.01\""), 0);
    for wrong in ["ratio = 0", "floor = -1", "flour = 1"] {
        assert!(toml::from_str::<UnusualRules>(wrong).is_err(), "{wrong}");
    }
    // Without a setting: at least one unit.
    let cents = BTreeMap::from([("S3", daily(|day| i64::from(day == spike)))]);
    assert_eq!(
        unusual_days(FIRST, &cents, LAST_WEEK, &UnusualRules::default()).len(),
        1
    );
    let less = BTreeMap::from([(
        "S3",
        cents["S3"]
            .iter()
            .map(|amount| amount * usd("0.99"))
            .collect(),
    )]);
    assert_eq!(
        unusual_days(FIRST, &less, LAST_WEEK, &UnusualRules::default()),
        []
    );
}

#[test]
fn the_five_largest_are_shown() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let series = names.iter().zip(1..).map(|(name, times)| {
        (
            *name,
            daily(move |day| if day == LAST { 100 * times } else { 10 }),
        )
    });
    let findings = found(series);
    let keys: Vec<&str> = findings.iter().map(|finding| finding.key).collect();
    assert_eq!(keys, ["g", "f", "e", "d", "c"]);
}

#[test]
fn a_drop_is_not_told() {
    assert_eq!(
        found([(
            "EC2",
            daily(|day| if day < LAST_WEEK.from { 500 } else { 0 })
        )]),
        []
    );
}

#[test]
fn too_little_to_compare_with_finds_nothing() {
    let rules = UnusualRules::default();
    let find = |first: Date, amounts: Vec<Decimal>, days| {
        unusual_days(first, &BTreeMap::from([("EC2", amounts)]), days, &rules)
    };
    let mut amounts = vec![Decimal::ONE; 13];
    amounts.push(usd("900"));
    let first = LAST.saturating_sub(13.days());
    // Seven days before the last week, which have each weekday once.
    let findings = find(first, amounts.clone(), LAST_WEEK);
    assert_eq!(
        (findings[0].compared, findings[0].compared_days),
        (ComparedDays::AllDays, 7)
    );
    assert_eq!(
        find(first.tomorrow().unwrap(), amounts[1..].to_vec(), LAST_WEEK),
        []
    );
    assert_eq!(find(first, Vec::new(), LAST_WEEK), []);
    // Days outside of the series.
    let later = DayRange::month_of(date(2027, 3, 1));
    assert_eq!(find(first, amounts.clone(), later), []);
    assert_eq!(find(Date::MAX, amounts, later), []);
}

#[test]
fn of_many_days_the_last_seven_are_looked_at() {
    let spikes = [date(2026, 11, 13), date(2026, 11, 16)];
    let usage = daily(|day| if spikes.contains(&day) { 90 } else { 10 });
    let all = BTreeMap::from([("EC2", usage)]);
    let month = DayRange::month_of(LAST);
    let findings = unusual_days(FIRST, &all, month, &UnusualRules::default());
    assert_eq!(findings[0].days, [spikes[1]]);
}

#[test]
fn many_keys_are_compared() {
    let mut series: BTreeMap<(usize, usize), Vec<Decimal>> = BTreeMap::new();
    for account in 0..300 {
        for service in 0..200 {
            let amount = |day: usize| Decimal::from((account * 7 + service * 3 + day * 5) % 11);
            series.insert((account, service), (0..81).map(amount).collect());
        }
    }
    if let Some(amounts) = series.get_mut(&(170, 30)) {
        amounts[79] = usd("50000");
    }
    let findings = unusual_days(FIRST, &series, LAST_WEEK, &UnusualRules::default());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].key, (170, 30));
}

proptest! {
    #[test]
    fn any_amounts_have_ordered_findings(
        amounts in proptest::collection::vec((proptest::collection::vec(-50_i64..200, 0..80), 0_u32..4), 0..9),
        first in 0_i64..200,
        huge in any::<bool>(),
    ) {
        let first = date(2026, 6, 1).saturating_add(first.days());
        let unit = if huge { Decimal::MAX / Decimal::from(200) } else { Decimal::ONE };
        let series: BTreeMap<usize, Vec<Decimal>> = amounts
            .into_iter()
            .map(|(days, scale)| days.into_iter().map(|day| Decimal::new(day, scale) * unit).collect())
            .enumerate()
            .collect();
        let findings = unusual_days(first, &series, LAST_WEEK, &UnusualRules::default());
        prop_assert!(findings.len() <= 5);
        prop_assert!(findings.is_sorted_by(|one, other| one.excess() >= other.excess()));
        for finding in findings {
            prop_assert!(finding.excess() >= Decimal::ONE);
            prop_assert!(finding.days.is_sorted() && finding.days.iter().all(|day| LAST_WEEK.contains(*day)));
        }
    }
}
