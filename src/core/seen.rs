//! Which events were read before: the deduplication that stands before the tally.
//!
//! Trails deliver at least once, several trails copy the same events, and adjacent time windows
//! share a second, so the same eventID is met again and again. An id is kept as the 16 bytes of its
//! UUID in tables that are at most four fifths full and grow by half, one of them at a time: 20 to
//! 30 bytes an event at any moment.

use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use super::scan::Text;

const SHARDS: usize = 256;

/// The eventIDs met in one run; shared by all threads.
#[derive(Debug)]
pub(crate) struct Seen {
    shards: Vec<Mutex<Shard>>,
    /// Ids that are no UUIDs, as in the documentation's examples.
    others: Mutex<HashSet<Box<str>, RandomState>>,
    hasher: RandomState,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Seen {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            others: Mutex::default(),
            hasher: RandomState::default(),
        }
    }

    /// Takes note of an id and tells whether it is new.
    pub(crate) fn insert(&self, id: Text<'_>) -> bool {
        let uuid = match id.unescaped() {
            Some(raw) => parse_uuid(raw),
            None => parse_uuid(id.decode().as_bytes()),
        };
        match uuid {
            Some(id) => {
                let hash = self.hasher.hash_one(id);
                // The shard takes the lowest bits, the place in it the highest.
                let shard = &self.shards[hash as usize % SHARDS];
                lock(shard).insert(id, hash, &self.hasher)
            }
            None => lock(&self.others).insert(id.decode().into()),
        }
    }
}

/// A thread that panicked has left at worst an id noted or not.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A set with linear probing; zero marks a free place.
#[derive(Debug, Default)]
struct Shard {
    places: Vec<u128>,
    used: usize,
    has_zero: bool,
}

impl Shard {
    fn insert(&mut self, id: u128, hash: u64, hasher: &RandomState) -> bool {
        if id == 0 {
            return !std::mem::replace(&mut self.has_zero, true);
        }
        if self.used * 5 >= self.places.len() * 4 {
            self.grow(hasher);
        }
        let is_new = place(&mut self.places, id, hash);
        self.used += usize::from(is_new);
        is_new
    }

    fn grow(&mut self, hasher: &RandomState) {
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

/// Puts an id where it belongs; returns whether it was not there. One place must be free.
#[inline]
fn place(places: &mut [u128], id: u128, hash: u64) -> bool {
    // Scales the hash to the table's size, which need not be a power of two.
    let mut at = ((u128::from(hash) * places.len() as u128) >> 64) as usize;
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

/// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in lower case, the form in which equal ids are
/// equal bytes.
#[inline]
fn parse_uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut id = 0;
    let mut bad = 0;
    for (at, &b) in text.iter().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            bad |= b ^ b'-';
            continue;
        }
        let digit = HEX[usize::from(b)];
        bad |= digit & 0xf0;
        id = id << 4 | u128::from(digit & 0x0f);
    }
    (bad == 0).then_some(id)
}

/// The value of each lower-case hexadecimal digit; 0xff for other bytes.
const HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < 16 {
        table[digits[value] as usize] = value as u8;
        value += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet as StdSet;

    #[test]
    fn a_uuid_is_read_exactly_or_not_at_all() {
        let uuid = b"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        assert_eq!(parse_uuid(uuid), Some(0x0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0));
        assert_eq!(parse_uuid(b"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg"), None);
        assert_eq!(parse_uuid(b"0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0"), None);
        assert_eq!(parse_uuid(b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"), None);
    }

    #[test]
    fn agrees_with_a_plain_set() {
        let seen = Seen::new();
        let mut plain = StdSet::new();
        let mut state = 1_u128;
        for round in 0..50_000_u128 {
            state = state.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(round);
            let id = state % 20_000;
            let text = uuid(id << 64 | id);
            assert_eq!(seen.insert(Text::plain(text.as_bytes())), plain.insert(text.clone()));
        }
        for odd in ["EXAMPLE", "", "0"] {
            assert!(seen.insert(Text::plain(odd.as_bytes())));
            assert!(!seen.insert(Text::plain(odd.as_bytes())));
        }
    }

    fn uuid(id: u128) -> String {
        let hex = format!("{id:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    #[test]
    fn tables_stay_within_thirty_bytes_an_id() {
        let hasher = RandomState::default();
        let mut shard = Shard::default();
        for id in 1..100_000_u128 {
            shard.insert(id, hasher.hash_one(id), &hasher);
            assert!(id < 64 || shard.places.capacity() * 16 <= shard.used * 31, "{id}");
        }
    }
}
