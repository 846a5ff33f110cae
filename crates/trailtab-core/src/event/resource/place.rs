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
                text.push_str(&first.filter(|value| !value.is_empty())?);
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
        let is_path = !steps.is_empty() && !steps.iter().any(|step| step.is_empty());
        is_path.then_some(MemberPath { root, steps })
    }

    /// Passes the values at the path on. If the record has no such path, and wraps its request or
    /// response in one more object, the path begins in there.
    fn values<'a>(&self, call: &ResourceCall<'a>, each: &mut dyn FnMut(JsonValue<'a>)) {
        let raw = match self.root {
            PathRoot::Request => call.request,
            PathRoot::Response => call.response,
            PathRoot::Details => call.details,
            PathRoot::Caller => call.caller,
        };
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
                scanner.skip()?;
                each(JsonValue::Object);
                Ok(())
            }
            Some((step, rest)) => scanner.members(|scanner, name| match name.is(step) {
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
