//! Which rows a summary lists, and the sums of the others.
//!
//! Callers choose the names of sessions, user agents and more, so there can be millions. Of each name's
//! rows those with the most calls are listed, and among equal ones those that come first by name. So
//! the rows listed follow from the counts alone, never from the order of events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Calls;
use crate::activity::tally::SeenStats;

/// How many rows a summary lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLimits {
    /// The most rows of a table for one principal, person or workload.
    pub(super) rows_per_name: usize,
    /// The most rows of a table altogether; more only if it has more names.
    pub(super) rows: usize,
    /// The most principals, the most persons, and the most workloads.
    pub(super) names: usize,
}

impl RowLimits {
    /// The default of the rows of a table for one name.
    pub const DEFAULT_ROWS_PER_NAME: usize = 10_000;

    /// At most so many rows of a table for one name, and as many more as docs/summary.md says.
    pub fn per_name(rows_per_name: usize) -> RowLimits {
        RowLimits {
            rows_per_name,
            rows: rows_per_name.saturating_mul(50),
            names: rows_per_name.saturating_mul(5),
        }
    }
}

impl Default for RowLimits {
    fn default() -> Self {
        RowLimits::per_name(Self::DEFAULT_ROWS_PER_NAME)
    }
}

/// What is counted and not listed. Its sums belong to the sums of the sections.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoldedReport {
    /// The most rows of a table for one principal, person or workload, as asked for.
    pub max_rows: u64,
    /// Principals, persons and workloads that are not listed, by section.
    pub names: BTreeMap<String, FoldedNames>,
    /// Rows that are not listed, by table.
    pub tables: BTreeMap<String, FoldedTable>,
}

/// Principals, persons or workloads that are not listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoldedNames {
    /// How many they are.
    pub names: u64,
    /// Their calls.
    #[serde(flatten)]
    pub calls: Calls,
}

/// Rows of one table that are not listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoldedTable {
    /// All of them.
    #[serde(flatten)]
    pub all: FoldedRows,
    /// Those of principals, persons or workloads that are listed, by name.
    pub by_name: BTreeMap<String, FoldedRows>,
    /// How many principals, persons or workloads with rows in this table are not listed.
    pub names_not_listed: u64,
    /// Their rows.
    pub of_names_not_listed: FoldedRows,
}

/// Rows that are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoldedRows {
    /// How many they are.
    pub rows: u64,
    /// The sum of their counts.
    pub calls: u64,
}

impl FoldedRows {
    fn add(&mut self, calls: u64) {
        self.merge(FoldedRows { rows: 1, calls });
    }

    fn merge(&mut self, other: FoldedRows) {
        self.rows += other.rows;
        self.calls += other.calls;
    }
}

/// The name of a row in its table; of errors, API and error code, of all else one name and an empty string.
pub(super) type RowName = [String; 2];

/// Rows of a table, each once.
pub(super) type ListedRows = Vec<(RowName, SeenStats)>;

/// Finds the rows with the most calls, holding at most twice as many.
pub(super) struct TopRows {
    limit: usize,
    rows: ListedRows,
    /// The last row of the first `limit` so far; rows behind it are not listed.
    last: Option<(u64, RowName)>,
    not_listed: u64,
    rest: SeenStats,
}

impl TopRows {
    pub(super) fn new(limit: usize) -> TopRows {
        TopRows {
            limit,
            rows: Vec::new(),
            last: None,
            not_listed: 0,
            rest: SeenStats::default(),
        }
    }

    /// Adds a row; each name is added once.
    pub(super) fn add(&mut self, name: impl FnOnce() -> RowName, stats: &SeenStats) {
        let calls = stats.calls;
        // Most rows of a long table have the fewest calls and need no name.
        if self.last.as_ref().is_some_and(|last| calls < last.0) {
            return self.fold(stats);
        }
        let name = name();
        let is_behind = |last: &(u64, RowName)| calls == last.0 && name > last.1;
        if self.last.as_ref().is_some_and(is_behind) {
            return self.fold(stats);
        }
        self.rows.push((name, *stats));
        if self.rows.len() >= self.limit.saturating_mul(2) {
            self.shrink();
        }
    }

    fn fold(&mut self, stats: &SeenStats) {
        self.not_listed += 1;
        self.rest.merge(stats);
    }

    fn shrink(&mut self) {
        rank(&mut self.rows);
        for (_, stats) in self.rows.split_off(self.limit.min(self.rows.len())) {
            self.fold(&stats);
        }
        let last = self.rows.last();
        self.last = last.map(|(name, stats)| (stats.calls, name.clone()));
    }

    /// The rows that are listed, how many are not, and the sum of those.
    pub(super) fn finish(mut self) -> (ListedRows, u64, SeenStats) {
        if self.rows.len() > self.limit {
            self.shrink();
        }
        (self.rows, self.not_listed, self.rest)
    }
}

/// Puts the rows with the most calls first.
fn rank(rows: &mut [(RowName, SeenStats)]) {
    rows.sort_unstable_by(|(a, one), (b, other)| (other.calls, a).cmp(&(one.calls, b)));
}

/// The rows of a table by principal, person or workload. If there are too many altogether, the rows of
/// each name are cut at the same depth: the largest at which the table fits.
pub(super) struct TableRows {
    limit: usize,
    listed: Vec<(String, ListedRows)>,
    /// How many names have more rows than the index, up to `depth`.
    names_by_depth: Vec<usize>,
    /// The most rows of one name.
    depth: usize,
    /// The rows up to `depth`.
    total: usize,
    /// The rows in `listed`.
    held: usize,
    folded: FoldedTable,
}

impl TableRows {
    pub(super) fn new(limits: RowLimits) -> TableRows {
        TableRows {
            limit: limits.rows,
            listed: Vec::new(),
            names_by_depth: Vec::new(),
            depth: limits.rows_per_name,
            total: 0,
            held: 0,
            folded: FoldedTable::default(),
        }
    }

    /// Begins the rows of a name that is itself not listed.
    pub(super) fn name_not_listed(&mut self) {
        self.folded.names_not_listed += 1;
    }

    /// Adds a row of it.
    pub(super) fn row_not_listed(&mut self, stats: &SeenStats) {
        self.folded.of_names_not_listed.add(stats.calls);
    }

    /// Adds all rows of a name.
    pub(super) fn add(&mut self, name: String, top: TopRows) {
        let (mut rows, not_listed, rest) = top.finish();
        if not_listed > 0 {
            let folded = self.folded.by_name.entry(name.clone()).or_default();
            folded.rows += not_listed;
            folded.calls += rest.calls;
        }
        self.cut(&name, &mut rows);
        if self.names_by_depth.len() < rows.len() {
            self.names_by_depth.resize(rows.len(), 0);
        }
        self.names_by_depth[..rows.len()]
            .iter_mut()
            .for_each(|names| *names += 1);
        self.total += rows.len();
        self.held += rows.len();
        while self.total > self.limit && self.depth > 1 {
            self.depth -= 1;
            let names = self.names_by_depth.get(self.depth).copied();
            self.total -= names.unwrap_or_default();
            self.names_by_depth.truncate(self.depth);
        }
        self.listed.push((name, rows));
        if self.held > self.limit + self.limit / 4 {
            self.cut_all();
        }
    }

    /// Folds the rows of a name that are too deep.
    fn cut(&mut self, name: &str, rows: &mut ListedRows) {
        if rows.len() > self.depth {
            let folded = self.folded.by_name.entry(name.to_owned()).or_default();
            rank(rows);
            rows.drain(self.depth..)
                .for_each(|(_, stats)| folded.add(stats.calls));
        }
    }

    fn cut_all(&mut self) {
        let mut listed = std::mem::take(&mut self.listed);
        for (name, rows) in &mut listed {
            self.cut(name, rows);
        }
        self.held = self.total;
        self.listed = listed;
    }

    /// The rows that are listed, by name, and the sums of the others.
    pub(super) fn finish(mut self) -> (Vec<(String, ListedRows)>, FoldedTable) {
        self.cut_all();
        let mut folded = self.folded;
        folded.all = folded.of_names_not_listed;
        folded
            .by_name
            .values()
            .for_each(|rows| folded.all.merge(*rows));
        (self.listed, folded)
    }
}

#[cfg(test)]
mod tests;
