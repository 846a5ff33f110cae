//! Compares blocks of bytes with the instructions that the processor has.

use wide::{u8x16, u8x32};

/// One bit for each byte of a block of 64, set if the byte is of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockMasks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    pub(super) open: u64,
    pub(super) close: u64,
}

/// Compares blocks of bytes. A value of the type proves that the processor has its instructions.
pub trait ByteBlocks: Copy {
    /// Sets one bit for each byte that is the same in both blocks.
    fn equal(self, block: &[u8; 32], other: &[u8; 32]) -> u32;
    /// Sets one bit for each quote or backslash.
    fn quotes_and_backslashes(self, block: &[u8; 32]) -> u32;
    /// Finds quotes, backslashes, opening and closing brackets.
    fn masks(self, block: &[u8; 64]) -> BlockMasks;
    /// Calls a function that is compiled for these instructions. What it calls has to be inlined for that.
    fn run<R>(self, function: impl FnOnce() -> R) -> R;
}

/// What can be done with any kind of blocks.
pub trait BlockOperation {
    /// What it returns.
    type Output;
    /// Does it. Has to be inlined always, with all that it calls.
    fn with<B: ByteBlocks>(self, blocks: B) -> Self::Output;
}

/// Does something with the best instructions that the processor has.
#[inline]
pub fn with_best_blocks<O: BlockOperation>(operation: O) -> O::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        let blocks = x86::Avx2Blocks(avx2);
        return blocks.run(
            #[inline(always)]
            || operation.with(blocks),
        );
    }
    operation.with(PortableBlocks)
}

/// `{` and `[` differ only in this bit, and so do `}` and `]`.
const BRACKET_BIT: u8 = 0x20;

/// The instructions that all processors of the target have.
#[derive(Debug, Clone, Copy, Default)]
pub struct PortableBlocks;

impl ByteBlocks for PortableBlocks {
    #[inline(always)]
    fn equal(self, block: &[u8; 32], other: &[u8; 32]) -> u32 {
        u8x32::new(*block).simd_eq(u8x32::new(*other)).to_bitmask()
    }

    #[inline(always)]
    fn quotes_and_backslashes(self, block: &[u8; 32]) -> u32 {
        let bytes = u8x32::new(*block);
        let quotes = bytes.simd_eq(u8x32::splat(b'"'));
        (quotes | bytes.simd_eq(u8x32::splat(b'\\'))).to_bitmask()
    }

    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> BlockMasks {
        let mut masks = BlockMasks::default();
        let (chunks, _) = block.as_chunks::<16>();
        for (i, chunk) in chunks.iter().enumerate() {
            let bytes = u8x16::new(*chunk);
            let folded = bytes | u8x16::splat(BRACKET_BIT);
            let mask = |b: u8, bytes: u8x16| u64::from(bytes.simd_eq(u8x16::splat(b)).to_bitmask());
            masks.quote |= mask(b'"', bytes) << (16 * i);
            masks.backslash |= mask(b'\\', bytes) << (16 * i);
            masks.open |= mask(b'{', folded) << (16 * i);
            masks.close |= mask(b'}', folded) << (16 * i);
        }
        masks
    }

    #[inline(always)]
    fn run<R>(self, function: impl FnOnce() -> R) -> R {
        function()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use fearless_simd::{Avx2, Simd, SimdBase as _, SimdMask as _, u8x32, u8x64};

    use super::{BRACKET_BIT, BlockMasks, ByteBlocks};

    /// AVX2 and the bit manipulation instructions that came with it.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Avx2Blocks(pub(super) Avx2);

    impl ByteBlocks for Avx2Blocks {
        #[inline(always)]
        fn equal(self, block: &[u8; 32], other: &[u8; 32]) -> u32 {
            let same = u8x32::from_slice(self.0, block).simd_eq(u8x32::from_slice(self.0, other));
            same.to_bitmask() as u32
        }

        #[inline(always)]
        fn quotes_and_backslashes(self, block: &[u8; 32]) -> u32 {
            let bytes = u8x32::from_slice(self.0, block);
            let quotes = bytes.simd_eq(u8x32::splat(self.0, b'"'));
            (quotes | bytes.simd_eq(u8x32::splat(self.0, b'\\'))).to_bitmask() as u32
        }

        #[inline(always)]
        fn masks(self, block: &[u8; 64]) -> BlockMasks {
            let bytes = u8x64::from_slice(self.0, block);
            let folded = bytes | u8x64::splat(self.0, BRACKET_BIT);
            let mask =
                |b: u8, bytes: u8x64<Avx2>| bytes.simd_eq(u8x64::splat(self.0, b)).to_bitmask();
            BlockMasks {
                quote: mask(b'"', bytes),
                backslash: mask(b'\\', bytes),
                open: mask(b'{', folded),
                close: mask(b'}', folded),
            }
        }

        #[inline(always)]
        fn run<R>(self, function: impl FnOnce() -> R) -> R {
            self.0.vectorize(function)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{JsonScanner, ScanStop};
    use super::*;

    /// Skips a value and a name; returns the end, the text and the masks of the first block.
    struct Reading<'a>(&'a [u8]);

    type Read<'a> = (Result<&'a [u8], ScanStop>, usize, Option<BlockMasks>);

    impl<'a> BlockOperation for Reading<'a> {
        type Output = Read<'a>;

        #[inline(always)]
        fn with<B: ByteBlocks>(self, blocks: B) -> Self::Output {
            let mut scanner = JsonScanner::new(self.0, 0).using(blocks);
            let skipped = scanner.skip();
            let masks = self.0.first_chunk().map(|block| blocks.masks(block));
            (skipped, scanner.pos(), masks)
        }
    }

    /// Texts of the bytes that matter, with runs that cross blocks.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(&b"{}[]\"\\,: a\xff\x80"[..]).prop_map(|byte| vec![byte]),
            (0..40_usize).prop_map(|len| vec![b'x'; len]),
            (0..5_usize).prop_map(|len| vec![b'\\'; len]),
        ];
        let tail = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat());
        (prop::sample::select(&b"{[\""[..]), tail)
            .prop_map(|(head, tail)| [&[head], &tail[..]].concat())
    }

    proptest! {
        #[test]
        fn the_best_instructions_read_what_the_portable_ones_read(text in text()) {
            let portable = Reading(&text).with(PortableBlocks);
            prop_assert_eq!(with_best_blocks(Reading(&text)), portable);
        }
    }
}
