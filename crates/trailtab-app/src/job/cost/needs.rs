//! What the reports of a run need of Cost Explorer.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::{CostRun, ReportPeriod};
use trailtab_core::cost::budget;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::report::{Audience, AudienceKind, PeriodKind, trend_months};
use trailtab_cost_explorer::forecast::ForecastScope;
use trailtab_cost_explorer::plan::{ForecastNeeds, MonthNeeds, ReportNeeds};
use trailtab_cost_explorer::query::TimePeriod;

/// The first day of which Cost Explorer has daily costs: it keeps the current month and the 13 before.
pub(super) fn kept_from(today: Date) -> Date {
    today.first_of_month().saturating_sub(13.months())
}

/// The accounts that the forecast in a report is about; none for an individual, whose usage a forecast cannot be about.
pub(super) fn forecast_scope(audience: &Audience) -> Option<ForecastScope> {
    match audience.kind {
        AudienceKind::Executive => Some(ForecastScope::AllAccounts),
        AudienceKind::Manager => {
            let ids = audience.accounts.iter().map(|account| account.id.clone());
            Some(ForecastScope::Accounts(ids.collect()))
        }
        AudienceKind::Individual => None,
    }
}

impl CostRun {
    /// The combined needs of some reports over all these periods.
    pub fn need(
        &self,
        audiences: &[(&Audience, Option<&CostOwner>)],
        occasions: &[ReportPeriod],
    ) -> ReportNeeds {
        let kept_from = kept_from(self.today());
        let all = occasions.iter().map(|occasion| {
            let whole = period::whole(occasion.kind, occasion.days);
            let from = whole.from.max(kept_from.min(occasion.days.from));
            DayRange { from, ..whole }
        });
        let (from, through) = all.fold((Date::MAX, Date::MIN), |(from, through), days| {
            (from.min(days.from), through.max(days.through))
        });
        let is = |kind| audiences.iter().any(|(audience, _)| audience.kind == kind);
        let accounts: BTreeSet<String> = audiences
            .iter()
            .flat_map(|(audience, _)| &audience.accounts)
            .map(|account| account.id.clone())
            .collect();
        // If names had to be learned, all accounts were queried already.
        let all_accounts =
            is(AudienceKind::Executive) || is(AudienceKind::Individual) || !self.has_directory;
        let mut need = ReportNeeds {
            time_period: DayRange { from, through }.into(),
            metric: self.settings.metric,
            keys: self.settings.owner.keys.clone(),
            accounts: (!all_accounts).then_some(accounts),
            whole_accounts: is(AudienceKind::Executive) || is(AudienceKind::Manager),
            total: is(AudienceKind::Executive),
            people: audiences
                .iter()
                .filter_map(|(_, owner)| owner.cloned())
                .collect(),
            months: None,
            by: self.by.clone(),
            budget_tags: BTreeSet::new(),
            forecasts: None,
        };
        if occasions
            .iter()
            .any(|occasion| occasion.kind == PeriodKind::MonthToDate)
        {
            need.budget_tags = self.budget_tags_shown(need.total);
            let audiences = audiences.iter().map(|(audience, _)| *audience);
            need.forecasts = self.forecasts_shown(audiences.filter_map(forecast_scope));
        }
        need.months = self.months_needed(occasions, &need, is(AudienceKind::Manager));
        need
    }

    /// The months before the needed days that reports show, as far as Cost Explorer keeps them.
    fn months_needed(
        &self,
        occasions: &[ReportPeriod],
        need: &ReportNeeds,
        by_account: bool,
    ) -> Option<MonthNeeds> {
        let mut shown = occasions
            .iter()
            .flat_map(|occasion| trend_months(occasion.kind, occasion.days));
        let first = shown.by_ref().map(|month| month.from).min()?;
        let start = first.max(kept_from(self.today()));
        // The needed days hold the other months.
        let end = need.time_period.start;
        let end = match end == end.first_of_month() {
            true => end,
            false => end.last_of_month().tomorrow().ok()?,
        };
        let is_read = need.total || by_account;
        (is_read && start < end).then_some(MonthNeeds {
            time_period: TimePeriod { start, end },
            by_account,
        })
    }

    /// The keys of the tags of budgets that reports on the month to date show: none unless one is about all accounts.
    pub(super) fn budget_tags_shown(&self, has_executive: bool) -> BTreeSet<String> {
        match has_executive {
            true => budget::tag_keys(&self.settings.budgets),
            false => BTreeSet::new(),
        }
    }

    /// The forecasts that reports on the month to date show, if the settings ask for them.
    pub(super) fn forecasts_shown(
        &self,
        scopes: impl Iterator<Item = ForecastScope>,
    ) -> Option<ForecastNeeds> {
        self.settings.aws_forecast.then(|| ForecastNeeds {
            today: self.today(),
            scopes: scopes.collect(),
        })
    }

    /// An upper bound for the needs of all reports, from the settings alone.
    pub fn most_needed(&self) -> ReportNeeds {
        let settings = &self.settings;
        let mut need = self.need(&[], &[self.last_month()]);
        let channels = &settings.channels;
        need.total = !settings.executives.is_empty() || channels.iter().any(|channel| channel.all);
        let has_managers = !settings.managers.is_empty()
            || channels.iter().any(|channel| channel.accounts.is_some());
        need.whole_accounts = need.total || has_managers;
        need.months = self.months_needed(&[self.last_month()], &need, has_managers);
        need.budget_tags = self.budget_tags_shown(need.total);
        let lists = settings.managers.values();
        let lists = lists.chain(channels.iter().filter_map(|it| it.accounts.as_ref()));
        // Names of accounts are as good as ids for counting.
        let scopes = lists.map(|names| ForecastScope::Accounts(names.iter().cloned().collect()));
        let all = need.total.then_some(ForecastScope::AllAccounts);
        need.forecasts = self.forecasts_shown(scopes.chain(all));
        let owners = channels.iter().filter_map(|channel| channel.owner.as_ref());
        let people = settings.users.iter().chain(owners);
        let people = people.map(|user| settings.owner.owner(user));
        need.people = people.collect();
        need
    }
}
