//! Refuses filter values that cannot be right while arguments are parsed, and says how they are written. Values that
//! merely match nothing are explained by the result.

use trailtab_core::event::filter;
use trailtab_core::scope::AccountId;

/// Substitute for a field that a record lacks.
const UNKNOWN: &str = "unknown";

/// Fewest parts of a region's name, as in `eu-west-1`.
const MIN_REGION_PARTS: usize = 3;

/// Digits of an account id.
const ACCOUNT_DIGITS: usize = 12;

/// Length of an access key id, by the API reference of IAM.
const MIN_KEY_CHARS: usize = 16;
const MAX_KEY_CHARS: usize = 128;

/// Reads a size in bytes, such as `500GB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("KIB", 1 << 10),
        ("MIB", 1 << 20),
        ("GIB", 1 << 30),
        ("TIB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    let upper = text.trim().to_ascii_uppercase();
    let found = UNITS.iter().find_map(|(unit, bytes)| {
        let number: u64 = upper.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*bytes)
    });
    found.ok_or_else(|| "write a whole number and a unit, such as 500GB or 2TB".to_owned())
}

/// Checks a folder in S3.
pub(crate) fn results(text: &str) -> Result<String, String> {
    match text
        .strip_prefix("s3://")
        .and_then(|rest| rest.split('/').next())
    {
        Some(bucket) if !bucket.is_empty() => Ok(text.to_owned()),
        _ => Err("write a folder in S3, such as s3://BUCKET/PREFIX/".to_owned()),
    }
}

/// Checks the name of a service, an API or an error code. These never contain commas.
pub(super) fn name(text: &str) -> Result<String, String> {
    refuse_list(text)?;
    Ok(text.to_owned())
}

/// Checks a region, or a pattern of regions.
pub(super) fn region(text: &str) -> Result<String, String> {
    refuse_list(text)?;
    let pattern = without_exception(text);
    let is_written_so = |c: char| c.is_ascii_alphanumeric() || "-*?".contains(c);
    let is_region = |name: &str| {
        let parts: Vec<&str> = name.split('-').collect();
        let (number, words) = parts.split_last().unwrap_or((&"", &[]));
        let is_word =
            |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        parts.len() >= MIN_REGION_PARTS
            && words.iter().all(is_word)
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    let name = pattern.to_ascii_lowercase();
    let is_right = match is_pattern(pattern) {
        true => pattern.chars().all(is_written_so),
        false => name == UNKNOWN || is_region(&name),
    };
    match is_right {
        true => Ok(text.to_owned()),
        false => Err("a region is written like eu-west-1, a pattern like 'eu-*'".to_owned()),
    }
}

/// Checks the id of an account, or a pattern of ids.
pub(super) fn account(text: &str) -> Result<String, String> {
    refuse_list(text)?;
    let pattern = without_exception(text);
    let is_digits = |extra: &str| {
        !pattern.is_empty()
            && pattern
                .chars()
                .all(|c| c.is_ascii_digit() || extra.contains(c))
    };
    let places = pattern.chars().filter(|c| *c != '*').count();
    let is_right = match pattern.contains('*') {
        true => is_digits("*?") && places <= ACCOUNT_DIGITS,
        false => is_digits("?") && places == ACCOUNT_DIGITS,
    };
    let is_word = pattern.eq_ignore_ascii_case(UNKNOWN);
    if is_right || is_word {
        return Ok(text.to_owned());
    }
    let digits = pattern.replace('-', "");
    let expected =
        "an account id has twelve digits, such as 111122223333; a pattern is written like '1111*'";
    Err(match AccountId::is_id(&digits) {
        true => format!("an account id is written without hyphens: {digits}"),
        false if pattern.chars().any(char::is_alphabetic) => {
            format!("{expected}; CloudTrail does not record names of accounts")
        }
        false => expected.to_owned(),
    })
}

/// Checks an access key id, or a pattern of ids. The empty one matches calls without an access key.
pub(super) fn access_key(text: &str) -> Result<String, String> {
    refuse_list(text)?;
    let pattern = without_exception(text);
    let is_written_so = |c: char| c.is_ascii_alphanumeric() || "_*?".contains(c);
    let has_length = (MIN_KEY_CHARS..=MAX_KEY_CHARS).contains(&pattern.len());
    match pattern.chars().all(is_written_so)
        && (pattern.is_empty() || is_pattern(pattern) || has_length)
    {
        true => Ok(text.to_owned()),
        false => Err(
            "an access key id has at least 16 letters and digits, such as AKIAIOSFODNN7EXAMPLE"
                .to_owned(),
        ),
    }
}

/// Checks a value of a request, `PATH=PATTERN`.
pub(super) fn request(text: &str) -> Result<String, String> {
    let pattern: Result<filter::RequestPattern, String> = without_exception(text).parse();
    pattern.map(|_| text.to_owned())
}

/// Checks a source address, a network, or the name of a service used in its place.
pub(super) fn origin(text: &str) -> Result<String, String> {
    refuse_list(text)?;
    let pattern = without_exception(text);
    let of = |allowed: &str| {
        let is_allowed = |c: char| c.is_ascii_hexdigit() || allowed.contains(c);
        pattern.chars().all(is_allowed)
    };
    let is_number = |c: char| c.is_ascii_digit() || "./".contains(c);
    // Names such as `AWS Internal` and `ec2.amazonaws.com` have other letters, and patterns are compared with the
    // text of an address.
    let looks_like_ipv4 = !pattern.is_empty() && pattern.chars().all(is_number);
    let looks_like_ipv6 = pattern.contains(':') && of(":./");
    let is_network_of_address = pattern
        .split_once('/')
        .is_some_and(|(address, _)| filter::network(address).is_some());
    let is_address_like = looks_like_ipv4 || looks_like_ipv6 || is_network_of_address;
    match is_address_like && filter::network(pattern).is_none() {
        true => Err(
            "expected an address such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (IPv4 has prefixes up to /32, IPv6 up to /128)"
                .to_owned(),
        ),
        false => Ok(text.to_owned()),
    }
}

fn without_exception(text: &str) -> &str {
    text.strip_prefix('!').unwrap_or(text)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Refuses comma-separated lists. Not used for principals, persons and user agents, which can contain commas.
fn refuse_list(text: &str) -> Result<(), String> {
    match text.contains(',') {
        true => Err("repeat the option to give several values, without commas".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Result<String, String>;

    #[track_caller]
    fn assert_checks(check: Check, right: &[&str], wrong: &[&str]) {
        for text in right {
            assert_eq!(check(text).as_deref(), Ok(*text));
        }
        for text in wrong {
            assert!(check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn regions() {
        assert_checks(
            region,
            &[
                "eu-west-1",
                "EU-West-1",
                "eu-centrl-1",
                "us-gov-west-1",
                "us-isob-east-1",
                "eusc-de-east-1",
                "eu-*",
                "!us-*",
                "af-south-?",
                "*",
                "Unknown",
            ],
            &[
                "",
                "!",
                "Frankfurt",
                "west-1",
                "eu-west",
                "euwest1",
                "eu_west_1",
                "eu west*",
                "eu-west-1a",
                "eu-west-1,us-east-1",
            ],
        );
    }

    #[test]
    fn accounts() {
        assert_checks(
            account,
            &[
                "111122223333",
                "!111122223333",
                "4444*",
                "!4444*",
                "*",
                "90000000001?",
                "unknown",
            ],
            &[
                "",
                "Production",
                "11112222333",
                "1111222233334",
                "1111222233334*",
                "4444?",
                "prod*",
                "1,2",
            ],
        );
        let said = account("1111-2222-3333").unwrap_err();
        assert!(said.ends_with(" 111122223333"), "{said}");
        assert!(account("Production").unwrap_err().contains("twelve digits"));
    }

    #[test]
    fn access_keys() {
        assert_checks(
            access_key,
            &[
                "AKIAIOSFODNN7EXAMPLE",
                "akiaiosfodnn7example",
                "!AKIA*",
                "AKIA*",
                "",
            ],
            &[
                "AKIA",
                "ann",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "AKIA*,ASIA*",
            ],
        );
    }

    #[test]
    fn addresses() {
        assert_checks(
            origin,
            &[
                "203.0.113.7",
                "203.0.113.0/24",
                "!10.0.0.0/8",
                "2001:db8::/32",
                "::1",
                "::ffff:10.0.0.1",
                "10.0.*",
                "AWS Internal",
                "ec2.amazonaws.com",
                "*.amazonaws.com",
                "Unknown",
                "",
            ],
            &[
                "203.0.113.0/33",
                "203.0.113.300",
                "203.0.113",
                "203.0.113.0/",
                "203.0.113.0/x",
                "1.2.3.4/24/24",
                "2001:db8::/129",
                "2001:db8:::7",
                "10.0.0.0/8,192.168.0.0/16",
            ],
        );
    }

    #[test]
    fn lists_are_refused() {
        assert_checks(
            name,
            &["RunInstances", "Run*", "!Get*", "ec2.amazonaws.com"],
            &["A,B"],
        );
    }
}
