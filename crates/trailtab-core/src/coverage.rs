//! What was requested, what was read, and what is missing and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::event::filter::Criterion;
use crate::integrity::report::Integrity;
use crate::scope::{AccountId, Scope};
use crate::time::{self, Seconds};

/// Maximum number of problems kept verbatim; the rest are only counted.
const MAX_PROBLEMS: usize = 1000;

/// What can be read or not: one region of an account, or the account as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadScope {
    /// All regions of the account.
    Account(AccountId),
    /// One region.
    Region(Scope),
}

/// The name that stands for all regions of an account in JSON output.
pub const ALL_REGIONS: &str = "*";

impl ReadScope {
    /// The account.
    pub fn account(&self) -> AccountId {
        match self {
            ReadScope::Account(account) => *account,
            ReadScope::Region(scope) => scope.account,
        }
    }

    /// The name of the region, or [`ALL_REGIONS`].
    pub fn region_name(&self) -> &str {
        match self {
            ReadScope::Account(_) => ALL_REGIONS,
            ReadScope::Region(scope) => scope.region.as_str(),
        }
    }
}

impl From<Scope> for ReadScope {
    fn from(scope: Scope) -> ReadScope {
        ReadScope::Region(scope)
    }
}

/// `111122223333:eu-west-1`, or `111122223333:*`: the form of keys in JSON output.
impl fmt::Display for ReadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.account(), self.region_name())
    }
}

/// A document, or a place where documents were looked for, that could not be read completely.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadProblem {
    /// The path or address, written as on the command line.
    pub document: String,
    /// The account and region that the problem makes incomplete, if they are known.
    pub scope: Option<ReadScope>,
    /// The error code of AWS, or the program's own, if the problem affects the whole scope and not
    /// just one document of it.
    pub code: Option<String>,
    /// Whether part of the document or nothing of it was read.
    pub severity: Severity,
    /// What went wrong. Contains no secret.
    pub reason: String,
}

impl ReadProblem {
    /// A problem of one document. The name of a log file has its account and region.
    pub fn of_document(
        document: impl Into<String>,
        severity: Severity,
        reason: impl Into<String>,
    ) -> ReadProblem {
        let document = document.into();
        ReadProblem {
            scope: Scope::of_log_file(&document).map(ReadScope::Region),
            document,
            code: None,
            severity,
            reason: reason.into(),
        }
    }

    /// A problem of the event history of a region, or of a whole account.
    pub fn of_event_history(
        scope: ReadScope,
        code: impl Into<String>,
        severity: Severity,
        reason: impl Into<String>,
    ) -> ReadProblem {
        ReadProblem {
            document: event_history(&scope),
            scope: Some(scope),
            code: Some(code.into()),
            severity,
            reason: reason.into(),
        }
    }
}

/// How much of a document a problem affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Part of the document was read.
    Partial,
    /// Nothing of it was read.
    Failed,
}

impl Severity {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Partial => "partial",
            Severity::Failed => "failed",
        }
    }
}

/// What a document that was opened turned out to be. Each ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentOutcome {
    /// It holds events, or it is a well-formed document of events with none in it.
    Events,
    /// It holds content of a known kind that is not an event, such as a digest.
    OtherKind,
    /// It has nothing to do with CloudTrail.
    Unrelated,
    /// It was not read completely, or it lacks what its name or place promises.
    Problem,
}

impl DocumentOutcome {
    /// All outcomes.
    pub const ALL: [DocumentOutcome; 4] = [
        DocumentOutcome::Events,
        DocumentOutcome::OtherKind,
        DocumentOutcome::Unrelated,
        DocumentOutcome::Problem,
    ];

    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            DocumentOutcome::Events => "events",
            DocumentOutcome::OtherKind => "other_kind",
            DocumentOutcome::Unrelated => "unrelated",
            DocumentOutcome::Problem => "problem",
        }
    }
}

/// Maximum number of unrelated documents that are named.
const MAX_UNRELATED_NAMES: usize = 10;

/// What a run requested and read, and the problems it met. Any two can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunCoverage {
    /// Documents that were opened: log files, pages or payloads.
    pub documents: u64,
    /// Size of these documents in bytes as stored, mostly compressed.
    pub bytes: u64,
    /// Documents of which nothing was read: empty documents, and documents that failed completely.
    pub unread: u64,
    /// Documents that were opened, by their outcome: they add up to `documents`.
    pub outcomes: BTreeMap<DocumentOutcome, u64>,
    /// The first of the documents that have nothing to do with CloudTrail, by name.
    pub unrelated: BTreeSet<String>,
    /// Accounts and regions in S3 that a filter excluded, so that no file of theirs was read.
    pub left_out: BTreeMap<Criterion, BTreeSet<String>>,
    /// The first and last day of the log files in S3, written `2026-09-07`. Absent unless the time
    /// window excluded all of them.
    pub days_stored: Option<(String, String)>,
    /// The accounts and regions that were requested, with the worst problem of each; absent if there
    /// was no problem.
    pub asked: BTreeMap<ReadScope, Option<Severity>>,
    /// The error codes of the accounts and regions that could not be read completely.
    pub codes: BTreeMap<ReadScope, String>,
    /// Accounts and regions that were tried and are not enabled.
    pub not_enabled: BTreeSet<Scope>,
    /// Requests to LookupEvents by account and region: all requests, and the throttled ones among
    /// them.
    pub requests: BTreeMap<Scope, (u64, u64)>,
    /// The filter that was passed to LookupEvents. The events that it excluded were not read and
    /// are in no count.
    pub lookup_attribute: Option<String>,
    /// Events from this time on may not have been delivered yet; absent if all have been.
    pub settled_until: Option<Seconds>,
    /// Log files that CloudTrail delivered to S3 from this time on were not listed, though they may
    /// contain events of the window; None if all were.
    pub delivered_until: Option<Seconds>,
    /// At most 1000 problems; `more_problems` counts the others.
    pub problems: Vec<ReadProblem>,
    /// Number of problems beyond the limit of `problems`.
    pub more_problems: u64,
    /// The result of verifying log files by their digests; absent if they were not verified.
    pub integrity: Option<Integrity>,
}

impl RunCoverage {
    /// Records a problem, and that its scope is incomplete.
    pub fn problem(&mut self, problem: ReadProblem) {
        if let Some(scope) = &problem.scope {
            let severity = match &problem.code {
                Some(code) => {
                    self.codes.insert(scope.clone(), code.clone());
                    problem.severity
                }
                // An unreadable file makes its region incomplete, not failed.
                None => Severity::Partial,
            };
            let worst = self.asked.entry(scope.clone()).or_default();
            *worst = (*worst).max(Some(severity));
        }
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// Records the outcome of a document that was opened. Asks for its name only if it is shown.
    pub fn document(&mut self, outcome: DocumentOutcome, name: impl FnOnce() -> String) {
        self.documents += 1;
        *self.outcomes.entry(outcome).or_default() += 1;
        if outcome == DocumentOutcome::Unrelated {
            self.unrelated.insert(name());
            self.cut_unrelated();
        }
    }

    /// Records that a document was opened and has a problem.
    pub fn document_problem(&mut self, problem: ReadProblem) {
        self.document(DocumentOutcome::Problem, || problem.document.clone());
        self.problem(problem);
    }

    fn cut_unrelated(&mut self) {
        while self.unrelated.len() > MAX_UNRELATED_NAMES {
            self.unrelated.pop_last();
        }
    }

    /// Records that an account and region is read.
    pub fn ask(&mut self, scope: Scope) {
        self.asked.entry(scope.into()).or_default();
    }

    /// Records that a region was tried and is not enabled.
    pub fn skip(&mut self, scope: Scope) {
        self.asked.remove(&ReadScope::Region(scope.clone()));
        self.not_enabled.insert(scope);
    }

    /// Adds requests to LookupEvents: all requests, and the throttled ones among them.
    pub fn count_requests(&mut self, scope: Scope, all: u64, throttled: u64) {
        let counts = self.requests.entry(scope).or_default();
        *counts = (counts.0 + all, counts.1 + throttled);
    }

    /// The last day of delivery whose log files in S3 were listed, written `2026-09-07`; None if all
    /// were.
    pub fn last_delivery_day(&self) -> Option<String> {
        let (year, month, day) = time::day(self.delivered_until? - 1);
        Some(format!("{year:04}-{month:02}-{day:02}"))
    }

    /// Returns whether everything that was requested was read: each document that was opened has an
    /// outcome, and there is no problem. The outcome [`DocumentOutcome::Problem`] has one.
    pub fn is_complete(&self) -> bool {
        let with_outcome: u64 = self.outcomes.values().sum();
        self.problems.is_empty() && self.more_problems == 0 && with_outcome == self.documents
    }

    /// Returns the coverage of one account: its regions and problems, and the problems that belong
    /// to no account. The document counts remain those of the whole run.
    pub fn of_account(&self, account: Option<AccountId>) -> RunCoverage {
        let is_mine = |scope: &ReadScope| Some(scope.account()) == account;
        let mut coverage = self.clone();
        coverage.asked.retain(|scope, _| is_mine(scope));
        coverage.codes.retain(|scope, _| is_mine(scope));
        coverage
            .not_enabled
            .retain(|scope| Some(scope.account) == account);
        coverage
            .requests
            .retain(|scope, _| Some(scope.account) == account);
        coverage
            .problems
            .retain(|problem| problem.scope.as_ref().is_none_or(is_mine));
        coverage
    }

    /// Adds the coverage of another part of the same run.
    pub fn merge(&mut self, other: RunCoverage) {
        self.documents += other.documents;
        self.bytes += other.bytes;
        self.unread += other.unread;
        for (outcome, documents) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += documents;
        }
        self.unrelated.extend(other.unrelated);
        self.cut_unrelated();
        for (criterion, values) in other.left_out {
            self.left_out.entry(criterion).or_default().extend(values);
        }
        self.days_stored = match (self.days_stored.take(), other.days_stored) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
        for (scope, severity) in other.asked {
            let mine = self.asked.entry(scope).or_default();
            *mine = (*mine).max(severity);
        }
        self.codes.extend(other.codes);
        self.not_enabled.extend(other.not_enabled);
        for (scope, (all, throttled)) in other.requests {
            let counts = self.requests.entry(scope).or_default();
            *counts = (counts.0 + all, counts.1 + throttled);
        }
        self.lookup_attribute = self.lookup_attribute.take().or(other.lookup_attribute);
        // The earlier time applies; an absent one sets no limit.
        let ends = [self.settled_until, other.settled_until];
        self.settled_until = ends.into_iter().flatten().min();
        let ends = [self.delivered_until, other.delivered_until];
        self.delivered_until = ends.into_iter().flatten().min();
        // Verification runs once, for the whole run.
        self.integrity = self.integrity.take().or(other.integrity);
        self.problems.extend(other.problems);
        self.problems.sort();
        self.more_problems += other.more_problems;
        self.more_problems += self.problems.len().saturating_sub(MAX_PROBLEMS) as u64;
        self.problems.truncate(MAX_PROBLEMS);
    }
}

/// Names the event history of a region, or of a whole account, as a document.
pub fn event_history(scope: &ReadScope) -> String {
    match scope {
        ReadScope::Account(account) => format!("event history of {account}"),
        ReadScope::Region(Scope { account, region }) => {
            format!("event history of {account} in {region}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(document: &str) -> ReadProblem {
        ReadProblem::of_document(document, Severity::Failed, "no such key")
    }

    fn scope(account: &str, region: &str) -> Scope {
        Scope {
            account: account.parse().unwrap(),
            region: region.parse().unwrap(),
        }
    }

    #[test]
    fn a_problem_makes_its_region_incomplete() {
        let mut coverage = RunCoverage::default();
        coverage.ask(scope("111122223333", "eu-west-1"));
        coverage.ask(scope("111122223333", "us-east-1"));
        let name = "a/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json.gz";
        coverage.problem(problem(name));
        let states: Vec<_> = coverage.asked.values().copied().collect();
        assert_eq!(states, [None, Some(Severity::Partial)]);
        assert!(coverage.codes.is_empty() && !coverage.is_complete());
        let listing = ReadProblem {
            scope: Some(scope("111122223333", "eu-west-1").into()),
            code: Some("AccessDenied".to_owned()),
            ..problem("s3://bucket/AWSLogs/111122223333/CloudTrail/eu-west-1/")
        };
        coverage.problem(listing);
        let states: Vec<_> = coverage.asked.values().copied().collect();
        assert_eq!(states, [Some(Severity::Failed), Some(Severity::Partial)]);
        assert_eq!(
            coverage.codes.values().collect::<Vec<_>>(),
            ["AccessDenied"]
        );
    }

    #[test]
    fn outcomes_add_up_and_decide_what_is_complete() {
        let mut coverage = RunCoverage::default();
        for n in 10..40 {
            coverage.document(DocumentOutcome::Unrelated, || format!("{n}.txt"));
        }
        let mut other = RunCoverage::default();
        other.document(DocumentOutcome::Events, || "a.json".to_owned());
        other.document(DocumentOutcome::Unrelated, || "01.txt".to_owned());
        coverage.merge(other);
        assert_eq!(coverage.outcomes.values().sum::<u64>(), coverage.documents);
        let names: Vec<_> = coverage.unrelated.iter().map(String::as_str).collect();
        assert_eq!((names.len(), names[0], names[9]), (10, "01.txt", "18.txt"));
        assert!(coverage.is_complete());
        let without_outcome = RunCoverage {
            documents: coverage.documents + 1,
            ..coverage.clone()
        };
        assert!(!without_outcome.is_complete());
        coverage.document_problem(problem("b.json"));
        assert_eq!(coverage.outcomes[&DocumentOutcome::Problem], 1);
        assert!(!coverage.is_complete());
    }

    #[test]
    fn all_problems_are_counted_and_a_limited_number_is_kept() {
        let mut coverage = RunCoverage::default();
        for n in 0..700 {
            coverage.problem(problem(&format!("{n}.json")));
        }
        coverage.merge(coverage.clone());
        assert_eq!(
            coverage.problems.len() as u64 + coverage.more_problems,
            1400
        );
        assert_eq!(coverage.problems.len(), MAX_PROBLEMS);
    }

    #[test]
    fn an_account_has_its_own_problems_and_those_without_an_account() {
        let mut coverage = RunCoverage::default();
        let code = "AccessDeniedException";
        for account in ["111122223333", "444455556666"] {
            let scope = scope(account, "eu-west-1").into();
            let severity = Severity::Failed;
            coverage.problem(ReadProblem::of_event_history(scope, code, severity, "no"));
        }
        let whole = ReadScope::Account("444455556666".parse().unwrap());
        assert_eq!(whole.to_string(), "444455556666:*");
        coverage.problem(ReadProblem::of_event_history(
            whole,
            code,
            Severity::Failed,
            "no",
        ));
        coverage.problem(problem("x.json"));
        let mine = coverage.of_account("111122223333".parse().ok());
        let names: Vec<_> = mine
            .problems
            .iter()
            .map(|problem| &problem.document)
            .collect();
        assert_eq!(
            names,
            ["event history of 111122223333 in eu-west-1", "x.json"]
        );
        assert_eq!(mine.asked.len(), 1);
    }
}
