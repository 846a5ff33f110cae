//! Where in a record a resource is named: paths, and templates of paths.

use std::borrow::Cow;

use super::call::ResourceCall;
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// The endings of members that some services wrap a whole request or response in, such as
/// `CreateNatGatewayRequest`.
const WRAPPERS: [&str; 6] = ["request", "response", "req", "result", "input", "output"];

/// One place of the table: a path such as `response.instancesSet.items[].instanceId`, or a template of
/// paths such as `{request.clusterName}/{request.nodegroupName}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ResourcePlace {
    Path(MemberPath),
    Template(Vec<TemplatePart>),
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TemplatePart {
    Text(&'static str),
    Value(MemberPath),
    /// `{?PATH}`: without anything at the path, the place names nothing.
    Condition(MemberPath),
}

/// The names of members that lead to values. Case is ignored, and arrays on the way are read element by
/// element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MemberPath {
    root: PathRoot,
    steps: Vec<&'static str>,
    /// The bits of the first step in [`MemberNames`].
    first: MemberNames,
}

/// The part of a record that a path begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathRoot {
    Request,
    Response,
    /// `serviceEventDetails`.
    Details,
    /// `userIdentity`.
    Caller,
}

impl ResourcePlace {
    /// Reads a place of the table; None if it is not well formed.
    pub(super) fn of(text: &'static str) -> Option<ResourcePlace> {
        if !text.contains('{') {
            return MemberPath::of(text).map(ResourcePlace::Path);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (path, after) = after.split_once('}')?;
            if !before.is_empty() {
                parts.push(TemplatePart::Text(before));
            }
            parts.push(match path.strip_prefix('?') {
                Some(path) => TemplatePart::Condition(MemberPath::of(path)?),
                None => TemplatePart::Value(MemberPath::of(path)?),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest));
        }
        Some(ResourcePlace::Template(parts))
    }

    /// Passes the texts at the place on; returns whether there were any.
    pub(super) fn texts(
        &self,
        call: &ResourceCall<'_>,
        mut each: impl FnMut(Cow<'_, str>),
    ) -> bool {
        match self {
            ResourcePlace::Path(path) => {
                let mut is_found = false;
                path.values(call, &mut |value| {
                    if let Some(text) = value.text() {
                        is_found = true;
                        each(text.decode());
                    }
                });
                is_found
            }
            ResourcePlace::Template(parts) => match filled(parts, call) {
                Some(text) => {
                    each(text.into());
                    true
                }
                None => false,
            },
        }
    }
}

/// Fills a template with the first value of each path; None if a path has none.
fn filled(parts: &[TemplatePart], call: &ResourceCall<'_>) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            TemplatePart::Text(part) => text.push_str(part),
            TemplatePart::Value(path) => {
                let mut first = None;
                path.values(call, &mut |value| {
                    first = first
                        .take()
                        .or_else(|| value.text().map(|text| text.decode().into_owned()));
                });
                text.push_str(name_of(&first?));
            }
            TemplatePart::Condition(path) => {
                let mut is_there = false;
                path.values(call, &mut |_| is_there = true);
                if !is_there {
                    return None;
                }
            }
        }
    }
    Some(text)
}

/// The name at the end of an ARN, which may replace a name; other texts are kept as they are.
fn name_of(text: &str) -> &str {
    let end = text.rfind([':', '/']).filter(|_| text.starts_with("arn:"));
    end.and_then(|end| text.get(end + 1..)).unwrap_or(text)
}

/// A value at the end of a path.
pub(super) enum JsonValue<'a> {
    Text(JsonText<'a>),
    Object,
}

impl<'a> JsonValue<'a> {
    fn text(self) -> Option<JsonText<'a>> {
        match self {
            JsonValue::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

impl MemberPath {
    fn of(text: &'static str) -> Option<MemberPath> {
        let mut names = text.split('.').map(|name| name.trim_end_matches("[]"));
        let root = match names.next()? {
            "request" => PathRoot::Request,
            "response" => PathRoot::Response,
            "details" => PathRoot::Details,
            "caller" => PathRoot::Caller,
            _ => return None,
        };
        let steps: Vec<_> = names.collect();
        let is_path = !steps.iter().any(|step| step.is_empty());
        let first = MemberNames::of_name(steps.first()?.as_bytes());
        is_path.then_some(MemberPath { root, steps, first })
    }

    /// Passes the values at the path on. If the record has no such path, and wraps its request or
    /// response in one more object, the path begins in there.
    fn values<'a>(&self, call: &ResourceCall<'a>, each: &mut dyn FnMut(JsonValue<'a>)) {
        let (raw, names) = match self.root {
            PathRoot::Request => (call.request, call.request_names),
            PathRoot::Response => (call.response, call.response_names),
            PathRoot::Details => (call.details, MemberNames::ALL),
            PathRoot::Caller => (call.caller, MemberNames::ALL),
        };
        if !names.may_have(self.first) {
            return;
        }
        if !raw.starts_with(b"{") {
            return;
        }
        let mut is_found = false;
        // A fault ends the search: what was found before it stands.
        let _ = follow(&mut JsonScanner::new(raw, 0), &self.steps, &mut |value| {
            is_found = true;
            each(value);
        });
        if !is_found {
            let _ = JsonScanner::new(raw, 0).members(|scanner, name| {
                match is_wrapper(name) && scanner.peek()? == b'{' {
                    true => follow(scanner, &self.steps, each),
                    false => scanner.skip().map(drop),
                }
            });
        }
    }
}

/// The names of the members of an object, and of those that may wrap it: one bit for the hash of each,
/// so that most paths that lead nowhere are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemberNames(u64);

impl MemberNames {
    const ALL: MemberNames = MemberNames(u64::MAX);

    /// Collects the names of an object's members; none if it is not an object.
    pub(super) fn of(object: &[u8]) -> MemberNames {
        let mut names = MemberNames(0);
        if object.starts_with(b"{") {
            // What was read before a fault stands.
            let _ = JsonScanner::new(object, 0).members(|scanner, name| {
                names.add(name);
                match is_wrapper(name) && scanner.peek()? == b'{' {
                    true => scanner.members(|scanner, name| {
                        names.add(name);
                        scanner.skip().map(drop)
                    }),
                    false => scanner.skip().map(drop),
                }
            });
        }
        names
    }

    fn add(&mut self, name: JsonText<'_>) {
        self.0 |= name.with_bytes(MemberNames::of_name).0;
    }

    fn of_name(name: &[u8]) -> MemberNames {
        let hash = name.iter().fold(0_u64, |hash, b| {
            (hash.rotate_left(5) ^ u64::from(b.to_ascii_lowercase()))
                .wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        MemberNames(1 << (hash >> 58))
    }

    fn may_have(self, name: MemberNames) -> bool {
        self.0 & name.0 != 0
    }
}

fn is_wrapper(name: JsonText<'_>) -> bool {
    name.with_bytes(|name| {
        WRAPPERS.iter().any(|end| {
            let start = name.len().checked_sub(end.len());
            let found = start.and_then(|start| name.get(start..));
            found.is_some_and(|found| found.eq_ignore_ascii_case(end.as_bytes()))
        })
    })
}

/// Follows the steps from the next value, through arrays.
fn follow<'a>(
    scanner: &mut JsonScanner<'a>,
    steps: &[&str],
    each: &mut dyn FnMut(JsonValue<'a>),
) -> ScanResult<()> {
    match scanner.peek()? {
        b'[' => elements(scanner, &mut |scanner| match scanner.peek()? {
            // Arrays in arrays lead nowhere.
            b'[' => scanner.skip().map(drop),
            _ => follow(scanner, steps, each),
        }),
        b'{' => match steps.split_first() {
            None => {
                each(content(scanner)?.map_or(JsonValue::Object, JsonValue::Text));
                Ok(())
            }
            Some((step, rest)) => scanner.members(|scanner, name| match is_step(name, step) {
                true => follow(scanner, rest, each),
                false => scanner.skip().map(drop),
            }),
        },
        _ => {
            if let Some(text) = scanner.text()?.filter(|_| steps.is_empty()) {
                each(JsonValue::Text(text));
            }
            Ok(())
        }
    }
}

/// Returns whether a member is a step of a path. EC2 writes `items` and `item`.
fn is_step(name: JsonText<'_>, step: &str) -> bool {
    name.is(step) || step == "items" && name.is("item")
}

/// Reads an object; returns its `content` if it has one: EC2 writes some texts as `{"tag": 1, "content": "vpc-1"}`.
fn content<'a>(scanner: &mut JsonScanner<'a>) -> ScanResult<Option<JsonText<'a>>> {
    let mut content = None;
    scanner.members(|scanner, name| {
        match name.is_exactly("content") {
            true => content = scanner.text()?,
            false => drop(scanner.skip()?),
        }
        Ok(())
    })?;
    Ok(content)
}

/// Calls `element` for each element of the next array; it must read or skip the value.
pub(super) fn elements<'a>(
    scanner: &mut JsonScanner<'a>,
    element: &mut dyn FnMut(&mut JsonScanner<'a>) -> ScanResult<()>,
) -> ScanResult<()> {
    scanner.expect(b'[')?;
    loop {
        match scanner.peek()? {
            b']' => {
                scanner.bump();
                return Ok(());
            }
            b',' => scanner.bump(),
            _ => element(scanner)?,
        }
    }
}
