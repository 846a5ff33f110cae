//! The members of `userIdentity`, as they stand in the record.

use std::borrow::Cow;

use crate::event::scan::{JsonScanner, JsonText, NameOrder, NameTable, NextMember, ScanResult};

/// The members that are in use, and others that often stand between them, in the order in which AWS writes them.
/// Objects begin at the empty names.
static NAMES: NameTable = NameTable::of([
    "",
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "sessionContext",
    "invokedBy",
    "onBehalfOf",
    "",
    "sessionIssuer",
    "webIdFederationData",
    "attributes",
    "sourceIdentity",
    "signInSessionArn",
    "assumedRoot",
    "userId",
    "identityStoreArn",
]);

// Indices in `NAMES`.
const IN_IDENTITY: usize = 0;
const TYPE: usize = 1;
const PRINCIPAL_ID: usize = 2;
const ARN: usize = 3;
const ACCOUNT_ID: usize = 4;
const ACCESS_KEY_ID: usize = 5;
const USER_NAME: usize = 6;
const SESSION_CONTEXT: usize = 7;
const INVOKED_BY: usize = 8;
const ON_BEHALF_OF: usize = 9;
const IN_SESSION_CONTEXT: usize = 10;
const SESSION_ISSUER: usize = 11;
const SOURCE_IDENTITY: usize = 14;
const SIGN_IN_SESSION_ARN: usize = 15;
const ASSUMED_ROOT: usize = 16;
const USER_ID: usize = 17;
const IDENTITY_STORE_ARN: usize = 18;

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
        let mut order = NameOrder::of(&NAMES);
        order.go_to(IN_IDENTITY);
        each(scanner, &mut order, |scanner, order, name| {
            match name {
                TYPE => self.kind = field(scanner)?,
                USER_NAME => self.user_name = field(scanner)?,
                PRINCIPAL_ID => self.principal_id = field(scanner)?,
                ARN => self.arn = field(scanner)?,
                ACCOUNT_ID => self.account_id = field(scanner)?,
                INVOKED_BY => self.invoked_by = field(scanner)?,
                ACCESS_KEY_ID => self.access_key = field(scanner)?,
                SESSION_CONTEXT => self.read_session(scanner, order)?,
                ON_BEHALF_OF => self.read_on_behalf_of(scanner, order)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_session(
        &mut self,
        scanner: &mut JsonScanner<'a>,
        order: &mut NameOrder,
    ) -> ScanResult<()> {
        order.go_to(IN_SESSION_CONTEXT);
        each(scanner, order, |scanner, order, name| {
            match name {
                SESSION_ISSUER => self.read_issuer(scanner, order)?,
                SOURCE_IDENTITY => self.source_identity = field(scanner)?,
                SIGN_IN_SESSION_ARN => self.sign_in_session = field(scanner)?,
                ASSUMED_ROOT => self.assumed_root = scanner.boolean()? == Some(true),
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_issuer(
        &mut self,
        scanner: &mut JsonScanner<'a>,
        order: &mut NameOrder,
    ) -> ScanResult<()> {
        order.go_to(IN_IDENTITY);
        each(scanner, order, |scanner, _, name| {
            match name {
                TYPE => self.issuer_kind = field(scanner)?,
                ARN => self.issuer_arn = field(scanner)?,
                USER_NAME => self.issuer_name = field(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_on_behalf_of(
        &mut self,
        scanner: &mut JsonScanner<'a>,
        order: &mut NameOrder,
    ) -> ScanResult<()> {
        each(scanner, order, |scanner, _, name| {
            match name {
                USER_ID => self.on_behalf_of = field(scanner)?,
                IDENTITY_STORE_ARN => self.identity_store = field(scanner)?,
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
    let mut order = NameOrder::of(&NAMES);
    let mut scanner = JsonScanner::new(json, 0);
    // Invalid JSON yields no key.
    let read = each(&mut scanner, &mut order, |scanner, _, name| {
        match name {
            ACCESS_KEY_ID => key = field(scanner)?,
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

/// Calls `member` with the index in [`NAMES`] of each member; skips members with other names, and the whole
/// value if it is not an object.
#[inline]
fn each<'a>(
    scanner: &mut JsonScanner<'a>,
    order: &mut NameOrder,
    mut member: impl FnMut(&mut JsonScanner<'a>, &mut NameOrder, usize) -> ScanResult<()>,
) -> ScanResult<()> {
    if scanner.peek()? != b'{' {
        return scanner.skip().map(drop);
    }
    scanner.bump();
    loop {
        match order.next(scanner)? {
            NextMember::Known(index) => {
                member(scanner, order, index)?;
                order.go_to(index);
            }
            NextMember::Other(_) => drop(scanner.skip()?),
            NextMember::End => return Ok(()),
        }
    }
}

pub(super) fn is(field: &IdentityField<'_>, kind: &str) -> bool {
    field
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case(kind))
}

pub(super) fn owned(field: &IdentityField<'_>) -> Option<String> {
    field.as_deref().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indices_of_names_are_right() {
        let indices = [
            (TYPE, "type"),
            (PRINCIPAL_ID, "principalId"),
            (ARN, "arn"),
            (ACCOUNT_ID, "accountId"),
            (ACCESS_KEY_ID, "accessKeyId"),
            (USER_NAME, "userName"),
            (SESSION_CONTEXT, "sessionContext"),
            (INVOKED_BY, "invokedBy"),
            (ON_BEHALF_OF, "onBehalfOf"),
            (SESSION_ISSUER, "sessionIssuer"),
            (SOURCE_IDENTITY, "sourceIdentity"),
            (SIGN_IN_SESSION_ARN, "signInSessionArn"),
            (ASSUMED_ROOT, "assumedRoot"),
            (USER_ID, "userId"),
            (IDENTITY_STORE_ARN, "identityStoreArn"),
        ];
        for (index, name) in indices {
            assert_eq!(NAMES.find(name.as_bytes()), Some(index), "{name}");
        }
    }
}
