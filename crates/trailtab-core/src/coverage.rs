//! What was requested, what was read, and what is missing and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::filter::{Criterion, is_account_id};
use crate::integrity::Integrity;
use crate::time::Seconds;

/// Maximum number of problems kept verbatim; the rest are only counted.
const MAX_PROBLEMS: usize = 1000;

/// A document, or a place where documents were looked for, that could not be read completely.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadProblem {
    /// The path or address, written as on the command line.
    pub document: String,
    /// Whether part of the document or nothing of it was read.
    pub severity: Severity,
    /// What went wrong. Contains no secret.
    pub reason: String,
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
    /// It holds content of a known kind that is no event, such as a digest.
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
    /// Accounts and regions in S3 that a filter excluded, so that none of their files was read.
    pub left_out: BTreeMap<Criterion, BTreeSet<String>>,
    /// The first and last day of the log files in S3, written `2026-09-07`. None unless the time
    /// window excluded all of them.
    pub days_stored: Option<(String, String)>,
    /// The accounts and regions that were requested, with the worst problem of each; None if there
    /// was no problem.
    pub asked: BTreeMap<(String, String), Option<Severity>>,
    /// The error codes of the accounts and regions that could not be read completely.
    pub codes: BTreeMap<(String, String), String>,
    /// Accounts and regions that were tried and are not enabled.
    pub not_enabled: BTreeSet<(String, String)>,
    /// Requests to LookupEvents by account and region: all requests, and the throttled ones among
    /// them.
    pub requests: BTreeMap<(String, String), (u64, u64)>,
    /// The filter that was passed to LookupEvents. The events that it excluded were not read and
    /// are in no count.
    pub lookup_attribute: Option<String>,
    /// Events from this time on may not have been delivered yet; None if all have been.
    pub settled_until: Option<Seconds>,
    /// At most 1000 problems; `more_problems` counts the others.
    pub problems: Vec<ReadProblem>,
    /// Number of problems beyond the limit of `problems`.
    pub more_problems: u64,
    /// The result of verifying log files by their digests; None if they were not verified.
    pub integrity: Option<Integrity>,
}

impl RunCoverage {
    /// Records a problem. If the document's name contains an account and a region, these count as
    /// partly read.
    pub fn problem(&mut self, problem: ReadProblem) {
        if let Some(scope) = scope_of(&problem.document) {
            let worst = self.asked.entry(scope).or_default();
            // An unreadable file makes its region incomplete, not failed.
            *worst = (*worst).max(Some(Severity::Partial));
        }
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// Records the outcome of a document that was opened.
    pub fn document(&mut self, name: &str, outcome: DocumentOutcome) {
        self.documents += 1;
        *self.outcomes.entry(outcome).or_default() += 1;
        if outcome == DocumentOutcome::Unrelated {
            self.unrelated.insert(name.to_owned());
            self.cut_unrelated();
        }
    }

    /// Records that a document was opened and has a problem.
    pub fn document_problem(&mut self, problem: ReadProblem) {
        self.document(&problem.document, DocumentOutcome::Problem);
        self.problem(problem);
    }

    fn cut_unrelated(&mut self) {
        while self.unrelated.len() > MAX_UNRELATED_NAMES {
            self.unrelated.pop_last();
        }
    }

    /// Records that an account and region is read.
    pub fn ask(&mut self, account: &str, region: &str) {
        self.asked
            .entry((account.to_owned(), region.to_owned()))
            .or_default();
    }

    /// Records that an account and region could not be read completely, and the error code.
    pub fn fail(&mut self, account: &str, region: &str, code: &str, severity: Severity) {
        let scope = (account.to_owned(), region.to_owned());
        self.codes.insert(scope.clone(), code.to_owned());
        let worst = self.asked.entry(scope).or_default();
        *worst = (*worst).max(Some(severity));
    }

    /// Records that a region was tried and is not enabled.
    pub fn skip(&mut self, account: &str, region: &str) {
        let scope = (account.to_owned(), region.to_owned());
        self.asked.remove(&scope);
        self.not_enabled.insert(scope);
    }

    /// Adds requests to LookupEvents: all requests, and the throttled ones among them.
    pub fn count_requests(&mut self, account: &str, region: &str, all: u64, throttled: u64) {
        let scope = (account.to_owned(), region.to_owned());
        let counts = self.requests.entry(scope).or_default();
        *counts = (counts.0 + all, counts.1 + throttled);
    }

    /// Tells whether everything that was requested was read: each document that was opened has an
    /// outcome, and there is no problem. The outcome [`DocumentOutcome::Problem`] has one.
    pub fn is_complete(&self) -> bool {
        let with_outcome: u64 = self.outcomes.values().sum();
        self.problems.is_empty() && self.more_problems == 0 && with_outcome == self.documents
    }

    /// Returns the coverage of one account: its regions and problems, and the problems that belong
    /// to no account. The document counts remain those of the whole run.
    pub fn of_account(&self, account: &str) -> RunCoverage {
        let mut coverage = self.clone();
        coverage.asked.retain(|(asked, _), _| asked == account);
        let is_mine = |scope: Option<(String, String)>| scope.is_none_or(|(of, _)| of == account);
        coverage
            .problems
            .retain(|problem| is_mine(scope_of(&problem.document)));
        coverage.codes.retain(|(asked, _), _| asked == account);
        coverage.not_enabled.retain(|(asked, _)| asked == account);
        coverage.requests.retain(|(asked, _), _| asked == account);
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
        // The earlier time applies; None sets no limit.
        let ends = [self.settled_until, other.settled_until];
        self.settled_until = ends.into_iter().flatten().min();
        // Verification runs once, for the whole run.
        self.integrity = self.integrity.or(other.integrity);
        self.problems.extend(other.problems);
        self.problems.sort();
        self.more_problems += other.more_problems;
        self.more_problems += self.problems.len().saturating_sub(MAX_PROBLEMS) as u64;
        self.problems.truncate(MAX_PROBLEMS);
    }
}

/// The region name that stands for all regions of an account.
pub const ALL_REGIONS: &str = "*";

/// Names the event history of a region, or of a whole account, as a document.
pub fn event_history(account: &str, region: &str) -> String {
    match region {
        ALL_REGIONS => format!("{EVENT_HISTORY}{account}"),
        _ => format!("{EVENT_HISTORY}{account} in {region}"),
    }
}

const EVENT_HISTORY: &str = "event history of ";

/// Parses account and region from the name of an event history or of a log file
/// (`ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz`).
pub fn scope_of(document: &str) -> Option<(String, String)> {
    if let Some(scope) = document.strip_prefix(EVENT_HISTORY) {
        let (account, region) = scope.split_once(" in ").unwrap_or((scope, ALL_REGIONS));
        return Some((account.to_owned(), region.to_owned()));
    }
    let name = document.rsplit(['/', '\\']).next()?;
    let mut parts = name.split('_');
    let (account, kind, region) = (parts.next()?, parts.next()?, parts.next()?);
    let is_region = region
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (is_account_id(account) && is_region && kind.starts_with("CloudTrail"))
        .then(|| (account.to_owned(), region.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(document: &str) -> ReadProblem {
        ReadProblem {
            document: document.to_owned(),
            severity: Severity::Failed,
            reason: "no such key".to_owned(),
        }
    }

    #[test]
    fn a_problem_costs_its_region() {
        let mut coverage = RunCoverage::default();
        coverage.ask("111122223333", "eu-west-1");
        coverage.ask("111122223333", "us-east-1");
        let name = "a/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json.gz";
        coverage.problem(problem(name));
        let states: Vec<_> = coverage.asked.values().copied().collect();
        assert_eq!(states, [None, Some(Severity::Partial)]);
        assert!(!coverage.is_complete());
    }

    #[test]
    fn outcomes_add_up_and_decide_what_is_complete() {
        let mut coverage = RunCoverage::default();
        for n in 10..40 {
            coverage.document(&format!("{n}.txt"), DocumentOutcome::Unrelated);
        }
        let mut other = RunCoverage::default();
        other.document("a.json", DocumentOutcome::Events);
        other.document("01.txt", DocumentOutcome::Unrelated);
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
    fn problems_are_bounded_and_none_is_forgotten() {
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
    fn a_problem_is_its_accounts() {
        let mut coverage = RunCoverage::default();
        for account in ["111122223333", "444455556666"] {
            coverage.problem(problem(&event_history(account, "eu-west-1")));
        }
        coverage.problem(problem(&event_history("444455556666", ALL_REGIONS)));
        coverage.problem(problem("x.json"));
        let mine = coverage.of_account("111122223333");
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
        let all = scope_of(&event_history("444455556666", ALL_REGIONS));
        assert_eq!(all.unwrap().1, ALL_REGIONS);
    }

    #[test]
    fn names_that_are_no_log_files_have_no_scope() {
        for name in [
            "x.json",
            "README_CloudTrail_x",
            "111122223333_S3_eu-west-1_x",
            "1/2/3",
        ] {
            assert_eq!(scope_of(name), None);
        }
    }
}
