//! Appends numbers and identifiers to the output as text.

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The two hexadecimal digits of every byte: one look-up for two digits.
const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The lowest `digits` hexadecimal digits of `value`, at most 16.
pub(super) fn hex(out: &mut Vec<u8>, value: u64, digits: u8) {
    let mut all = [0; 16];
    for (pair, byte) in all.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    out.extend_from_slice(&all[16 - usize::from(digits.min(16))..]);
}

/// A version 4 UUID with the bits of `value`.
pub(super) fn uuid(out: &mut Vec<u8>, value: u128) {
    let bytes = value.to_be_bytes();
    let mut text = *b"00000000-0000-4000-8000-000000000000";
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (place, byte) in places.into_iter().zip(bytes) {
        text[place..place + 2].copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    text[14] = b'4';
    text[19] = HEX[usize::from(8 | (bytes[8] >> 4) & 3)];
    out.extend_from_slice(&text);
}

/// `value` in decimal, with leading zeros up to `width`.
pub(super) fn decimal(out: &mut Vec<u8>, mut value: u64, width: u8) {
    let mut text = [b'0'; 20];
    let mut start = text.len();
    while value > 0 || text.len() - start < usize::from(width.min(20)) {
        start -= 1;
        text[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text[start..]);
}

/// `length` random base64 characters, as in a session token or an encoded message.
pub(super) fn base64(out: &mut Vec<u8>, rng: &mut super::rng::Rng, length: u16) {
    let mut left = usize::from(length);
    while left > 0 {
        let mut bits = rng.next();
        let take = left.min(10);
        for _ in 0..take {
            out.push(BASE64[(bits & 63) as usize]);
            bits >>= 6;
        }
        left -= take;
    }
}

/// An access key ID or principal ID in AWS's form: `prefix`, up to 12 random characters, and `EXAMPLE`.
pub(super) fn example_id(out: &mut Vec<u8>, prefix: &str, letters: u8, seed: u64) {
    out.extend_from_slice(prefix.as_bytes());
    let mut bits = super::rng::mix(seed);
    for _ in 0..letters.min(12) {
        out.push(BASE32[(bits & 31) as usize]);
        bits >>= 5;
    }
    out.extend_from_slice(b"EXAMPLE");
}
