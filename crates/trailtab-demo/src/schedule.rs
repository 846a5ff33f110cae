//! Distributes records over log files, as CloudTrail delivers them.

use super::calendar::{self, DAY, END, HOUR, SLOT, START};
use super::fixed::{self, Fixed};
use super::organisation::{ACCOUNTS, REGIONS};
use super::rng;
use super::siblings;
use super::traffic::{Burst, EXCHANGES, Exchange};
use super::world::{DemoWorld, RegionActivity};
use super::{DemoPlan, PlanPart};

/// The numbers of records of each kind in a plan.
pub(super) struct RecordShares {
    /// All records.
    pub(super) records: u64,
    /// Records written a second time into another file.
    pub(super) repeats: u64,
    /// Cross-account calls, with two records each.
    pub(super) pairs: u64,
    pub(super) ordinary: u64,
}

impl RecordShares {
    pub(super) fn of(plan: &DemoPlan, fixed: u64) -> RecordShares {
        let rest = plan.events.saturating_sub(fixed);
        let repeats = rest / 100;
        let pairs = rest / 400;
        RecordShares {
            records: fixed + rest,
            repeats,
            pairs,
            ordinary: rest - repeats - 2 * pairs,
        }
    }
}

/// A log file without its key: account, region, delivery time and contents.
pub(super) struct FileDelivery {
    pub(super) account: usize,
    pub(super) region: &'static str,
    pub(super) time: u32,
    pub(super) parts: Vec<PlanPart>,
    /// Whether it belongs to the imported archive.
    pub(super) imported: bool,
}

/// Records after which a file is cut: few in a small plan, hundreds in one of millions.
fn records_in_file(ordinary: u64) -> u64 {
    (ordinary.isqrt() / 7).max(ordinary / 45_000).max(4)
}

/// Seconds after which a file is cut even if it has few records.
const MAX_WAIT_SECONDS: u32 = 8 * HOUR;

/// The files of ordinary traffic, with the repeats at the end of some.
pub(super) fn ordinary(
    world: &DemoWorld,
    plan: &DemoPlan,
    shares: &RecordShares,
) -> Vec<FileDelivery> {
    let weights: Vec<Vec<u128>> = world.cells.iter().map(hourly).collect();
    let total = weights.iter().flatten().sum::<u128>() * u128::from(HOUR / SLOT);
    let mut deliveries = Vec::new();
    let mut dealer = Dealer {
        ordinary: shares.ordinary,
        total,
        weight: 0,
        records: 0,
    };
    let wanted = records_in_file(shares.ordinary);
    for (index, hours) in weights.iter().enumerate() {
        for (burst, time) in bursts(index, hours, wanted, plan.seed, &mut dealer) {
            let cell = &world.cells[index];
            let parts = vec![PlanPart::Burst {
                burst,
                first: 0,
                count: burst.count,
            }];
            let region = REGIONS[cell.region];
            deliveries.push(FileDelivery {
                account: cell.account,
                region,
                time,
                parts,
                imported: false,
            });
        }
    }
    repeat(shares, &mut deliveries);
    deliveries
}

/// The weight of each hour in a cell.
fn hourly(cell: &RegionActivity) -> Vec<u128> {
    let hour = |hour| {
        cell.streams
            .iter()
            .map(|stream| u128::from(stream.weight(hour)))
            .sum()
    };
    (0..calendar::HOURS).map(hour).collect()
}

/// Distributes all ordinary records over five-minute slots in proportion to their weights.
struct Dealer {
    ordinary: u64,
    total: u128,
    weight: u128,
    records: u64,
}

impl Dealer {
    fn deal(&mut self, weight: u128) -> u32 {
        self.weight += weight;
        let until = (self.weight * u128::from(self.ordinary) / self.total.max(1)) as u64;
        let records = until - self.records;
        self.records = until;
        records as u32
    }
}

/// The bursts of one cell, each with its delivery time.
///
/// All records of a burst are moved into one of the slots that they were dealt from, drawn in proportion to the slots'
/// records, so that hours keep their weights even in a small plan.
fn bursts(
    cell: usize,
    hours: &[u128],
    wanted: u64,
    seed: u64,
    dealer: &mut Dealer,
) -> Vec<(Burst, u32)> {
    let mut bursts = Vec::new();
    let mut open: Option<(u32, Burst)> = None;
    for slot in 0..(END - START) / SLOT {
        let start = START + slot * SLOT;
        let dealt = dealer.deal(hours[(slot * SLOT / HOUR) as usize]);
        if dealt > 0 {
            let seed = rng::combine(&[seed, cell as u64, u64::from(slot)]);
            let here = Burst {
                cell,
                start,
                seconds: SLOT,
                count: dealt,
                seed,
            };
            open = Some(match open {
                None => (start, here),
                Some((since, waiting)) => {
                    let count = waiting.count + dealt;
                    let chosen = if rng::scale(seed, count) < dealt {
                        here
                    } else {
                        waiting
                    };
                    (since, Burst { count, ..chosen })
                }
            });
        }
        let midnight = (start + SLOT).is_multiple_of(DAY);
        let due = |(since, burst): &mut (u32, Burst)| {
            u64::from(burst.count) >= wanted || start - *since >= MAX_WAIT_SECONDS || midnight
        };
        if let Some((_, burst)) = open.take_if(due) {
            bursts.push((burst, burst.start + 2 * SLOT));
        }
    }
    bursts
}

/// Adds repeats to files, each of records of the previous file in the same cell.
fn repeat(shares: &RecordShares, deliveries: &mut [FileDelivery]) {
    let (mut records, mut repeated) = (0, 0);
    for index in 0..deliveries.len() {
        let Some(PlanPart::Burst { burst: own, .. }) = deliveries[index].parts.first().copied()
        else {
            continue;
        };
        records += u64::from(own.count);
        let due = (u128::from(records) * u128::from(shares.repeats)
            / u128::from(shares.ordinary.max(1))) as u64;
        let before = index
            .checked_sub(1)
            .and_then(|before| deliveries[before].parts.first().copied());
        let last = index + 1 == deliveries.len();
        let source = match before {
            Some(PlanPart::Burst { burst, .. }) if burst.cell == own.cell => burst,
            // The last file takes all remaining repeats, if necessary of its own records.
            _ if last => own,
            _ => continue,
        };
        let count = (due - repeated) as u32;
        if count > 0 {
            repeated = due;
            let first = (source.seed % u64::from(source.count.max(1))) as u32;
            deliveries[index].parts.push(PlanPart::Burst {
                burst: source,
                first,
                count,
            });
        }
    }
}

/// The files of cross-account calls: four times a day per relation, in both accounts.
pub(super) fn exchanges(plan: &DemoPlan, shares: &RecordShares) -> Vec<FileDelivery> {
    let meetings = 14 * 4 * EXCHANGES as u64;
    let mut deliveries = Vec::new();
    for meeting in 0..meetings {
        let count =
            (shares.pairs * (meeting + 1) / meetings - shares.pairs * meeting / meetings) as u32;
        let start = START + (meeting / EXCHANGES as u64) as u32 * 6 * HOUR + 2 * HOUR;
        for owner in [false, true] {
            let kind = (meeting % EXCHANGES as u64) as usize;
            let seed = rng::combine(&[plan.seed, 0xacc7, meeting]);
            let exchange = Exchange {
                kind,
                owner,
                start,
                count,
                seed,
            };
            if count > 0 {
                deliveries.push(FileDelivery {
                    account: exchange.account(),
                    region: REGIONS[0],
                    time: start + HOUR / 6 + SLOT,
                    parts: vec![PlanPart::Exchange { exchange }],
                    imported: false,
                });
            }
        }
    }
    deliveries
}

/// The files of the incident and the oddities. Records of the same account, region and quarter of an hour share one.
pub(super) fn fixed(all: &[Fixed]) -> Vec<FileDelivery> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let block = |item: &Fixed| {
        (
            item.imported(),
            item.account,
            item.region,
            item.time / (3 * SLOT),
        )
    };
    order.sort_by_key(|index| (block(&all[*index]), *index));
    let mut deliveries: Vec<FileDelivery> = Vec::new();
    let mut current = None;
    for index in order {
        let item = &all[index];
        if current != Some(block(item)) {
            current = Some(block(item));
            deliveries.push(FileDelivery {
                account: item.account,
                region: item.region,
                time: (item.time / (3 * SLOT) + 1) * 3 * SLOT + SLOT,
                parts: Vec::new(),
                imported: item.imported(),
            });
        }
        if let Some(delivery) = deliveries.last_mut() {
            delivery.parts.push(PlanPart::Fixed { index });
        }
    }
    deliveries
}

/// The S3 key of a log file.
pub(super) fn key(plan: &DemoPlan, delivery: &FileDelivery, number: usize) -> String {
    let account = ACCOUNTS[delivery.account].number;
    let region = delivery.region;
    let (day, hour, minute, _) = calendar::parts(delivery.time);
    let root = match delivery.imported {
        // The layout of a trail without organisation, below a prefix.
        true => "imported-archive/AWSLogs".to_owned(),
        false => format!("AWSLogs/{}", fixed::ORGANISATION),
    };
    let token = siblings::token(rng::combine(&[plan.seed, 0xf11e, number as u64]));
    format!(
        "{root}/{account}/CloudTrail/{region}/2026/09/{day:02}/{account}_CloudTrail_{region}_202609{day:02}T{hour:02}{minute:02}Z_{token}.json.gz"
    )
}
