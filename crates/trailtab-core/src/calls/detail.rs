//! One call, as it is shown and exported.

use serde::Serialize;

use crate::event::identity::{AgentEvidence, ResolvedActor, access_key};
use crate::event::record::{CallOutcome, EventRecord, UNKNOWN};
use crate::event::resource::{self, EventResource};
use crate::event::scan::JsonText;
use crate::time;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CallOutcomeName {
    /// The record has no error and states no failure.
    Succeeded,
    /// The record has an error or states a failure, and AWS did not refuse the call.
    Failed,
    /// AWS refused the call: for want of a permission, by an explicit deny, or at signing in.
    Denied,
}

impl CallOutcomeName {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            CallOutcomeName::Succeeded => "succeeded",
            CallOutcomeName::Failed => "failed",
            CallOutcomeName::Denied => "denied",
        }
    }
}

/// A resource that a call names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CallResource {
    /// The canonical key: the same for each spelling of a resource. See docs/resources.md.
    pub key: String,
    /// The type, such as `AWS::EC2::Instance`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the call does to it: `created`, `changed`, `deleted`, `read` or `granted`. A call that failed did not.
    pub role: &'static str,
    /// How it was found: `listed` in the record's `resources`, by the `table` of APIs, or `guessed` from names.
    pub source: &'static str,
    /// The id, name or ARN as the record writes it.
    pub id: String,
    /// The ARN, if the record has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

impl From<EventResource> for CallResource {
    fn from(resource: EventResource) -> CallResource {
        CallResource {
            key: resource.key.to_string(),
            kind: resource.kind.to_string(),
            role: resource.role.as_str(),
            source: resource.source.as_str(),
            id: resource.written,
            arn: resource.arn,
        }
    }
}

/// One call. Times are UTC, written `2026-09-07T08:00:00Z`. A text that a record lacks is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CallDetail {
    /// `eventTime`; null if the record has no valid one.
    pub event_time: Option<String>,
    /// The account whose trail recorded the call: `recipientAccountId`, or the account of the identity.
    pub account: String,
    /// `awsRegion`.
    pub region: String,
    /// The stable name of the caller, such as `111122223333:role/deploy`.
    pub principal: String,
    /// The person behind the principal; null if the record names none.
    pub person: Option<String>,
    /// The evidence for the person: `source_identity`, `session_name`, `identity_center`, `federation`,
    /// `iam_user` or `root`.
    pub person_evidence: Option<&'static str>,
    /// The workload behind the principal, such as `github:ORGANISATION/REPOSITORY`.
    pub workload: Option<String>,
    /// The name of the role session.
    pub session: Option<String>,
    /// The AWS service that made the call with this identity.
    pub by_service: Option<String>,
    /// Shows that an agent may drive the session: `aws_mcp` or `aws_login`.
    pub agent: Option<&'static str>,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Option<String>,
    /// `eventSource`.
    pub event_source: String,
    /// `eventName`.
    pub event_name: String,
    /// The resources that the call names.
    pub resources: Vec<CallResource>,
    /// Number of resources beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub resources_not_listed: usize,
    /// `sourceIPAddress`.
    pub source_ip_address: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// How the call ended.
    pub outcome: CallOutcomeName,
    /// The error code of a call that did not succeed.
    pub error_code: Option<String>,
    /// `errorMessage`.
    pub error_message: Option<String>,
    /// `eventID`.
    pub event_id: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl CallDetail {
    /// Describes the call of a record.
    pub fn of(record: &EventRecord<'_>) -> CallDetail {
        let text = |field: Option<JsonText<'_>>| field.map(|text| text.decode().into_owned());
        let known = |field: Option<JsonText<'_>>| field.unwrap_or(UNKNOWN).decode().into_owned();
        let actor = ResolvedActor::resolve_with(record.user_identity, record.caller_hints());
        let outcome = record.outcome();
        let resources = resource::resources_of(record);
        let time = record.time(&mut time::TimeParser::default());
        CallDetail {
            event_time: time.map(time::iso),
            account: text(record.recipient_account_id)
                .unwrap_or_else(|| actor.account_or_unknown()),
            region: known(record.aws_region),
            person_evidence: actor.person.as_ref().map(|person| person.evidence.name()),
            person: actor.person.map(|person| person.name),
            workload: actor.workload,
            session: actor.session,
            by_service: actor.service,
            agent: actor.agent.map(AgentEvidence::name),
            principal: actor.principal,
            access_key_id: access_key(record.user_identity),
            event_source: known(record.event_source),
            event_name: known(record.event_name),
            resources_not_listed: resources.left_out,
            resources: resources.list.into_iter().map(CallResource::from).collect(),
            source_ip_address: text(record.source_ip_address),
            user_agent: text(record.user_agent),
            read_only: record.read_only,
            outcome: match outcome {
                CallOutcome::Succeeded => CallOutcomeName::Succeeded,
                _ if record.is_denied(outcome) => CallOutcomeName::Denied,
                CallOutcome::Failed(_) => CallOutcomeName::Failed,
            },
            error_code: match outcome {
                CallOutcome::Failed(code) => text(code),
                CallOutcome::Succeeded => None,
            },
            error_message: text(record.error_message),
            event_id: text(record.event_id),
        }
    }

    /// The name of the service without its domain: `ec2`.
    pub fn service(&self) -> &str {
        self.event_source
            .split_once('.')
            .map_or(&*self.event_source, |(name, _)| name)
    }
}
