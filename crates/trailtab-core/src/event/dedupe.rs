//! Deduplication by eventID, before events are counted.
//!
//! Trails deliver at least once, several trails copy the same events, and adjacent time windows
//! share a second, so the same eventID is read repeatedly. An id is stored as the 16 bytes of its
//! UUID. The tables are at most four fifths full and grow by half, one at a time. An event needs 20
//! to 30 bytes.

use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use crate::event::scan::JsonText;

/// Few, so that several ids of a batch fall into each and their look-ups overlap; enough that threads seldom wait.
const SHARDS: usize = 8;

/// The eventIDs of one run; all threads share it.
#[derive(Debug)]
pub struct SeenIds {
    shards: Vec<Mutex<IdShard>>,
    /// Ids that are not UUIDs, as in the examples of the documentation.
    others: Mutex<HashSet<Box<str>, RandomState>>,
    hasher: RandomState,
}

/// An id that is about to be inserted.
#[derive(Debug, Clone, Copy)]
struct PendingId {
    shard: usize,
    hash: u64,
    id: u128,
    /// Its index in the batch.
    index: usize,
}

impl Default for SeenIds {
    fn default() -> Self {
        SeenIds {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            others: Mutex::default(),
            hasher: RandomState::default(),
        }
    }
}

impl SeenIds {
    /// Inserts ids and returns for each, in order, whether it is new.
    ///
    /// The slot of an id is almost never in the processor's cache. The ids of a batch are looked up
    /// together, shard by shard, so that these waits overlap.
    pub fn insert<'t>(&self, ids: impl Iterator<Item = JsonText<'t>>) -> Vec<bool> {
        let (_, most) = ids.size_hint();
        let mut newcomers = Vec::with_capacity(most.unwrap_or_default());
        let mut is_new = Vec::with_capacity(most.unwrap_or_default());
        for (index, text) in ids.enumerate() {
            let uuid = match text.unescaped() {
                Some(raw) => parse_uuid(raw),
                None => parse_uuid(text.decode().as_bytes()),
            };
            is_new.push(match uuid {
                Some(id) => {
                    let hash = self.hasher.hash_one(id);
                    // The lowest bits select the shard, the highest bits the slot.
                    let shard = hash as usize % SHARDS;
                    newcomers.push(PendingId {
                        shard,
                        hash,
                        id,
                        index,
                    });
                    false
                }
                None => lock(&self.others).insert(text.decode().into()),
            });
        }
        for run in by_shard(&newcomers).chunk_by(|a, b| a.shard == b.shard) {
            let mut shard = lock(&self.shards[run[0].shard]);
            shard.make_room(run.len(), &self.hasher);
            shard.touch(run);
            for newcomer in run {
                is_new[newcomer.index] = shard.insert(newcomer);
            }
        }
        is_new
    }
}

/// Sorts ids by shard with a stable counting sort.
fn by_shard(newcomers: &[PendingId]) -> Vec<PendingId> {
    let mut next = [0; SHARDS + 1];
    for newcomer in newcomers {
        next[newcomer.shard + 1] += 1;
    }
    for shard in 1..SHARDS {
        next[shard] += next[shard - 1];
    }
    let mut ordered = newcomers.to_vec();
    for newcomer in newcomers {
        ordered[next[newcomer.shard]] = *newcomer;
        next[newcomer.shard] += 1;
    }
    ordered
}

/// A thread that panicked leaves the set consistent: an id is either inserted or not.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hash set with linear probing; zero marks a free slot.
#[derive(Debug, Default)]
struct IdShard {
    places: Vec<u128>,
    used: usize,
    has_zero: bool,
}

impl IdShard {
    fn insert(&mut self, newcomer: &PendingId) -> bool {
        if newcomer.id == 0 {
            return !std::mem::replace(&mut self.has_zero, true);
        }
        let is_new = place(&mut self.places, newcomer.id, newcomer.hash);
        self.used += usize::from(is_new);
        is_new
    }

    /// Reads the slots of all ids, so that the memory accesses overlap.
    fn touch(&self, run: &[PendingId]) {
        let first = |newcomer: &PendingId| self.places.get(scale(newcomer.hash, self.places.len()));
        let read = run
            .iter()
            .filter_map(first)
            .fold(0, |all, place| all ^ *place);
        std::hint::black_box(read);
    }

    fn make_room(&mut self, more: usize, hasher: &RandomState) {
        while (self.used + more) * 5 > self.places.len() * 4 {
            let size = (self.places.len() + self.places.len() / 2).max(8);
            let mut places = Vec::new();
            places.reserve_exact(size);
            places.resize(size, 0);
            for &id in self.places.iter().filter(|&&id| id != 0) {
                place(&mut places, id, hasher.hash_one(id));
            }
            self.places = places;
        }
    }
}

/// Scales a hash to a table's size, which need not be a power of two.
#[inline]
fn scale(hash: u64, size: usize) -> usize {
    ((u128::from(hash) * size as u128) >> 64) as usize
}

/// Inserts an id; returns whether it was new. At least one slot must be free.
#[inline]
fn place(places: &mut [u128], id: u128, hash: u64) -> bool {
    let mut at = scale(hash, places.len());
    loop {
        match places.get_mut(at) {
            Some(free @ 0) => {
                *free = id;
                return true;
            }
            Some(taken) if *taken == id => return false,
            Some(_) => at += 1,
            None => at = 0,
        }
    }
}

/// Parses `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in lower case only, so that equal ids have equal
/// bytes.
#[inline]
pub fn parse_uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut digits = [0; 32];
    let mut to = 0;
    for (from, len) in [(0, 8), (9, 4), (14, 4), (19, 4), (24, 12)] {
        digits[to..to + len].copy_from_slice(&text[from..from + len]);
        to += len;
    }
    let dashes = [text[8], text[13], text[18], text[23]];
    let mut id = 0;
    for eight in digits.as_chunks::<8>().0 {
        id = id << 32 | u128::from(parse_hex(u64::from_be_bytes(*eight))?);
    }
    (dashes == *b"----").then_some(id)
}

/// Parses eight lower-case hexadecimal digits at once.
#[inline]
fn parse_hex(digits: u64) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Bit 6 is set in the bytes of letters and not in those of digits; `a` ends in 1 and stands for 10.
    let letters = (digits >> 6) & ONES;
    let nibbles = (digits & (ONES * 0x0f)) + letters * 9;
    // Written back as text, valid digits equal the input. Other bytes differ, or have a nibble above 15.
    let over_nine = ((nibbles + ONES * 6) >> 4) & ONES;
    let written = nibbles + ONES * u64::from(b'0') + over_nine * u64::from(b'a' - b'0' - 10);
    if written != digits || nibbles & (ONES * 0xf0) != 0 {
        return None;
    }
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let words = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    Some((words | words >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet as StdSet;

    #[test]
    fn a_uuid_is_read_exactly_or_not_at_all() {
        let uuid = b"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        assert_eq!(
            parse_uuid(uuid),
            Some(0x0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0)
        );
        assert_eq!(parse_uuid(b"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg"), None);
        assert_eq!(parse_uuid(b"0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0"), None);
        assert_eq!(parse_uuid(b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"), None);
        for b in 0..=255_u8 {
            let expected = char::from(b)
                .to_digit(16)
                .filter(|_| !b.is_ascii_uppercase());
            assert_eq!(
                parse_hex(u64::from_be_bytes([
                    b'0', b, b'0', b'0', b'0', b'0', b'0', b'0'
                ])),
                expected.map(|d| d << 24)
            );
        }
    }

    #[test]
    fn agrees_with_a_plain_set() {
        let seen = SeenIds::default();
        let mut plain = StdSet::new();
        let mut texts = Vec::new();
        let mut state = 1_u128;
        for round in 0..50_000_u128 {
            state = state
                .wrapping_mul(0x2545_f491_4f6c_dd1d)
                .wrapping_add(round);
            let id = state % 20_000;
            let text = uuid(id << 64 | id);
            texts.push(text);
            if texts.len() == 100 {
                let ids = texts.iter().map(|text| JsonText::plain(text.as_bytes()));
                let expected: Vec<bool> = texts
                    .iter()
                    .map(|text| plain.insert(text.clone()))
                    .collect();
                assert_eq!(seen.insert(ids), expected);
                texts.clear();
            }
        }
        for odd in ["EXAMPLE", "", "0"] {
            let twice = [odd, odd].map(|text| JsonText::plain(text.as_bytes()));
            assert_eq!(seen.insert(twice.into_iter()), [true, false]);
        }
    }

    fn uuid(id: u128) -> String {
        let hex = format!("{id:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    #[test]
    fn tables_stay_within_thirty_bytes_an_id() {
        let hasher = RandomState::default();
        let mut shard = IdShard::default();
        for id in 1..100_000_u128 {
            shard.make_room(1, &hasher);
            shard.insert(&PendingId {
                shard: 0,
                hash: hasher.hash_one(id),
                id,
                index: 0,
            });
            assert!(
                id < 64 || shard.places.capacity() * 16 <= shard.used * 31,
                "{id}"
            );
        }
    }
}
