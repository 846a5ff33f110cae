//! The members of `userIdentity`, as they stand in the record.

use std::borrow::Cow;

use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// What AWS writes in place of a name that was entered at a failed sign-in: it may be a password.
pub(super) const HIDDEN_NAME: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Words that stand in `accountId` for callers without credentials.
const ANONYMOUS: [&str; 2] = ["ANONYMOUS_PRINCIPAL", "anonymous"];

/// The members of `userIdentity` that are in use.
#[derive(Debug, Default)]
pub(super) struct UserIdentity<'a> {
    pub(super) kind: IdentityField<'a>,
    pub(super) user_name: IdentityField<'a>,
    pub(super) principal_id: IdentityField<'a>,
    pub(super) arn: IdentityField<'a>,
    pub(super) account_id: IdentityField<'a>,
    pub(super) invoked_by: IdentityField<'a>,
    pub(super) issuer_kind: IdentityField<'a>,
    pub(super) issuer_arn: IdentityField<'a>,
    pub(super) issuer_name: IdentityField<'a>,
    pub(super) source_identity: IdentityField<'a>,
    pub(super) assumed_root: bool,
    pub(super) on_behalf_of: IdentityField<'a>,
    pub(super) identity_store: IdentityField<'a>,
    pub(super) access_key: IdentityField<'a>,
    pub(super) sign_in_session: IdentityField<'a>,
    /// Set if AWS hides the name that was entered at a failed sign-in.
    pub(super) is_hidden: bool,
    /// Set if there is no identity, or one that is no valid JSON.
    pub(super) is_absent: bool,
}

pub(super) type IdentityField<'a> = Option<Cow<'a, str>>;

impl<'a> UserIdentity<'a> {
    /// Reads the JSON of `userIdentity`; empty text if the record has no such field.
    pub(super) fn of(json: &'a [u8]) -> Self {
        let mut identity = UserIdentity::default();
        // The scanner only skipped this object before, so it may be invalid. The members read
        // before the error are still used.
        let read = identity.read(&mut JsonScanner::new(json, 0));
        identity.is_absent = json.is_empty() || read.is_err();
        identity.is_hidden = identity.user_name.as_deref() == Some(HIDDEN_NAME);
        if identity.is_hidden {
            identity.user_name = None;
        }
        identity
    }

    fn read(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"type" => self.kind = field(scanner)?,
                b"userName" => self.user_name = field(scanner)?,
                b"principalId" => self.principal_id = field(scanner)?,
                b"arn" => self.arn = field(scanner)?,
                b"accountId" => self.account_id = field(scanner)?,
                b"invokedBy" => self.invoked_by = field(scanner)?,
                b"accessKeyId" => self.access_key = field(scanner)?,
                b"sessionContext" => self.read_session(scanner)?,
                b"onBehalfOf" => self.read_on_behalf_of(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_session(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"sessionIssuer" => self.read_issuer(scanner)?,
                b"sourceIdentity" => self.source_identity = field(scanner)?,
                b"signInSessionArn" => self.sign_in_session = field(scanner)?,
                b"assumedRoot" => self.assumed_root = scanner.boolean()? == Some(true),
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_issuer(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"type" => self.issuer_kind = field(scanner)?,
                b"arn" => self.issuer_arn = field(scanner)?,
                b"userName" => self.issuer_name = field(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_on_behalf_of(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"userId" => self.on_behalf_of = field(scanner)?,
                b"identityStoreArn" => self.identity_store = field(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        is(&self.kind, kind)
    }

    /// The account as a String; None for callers without credentials.
    pub(super) fn account(&self) -> Option<String> {
        owned(&self.account_id).filter(|account| {
            let is_anonymous = |word: &&str| account.eq_ignore_ascii_case(word);
            !ANONYMOUS.iter().any(is_anonymous)
        })
    }
}

/// The access key id that signed the call, if `userIdentity` contains one.
pub fn access_key(json: &[u8]) -> Option<String> {
    let mut key = None;
    // Invalid JSON yields no key.
    let read = each(&mut JsonScanner::new(json, 0), |scanner, name| {
        match name {
            b"accessKeyId" => key = field(scanner)?,
            _ => drop(scanner.skip()?),
        }
        Ok(())
    });
    read.ok().and_then(|()| owned(&key))
}

fn field<'a>(scanner: &mut JsonScanner<'a>) -> ScanResult<IdentityField<'a>> {
    let text = scanner.text()?.filter(|text| !text.is_empty());
    Ok(text.map(JsonText::decode))
}

/// Calls `member` for each member; skips the value if it is not an object.
#[inline]
fn each<'a>(
    scanner: &mut JsonScanner<'a>,
    mut member: impl FnMut(&mut JsonScanner<'a>, &[u8]) -> ScanResult<()>,
) -> ScanResult<()> {
    if scanner.peek()? != b'{' {
        return scanner.skip().map(drop);
    }
    scanner.members(|scanner, name| match name.unescaped() {
        Some(name) => member(scanner, name),
        None => member(scanner, name.decode().as_bytes()),
    })
}

pub(super) fn is(field: &IdentityField<'_>, kind: &str) -> bool {
    field
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case(kind))
}

pub(super) fn owned(field: &IdentityField<'_>) -> Option<String> {
    field.as_deref().map(str::to_owned)
}
