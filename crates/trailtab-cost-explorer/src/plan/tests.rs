//! Tests of the plan: how many requests a run takes, and what they ask.

use proptest::prelude::{Strategy as _, any, proptest};

use super::*;

fn need(total: bool, whole_accounts: bool, people: usize, keys: usize) -> ReportNeeds {
    let day = |text: &str| text.parse().unwrap();
    ReportNeeds {
        time_period: TimePeriod {
            start: day("2026-10-01"),
            end: day("2026-11-21"),
        },
        metric: CostMetric::UnblendedCost,
        keys: (0..keys)
            .map(|key| OwnerKey::Tag(format!("key{key}")))
            .collect(),
        accounts: None,
        whole_accounts,
        total,
        people: (0..people)
            .map(|n| CostOwner::Named(n.to_string()))
            .collect(),
        months: None,
        by: Vec::new(),
        budget_tags: BTreeSet::new(),
        forecasts: None,
    }
}

/// The same, with the months from April to September.
fn with_months(need: ReportNeeds, by_account: bool) -> ReportNeeds {
    let day = |text: &str| text.parse().unwrap();
    ReportNeeds {
        months: Some(MonthNeeds {
            time_period: TimePeriod {
                start: day("2026-04-01"),
                end: day("2026-10-01"),
            },
            by_account,
        }),
        ..need
    }
}

fn most(need: &ReportNeeds, accounts: usize) -> usize {
    need.most_requests(Some(accounts))
}

#[test]
fn awsauditors_examples_take_at_most_accounts_plus_two_requests() {
    // 10 managers with 3 accounts each and 30 users, and 5 managers with 100 users, over 20 accounts.
    assert!(most(&need(false, true, 30, 1), 20) <= 22);
    assert!(most(&need(false, true, 100, 1), 20) <= 22);
    assert!(most(&need(true, true, 100, 1), 20) <= 22);
    // Few people in a large organisation.
    assert_eq!(most(&need(true, true, 5, 1), 200), 9);
    assert_eq!(most(&need(false, true, 0, 1), 200), 3);
    assert_eq!(most(&need(true, true, 0, 1), 1), 3);
}

proptest! {
    #[test]
    fn no_run_takes_more_than_accounts_and_two(
        total in any::<bool>(), whole in any::<bool>(), people in 0..50_usize, accounts in 1..60_usize,
    ) {
        let need = need(total, whole || total, people, 1);
        assert!(most(&need, accounts) <= accounts + 2);
        assert!(most(&need, accounts) <= need.most_requests(None));
    }

    #[test]
    fn a_cover_holds_every_pair_and_is_small(
        places in proptest::collection::vec((0..12_u8, 0..8_u8), 0..40).prop_map(|pairs| {
            let mut places = AccountsByOwner::new();
            for (person, account) in pairs {
                let accounts = places.entry(CostOwner::Named(person.to_string())).or_default();
                accounts.insert(account.to_string());
            }
            places
        }),
    ) {
        let (people, accounts) = cover(&places);
        for (person, theirs) in &places {
            assert!(people.contains(person) || theirs.is_subset(&accounts));
        }
        let all: BTreeSet<&String> = places.values().flatten().collect();
        assert!(people.len() + accounts.len() <= places.len().min(all.len()));
    }
}

#[test]
fn a_cover_mixes_people_and_accounts() {
    let mut places = AccountsByOwner::new();
    let mut at = |person: &str, accounts: &[&str]| {
        let accounts = accounts.iter().map(|&account| account.to_owned());
        places.insert(CostOwner::Named(person.to_owned()), accounts.collect());
    };
    at("everywhere", &["1", "2", "3", "4"]);
    at("a", &["1"]);
    at("b", &["1"]);
    at("c", &["1"]);
    let (people, accounts) = cover(&places);
    assert_eq!(
        people,
        BTreeSet::from([CostOwner::Named("everywhere".to_owned())])
    );
    assert_eq!(accounts, BTreeSet::from(["1".to_owned()]));
}

#[test]
fn months_take_one_request_for_each_kind_of_reader() {
    let months = |need: &ReportNeeds| {
        let steps = need.steps(Some(200)).into_iter();
        let months = steps.filter(|step| step.kind == Some(QueryKind::Months));
        months.map(|step| step.requests).collect::<Vec<_>>()
    };
    let (executives, managers) = (need(true, true, 0, 1), need(false, true, 0, 1));
    assert_eq!(months(&executives), [0; 0]);
    assert_eq!(months(&with_months(executives.clone(), false)), [1]);
    assert_eq!(months(&with_months(managers, true)), [1]);
    assert_eq!(months(&with_months(executives, true)), [2]);
}

#[test]
fn months_of_some_accounts_are_those_of_these_accounts() {
    let mut need = with_months(need(true, true, 0, 1), true);
    need.accounts = Some(BTreeSet::from(["111122223333".to_owned()]));
    let by_account = need.months_by_account().unwrap();
    assert_eq!(by_account.granularity, QueryGranularity::Monthly);
    assert_eq!(by_account.time_period.start.to_string(), "2026-04-01");
    assert_eq!(by_account.only("LINKED_ACCOUNT"), Some("111122223333"));
    assert_eq!(by_account.group_by, need.charges().group_by);
    let total = need.months_in_total().unwrap();
    assert_eq!((total.filter, total.group_by.len()), (None, 1));
}

#[test]
fn a_request_tells_what_it_is_for() {
    let need = with_months(need(true, true, 1, 2), true);
    let usage = ["Usage".to_owned()];
    let seen = BTreeSet::from([(1, "b".to_owned())]);
    let kinds = |queries: Vec<CostQuery>| -> BTreeSet<QueryKind> {
        queries.iter().map(QueryKind::of).collect()
    };
    for (queries, kind) in [
        (vec![need.charges()], QueryKind::Charges),
        (need.control().into_iter().collect(), QueryKind::Control),
        (need.owners(&usage).collect(), QueryKind::Owners),
        (vec![need.services(&usage)], QueryKind::Services),
        (
            need.person(&usage, &seen).into_iter().collect(),
            QueryKind::Person,
        ),
        (
            need.crossed("111122223333", &usage).collect(),
            QueryKind::Crossed,
        ),
        (
            need.months_by_account().into_iter().collect(),
            QueryKind::Months,
        ),
        (
            need.months_in_total().into_iter().collect(),
            QueryKind::Months,
        ),
        (
            need.owners_by_month().into_iter().collect(),
            QueryKind::Owners,
        ),
        (
            vec![need.dimension(&usage, UsageDimension::UsageType)],
            QueryKind::Dimension,
        ),
        (
            vec![
                need.budget_tag(&usage, "project"),
                need.budget_tag_by_month("project"),
            ],
            QueryKind::BudgetTag,
        ),
    ] {
        assert_eq!(kinds(queries), BTreeSet::from([kind]));
    }
}

#[test]
fn each_tag_of_budgets_takes_one_request_for_all_accounts() {
    let without = need(true, true, 0, 1);
    let budget_tags = BTreeSet::from(["project".to_owned(), "team".to_owned()]);
    let with = ReportNeeds {
        budget_tags,
        ..without.clone()
    };
    for accounts in [None, Some(1), Some(200)] {
        let requests = with.most_requests(accounts);
        assert_eq!(requests, without.most_requests(accounts) + 2);
    }
    let query = with.budget_tag(&["Usage".to_owned()], "project");
    assert_eq!(
        serde_json::to_value(&query).unwrap(),
        serde_json::json!({
            "TimePeriod": {"Start": "2026-10-01", "End": "2026-11-21"},
            "Granularity": "DAILY",
            "Metrics": ["UnblendedCost"],
            "Filter": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Usage"]}},
            "GroupBy": [{"Type": "TAG", "Key": "project"}],
        })
    );
}

#[test]
fn questions_are_those_of_the_api() {
    let mut need = need(false, true, 1, 2);
    need.accounts = Some(BTreeSet::from(["111122223333".to_owned()]));
    let usage = ["Usage".to_owned()];
    let json = |query: &CostQuery| serde_json::to_value(query).unwrap();
    let owners: Vec<CostQuery> = need.owners(&usage).collect();
    let second = json(&owners[1]);
    assert_eq!(second["TimePeriod"]["End"], "2026-11-21");
    assert_eq!(second["Granularity"], "DAILY");
    assert_eq!(
        second["GroupBy"][1],
        serde_json::json!({"Type": "TAG", "Key": "key1"})
    );
    let absent = serde_json::json!({"Tags": {"Key": "key0", "MatchOptions": ["ABSENT"]}});
    assert_eq!(second["Filter"]["And"][2], absent);
    let seen = BTreeSet::from([(0, "a".to_owned()), (1, "b".to_owned())]);
    let person = json(&need.person(&usage, &seen).unwrap());
    let or = &person["Filter"]["And"][2]["Or"];
    assert_eq!(or[0]["Tags"]["Values"][0], "a");
    assert_eq!(or[1]["And"][0], absent);
    let read: CostQuery = serde_json::from_value(person).unwrap();
    assert_eq!(Some(read), need.person(&usage, &seen));
    assert_eq!(need.person(&usage, &BTreeSet::new()), None);
}
