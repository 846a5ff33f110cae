//! The one canonical spelling of a resource.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::arn;
use super::kind::{
    IdRule, IdScope, KindRow, ResourceKind, bare_row, row_of_noun, row_of_type, row_of_unique_id,
    squash,
};
use super::service::service_of;
use crate::scope::{AccountId, Region};

/// Maximum length of a text that names a resource, in bytes: that of the longest ARNs.
const MAX_TEXT_BYTES: usize = 2_048;

/// Maximum length of a key in bytes: that of a text, with a service, region, account and noun before it.
const MAX_KEY_BYTES: usize = MAX_TEXT_BYTES + 2_048;

/// How the keys of objects of S3 begin; the bucket and the key of the object follow.
const S3_OBJECT: &str = "s3:object/";

/// The canonical name of a resource, the same for all spellings of its id, name or ARN.
///
/// Its text is an ARN without the partition: `SERVICE:REGION:ACCOUNT:NOUN/ID`. The region is empty for
/// names that are unique in the account; a region or account that is not known is empty too. A resource
/// whose id is unique in the world has neither: `SERVICE:NOUN/ID`, such as `ec2:instance/i-0abc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey(Box<str>);

/// What is known of a resource besides the text that names it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceContext<'a> {
    /// The account of names that have none.
    pub account: Option<AccountId>,
    /// The region of names that have none.
    pub region: Option<&'a Region>,
    /// The service: as in ARNs (`s3`), as an event source (`s3.amazonaws.com`), or as the product code of
    /// a bill (`AmazonS3`).
    pub service: Option<&'a str>,
    /// The kind of the resource. An ARN in the text is believed before it.
    pub kind: Option<ResourceKind>,
}

/// The text is not a canonical name of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the key of a resource, such as ec2:instance/i-0abc or s3:bucket/NAME")]
pub struct InvalidResourceKey;

impl ResourceKey {
    /// Returns the key of a resource by any of its spellings: an id, a name, an ARN with or without
    /// region and account, the URL of a queue, or a key. None if the text is empty, longer than 2,048
    /// bytes, or stands for no single resource (`*`).
    ///
    /// A name needs the service or the kind as context; without them, only ARNs, keys and ids that are
    /// unique in the world have a key.
    pub fn of_text(text: &str, context: &ResourceContext<'_>) -> Option<ResourceKey> {
        KindedKey::of_text(text, context, None).map(|found| found.key)
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the bucket, if this is that of an object of S3.
    pub fn bucket_of_object(&self) -> Option<ResourceKey> {
        let object = self.0.strip_prefix(S3_OBJECT)?;
        let bucket = object.split('/').next()?;
        Some(ResourceKey(format!("s3:bucket/{bucket}").into()))
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ResourceKey {
    type Err = InvalidResourceKey;

    fn from_str(text: &str) -> Result<ResourceKey, InvalidResourceKey> {
        let found = KindedKey::of_key(text).filter(|found| &*found.key.0 == text);
        found.map(|found| found.key).ok_or(InvalidResourceKey)
    }
}

/// A key, and what its kind is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindedKey {
    pub(super) key: ResourceKey,
    /// The service of the key, as in ARNs.
    pub(super) service: Box<str>,
    /// The kind, if the table has it.
    pub(super) row: Option<&'static KindRow>,
}

/// The account and region that a resource has, before its kind decides which of them are part of its key.
#[derive(Debug, Clone, Copy, Default)]
struct Owner<'a> {
    region: &'a str,
    account: &'a str,
}

impl KindedKey {
    /// Returns the key of a text that names a resource. `noun` is what an API calls it, if its kind is unknown.
    pub(super) fn of_text(
        text: &str,
        context: &ResourceContext<'_>,
        noun: Option<&str>,
    ) -> Option<KindedKey> {
        let text = text.trim();
        if let Some(found) = KindedKey::of_key(text) {
            return Some(found);
        }
        if !arn::is_name(text) || text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let account = context.account.as_ref().map_or("", AccountId::as_str);
        let region = context.region.map_or("", Region::as_str);
        let owner = Owner { region, account };
        if let Some(arn) = arn::Arn::of(text) {
            return KindedKey::of_arn(&arn, owner);
        }
        if let Some(queue) = arn::queue_of_url(text) {
            return KindedKey::of_arn(&queue, owner);
        }
        let service = context.service.map(service_of);
        let hinted = context.kind.and_then(|kind| row_of_type(kind.as_str()));
        // A unique id implies its kind, unless the caller knows of a kind with ids of its own.
        if let Some(row) = row_of_unique_id(text, service)
            .filter(|row| hinted.is_none_or(|hint| hint.scope == IdScope::World || hint == *row))
        {
            return KindedKey::new(row, text, owner);
        }
        let is_alias =
            |row: &KindRow| row.kind.as_str() == "AWS::KMS::Key" && text.starts_with("alias/");
        if hinted.is_some_and(is_alias) {
            return KindedKey::of_bare(text, "kms", owner);
        }
        if let Some(row) = hinted {
            return KindedKey::new(row, row.name_in(text), owner);
        }
        let service = service?;
        if let Some(noun) = noun {
            return match row_of_noun(service, noun) {
                Some(row) => KindedKey::new(row, row.name_in(text), owner),
                None => KindedKey::unknown(service, noun, text, owner),
            };
        }
        KindedKey::of_bare(text, service, owner)
    }

    /// Returns the key of a name of a service, without a kind: `table/NAME`, `cluster:ID`, `NAME`.
    fn of_bare(text: &str, service: &str, owner: Owner<'_>) -> Option<KindedKey> {
        if let Some((noun, id)) = text.trim_start_matches('/').split_once([':', '/'])
            && let Some(row) = row_of_noun(service, noun)
        {
            return KindedKey::new(row, id, owner);
        }
        match bare_row(service) {
            Some(row) => KindedKey::new(row, row.name_in(text), owner),
            None => KindedKey::unknown(service, "resource", text, owner),
        }
    }

    /// Returns the key of an ARN. The owner is that of ARNs that have none.
    fn of_arn(arn: &arn::Arn<'_>, owner: Owner<'_>) -> Option<KindedKey> {
        let region = if arn.region.is_empty() {
            owner.region
        } else {
            arn.region
        };
        let account = if arn.account.is_empty() {
            owner.account
        } else {
            arn.account
        };
        let named = arn.named()?;
        match named.row {
            Some(row) => {
                let id = match row.rule {
                    IdRule::Secret => arn::without_random_suffix(&named.id),
                    _ => &named.id,
                };
                KindedKey::new(row, id, Owner { region, account })
            }
            // Which names of an unknown kind are unique where is not known: they are kept as they are.
            None => KindedKey::unknown(
                arn.service,
                &named.noun,
                &named.id,
                Owner {
                    region: arn.region,
                    account: arn.account,
                },
            ),
        }
    }

    /// Returns the key that a text is, if it is one.
    fn of_key(text: &str) -> Option<KindedKey> {
        let (service, rest) = text.split_once(':')?;
        if !arn::is_service(service) || service == "arn" || text.len() > MAX_KEY_BYTES {
            return None;
        }
        let unscoped = rest.split_once('/').filter(|(noun, _)| !noun.contains(':'));
        if let Some((noun, id)) = unscoped {
            let row =
                row_of_noun(service, noun).filter(|row| row.noun == noun && row.is_unique(id))?;
            return KindedKey::new(row, id, Owner::default());
        }
        let mut parts = rest.splitn(3, ':');
        let owner = Owner {
            region: parts.next()?,
            account: parts.next()?,
        };
        let (noun, id) = parts.next()?.split_once('/')?;
        if owner.region != arn::region(owner.region) || owner.account != arn::account(owner.account)
        {
            return None;
        }
        match row_of_noun(service, noun) {
            Some(row) => KindedKey::new(row, id, owner),
            None => KindedKey::unknown(service, noun, id, owner),
        }
    }

    fn new(row: &'static KindRow, id: &str, owner: Owner<'_>) -> Option<KindedKey> {
        let id = row.id(id);
        let noun = row.noun;
        let service = row.service;
        let Owner { region, account } = owner;
        let text = match row.scope {
            _ if !arn::is_name(&id) => return None,
            _ if row.is_unique(&id) => format!("{service}:{noun}/{id}"),
            IdScope::Account => format!("{service}::{account}:{noun}/{id}"),
            IdScope::World | IdScope::Region => format!("{service}:{region}:{account}:{noun}/{id}"),
        };
        Some(KindedKey {
            key: ResourceKey(text.into()),
            service: service.into(),
            row: Some(row),
        })
    }

    fn unknown(service: &str, noun: &str, id: &str, owner: Owner<'_>) -> Option<KindedKey> {
        let noun = squash(noun);
        let id = arn::trimmed(id);
        let Owner { region, account } = owner;
        if noun.is_empty() || !arn::is_service(service) || !arn::is_name(id) {
            return None;
        }
        let text = format!("{service}:{region}:{account}:{noun}/{id}");
        Some(KindedKey {
            key: ResourceKey(text.into()),
            service: service.into(),
            row: None,
        })
    }

    /// The kind.
    pub(super) fn kind(&self) -> ResourceKind {
        self.row.map_or(ResourceKind::UNKNOWN, |row| row.kind)
    }
}

impl KindRow {
    /// The name in a text that a service writes where the kind is known: an IAM path or `function:`
    /// may stand before it.
    fn name_in<'t>(&self, text: &'t str) -> &'t str {
        // A partial ARN of Lambda: `ACCOUNT:function:NAME`.
        let rest = text.split_once(":function:").map(|(_, name)| name);
        match rest.filter(|_| self.rule == IdRule::Colon) {
            Some(name) => name,
            None => text,
        }
    }

    /// Brings an id to its one spelling.
    fn id<'t>(&self, id: &'t str) -> Cow<'t, str> {
        let id = arn::trimmed(id);
        let kept = match self.rule {
            IdRule::Lower | IdRule::Rds => return id.to_lowercase().into(),
            IdRule::Whole | IdRule::Secret => id,
            IdRule::Colon => id.split(':').next().unwrap_or(id),
            IdRule::First => id.split([':', '/']).next().unwrap_or(id),
            IdRule::Two => match id.match_indices('/').nth(1) {
                Some((end, _)) => id.get(..end).unwrap_or(id),
                None => id,
            },
            IdRule::Last => id.rsplit('/').next().unwrap_or(id),
            IdRule::Root => id.trim_start_matches('/'),
        };
        arn::trimmed(kept).into()
    }
}
