//! The resource of an event that our table does not have, by the usual names of members.

use memchr::memmem;

use super::ResourceSource;
use super::call::{CallEffect, ResourceCall};
use super::found::{FoundResources, ResourceMention};
use super::kind::row_of_unique_id;
use super::place::elements;
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// How many objects and arrays inside each other are searched for ids.
const MAX_DEPTH: usize = 12;

/// How the names of members end that identify a resource, the most telling one first.
const ENDINGS: [&str; 6] = ["arn", "id", "identifier", "name", "url", ""];

/// Finds the resource that a call is about, if it was not found before: `fooBarArn`, `fooBarId` or
/// `fooBarName` of `CreateFooBar`, or the `arn`, `id` or `name` of a `fooBar`. Besides, the ARNs that
/// are members of the request, and the ids anywhere in it that are unique in the world.
pub(super) fn find(call: &ResourceCall<'_>, found: &mut FoundResources<'_, '_>) {
    let role = call.own_role();
    if !found.has_own && !call.noun.is_empty() {
        let bodies = match call.effect {
            CallEffect::Creates => [call.response, call.request],
            _ => [call.request, call.response],
        };
        let nouns = [&*call.noun, singular(&call.noun)];
        let named = bodies.iter().find_map(|body| named(body, &nouns));
        if let Some(text) = named {
            found.add(&ResourceMention {
                text: &text.decode(),
                context: call.context(None),
                noun: Some(singular(&call.noun)),
                role: Some(role),
                source: ResourceSource::Guessed,
            });
        }
    }
    each_text(call.request, &mut |_, name, text| {
        let is_arn = text.with_bytes(|text| text.starts_with(b"arn:"));
        let is_named = || name.with_bytes(|name| name.to_ascii_lowercase().ends_with(b"arn"));
        // The roles that a service is given have many names.
        let is_role = || text.with_bytes(|text| memmem::find(text, b":role/").is_some());
        if is_arn && (is_named() || is_role()) {
            add_by_form(text, call, found);
        }
    });
    // What was read before a fault stands.
    let _ = unique_ids(
        &mut JsonScanner::new(call.request, 0),
        MAX_DEPTH,
        &mut |text| add_by_form(text, call, found),
    );
}

/// Takes a text whose form shows what it names.
fn add_by_form(text: JsonText<'_>, call: &ResourceCall<'_>, found: &mut FoundResources<'_, '_>) {
    found.add(&ResourceMention {
        text: &text.decode(),
        context: call.context(None),
        noun: None,
        role: None,
        source: ResourceSource::Guessed,
    });
}

/// Passes the ids that are unique in the world on, such as `subnet-0123456789abcdef0`, wherever they are.
fn unique_ids<'a>(
    scanner: &mut JsonScanner<'a>,
    depth: usize,
    each: &mut dyn FnMut(JsonText<'a>),
) -> ScanResult<()> {
    match scanner.peek()? {
        b'{' if depth > 0 => scanner.members(|scanner, _| unique_ids(scanner, depth - 1, each)),
        b'[' if depth > 0 => elements(scanner, &mut |scanner| unique_ids(scanner, depth - 1, each)),
        b'"' => {
            let text = scanner.string()?;
            let is_id = |bytes: &[u8]| {
                str::from_utf8(bytes).is_ok_and(|text| row_of_unique_id(text, None).is_some())
            };
            if text.unescaped().is_some_and(is_id) {
                each(text);
            }
            Ok(())
        }
        _ => scanner.skip().map(drop),
    }
}

/// The text of a request or response that identifies a noun best.
fn named<'a>(body: &'a [u8], nouns: &[&str]) -> Option<JsonText<'a>> {
    let mut best: Option<(usize, JsonText<'a>)> = None;
    each_text(body, &mut |parent, name, text| {
        let rank = nouns.iter().find_map(|noun| rank_of(parent, name, noun));
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(known, _)| *rank < known)) {
            best = Some((rank, text));
        }
    });
    best.map(|(_, text)| text)
}

/// How well a member identifies a noun, 0 is best: by its ending, and with the noun (`clusterArn`) better
/// than without (`arn`, of the whole or in `cluster`). None if it does not.
fn rank_of(parent: Option<JsonText<'_>>, name: JsonText<'_>, noun: &str) -> Option<usize> {
    let is_of_noun = || parent.is_none_or(|parent| parent.is(noun));
    name.with_bytes(|name| {
        let rest = name
            .split_at_checked(noun.len())
            .filter(|(start, _)| start.eq_ignore_ascii_case(noun.as_bytes()));
        let (ending, is_short) = match rest {
            Some((_, ending)) => (ending, false),
            None if name.is_empty() || !is_of_noun() => return None,
            None => (name, true),
        };
        let at = ENDINGS
            .iter()
            .position(|known| ending.eq_ignore_ascii_case(known.as_bytes()))?;
        Some(2 * at + usize::from(is_short))
    })
}

/// Passes the texts of an object on, and those of the objects in it, with the names of both members.
fn each_text<'a>(
    body: &'a [u8],
    each: &mut dyn FnMut(Option<JsonText<'a>>, JsonText<'a>, JsonText<'a>),
) {
    if !body.starts_with(b"{") {
        return;
    }
    // What was read before a fault stands.
    let _ = JsonScanner::new(body, 0).members(|scanner, outer| {
        if scanner.peek()? != b'{' {
            if let Some(text) = scanner.text()?.filter(|text| !text.is_empty()) {
                each(None, outer, text);
            }
            return Ok(());
        }
        scanner.members(|scanner, name| {
            if let Some(text) = scanner.text()?.filter(|text| !text.is_empty()) {
                each(Some(outer), name, text);
            }
            Ok(())
        })
    });
}

/// A noun without the `s` of the plural.
fn singular(noun: &str) -> &str {
    match noun.strip_suffix('s') {
        Some(one) if !one.ends_with(['s', 'u', 'i']) => one,
        _ => noun,
    }
}
