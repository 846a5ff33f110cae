//! Folds repeated calls into one line.
//!
//! Calls of several actors interleave, so a call is folded into a line that is still open, not only into the last
//! one. A change by an actor closes the actor's open lines: what it read before and after a change stays apart,
//! and the order of changes is that of the records. Refused read-only calls, as reconnaissance makes them, are one
//! line for all APIs.

use std::collections::VecDeque;

use super::detail::{CallDetail, CallOutcomeName};
use crate::event::filter::without_version;
use crate::time::{self, Seconds};

/// How long a line stays open after its last call, in seconds.
const OPEN_SECONDS: Seconds = 120;

/// Maximum number of open lines.
const MAX_OPEN_LINES: usize = 256;

/// Maximum number of resources that a line keeps.
const MAX_RESOURCES: usize = 8;

/// Maximum number of APIs that a line keeps.
const MAX_APIS: usize = 200;

/// One or more calls of one actor that differ in nothing but their time and, if they change nothing, their
/// resources. Refused calls that would change nothing may differ in their APIs and regions too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedCall {
    /// The first of the calls, in the order in which they came.
    pub first: CallDetail,
    /// Number of calls.
    pub calls: u64,
    /// The time of the last call, written `2026-09-07T08:00:00Z`; null if it has none.
    pub last_time: Option<String>,
    /// The APIs, such as `iam:ListUsers`, in the order of their first calls; more than one only if all calls were
    /// refused; at most 200.
    pub apis: Vec<String>,
    /// Whether further APIs were called.
    pub has_more_apis: bool,
    /// The ids of resources that the calls name; at most 8.
    pub resources: Vec<String>,
    /// Whether the calls name further resources.
    pub has_more_resources: bool,
}

impl FoldedCall {
    fn new(call: CallDetail) -> FoldedCall {
        let mut folded = FoldedCall {
            last_time: call.event_time.clone(),
            calls: 0,
            apis: Vec::new(),
            has_more_apis: false,
            resources: Vec::new(),
            has_more_resources: false,
            first: call,
        };
        let call = folded.first.clone();
        folded.add(&call);
        folded
    }

    fn add(&mut self, call: &CallDetail) {
        self.calls += 1;
        self.last_time.clone_from(&call.event_time);
        let api = format!("{}:{}", call.service(), without_version(&call.event_name));
        if self.apis.contains(&api) {
        } else if self.apis.len() < MAX_APIS {
            self.apis.push(api);
        } else {
            self.has_more_apis = true;
        }
        self.has_more_resources |= call.resources_not_listed > 0;
        let holds_another = |id: &str| {
            let others = call.resources.iter();
            let mut rests = others.filter_map(|other| other.id.strip_prefix(id));
            rests.any(|rest| rest.starts_with('/'))
        };
        for resource in &call.resources {
            // An object names its bucket.
            if self.resources.contains(&resource.id) || holds_another(&resource.id) {
            } else if self.resources.len() < MAX_RESOURCES {
                self.resources.push(resource.id.clone());
            } else {
                self.has_more_resources = true;
            }
        }
    }

    fn takes(&self, call: &CallDetail) -> bool {
        let first = &self.first;
        if is_refused_read(first) && is_refused_read(call) {
            return is_same_actor(first, call);
        }
        is_same_actor(first, call)
            && first.event_name == call.event_name
            && first.event_source == call.event_source
            && first.region == call.region
            && first.outcome == call.outcome
            && first.error_code == call.error_code
            && (!is_change(call) || first.resources == call.resources)
    }
}

/// Returns whether a call changes something: it succeeded, and the record does not say that it only reads.
fn is_change(call: &CallDetail) -> bool {
    call.read_only != Some(true) && call.outcome == CallOutcomeName::Succeeded
}

fn is_refused_read(call: &CallDetail) -> bool {
    call.read_only == Some(true) && call.outcome == CallOutcomeName::Denied
}

fn is_same_actor(a: &CallDetail, b: &CallDetail) -> bool {
    a.principal == b.principal
        && a.session == b.session
        && a.access_key_id == b.access_key_id
        && a.source_ip_address == b.source_ip_address
        && a.account == b.account
}

/// Folds calls that come in order of time, with bounded memory.
#[derive(Debug, Default)]
pub struct CallFolder {
    open: VecDeque<OpenLine>,
}

#[derive(Debug)]
struct OpenLine {
    line: FoldedCall,
    last: Option<Seconds>,
    /// Set if no further call is folded into the line.
    is_closed: bool,
}

impl CallFolder {
    /// Takes the next call, and calls `done` with each line that is complete, in the order of their first calls.
    pub fn add(&mut self, call: CallDetail, done: &mut impl FnMut(FoldedCall)) {
        let at = call.event_time.as_deref();
        let at = at.and_then(|text| time::parse(text.as_bytes()));
        for line in &mut self.open {
            line.is_closed |= is_apart(line.last, at);
        }
        let mut lines = self.open.iter_mut().filter(|line| !line.is_closed);
        let same = lines.find(|line| line.line.takes(&call));
        if let Some(line) = same {
            line.line.add(&call);
            line.last = at;
        } else {
            if is_change(&call) {
                for line in &mut self.open {
                    line.is_closed |= is_same_actor(&line.line.first, &call);
                }
            }
            self.open.push_back(OpenLine {
                line: FoldedCall::new(call),
                last: at,
                is_closed: false,
            });
        }
        while let Some(front) = self.open.front()
            && (front.is_closed || self.open.len() > MAX_OPEN_LINES)
        {
            self.next(done);
        }
    }

    /// Ends the sequence: calls `done` with the remaining lines.
    pub fn finish(mut self, done: &mut impl FnMut(FoldedCall)) {
        while !self.open.is_empty() {
            self.next(done);
        }
    }

    fn next(&mut self, done: &mut impl FnMut(FoldedCall)) {
        if let Some(line) = self.open.pop_front() {
            done(line.line);
        }
    }
}

/// Returns whether a call comes too long after another one, in either direction of time. A day ends all lines.
fn is_apart(last: Option<Seconds>, at: Option<Seconds>) -> bool {
    match (last, at) {
        (Some(last), Some(at)) => {
            (at - last).abs() > OPEN_SECONDS || time::day(at) != time::day(last)
        }
        (last, at) => last.is_some() != at.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::detail::CallResource;
    use super::*;
    use crate::event::record::EventRecord;

    fn call(second: i64, user: &str, api: &str, is_read: bool, bucket: &str) -> CallDetail {
        let time = time::iso(1_788_739_200 + second);
        let json = format!(
            r#"{{"eventVersion":"1.08","eventName":"{api}","eventSource":"s3.amazonaws.com","eventTime":"{time}","readOnly":{is_read},
                "userIdentity":{{"type":"IAMUser","accountId":"111122223333","userName":"{user}"}},"requestParameters":{{"bucketName":"{bucket}"}}}}"#
        );
        let mut call = CallDetail::of(&EventRecord::of(json.as_bytes()).unwrap());
        call.resources = vec![CallResource {
            key: format!("s3:bucket/{bucket}"),
            kind: "AWS::S3::Bucket".to_owned(),
            role: "read",
            source: "table",
            id: bucket.to_owned(),
            arn: None,
        }];
        call
    }

    fn folded(calls: Vec<CallDetail>) -> Vec<FoldedCall> {
        let mut lines = Vec::new();
        let mut folder = CallFolder::default();
        for call in calls {
            folder.add(call, &mut |line| lines.push(line));
        }
        folder.finish(&mut |line| lines.push(line));
        lines
    }

    fn told(calls: Vec<CallDetail>) -> Vec<String> {
        let tell = |line: &FoldedCall| {
            let (first, resources) = (&line.first, line.resources.join(","));
            format!(
                "{} {} {} {resources}",
                line.calls, first.principal, first.event_name
            )
        };
        folded(calls).iter().map(tell).collect()
    }

    #[test]
    fn reads_fold_across_other_actors_and_resources() {
        let calls = vec![
            call(0, "ann", "GetBucketAcl", true, "a"),
            call(1, "bob", "GetBucketAcl", true, "a"),
            call(2, "ann", "GetBucketAcl", true, "b"),
            call(3, "ann", "GetBucketAcl", true, "a"),
        ];
        assert_eq!(
            told(calls),
            [
                "3 111122223333:user/ann GetBucketAcl a,b",
                "1 111122223333:user/bob GetBucketAcl a"
            ]
        );
    }

    #[test]
    fn a_change_separates_what_its_actor_read_before_and_after() {
        let calls = vec![
            call(0, "ann", "GetBucketAcl", true, "a"),
            call(1, "ann", "DeleteBucket", false, "a"),
            call(2, "ann", "GetBucketAcl", true, "a"),
            call(3, "bob", "GetBucketAcl", true, "a"),
        ];
        let counts: Vec<u64> = folded(calls).iter().map(|line| line.calls).collect();
        assert_eq!(counts, [1, 1, 1, 1]);
    }

    #[test]
    fn changes_fold_only_on_the_same_resource() {
        let delete = |second, bucket| call(second, "ann", "DeleteBucket", false, bucket);
        assert_eq!(
            told(vec![delete(0, "a"), delete(1, "a"), delete(2, "b")]).len(),
            2
        );
    }

    #[test]
    fn lines_end_after_a_pause_and_at_the_end_of_a_day() {
        let read = |second| call(second, "ann", "GetBucketAcl", true, "a");
        assert_eq!(folded(vec![read(0), read(120), read(240)]).len(), 1);
        assert_eq!(folded(vec![read(0), read(121)]).len(), 2);
        // The calls of a test begin at midnight.
        let midnight = 86_400;
        assert_eq!(folded(vec![read(midnight - 1), read(midnight)]).len(), 2);
    }

    #[test]
    fn refused_reads_fold_across_apis_and_refused_changes_do_not() {
        let refused = |second, api, is_read| CallDetail {
            outcome: CallOutcomeName::Denied,
            ..call(second, "ann", api, is_read, "a")
        };
        let lines = folded(vec![
            refused(0, "ListBuckets", true),
            refused(1, "GetBucketAcl", true),
            refused(2, "ListBuckets", true),
            refused(3, "DeleteBucket", false),
            refused(4, "PutBucketAcl", false),
        ]);
        let apis: Vec<_> = lines.iter().map(|line| line.apis.join(" ")).collect();
        assert_eq!(
            apis,
            [
                "s3:ListBuckets s3:GetBucketAcl",
                "s3:DeleteBucket",
                "s3:PutBucketAcl"
            ]
        );
        assert_eq!(lines[0].calls, 3);
    }

    proptest! {
        #[test]
        fn folding_loses_no_call_and_keeps_the_order_of_lines(
            made in prop::collection::vec((0..400_i64, 0..3_usize, 0..3_usize), 0..60),
        ) {
            let mut made = made;
            made.sort_unstable();
            let apis = [("GetBucketAcl", true), ("ListBuckets", true), ("DeleteBucket", false)];
            let calls: Vec<CallDetail> = made
                .iter()
                .map(|(second, user, api)| {
                    let (name, is_read) = apis[*api];
                    call(*second, ["ann", "bob", "cat"][*user], name, is_read, "a")
                })
                .collect();
            let lines = folded(calls.clone());
            let total: u64 = lines.iter().map(|line| line.calls).sum();
            prop_assert_eq!(total, calls.len() as u64);
            prop_assert!(lines.is_sorted_by_key(|line| line.first.event_time.clone()));
        }
    }
}
