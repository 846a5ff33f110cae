//! Deterministic random numbers: SplitMix64.
//!
//! Every record has its own generator, seeded from the plan and the record's place, so that any record can be rendered
//! alone, repeatedly, and on any thread.

/// A SplitMix64 generator.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..limit`; 0 if `limit` is 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        scale(self.next(), limit)
    }
}

/// The finaliser of SplitMix64.
pub(super) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Combines numbers into a seed; their order matters.
pub(super) fn combine(parts: &[u64]) -> u64 {
    parts.iter().fold(0x5bd1_e995, |seed, part| {
        mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ *part)
    })
}

/// A stable hash of a name (FNV-1a), for seeding.
pub(super) fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Maps the upper half of a random number onto `0..limit`, without a division.
pub(super) fn scale(random: u64, limit: u32) -> u32 {
    // The product of two numbers below 2^32, shifted by 32, is below 2^32.
    (((random >> 32) * u64::from(limit)) >> 32) as u32
}
