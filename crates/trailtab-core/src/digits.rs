//! Digits: of numbers for people, and of bytes in hexadecimal.

/// Groups the digits of a number by thousands: `1,234,567`.
pub fn thousands(number: impl Into<u128>) -> String {
    grouped(&number.into().to_string())
}

/// Groups the digits before the decimal point by thousands: `1,234.50`. The number has no sign.
pub fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut out = String::with_capacity(number.len() * 4 / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// Writes bytes as hexadecimal digits, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let nibbles = [byte >> 4, byte & 15];
        out.extend(nibbles.map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0')));
    }
    out
}

/// Parses hexadecimal digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|&[high, low]| u8::try_from(nibble(high)? * 16 + nibble(low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(0_u64), "0");
        assert_eq!(thousands(999_u64), "999");
        assert_eq!(thousands(1_234_567_u64), "1,234,567");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(grouped("1234.5678"), "1,234.5678");
        assert_eq!(grouped("12.50"), "12.50");
    }

    #[test]
    fn bytes_survive_their_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex("0aF"), None);
        assert_eq!(unhex("0g"), None);
        assert_eq!(unhex("0aFf"), Some(vec![10, 255]));
    }
}
