//! The resources that CloudTrail lists in `resources`.

use super::call::ResourceCall;
use super::found::{FoundResources, ResourceMention};
use super::place::elements;
use super::{ResourceContext, ResourceKind, ResourceSource};
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// One element of `resources`.
#[derive(Default)]
struct ListedResource<'a> {
    name: Option<JsonText<'a>>,
    account: Option<JsonText<'a>>,
    type_name: Option<JsonText<'a>>,
}

impl<'a> ListedResource<'a> {
    fn read(scanner: &mut JsonScanner<'a>) -> ScanResult<ListedResource<'a>> {
        let mut listed = ListedResource::default();
        scanner.members(|scanner, name| {
            let member = match name {
                name if name.is("ARN") => &mut listed.name,
                // Of several objects, only the beginning that they share.
                name if name.is("ARNPrefix") && listed.name.is_none() => &mut listed.name,
                name if name.is("accountId") => &mut listed.account,
                name if name.is("type") => &mut listed.type_name,
                _ => return scanner.skip().map(drop),
            };
            *member = scanner.text()?;
            Ok(())
        })?;
        Ok(listed)
    }
}

/// Takes up what the record lists.
pub(super) fn find(call: &ResourceCall<'_>, found: &mut FoundResources<'_, '_>) {
    if !call.listed.starts_with(b"[") {
        return;
    }
    // What was read before a fault stands.
    let _ = elements(&mut JsonScanner::new(call.listed, 0), &mut |scanner| {
        if scanner.peek()? != b'{' {
            return scanner.skip().map(drop);
        }
        let listed = ListedResource::read(scanner)?;
        let Some(name) = listed.name else {
            return Ok(());
        };
        let kind = listed
            .type_name
            .map(|name| ResourceKind::of_type(&name.decode()));
        let account = listed
            .account
            .and_then(|account| account.decode().parse().ok());
        found.add(&ResourceMention {
            text: &name.decode(),
            context: ResourceContext {
                account: account.or(call.account),
                ..call.context(kind)
            },
            noun: None,
            role: None,
            source: ResourceSource::Listed,
        });
        Ok(())
    });
}
