//! What was asked for, what was read, and what is missing and why.

use std::collections::BTreeMap;

use super::integrity::Integrity;

/// Problems named one by one; the others are counted.
const MAX_PROBLEMS: usize = 1000;

/// A document, or a place where documents were looked for, that did not give all it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// The path or address, as the user would write it.
    pub(crate) document: String,
    pub(crate) severity: Severity,
    /// What went wrong, in words that name no secret.
    pub(crate) reason: String,
}

/// How much a problem costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Part of the document was read.
    Partial,
    /// Nothing of it was read.
    Failed,
}

impl Severity {
    /// The name in the JSON contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Severity::Partial => "partial",
            Severity::Failed => "failed",
        }
    }
}

/// The ledger of a run. Any two can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Coverage {
    pub(crate) documents: u64,
    /// Bytes as stored, mostly compressed.
    pub(crate) bytes: u64,
    /// Accounts and regions that were asked for, whether or not anything was there.
    pub(crate) asked: BTreeMap<(String, String), Option<Severity>>,
    /// The error codes of those that could not be looked at.
    pub(crate) codes: BTreeMap<(String, String), String>,
    pub(crate) problems: Vec<Problem>,
    /// Problems beyond those named.
    pub(crate) more_problems: u64,
    /// What digests say of the log files, if that was asked for.
    pub(crate) integrity: Option<Integrity>,
}

impl Coverage {
    /// Takes note of a problem, and of the account and region it costs if the name tells them.
    pub(crate) fn problem(&mut self, problem: Problem) {
        if let Some(scope) = scope_of(&problem.document) {
            let worst = self.asked.entry(scope).or_default();
            // One bad file costs its records, not the region's.
            *worst = (*worst).max(Some(Severity::Partial));
        }
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// Takes note that an account and region is looked at.
    pub(crate) fn ask(&mut self, account: &str, region: &str) {
        self.asked
            .entry((account.to_owned(), region.to_owned()))
            .or_default();
    }

    /// Takes note that an account and region could not be looked at, and of the error's code.
    pub(crate) fn fail(&mut self, account: &str, region: &str, code: &str) {
        let scope = (account.to_owned(), region.to_owned());
        self.codes.insert(scope.clone(), code.to_owned());
        self.asked.insert(scope, Some(Severity::Failed));
    }

    /// Tells whether all that was asked for was read.
    pub(crate) fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.more_problems == 0
    }

    /// Returns the ledger with the regions of one account only; documents are still all of the run's.
    pub(crate) fn of_account(&self, account: &str) -> Coverage {
        let mut coverage = self.clone();
        coverage.asked.retain(|(asked, _), _| asked == account);
        coverage
    }

    pub(crate) fn merge(&mut self, other: Coverage) {
        self.documents += other.documents;
        self.bytes += other.bytes;
        for (scope, severity) in other.asked {
            let mine = self.asked.entry(scope).or_default();
            *mine = (*mine).max(severity);
        }
        self.codes.extend(other.codes);
        // It is worked out once, for all of the run.
        self.integrity = self.integrity.or(other.integrity);
        self.problems.extend(other.problems);
        self.problems.sort();
        self.more_problems += other.more_problems;
        self.more_problems += self.problems.len().saturating_sub(MAX_PROBLEMS) as u64;
        self.problems.truncate(MAX_PROBLEMS);
    }
}

/// Reads account and region from a log file's name: `ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz`.
pub(crate) fn scope_of(document: &str) -> Option<(String, String)> {
    let name = document.rsplit(['/', '\\']).next()?;
    let mut parts = name.split('_');
    let (account, kind, region) = (parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_region = region
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (is_account && is_region && kind.starts_with("CloudTrail"))
        .then(|| (account.to_owned(), region.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(document: &str) -> Problem {
        Problem {
            document: document.to_owned(),
            severity: Severity::Failed,
            reason: "no such key".to_owned(),
        }
    }

    #[test]
    fn a_problem_costs_its_region() {
        let mut coverage = Coverage::default();
        coverage.ask("111122223333", "eu-west-1");
        coverage.ask("111122223333", "us-east-1");
        let name = "a/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json.gz";
        coverage.problem(problem(name));
        let states: Vec<_> = coverage.asked.values().copied().collect();
        assert_eq!(states, [None, Some(Severity::Partial)]);
        assert!(!coverage.is_complete());
    }

    #[test]
    fn problems_are_bounded_and_none_is_forgotten() {
        let mut coverage = Coverage::default();
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
