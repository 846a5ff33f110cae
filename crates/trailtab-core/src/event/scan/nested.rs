//! Finds the end of an object or array 64 bytes at a time.

use super::blocks::ByteBlocks;

/// Number of bytes that are looked at together.
const BLOCK_BYTES: usize = 64;

/// Finds the offset after the object or array that begins at `start`; none if the buffer ends inside it.
#[inline(never)]
pub(super) fn end_of_nested<B: ByteBlocks>(blocks: B, buf: &[u8], start: usize) -> Option<usize> {
    blocks.run(
        #[inline(always)]
        || {
            let mut state = BlockState::default();
            let mut at = start;
            while let Some(block) = buf.get(at..)?.first_chunk::<BLOCK_BYTES>() {
                if let Some(end) = state.step(blocks, block) {
                    return Some(at + end);
                }
                at += BLOCK_BYTES;
            }
            let rest = buf.get(at..)?;
            let mut padded = [b' '; BLOCK_BYTES];
            padded.get_mut(..rest.len())?.copy_from_slice(rest);
            state.step(blocks, &padded).map(|end| at + end)
        },
    )
}

/// What is carried from block to block.
#[derive(Default)]
struct BlockState {
    depth: u32,
    /// All ones while the block begins inside a string.
    in_string: u64,
    /// One if the block's first byte is escaped by the last byte of the block before.
    escaped: u64,
}

impl BlockState {
    /// Takes the next block; returns the offset after the bracket that closes the value, if it is in this
    /// block.
    #[inline(always)]
    fn step<B: ByteBlocks>(&mut self, blocks: B, block: &[u8; BLOCK_BYTES]) -> Option<usize> {
        let masks = blocks.masks(block);
        let escaped = match masks.backslash | self.escaped {
            0 => 0,
            _ => self.escape(masks.backslash),
        };
        let inside = prefix_xor(masks.quote & !escaped) ^ self.in_string;
        // The sign bit says whether the block ends inside a string; spread it over all bits.
        self.in_string = ((inside as i64) >> 63) as u64;
        self.find_end(masks.open & !inside, masks.close & !inside)
    }

    #[inline(always)]
    fn find_end(&mut self, open: u64, close: u64) -> Option<usize> {
        let closing = close.count_ones();
        if closing < self.depth {
            self.depth += open.count_ones();
            self.depth -= closing;
            return None;
        }
        let mut brackets = open | close;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            if open >> at & 1 == 1 {
                self.depth += 1;
            } else if self.depth == 1 {
                return Some(at as usize + 1);
            } else {
                self.depth -= 1;
            }
            brackets &= brackets - 1;
        }
        None
    }

    /// Returns which bytes are escaped by a backslash before them.
    #[inline]
    fn escape(&mut self, backslash: u64) -> u64 {
        let mut escaped = self.escaped;
        let mut left = backslash & !escaped;
        self.escaped = 0;
        while left != 0 {
            let at = left.trailing_zeros();
            if at == 63 {
                self.escaped = 1;
                break;
            }
            let next = 1 << (at + 1);
            escaped |= next;
            left &= left - 1;
            left &= !next;
        }
        escaped
    }
}

/// Sets each bit to the parity of the bits up to and including it.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
