//! Whole numbers and strings in few bytes, for counts that are stored in runs.

use std::io::{self, Read};

/// The bytes are not a run.
pub(super) fn damaged() -> io::Error {
    let reason = "the temporary counts are damaged";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Writes seven bits in each byte, the lowest first; the highest bit says that more follow.
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads what [`write_number`] wrote.
pub(super) fn read_number(input: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged())
}

/// A signed number as an unsigned one that is small if the number is near zero: the lowest bit is the sign.
pub(super) fn unsigned_of(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The number that [`unsigned_of`] was given.
pub(super) fn signed_of(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Writes a string after its length.
pub(super) fn write_string(out: &mut Vec<u8>, string: &str) {
    write_number(out, string.len() as u64);
    out.extend(string.as_bytes());
}

/// Replaces a string by one that [`write_string`] wrote.
pub(super) fn read_string(input: &mut impl Read, string: &mut String) -> io::Result<()> {
    let mut bytes = std::mem::take(string).into_bytes();
    bytes.clear();
    let length = read_number(input)?;
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(damaged());
    }
    *string = String::from_utf8(bytes).map_err(|_| damaged())?;
    Ok(())
}
