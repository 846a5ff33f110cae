//! Accounts and regions as types, so that their form is checked once, where they enter the program.

use std::fmt;
use std::str::FromStr;

/// The id of an AWS account: twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

/// The name of an AWS region, such as `eu-west-1`: at most 40 lower-case letters, digits and hyphens,
/// of which the first is a letter. It is a safe component of a path. The name need not be known to
/// [`crate::regions`], since AWS adds regions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Box<str>);

/// Maximum length of a region's name in bytes. The longest name so far has 14.
const MAX_REGION_BYTES: usize = 40;

/// One region of an account: what CloudTrail records events of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// The text is not the id of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an account id of twelve digits")]
pub struct InvalidAccountId;

/// The text cannot be the name of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a region, such as eu-west-1")]
pub struct InvalidRegion;

impl AccountId {
    /// Returns whether a text is an account id: twelve digits.
    pub fn is_id(text: &str) -> bool {
        text.parse::<AccountId>().is_ok()
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // All bytes are digits, so this never falls back.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<AccountId, InvalidAccountId> {
        let digits = <[u8; 12]>::try_from(text.as_bytes()).map_err(|_| InvalidAccountId)?;
        match digits.iter().all(u8::is_ascii_digit) {
            true => Ok(AccountId(digits)),
            false => Err(InvalidAccountId),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Region, InvalidRegion> {
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_region = text.len() <= MAX_REGION_BYTES
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(is_inner);
        match is_region {
            true => Ok(Region(text.into())),
            false => Err(InvalidRegion),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Scope {
    /// Returns the account and region in the name of a log file or digest of CloudTrail, given its
    /// path or address: `…/ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz`.
    pub fn of_log_file(path: &str) -> Option<Scope> {
        let name = path.rsplit(['/', '\\']).next()?;
        let mut parts = name.splitn(4, '_');
        let (account, kind, region) = (parts.next()?, parts.next()?, parts.next()?);
        let scope = Scope {
            account: account.parse().ok()?,
            region: region.parse().ok()?,
        };
        (parts.next().is_some() && kind.starts_with("CloudTrail")).then_some(scope)
    }
}

/// `111122223333:eu-west-1`: the form of keys in JSON output.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_have_twelve_digits() {
        let id: AccountId = "000011112222".parse().unwrap();
        assert_eq!(
            (id.as_str(), id.to_string().as_str()),
            ("000011112222", "000011112222")
        );
        for text in [
            "",
            "..",
            "11112222333",
            "1111222233334",
            "11112222333x",
            "１１１１",
        ] {
            assert_eq!(text.parse::<AccountId>(), Err(InvalidAccountId), "{text}");
        }
    }

    #[test]
    fn region_names_are_safe_in_paths() {
        assert_eq!(
            "us-gov-east-1".parse::<Region>().unwrap().as_str(),
            "us-gov-east-1"
        );
        let long = "a".repeat(MAX_REGION_BYTES + 1);
        for text in [
            "",
            "..",
            "eu/west",
            "EU-WEST-1",
            "-x",
            "1x",
            "*",
            "é",
            &long,
        ] {
            assert_eq!(text.parse::<Region>(), Err(InvalidRegion), "{text}");
        }
    }

    #[test]
    fn log_files_name_their_scope() {
        for (name, scope) in [
            (
                "a/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json.gz",
                Some("111122223333:us-east-1"),
            ),
            (
                r"logs\111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260907T080000Z.json.gz",
                Some("111122223333:eu-west-1"),
            ),
            ("x.json", None),
            ("README_CloudTrail_x", None),
            ("111122223333_CloudTrail_us-east-1", None),
            ("111122223333_S3_eu-west-1_x", None),
            ("1/2/3", None),
        ] {
            let found = Scope::of_log_file(name).map(|scope| scope.to_string());
            assert_eq!(found.as_deref(), scope, "{name}");
        }
    }
}
