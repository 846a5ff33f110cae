//! The members of `userIdentity`, as written in the record.

use std::borrow::Cow;

use crate::event::scan::{JsonScanner, JsonText, NameOrder, NameTable, NextMember, ScanResult};

/// How a member of `userIdentity` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentityMember {
    /// No member: `userIdentity` begins here, and so does `sessionIssuer`.
    IdentityBegins,
    Type,
    PrincipalId,
    Arn,
    AccountId,
    AccessKeyId,
    UserName,
    SessionContext,
    InvokedBy,
    OnBehalfOf,
    /// No member: `sessionContext` begins here.
    SessionContextBegins,
    SessionIssuer,
    SourceIdentity,
    SignInSessionArn,
    AssumedRoot,
    UserId,
    IdentityStoreArn,
    /// A member that is skipped.
    Skipped,
}

/// The members that are in use, and others that often stand between them, in the order in which AWS writes them.
/// Objects begin at the empty names.
const MEMBERS: [(&str, IdentityMember); 19] = [
    ("", IdentityMember::IdentityBegins),
    ("type", IdentityMember::Type),
    ("principalId", IdentityMember::PrincipalId),
    ("arn", IdentityMember::Arn),
    ("accountId", IdentityMember::AccountId),
    ("accessKeyId", IdentityMember::AccessKeyId),
    ("userName", IdentityMember::UserName),
    ("sessionContext", IdentityMember::SessionContext),
    ("invokedBy", IdentityMember::InvokedBy),
    ("onBehalfOf", IdentityMember::OnBehalfOf),
    ("", IdentityMember::SessionContextBegins),
    ("sessionIssuer", IdentityMember::SessionIssuer),
    ("webIdFederationData", IdentityMember::Skipped),
    ("attributes", IdentityMember::Skipped),
    ("sourceIdentity", IdentityMember::SourceIdentity),
    ("signInSessionArn", IdentityMember::SignInSessionArn),
    ("assumedRoot", IdentityMember::AssumedRoot),
    ("userId", IdentityMember::UserId),
    ("identityStoreArn", IdentityMember::IdentityStoreArn),
];

/// The names of [`MEMBERS`].
static NAMES: NameTable = NameTable::of(&MEMBERS);

/// Where objects begin in [`MEMBERS`].
const IN_IDENTITY: usize = index_of(IdentityMember::IdentityBegins);
const IN_SESSION_CONTEXT: usize = index_of(IdentityMember::SessionContextBegins);

const fn index_of(member: IdentityMember) -> usize {
    let mut i = 0;
    while MEMBERS[i].1 as u8 != member as u8 {
        i += 1;
    }
    i
}

/// What AWS writes in place of a name that was entered at a failed sign-in: it may be a password.
pub(super) const HIDDEN_NAME: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Values of `accountId` for callers without credentials.
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
        each(scanner, &mut order, |scanner, order, member| {
            match member {
                IdentityMember::Type => self.kind = field(scanner)?,
                IdentityMember::UserName => self.user_name = field(scanner)?,
                IdentityMember::PrincipalId => self.principal_id = field(scanner)?,
                IdentityMember::Arn => self.arn = field(scanner)?,
                IdentityMember::AccountId => self.account_id = field(scanner)?,
                IdentityMember::InvokedBy => self.invoked_by = field(scanner)?,
                IdentityMember::AccessKeyId => self.access_key = field(scanner)?,
                IdentityMember::SessionContext => self.read_session(scanner, order)?,
                IdentityMember::OnBehalfOf => self.read_on_behalf_of(scanner, order)?,
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
        each(scanner, order, |scanner, order, member| {
            match member {
                IdentityMember::SessionIssuer => self.read_issuer(scanner, order)?,
                IdentityMember::SourceIdentity => self.source_identity = field(scanner)?,
                IdentityMember::SignInSessionArn => self.sign_in_session = field(scanner)?,
                IdentityMember::AssumedRoot => self.assumed_root = scanner.boolean()? == Some(true),
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
        each(scanner, order, |scanner, _, member| {
            match member {
                IdentityMember::Type => self.issuer_kind = field(scanner)?,
                IdentityMember::Arn => self.issuer_arn = field(scanner)?,
                IdentityMember::UserName => self.issuer_name = field(scanner)?,
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
        each(scanner, order, |scanner, _, member| {
            match member {
                IdentityMember::UserId => self.on_behalf_of = field(scanner)?,
                IdentityMember::IdentityStoreArn => self.identity_store = field(scanner)?,
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
    let read = each(&mut scanner, &mut order, |scanner, _, member| {
        match member {
            IdentityMember::AccessKeyId => key = field(scanner)?,
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

/// Calls `read` with each member; skips members with other names, and the whole value if it is not an object.
#[inline]
fn each<'a>(
    scanner: &mut JsonScanner<'a>,
    order: &mut NameOrder,
    mut read: impl FnMut(&mut JsonScanner<'a>, &mut NameOrder, IdentityMember) -> ScanResult<()>,
) -> ScanResult<()> {
    if scanner.peek()? != b'{' {
        return scanner.skip().map(drop);
    }
    scanner.bump();
    loop {
        match order.next(scanner)? {
            NextMember::Known(index) => {
                let known = MEMBERS.get(index);
                let member = known.map_or(IdentityMember::Skipped, |(_, member)| *member);
                read(scanner, order, member)?;
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
