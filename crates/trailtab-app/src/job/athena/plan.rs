//! What a query will scan, from the listing of the table's objects, and whether that is within the limits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::AthenaOptions;
use crate::aws::{self, WorkgroupSettings};
use crate::job::read::ReadRequest;
use crate::source::s3::{self, ObjectFingerprint, S3Error, S3Request, SurveyedObjects};
use crate::source::{Source, SourceError};
use trailtab_athena::partition::{PartitionRole, ScanScope};
use trailtab_athena::price::{self, ScanPlan};
use trailtab_athena::table::LogTable;
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::event::filter::{EventFilter, ScopeMatcher};
use trailtab_core::scope::AccountId;
use trailtab_core::time::{self, Seconds, TimeWindow};
use trailtab_render::progress::{self as render, AthenaScan};

const DAY_SECONDS: Seconds = 86_400;

/// Why a query is not started.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The table's objects cannot be listed.
    #[error(transparent)]
    List(#[from] S3Error),
    /// The location of the table is no address in S3.
    #[error(transparent)]
    Location(#[from] SourceError),
    /// The query would scan more than the user allows.
    #[error("the query would scan {}, and --max-scan allows {}: ask about less, or allow more", render::bytes(*.bytes), render::bytes(*.limit))]
    TooManyBytes {
        /// What the query would scan, in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The query would cost more than the user allows.
    #[error(
        "the query would cost {}, and --max-usd allows ${limit}: ask about less, or allow more",
        render::dollars(*.usd)
    )]
    TooExpensive {
        /// What the query would cost, in dollars.
        usd: Decimal,
        /// The limit in dollars.
        limit: Decimal,
    },
    /// The workgroup would cancel the query.
    #[error("the query would scan {}, and the workgroup {workgroup:?} cancels queries that scan more than {}, and bills them: ask about less, or name another workgroup", render::bytes(*.bytes), render::bytes(*.limit))]
    WorkgroupLimit {
        /// The name of the workgroup.
        workgroup: String,
        /// What the query would scan, in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

/// What the listing of a table's objects found.
#[derive(Debug)]
pub(super) struct ScanPlanning {
    /// The partitions to scan.
    pub(super) scope: ScanScope,
    /// The objects by day of delivery; the key is absent for those whose day is not known.
    pub(super) days: BTreeMap<Option<Date>, SurveyedObjects>,
    /// All of them.
    pub(super) listed: ScanPlan,
    /// Number of folders of accounts and Regions: S3 serves each at a rate of its own.
    prefixes: u64,
    /// Why the objects could not be listed at all; absent if they were.
    not_listed: Option<String>,
    /// What the listing asked for and missed.
    pub(super) coverage: RunCoverage,
    /// Whether the listing is complete.
    pub(super) is_complete: bool,
}

impl ScanPlanning {
    /// Lists the table's objects that the window and the filters by account and Region admit.
    pub(super) async fn of(
        table: &LogTable,
        config: &aws::SdkConfig,
        request: &ReadRequest<'_>,
    ) -> Result<ScanPlanning, PlanError> {
        let scope = asked_scope(table, request);
        let Some(location) = &table.location else {
            return Ok(ScanPlanning::unlisted(scope));
        };
        let Source::S3 { bucket, prefix } = location.parse()? else {
            return Ok(ScanPlanning::unlisted(scope));
        };
        let has =
            |role: fn(&PartitionRole) -> bool| table.partitions.iter().any(|key| role(&key.role));
        // What no partition key tells apart is scanned as a whole.
        let by_day = table.has_days() || has(|role| *role == PartitionRole::Year);
        let by_scope = has(|role| matches!(role, PartitionRole::Account | PartitionRole::Region));
        let everything = EventFilter::default();
        let filter = if by_scope {
            &request.rules.filter
        } else {
            &everything
        };
        let scopes = ScopeMatcher::new(filter);
        let asked = S3Request {
            window: match by_day {
                true => request.rules.window,
                false => TimeWindow::default(),
            },
            scopes: &scopes,
            digests: false,
            network_activity: false,
            late_days: request.late_days,
            requester_pays: request.requester_pays,
            now: request.now,
            interrupt: &request.interrupt,
        };
        let survey = match s3::survey(config, &bucket, &prefix, asked).await {
            Ok(survey) => survey,
            // A caller may query a table without a permission to list its bucket, unless the list gives the accounts.
            Err(error @ S3Error::List { .. }) => {
                let needs_list = table.partitions.iter().any(|key| key.is_injected);
                return match needs_list && scope.accounts.is_none() {
                    true => Err(error.into()),
                    false => Ok(ScanPlanning {
                        not_listed: Some(error.to_string()),
                        ..ScanPlanning::unlisted(scope)
                    }),
                };
            }
            Err(error) => return Err(error.into()),
        };
        let mut planning = ScanPlanning {
            listed: ScanPlan {
                objects: survey.plan.objects,
                bytes: survey.plan.bytes,
                list_requests: survey.plan.list_requests,
            },
            not_listed: None,
            is_complete: survey.coverage.is_complete(),
            coverage: RunCoverage {
                delivered_until: asked.late_from().filter(|_| by_day),
                ..survey.coverage
            },
            ..ScanPlanning::unlisted(scope)
        };
        let mut scopes = BTreeSet::new();
        let mut has_other = false;
        for (place, objects) in &survey.places {
            let day = place.day.and_then(|(year, month, day)| {
                let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
                Date::new(i16::try_from(year).ok()?, month, day).ok()
            });
            let sum = planning.days.entry(day).or_default();
            sum.objects += objects.objects;
            sum.bytes = sum.bytes.saturating_add(objects.bytes);
            sum.fingerprint = sum.fingerprint.with(objects.fingerprint);
            match &place.scope {
                Some(scope) => drop(scopes.insert(scope.clone())),
                None => has_other = true,
            }
        }
        planning.prefixes = scopes.len() as u64;
        if by_scope && !has_other && planning.is_complete {
            let accounts = scopes.iter().map(|scope| scope.account.to_string());
            planning.scope.accounts = Some(accounts.collect());
            let regions = scopes.iter().map(|scope| scope.region.to_string());
            planning.scope.regions = Some(regions.collect());
        }
        planning.bound_days();
        planning.note_unknown_partitions(table);
        Ok(planning)
    }

    /// Says which of the objects the table does not know: projection would leave them out silently.
    fn note_unknown_partitions(&mut self, table: &LogTable) {
        let mut reasons = Vec::new();
        for key in &table.partitions {
            let found = match key.role {
                PartitionRole::Account => self.scope.accounts.as_ref(),
                PartitionRole::Region => self.scope.regions.as_ref(),
                _ => None,
            };
            let unknown = found
                .into_iter()
                .flatten()
                .filter(|value| !key.knows(value));
            let unknown: Vec<&str> = unknown.map(String::as_str).collect();
            if !unknown.is_empty() {
                let name = &key.name;
                reasons.push(format!(
                    "its key {name:?} does not know {}",
                    unknown.join(", ")
                ));
            }
            let earlier = |first: Date| self.days.keys().flatten().find(|day| **day < first);
            if let Some(first) = key.first_day()
                && let Some(day) = earlier(first)
            {
                reasons.push(format!(
                    "its key {:?} begins at {first}, and there are log files of {day}",
                    key.name
                ));
            }
        }
        if reasons.is_empty() {
            return;
        }
        let reason = format!(
            "the table leaves log files out: {}. Make it again with trailtab athena setup",
            reasons.join("; ")
        );
        let address = table.address.to_string();
        let problem = ReadProblem::of_document(address, Severity::Partial, reason);
        self.coverage.problem(problem);
    }

    fn unlisted(scope: ScanScope) -> ScanPlanning {
        ScanPlanning {
            scope,
            days: BTreeMap::new(),
            listed: ScanPlan::default(),
            prefixes: 0,
            not_listed: Some("the catalog does not tell its location in S3".to_owned()),
            coverage: RunCoverage::default(),
            is_complete: false,
        }
    }

    /// Without a window, the days are those of the objects: partition projection would go through all of its range.
    fn bound_days(&mut self) {
        if self.days.contains_key(&None) || !self.is_complete {
            return;
        }
        let mut days = self.days.keys().flatten();
        let first = days.next().copied();
        let last = days.next_back().copied().or(first);
        self.scope.first_day = self.scope.first_day.or(first);
        self.scope.last_day = self.scope.last_day.or(last);
    }

    /// Tells whether the listing is complete and found nothing.
    pub(super) fn has_nothing(&self) -> bool {
        self.is_complete && self.listed.objects == 0
    }

    /// Leaves out a day whose counts are kept.
    pub(super) fn leave_out(&mut self, day: Date) {
        self.scope.kept_days.insert(day);
    }

    /// Tells whether all days with objects are kept.
    pub(super) fn scans_nothing(&self) -> bool {
        self.is_complete && self.to_scan().objects == 0
    }

    /// Tells whether the query scans a day.
    pub(super) fn scans(&self, day: Date) -> bool {
        let is_before = self.scope.first_day.is_some_and(|first| day < first);
        let is_after = self.scope.last_day.is_some_and(|last| day > last);
        !is_before && !is_after && !self.scope.kept_days.contains(&day)
    }

    /// What the query scans.
    pub(super) fn to_scan(&self) -> ScanPlan {
        let is_kept =
            |day: &Option<Date>| day.is_some_and(|day| self.scope.kept_days.contains(&day));
        let scanned = self.days.iter().filter(|(day, _)| !is_kept(day));
        let mut plan = ScanPlan {
            list_requests: self.listed.list_requests,
            ..ScanPlan::default()
        };
        for (_, objects) in scanned {
            plan.objects += objects.objects;
            plan.bytes = plan.bytes.saturating_add(objects.bytes);
        }
        plan
    }

    /// The plan as it is told before anything is asked of Athena.
    pub(super) fn told(&self) -> AthenaScan<'_> {
        let plan = self.to_scan();
        AthenaScan {
            not_listed: self.not_listed.as_deref(),
            objects: plan.objects,
            bytes: plan.bytes,
            usd: plan.usd(),
            get_usd: plan.get_usd(),
            least_seconds: plan.least_seconds(self.prefixes),
            kept_days: self.scope.kept_days.len() as u64,
        }
    }

    /// Refuses a query that would pass a limit.
    pub(super) fn admit(
        &self,
        options: &AthenaOptions,
        workgroup: &WorkgroupSettings,
    ) -> Result<(), PlanError> {
        let plan = self.to_scan();
        let bytes = plan.bytes;
        if let Some(limit) = options.max_scan_bytes.filter(|limit| bytes > *limit) {
            return Err(PlanError::TooManyBytes { bytes, limit });
        }
        if let Some(limit) = workgroup.scan_limit_bytes.filter(|limit| bytes > *limit) {
            return Err(PlanError::WorkgroupLimit {
                workgroup: workgroup.name.clone(),
                bytes,
                limit,
            });
        }
        let (usd, limit) = (plan.usd(), options.max_usd);
        match usd > limit {
            true => Err(PlanError::TooExpensive { usd, limit }),
            false => Ok(()),
        }
    }

    /// The most bytes that the query may scan. Without a listing, the limit in dollars is held while it runs.
    pub(super) fn scan_limit_bytes(&self, options: &AthenaOptions) -> Option<u64> {
        let by_usd = self
            .not_listed
            .as_ref()
            .map(|_| price::bytes_for(options.max_usd));
        options.max_scan_bytes.or(by_usd)
    }

    /// What tells the objects of the query from others.
    pub(super) fn fingerprint(&self) -> String {
        let all = self.days.values().map(|objects| objects.fingerprint);
        all.fold(ObjectFingerprint::default(), ObjectFingerprint::with)
            .to_string()
    }
}

/// The partitions that the window and the filters admit, before anything is listed.
fn asked_scope(table: &LogTable, request: &ReadRequest<'_>) -> ScanScope {
    let window = request.rules.window;
    let late = i64::from(request.late_days) * DAY_SECONDS;
    let date = |time: Seconds| {
        let (year, month, day) = time::day(time);
        Date::new(year, month, day).ok()
    };
    let filter = &request.rules.filter;
    let ids = filter.accounts.wanted().filter(|id| AccountId::is_id(id));
    let ids: BTreeSet<String> = ids.map(str::to_owned).collect();
    let is_listed = !ids.is_empty() && ids.len() == filter.accounts.given().len();
    let has_accounts = table
        .partitions
        .iter()
        .any(|key| key.role == PartitionRole::Account);
    ScanScope {
        accounts: (is_listed && has_accounts).then_some(ids),
        regions: None,
        first_day: window.since.and_then(date),
        last_day: window
            .until
            .and_then(|until| date(until.saturating_sub(1).saturating_add(late))),
        kept_days: BTreeSet::new(),
    }
}
