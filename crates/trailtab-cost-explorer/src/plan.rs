//! Plans the requests of a run, so that all its reports together need the fewest.
//!
//! Cost Explorer groups by at most two keys, and reports need four: account, owner, service and
//! charge type. The first requests are the same for all reports: accounts by charge type, and, for
//! executives, the total by charge type, which includes costs that belong to no account. Usage is
//! then requested in one of two ways: *crossed*, owners by services once for each account; or
//! *cut*, accounts by owners and accounts by services once, and owners by services only for the people with a report
//! of their own. For these, each pair of a person and an account must be covered by a request: for the person in all
//! accounts, or for the account. The fewest requests are a minimum vertex cover of the graph of people and accounts
//! (Kőnig), so never more than the number of people or of accounts. The months before, which reports show one by one, are
//! requested by month: such months are final, so that a kept answer is good until the next month.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::owner_key::OwnerKeyQuery as _;
use crate::query::{
    CostFilter, CostQuery, FilterValues, GroupKey, GroupType, QueryGranularity, TimePeriod,
};
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::owner::{CostOwner, OwnerKey};

/// What all reports of a run need together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportNeeds {
    /// The days that all reports need, comparisons included.
    pub time_period: TimePeriod,
    /// The metric of all amounts.
    pub metric: CostMetric,
    /// Where owners are looked for, in this order.
    pub keys: Vec<OwnerKey>,
    /// The accounts that reports are about; absent for all.
    pub accounts: Option<BTreeSet<String>>,
    /// Whether a report shows the costs of whole accounts.
    pub whole_accounts: bool,
    /// Whether a report shows all accounts, including costs that belong to no account.
    pub total: bool,
    /// Owners with a report of their own.
    pub people: BTreeSet<CostOwner>,
    /// The months before these days that reports show one by one; absent if none does.
    pub months: Option<MonthNeeds>,
}

/// Whole months of which only the bill is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthNeeds {
    /// The months, from a first day to before another one.
    pub time_period: TimePeriod,
    /// Whether a report shows them for some accounts. Reports on all accounts need no accounts, and answers by account
    /// leave out what belongs to none.
    pub by_account: bool,
}

/// How usage is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageStrategy {
    /// Owners by services, for each account.
    Crossed,
    /// Accounts by owners first; then what is still needed.
    Cut,
}

/// What a request of a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    /// Accounts by charge type.
    Charges,
    /// The total by charge type.
    Control,
    /// Accounts by owners.
    Owners,
    /// Accounts by services.
    Services,
    /// Accounts by services, of one owner.
    Person,
    /// Owners by services, in one account.
    Crossed,
    /// Months by charge type, in total or by account.
    Months,
}

impl QueryKind {
    /// The kind of a request that [`ReportNeeds`] made.
    pub fn of(query: &CostQuery) -> QueryKind {
        let is_by = |key: &str| query.group_by.iter().any(|group| group.key == key);
        let filter = query.filter.as_ref();
        if query.granularity == QueryGranularity::Monthly && is_by("RECORD_TYPE") {
            return QueryKind::Months;
        }
        match (
            is_by("LINKED_ACCOUNT"),
            is_by("RECORD_TYPE"),
            is_by("SERVICE"),
        ) {
            (true, true, _) => QueryKind::Charges,
            (false, true, _) => QueryKind::Control,
            (true, _, true) if filter.is_some_and(names_owners) => QueryKind::Person,
            (true, _, true) => QueryKind::Services,
            (true, ..) => QueryKind::Owners,
            (false, ..) => QueryKind::Crossed,
        }
    }

    /// What the request is for, in words.
    pub fn about(self) -> &'static str {
        match self {
            QueryKind::Charges => "costs by account and charge type",
            QueryKind::Control => "the total by charge type",
            QueryKind::Owners => "usage by account and owner",
            QueryKind::Services => "usage by account and service",
            QueryKind::Person => {
                "usage by service of those who get a report of their own, by person or by account"
            }
            QueryKind::Crossed => "usage by owner and service, account by account",
            QueryKind::Months => "the months before, by charge type",
        }
    }
}

/// Tells whether a filter names values of a tag or cost category.
fn names_owners(filter: &CostFilter) -> bool {
    match filter {
        CostFilter::And(filters) | CostFilter::Or(filters) => filters.iter().any(names_owners),
        CostFilter::Not(filter) => names_owners(filter),
        CostFilter::Dimensions(_) => false,
        CostFilter::Tags(values) | CostFilter::CostCategories(values) => !values.values.is_empty(),
    }
}

/// Requests of a run with one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanStep {
    /// Their maximum number, without further pages.
    pub requests: usize,
    /// Their kind; absent for usage in the cheaper of two ways, as long as it is not known which one.
    pub kind: Option<QueryKind>,
}

impl PlanStep {
    /// What the requests are for, in words.
    pub fn about(&self) -> &'static str {
        let cheaper = "usage by owner and by service, in the cheaper of two ways";
        self.kind.map_or(cheaper, QueryKind::about)
    }
}

impl MonthNeeds {
    /// The same request for these months.
    fn query(self, by_day: CostQuery) -> CostQuery {
        CostQuery {
            time_period: self.time_period,
            granularity: QueryGranularity::Monthly,
            ..by_day
        }
    }
}

/// A value under which an owner was seen: the index of the owner key, and the value.
pub type RawValue = (usize, String);

/// The accounts in which each owner has costs.
pub type AccountsByOwner = BTreeMap<CostOwner, BTreeSet<String>>;

impl ReportNeeds {
    fn query(&self, group_by: Vec<GroupKey>, filters: Vec<CostFilter>) -> CostQuery {
        let mut filters = filters;
        let filter = match filters.len() {
            0 => None,
            1 => filters.pop(),
            _ => Some(CostFilter::And(filters)),
        };
        CostQuery {
            time_period: self.time_period,
            granularity: QueryGranularity::Daily,
            metrics: [self.metric],
            filter,
            group_by,
        }
    }

    fn in_scope(&self) -> Option<CostFilter> {
        let accounts = self.accounts.as_ref()?;
        Some(dimension("LINKED_ACCOUNT", accounts.iter().cloned()))
    }

    /// Accounts by owners of the first owner key, by month: few pages, for a check of the settings.
    pub fn owners_by_month(&self) -> Option<CostQuery> {
        let key = self.keys.first()?;
        let mut query = self.query(vec![by("LINKED_ACCOUNT"), key.group()], Vec::new());
        query.granularity = QueryGranularity::Monthly;
        Some(query)
    }

    /// Accounts by charge type: the first request of every run.
    pub fn charges(&self) -> CostQuery {
        let group_by = vec![by("LINKED_ACCOUNT"), by("RECORD_TYPE")];
        self.query(group_by, self.in_scope().into_iter().collect())
    }

    /// The total by charge type, if a report shows costs that belong to no account.
    pub fn control(&self) -> Option<CostQuery> {
        let group_by = vec![by("RECORD_TYPE")];
        self.total.then(|| self.query(group_by, Vec::new()))
    }

    /// Accounts by charge type, by month, if a report shows months of some accounts.
    pub fn months_by_account(&self) -> Option<CostQuery> {
        let months = self.months.filter(|months| months.by_account)?;
        Some(months.query(self.charges()))
    }

    /// The total by charge type, by month, if a report shows months of all accounts.
    pub fn months_in_total(&self) -> Option<CostQuery> {
        Some(self.months?.query(self.control()?))
    }

    /// Chooses how usage of this number of accounts is requested, so that a run never needs more
    /// than one request more than the crossed way.
    pub fn way(&self, accounts: usize) -> UsageStrategy {
        let (keys, people) = (self.keys.len(), self.people.len());
        let crossed = accounts * keys;
        let services = usize::from(self.whole_accounts);
        let least = keys + services + people.min(1);
        let most = keys + (services + people.min(crossed)).min(crossed);
        let spare = usize::from(!self.total);
        match least < crossed && most <= crossed + spare {
            true => UsageStrategy::Cut,
            false => UsageStrategy::Crossed,
        }
    }

    /// The requests of a run for this number of accounts, or for any number: the maximum number
    /// without further pages, and their purpose.
    pub fn steps(&self, accounts: Option<usize>) -> Vec<PlanStep> {
        let (keys, people) = (self.keys.len(), self.people.len());
        let services = usize::from(self.whole_accounts);
        let step = |requests, kind: QueryKind| PlanStep {
            requests,
            kind: Some(kind),
        };
        let mut steps = vec![
            step(1, QueryKind::Charges),
            step(usize::from(self.total), QueryKind::Control),
        ];
        match accounts.map(|accounts| (accounts * keys, self.way(accounts))) {
            None => steps.push(PlanStep {
                requests: keys + services + people + usize::from(!self.total),
                kind: None,
            }),
            Some((crossed, UsageStrategy::Crossed)) => {
                steps.push(step(crossed, QueryKind::Crossed));
            }
            Some((crossed, UsageStrategy::Cut)) => {
                let rest = (services + people.min(crossed)).min(crossed);
                steps.push(step(keys, QueryKind::Owners));
                steps.push(step(services.min(rest), QueryKind::Services));
                steps.push(step(rest - services.min(rest), QueryKind::Person));
            }
        }
        let months = self.months_by_account().into_iter();
        let months = months.chain(self.months_in_total()).count();
        steps.push(step(months, QueryKind::Months));
        steps.retain(|step| step.requests > 0);
        steps
    }

    /// Maximum number of requests of a run, without further pages, for this number of accounts, or
    /// for any number.
    pub fn most_requests(&self, accounts: Option<usize>) -> usize {
        let steps = self.steps(accounts).into_iter();
        steps.map(|step| step.requests).sum()
    }

    /// Owners by services in one account, once for each owner key.
    pub fn crossed<'n>(
        &'n self,
        account: &'n str,
        usage: &'n [String],
    ) -> impl Iterator<Item = CostQuery> {
        (0..self.keys.len()).map(move |key| {
            let account = dimension("LINKED_ACCOUNT", [account.to_owned()]);
            let group_by = vec![self.keys[key].group(), by("SERVICE")];
            let mut filters = vec![account, record_types(usage)];
            filters.extend(self.keys[..key].iter().map(OwnerKey::absent));
            self.query(group_by, filters)
        })
    }

    /// Accounts by owners, once for each owner key.
    pub fn owners<'n>(&'n self, usage: &'n [String]) -> impl Iterator<Item = CostQuery> {
        (0..self.keys.len()).map(move |key| {
            let group_by = vec![by("LINKED_ACCOUNT"), self.keys[key].group()];
            let mut filters: Vec<CostFilter> = self.in_scope().into_iter().collect();
            filters.push(record_types(usage));
            filters.extend(self.keys[..key].iter().map(OwnerKey::absent));
            self.query(group_by, filters)
        })
    }

    /// Accounts by services.
    pub fn services(&self, usage: &[String]) -> CostQuery {
        let group_by = vec![by("LINKED_ACCOUNT"), by("SERVICE")];
        let mut filters: Vec<CostFilter> = self.in_scope().into_iter().collect();
        filters.push(record_types(usage));
        self.query(group_by, filters)
    }

    /// Accounts by services of one owner, seen under these values. Returns no request for an owner without values.
    pub fn person(&self, usage: &[String], seen: &BTreeSet<RawValue>) -> Option<CostQuery> {
        let mut ways: Vec<CostFilter> = Vec::new();
        for (place, key) in self.keys.iter().enumerate() {
            let values = seen.iter().filter(|(seen, _)| *seen == place);
            let values: Vec<String> = values.map(|(_, value)| value.clone()).collect();
            if values.is_empty() {
                continue;
            }
            let mut filters: Vec<CostFilter> =
                self.keys[..place].iter().map(OwnerKey::absent).collect();
            filters.push(key.any_of(values));
            ways.push(one_of(filters, CostFilter::And));
        }
        let group_by = vec![by("LINKED_ACCOUNT"), by("SERVICE")];
        let mut filters: Vec<CostFilter> = self.in_scope().into_iter().collect();
        filters.push(record_types(usage));
        if ways.is_empty() {
            return None;
        }
        filters.push(one_of(ways, CostFilter::Or));
        Some(self.query(group_by, filters))
    }
}

fn one_of(mut filters: Vec<CostFilter>, all: fn(Vec<CostFilter>) -> CostFilter) -> CostFilter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            all(filters)
        }
    }
}

fn by(dimension: &str) -> GroupKey {
    GroupKey {
        r#type: GroupType::Dimension,
        key: dimension.to_owned(),
    }
}

fn dimension(key: &str, values: impl IntoIterator<Item = String>) -> CostFilter {
    CostFilter::Dimensions(FilterValues {
        key: key.to_owned(),
        values: values.into_iter().collect(),
        match_options: Vec::new(),
    })
}

fn record_types(usage: &[String]) -> CostFilter {
    dimension("RECORD_TYPE", usage.iter().cloned())
}

/// A minimum vertex cover: the fewest people and accounts such that each pair of a person and an
/// account contains one of them. It is derived from a maximum matching.
pub fn cover(places: &AccountsByOwner) -> (BTreeSet<CostOwner>, BTreeSet<String>) {
    let mut matched: BTreeMap<&str, &CostOwner> = BTreeMap::new();
    for person in places.keys() {
        augment(person, places, &mut matched, &mut BTreeSet::new());
    }
    // Vertices reachable from unmatched people by alternating paths.
    let with_partner: BTreeSet<&CostOwner> = matched.values().copied().collect();
    let alone = places
        .keys()
        .filter(|person| !with_partner.contains(person));
    let mut open: Vec<&CostOwner> = alone.collect();
    let mut people: BTreeSet<&CostOwner> = open.iter().copied().collect();
    let mut accounts: BTreeSet<&str> = BTreeSet::new();
    while let Some(person) = open.pop() {
        for account in places.get(person).into_iter().flatten() {
            if !accounts.insert(account) {
                continue;
            }
            if let Some(partner) = matched.get(account.as_str())
                && people.insert(partner)
            {
                open.push(partner);
            }
        }
    }
    let not_reached = places
        .iter()
        .filter(|(person, accounts)| !people.contains(person) && !accounts.is_empty());
    (
        not_reached.map(|(person, _)| person.clone()).collect(),
        accounts.into_iter().map(str::to_owned).collect(),
    )
}

/// Finds an augmenting path from a person.
fn augment<'p>(
    person: &'p CostOwner,
    places: &'p AccountsByOwner,
    matched: &mut BTreeMap<&'p str, &'p CostOwner>,
    seen: &mut BTreeSet<&'p str>,
) -> bool {
    for account in places.get(person).into_iter().flatten() {
        if !seen.insert(account) {
            continue;
        }
        let partner = matched.get(account.as_str()).copied();
        if partner.is_none_or(|partner| augment(partner, places, matched, seen)) {
            matched.insert(account, person);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
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
        ] {
            assert_eq!(kinds(queries), BTreeSet::from([kind]));
        }
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
}
