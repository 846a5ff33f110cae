//! Counts of days that are kept beside the results of queries, so that the next run scans new days only.
//!
//! Rows of a day are kept from the second run of a question on. They are used as long as the objects of the day are the
//! same: a late delivery opens the day again.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tokio::task::JoinSet;

use super::plan::ScanPlanning;
use super::store::{MAX_OBJECT_BYTES, ResultStore, hash};
use crate::job::read::ReadRequest;
use trailtab_athena::kept::{self, KeptDay, KeptRows, describe_columns};
use trailtab_athena::row::{RawRow, RowForm};
use trailtab_athena::statement::{self, RULES_VERSION, ResultColumn};
use trailtab_athena::table::LogTable;
use trailtab_core::event::filter::EventFilter;
use trailtab_core::event::ingest::EngineRow;
use trailtab_core::event::needs::{CallGrain, RecordNeeds};
use trailtab_core::time::{self, TimeWindow};

/// Memory for the rows that are collected, in bytes after compression.
const MAX_COLLECTED_BYTES: usize = 256 << 20;

/// Number of kept days that are fetched at the same time.
const MAX_CONCURRENT_DAYS: usize = 16;

/// The kept days of a question.
pub(super) struct KeptDays {
    /// Absent if nothing is kept for the question.
    question: Option<KeptQuestion>,
    usable: Vec<UsableDay>,
    /// Whether an earlier run has asked the question.
    is_repeated: bool,
    collected: BTreeMap<Date, KeptRows>,
    is_full: bool,
}

/// What rows are kept for: everything but the window.
struct KeptQuestion {
    /// The names under which rows may be kept that answer the question: its own, and that of the same question without
    /// filters.
    names: Vec<String>,
    columns: Vec<ResultColumn>,
    grain: CallGrain,
    window: TimeWindow,
    /// The days that are over, with their objects.
    days: BTreeMap<Date, KeptDay>,
}

/// The rows of a day that take the place of a scan.
pub(super) struct UsableDay {
    pub(super) day: Date,
    file: Vec<u8>,
    counted_from: KeptDay,
    columns: Vec<ResultColumn>,
    grain: CallGrain,
    window: TimeWindow,
}

impl UsableDay {
    /// Gives out the rows.
    pub(super) fn read(&self, found: &mut dyn FnMut(EngineRow<'_, '_>)) {
        // The file was read once before, so it has no fault.
        let _ = self.each(|_, row| found(row));
    }

    fn each(
        &self,
        found: impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
    ) -> Result<(), kept::KeptError> {
        let form = RowForm {
            columns: &self.columns,
            grain: self.grain,
            window: self.window,
        };
        kept::read(&self.file, &self.counted_from, form, found)
    }
}

impl KeptDays {
    /// The kept days of a run's question.
    pub(super) fn new(
        table: &LogTable,
        request: &ReadRequest<'_>,
        needs: RecordNeeds,
        planning: &ScanPlanning,
    ) -> KeptDays {
        let keeps = request.athena.keeps_days
            && planning.is_complete
            && table.has_days()
            && needs.grain != CallGrain::Event;
        KeptDays {
            question: keeps
                .then(|| KeptQuestion::of(table, request, needs, planning))
                .flatten(),
            usable: Vec::new(),
            is_repeated: false,
            collected: BTreeMap::new(),
            is_full: false,
        }
    }

    /// Fetches the days that are kept. Notes that the question was asked.
    pub(super) async fn find(&mut self, store: &ResultStore) {
        let Some(question) = &self.question else {
            return;
        };
        let mark = |name: &String| format!("questions/{name}");
        let mut asked = Vec::new();
        for name in &question.names {
            if store.get(&mark(name)).await.is_some() {
                asked.push(name.clone());
            }
        }
        let Some(own) = question.names.first() else {
            return;
        };
        self.is_repeated = asked.contains(own);
        if !self.is_repeated {
            // Without the mark, the next run is a first one again.
            let _ = store.put(&mark(own), b"asked\n".to_vec()).await;
        }
        for name in asked {
            self.usable
                .extend(question.fetch(store, &name, &self.usable).await);
        }
    }

    /// The days that need not be scanned.
    pub(super) fn usable(&self) -> &[UsableDay] {
        &self.usable
    }

    /// Tells whether rows of the scan are to be kept.
    pub(super) fn collects(&self) -> bool {
        self.question.is_some() && self.is_repeated
    }

    /// Takes note of a row of the result.
    pub(super) fn collect(&mut self, table: &LogTable, row: RawRow<'_>) {
        let Some(question) = self
            .question
            .as_ref()
            .filter(|_| self.is_repeated && !self.is_full)
        else {
            return;
        };
        let day = str::from_utf8(row.day)
            .ok()
            .and_then(|day| table.day_of(day));
        let Some(day) = day.filter(|day| question.days.contains_key(day)) else {
            return;
        };
        let added = match self.collected.get_mut(&day) {
            Some(rows) => rows.add(row),
            None => KeptRows::new(question.columns.len()).and_then(|mut rows| {
                rows.add(row)?;
                self.collected.insert(day, rows);
                Ok(())
            }),
        };
        let size: usize = self
            .collected
            .values()
            .map(KeptRows::compressed_bytes)
            .sum();
        if added.is_err() || size > MAX_COLLECTED_BYTES {
            self.is_full = true;
            self.collected.clear();
        }
    }

    /// Stores the rows of the days that were scanned and are over. Returns why they could not be stored.
    pub(super) async fn store(
        mut self,
        store: &ResultStore,
        planning: &ScanPlanning,
    ) -> Option<String> {
        let collects = self.collects();
        let question = self.question.filter(|_| collects)?;
        if self.is_full {
            return Some("the counts of days take too much memory to be kept".to_owned());
        }
        let name = question.names.first()?;
        for (day, counted_from) in question.days {
            if !planning.scans(day) {
                continue;
            }
            // A day without rows is kept as well: nothing was counted on it.
            let rows = match self.collected.remove(&day) {
                Some(rows) => Ok(rows),
                None => KeptRows::new(question.columns.len()),
            };
            let file = rows.and_then(|rows| rows.finish(counted_from));
            let stored = match file {
                Ok(file) if file.len() <= MAX_OBJECT_BYTES => {
                    store.put(&file_name(name, day), file).await
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = stored {
                return Some(format!(
                    "counts of days are not kept: cannot write {reason}"
                ));
            }
        }
        None
    }
}

fn file_name(question: &str, day: Date) -> String {
    format!("days/{question}/{day}.csv.gz")
}

impl KeptQuestion {
    fn of(
        table: &LogTable,
        request: &ReadRequest<'_>,
        needs: RecordNeeds,
        planning: &ScanPlanning,
    ) -> Option<KeptQuestion> {
        let rules = &request.rules;
        let question = super::question(request, needs, planning, true);
        let columns = statement::statement(table, &question).ok()?.columns;
        let filter = &rules.filter;
        let name = |condition: Option<String>| {
            let text = format!(
                "{}\n{}\n{:?}\n{:?}\n{}\n{:?}\n{}\n{:?}",
                table.address,
                table.location.as_deref().unwrap_or_default(),
                filter.accounts.given(),
                filter.regions.given(),
                describe_columns(&columns),
                needs.grain,
                rules.network_activity,
                condition,
            );
            hash(&text)
        };
        let own = statement::filter_condition(table, filter);
        let scopes_only = EventFilter {
            accounts: filter.accounts.clone(),
            regions: filter.regions.clone(),
            ..EventFilter::default()
        };
        let any = statement::filter_condition(table, &scopes_only);
        let mut names = vec![name(own.map(|sql| sql.to_string()))];
        names.push(name(any.map(|sql| sql.to_string())));
        names.dedup();
        let (year, month, day) = time::day(request.now);
        let today = Date::new(year, month, day).ok()?;
        let days = planning.days.iter().filter_map(|(day, objects)| {
            let day = (*day).filter(|day| *day < today)?;
            let counted_from = KeptDay {
                rules: RULES_VERSION,
                day,
                objects: objects.objects,
                bytes: objects.bytes,
                fingerprint: objects.fingerprint.to_string(),
                rows: 0,
            };
            Some((day, counted_from))
        });
        Some(KeptQuestion {
            names,
            grain: needs.grain,
            window: rules.window,
            days: days.collect(),
            columns,
        })
    }

    /// Fetches the days under a name that can be used and are not among `others`.
    async fn fetch(&self, store: &ResultStore, name: &str, others: &[UsableDay]) -> Vec<UsableDay> {
        let is_new = |day: &Date| others.iter().all(|other| other.day != *day);
        let wanted: Vec<Date> = self.days.keys().copied().filter(is_new).collect();
        let mut usable = Vec::new();
        for some in wanted.chunks(MAX_CONCURRENT_DAYS) {
            let mut fetches = JoinSet::new();
            for day in some.iter().copied() {
                let (store, file) = (store.clone(), file_name(name, day));
                fetches.spawn(async move { (day, store.get(&file).await) });
            }
            for (day, file) in fetches.join_all().await {
                let (Some(file), Some(counted_from)) = (file, self.days.get(&day)) else {
                    continue;
                };
                let found = UsableDay {
                    day,
                    file,
                    counted_from: counted_from.clone(),
                    columns: self.columns.clone(),
                    grain: self.grain,
                    window: self.window,
                };
                // Rows that the window cuts, or that were counted from other objects, are counted again.
                if found.each(|_, _| {}).is_ok() {
                    usable.push(found);
                }
            }
        }
        usable
    }
}
