//! Generates the CloudTrail logs and the bill of a synthetic AWS organisation.
//!
//! A [`DemoPlan`] sets the number of records and a seed. It yields the log files of two weeks in an organisation
//! trail, each with its S3 key and a body that can be rendered alone, on any thread. The same plan must always yield
//! the same bytes: nothing here reads files, the clock or the environment.
//!
//! | module | holds |
//! |---|---|
//! | `organisation`, `habits`, `catalogue` | data: principals, what they call, and what a call looks like |
//! | `identity`, `template`, `record` | rendering of records as JSON |
//! | `world`, `traffic`, `calendar` | ordinary records: how often and when |
//! | `incident`, `oddities`, `fixed` | records of every plan: the incident, and rare shapes |
//! | `bill` | the organisation's cost as Cost Explorer answers |
//! | `schedule`, `siblings` | files, delivery, repeats, and documents without events |

pub mod bill;
mod calendar;
mod catalogue;
mod fixed;
mod habits;
mod identity;
mod incident;
mod oddities;
mod organisation;
mod record;
mod rng;
mod schedule;
mod siblings;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod traffic;
mod world;

use std::sync::Arc;

use fixed::Fixed;
use schedule::{FileDelivery, RecordShares};
use siblings::SiblingDocument;
use traffic::{Burst, Exchange, Stage};
use world::DemoWorld;

/// Default number of records of a plan.
pub const DEFAULT_EVENTS: u64 = 100_000;
/// The earliest event time of a plan.
pub const FROM: &str = "2026-09-07T00:00:00Z";
/// The end of a plan's event times, exclusive.
pub const UNTIL: &str = "2026-09-21T00:00:00Z";

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// Records in all log files, including repeats and the incident. The incident and the oddities are written even
    /// if they exceed this number.
    pub events: u64,
    /// Seeds the traffic; people, habits and the incident do not depend on it.
    pub seed: u64,
}

impl Default for DemoPlan {
    fn default() -> DemoPlan {
        DemoPlan {
            events: DEFAULT_EVENTS,
            seed: 1,
        }
    }
}

/// The counts that a reader of the generated files must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoTruth {
    /// Records in the log files.
    pub records: u64,
    /// Records that repeat another one byte for byte, including its eventID.
    pub repeats: u64,
    /// Records of version 1.0, which have no eventID.
    pub without_event_id: u64,
    /// Different eventIDs in the log files.
    pub distinct_event_ids: u64,
    /// Pairs of records that share a sharedEventID.
    pub shared_pairs: u64,
    /// Records of the incident and the response to it.
    pub incident_records: u64,
    /// Records of the imported archive, in the older key layout.
    pub imported_records: u64,
    /// Files with events.
    pub log_files: u64,
    /// Digest files; they hold no events.
    pub digest_files: u64,
    /// Insight files.
    pub insight_files: u64,
    /// Records in the insight files; they are not events.
    pub insight_records: u64,
}

/// One file to write.
#[derive(Clone)]
pub struct DemoFile {
    key: String,
    content: Content,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Content {
    Log(Vec<PlanPart>),
    Sibling(&'static SiblingDocument),
}

/// A run of records in a log file.
#[derive(Clone, Copy)]
enum PlanPart {
    /// `count` records of a burst from `first` on, wrapping at its end.
    Burst {
        burst: Burst,
        first: u32,
        count: u32,
    },
    Exchange {
        exchange: Exchange,
    },
    Fixed {
        index: usize,
    },
}

/// What rendering any file of a plan needs.
struct Shared {
    world: DemoWorld,
    fixed: Vec<Fixed>,
    seed: u64,
}

impl DemoPlan {
    /// Lists all files, sorted by key, without rendering them.
    pub fn files(&self) -> Vec<DemoFile> {
        let world = DemoWorld::new();
        let fixed = fixed::all();
        let shares = RecordShares::of(self, fixed.len() as u64);
        let mut deliveries = schedule::ordinary(&world, self, &shares);
        deliveries.extend(schedule::exchanges(self, &shares));
        deliveries.extend(schedule::fixed(&fixed));
        let shared = Arc::new(Shared {
            world,
            fixed,
            seed: self.seed,
        });
        let log = |(number, delivery): (usize, FileDelivery)| DemoFile {
            key: schedule::key(self, &delivery, number),
            content: Content::Log(delivery.parts),
            shared: Arc::clone(&shared),
        };
        let mut files: Vec<DemoFile> = deliveries.into_iter().enumerate().map(log).collect();
        files.extend(siblings::ALL.iter().map(|sibling| DemoFile {
            key: sibling.key(),
            content: Content::Sibling(sibling),
            shared: Arc::clone(&shared),
        }));
        files.sort_by(|one, other| one.key.cmp(&other.key));
        files
    }
}

/// Counts what the files of a plan hold, from the plan, without rendering them.
pub fn truth(plan: &DemoPlan) -> DemoTruth {
    let files = plan.files();
    let fixed = fixed::all();
    let shares = RecordShares::of(plan, fixed.len() as u64);
    let count = |wanted: fn(&&Fixed) -> bool| fixed.iter().filter(wanted).count() as u64;
    let without_event_id = count(|item| !item.has_event_id());
    let siblings = |insight| {
        siblings::ALL
            .iter()
            .filter(|one| one.is_insight() == insight)
            .count() as u64
    };
    DemoTruth {
        records: shares.records,
        repeats: shares.repeats,
        without_event_id,
        distinct_event_ids: shares.records - shares.repeats - without_event_id,
        shared_pairs: shares.pairs,
        incident_records: count(|item| item.of_incident()),
        imported_records: count(|item| item.imported()),
        log_files: files
            .iter()
            .filter(|file| matches!(file.content, Content::Log(_)))
            .count() as u64,
        digest_files: siblings(false),
        insight_files: siblings(true),
        insight_records: siblings::ALL.iter().map(SiblingDocument::records).sum(),
    }
}

impl DemoFile {
    /// The S3 key; ends in `.json.gz`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Event records in the file; 0 for a digest or insight file.
    #[cfg(test)]
    pub fn records(&self) -> u64 {
        let Content::Log(parts) = &self.content else {
            return 0;
        };
        parts.iter().map(|part| u64::from(part.count())).sum()
    }

    /// Appends the uncompressed body: one line of JSON without a line break.
    pub fn body(&self, out: &mut Vec<u8>) {
        let parts = match &self.content {
            Content::Log(parts) => parts,
            Content::Sibling(sibling) => return sibling.write(self.shared.seed, out),
        };
        out.extend_from_slice(b"{\"Records\":[");
        for part in parts {
            part.write(&self.shared, out);
        }
        // Removes the comma after the last record.
        if out.last() == Some(&b',') {
            out.pop();
        }
        out.extend_from_slice(b"]}");
    }
}

impl PlanPart {
    #[cfg(test)]
    fn count(&self) -> u32 {
        match self {
            PlanPart::Burst { count, .. } => *count,
            PlanPart::Exchange { exchange } => exchange.count,
            PlanPart::Fixed { .. } => 1,
        }
    }

    /// Writes the records of this part, each followed by a comma.
    fn write(&self, shared: &Shared, out: &mut Vec<u8>) {
        match self {
            PlanPart::Burst {
                burst,
                first,
                count,
            } => {
                let stage = Stage::new(&shared.world, *burst);
                for index in 0..*count {
                    stage.write((first + index) % burst.count.max(1), out);
                    out.push(b',');
                }
            }
            PlanPart::Exchange { exchange } => {
                for index in 0..exchange.count {
                    exchange.write(&shared.world, index, out);
                    out.push(b',');
                }
            }
            PlanPart::Fixed { index } => {
                shared.fixed[*index].write(&shared.world, shared.seed, out);
                out.push(b',');
            }
        }
    }
}
