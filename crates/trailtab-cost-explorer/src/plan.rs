//! Plans the requests of a run, so that all its reports together need the fewest.
//!
//! Cost Explorer groups by at most two keys, and reports need four: account, owner, service and charge type. The first
//! requests are the same for all reports: accounts by charge type, and, for executives, the total by charge type, which
//! includes costs that belong to no account. Usage is then requested in one of two ways: *crossed*, owners by services
//! once for each account; or *cut*, accounts by owners and accounts by services once, and owners by services only for
//! the people with a report of their own. For these, each pair of a person and an account must be covered by a request:
//! for the person in all accounts, or for the account. The fewest requests are a minimum vertex cover of the graph of
//! people and accounts (Kőnig), so never more than the number of people or of accounts. The months before, which
//! reports show one by one, are requested by month: such months are final, so that a kept answer is good until the next
//! month.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::forecast::{ForecastQuery, ForecastScope};
use crate::owner_key::OwnerKeyQuery as _;
use crate::query::{
    CostFilter, CostQuery, FilterValues, GroupKey, GroupType, QueryGranularity, TimePeriod,
};
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::dimension::UsageDimension;
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
    /// Further dimensions that a report shows the usage of accounts by.
    pub by: Vec<UsageDimension>,
    /// The keys of the tags that budgets are about, if a report shows these budgets.
    pub budget_tags: BTreeSet<String>,
    /// The forecasts of Cost Explorer that reports show; absent if none does.
    pub forecasts: Option<ForecastNeeds>,
}

/// Forecasts of the month in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastNeeds {
    /// The day on which they are made.
    pub today: Date,
    /// The accounts that they are about: one request for each scope.
    pub scopes: BTreeSet<ForecastScope>,
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
    /// Accounts by a further dimension.
    Dimension,
    /// The total by a tag that budgets are about.
    BudgetTag,
    /// Cost Explorer's own forecasts, which are not answers with amounts by day or month.
    Forecast,
}

impl QueryKind {
    /// The kind of a request that [`ReportNeeds`] made.
    pub fn of(query: &CostQuery) -> QueryKind {
        let is_by = |key: &str| query.group_by.iter().any(|group| group.key == key);
        let filter = query.filter.as_ref();
        if query.granularity == QueryGranularity::Monthly && is_by("RECORD_TYPE") {
            return QueryKind::Months;
        }
        if UsageDimension::ALL.iter().any(|of| is_by(of.key())) {
            return QueryKind::Dimension;
        }
        if let [group] = query.group_by.as_slice()
            && group.r#type == GroupType::Tag
        {
            return QueryKind::BudgetTag;
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
            QueryKind::Dimension => "usage by the dimensions of --by",
            QueryKind::BudgetTag => "usage by the tags of budgets",
            QueryKind::Forecast => "AWS's own forecast of the month",
        }
    }
}

/// Returns whether a filter names values of a tag or cost category.
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
        Some(CostFilter::accounts(accounts.iter().cloned()))
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

    /// The forecasts of Cost Explorer, each with the accounts that it is about.
    pub fn forecasts(&self) -> impl Iterator<Item = (ForecastScope, ForecastQuery)> {
        let needs = self.forecasts.iter();
        let scopes = needs.flat_map(|needs| needs.scopes.iter().map(|scope| (scope, needs.today)));
        scopes.map(|(scope, today)| {
            let query = ForecastQuery::new(scope, self.metric, today);
            (scope.clone(), query)
        })
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
        steps.push(step(self.by.len(), QueryKind::Dimension));
        steps.push(step(self.budget_tags.len(), QueryKind::BudgetTag));
        steps.push(step(months, QueryKind::Months));
        steps.push(step(self.forecasts().count(), QueryKind::Forecast));
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
            let account = CostFilter::accounts([account.to_owned()]);
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

    /// Accounts by a further dimension.
    pub fn dimension(&self, usage: &[String], dimension: UsageDimension) -> CostQuery {
        let mut query = self.services(usage);
        query.group_by = vec![by("LINKED_ACCOUNT"), by(dimension.key())];
        query
    }

    /// All accounts together by the values of a tag that budgets are about.
    pub fn budget_tag(&self, usage: &[String], key: &str) -> CostQuery {
        let group_by = vec![OwnerKey::Tag(key.to_owned()).group()];
        self.query(group_by, vec![record_types(usage)])
    }

    /// All accounts together by the values of a tag, by month: few pages, for a check of the settings. It holds all
    /// charge types, since it is not known yet which of them are usage.
    pub fn budget_tag_by_month(&self, key: &str) -> CostQuery {
        let group_by = vec![OwnerKey::Tag(key.to_owned()).group()];
        let mut query = self.query(group_by, Vec::new());
        query.granularity = QueryGranularity::Monthly;
        query
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
mod tests;
