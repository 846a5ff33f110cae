//! Writes a record as JSON, with its fields in CloudTrail's order.

use super::calendar;
use super::catalogue::{ApiSpec, EventKind, ServiceSpec};
use super::organisation::{ACCOUNTS, Via};
use super::template::{JsonTemplate, Scene, wide};
use super::text;

/// An API with its templates compiled.
pub(super) struct CompiledCall {
    pub(super) api: &'static ApiSpec,
    pub(super) service: &'static str,
    /// The prefix of the IAM action.
    pub(super) action: &'static str,
    pub(super) denied: &'static str,
    pub(super) global: bool,
    /// `eventSource`, `eventName` and the opening of `awsRegion`.
    source_and_name: Box<str>,
    request: JsonTemplate,
    response: JsonTemplate,
    additional: Option<JsonTemplate>,
    resource: Option<(&'static str, JsonTemplate)>,
    failure: Option<(&'static str, JsonTemplate)>,
    host: JsonTemplate,
}

/// Why a call failed.
#[derive(Clone, Copy)]
pub(super) enum CallFailure<'a> {
    /// Denied by a policy.
    Denied,
    Throttled,
    /// The error of the API in the catalogue, or `Denied` if it has no error.
    OfApi,
    /// This code and message; an empty code omits `errorCode`.
    Custom(&'static str, &'a JsonTemplate),
}

/// A record without the circumstances in [`Scene`].
pub(super) struct RecordDetails<'a> {
    pub(super) version: &'static str,
    /// The identity without its closing brace.
    pub(super) identity: &'a JsonTemplate,
    pub(super) call: &'a CompiledCall,
    pub(super) address: &'static str,
    pub(super) agent: &'a JsonTemplate,
    pub(super) via: Via,
    pub(super) failure: Option<CallFailure<'a>>,
    pub(super) shared: Option<u128>,
    /// Whether the record was delivered late; its `addendum` then says so.
    pub(super) late: bool,
}

/// EC2 adds an encoded message to a refusal; the real one has about 180 characters.
const EC2_DENIED: &str = "You are not authorized to perform this operation. User: $arn is not authorized to perform: $action because no identity-based policy allows the $action action. Encoded authorization failure message: $t180";
const DENIED: &str = "User: $arn is not authorized to perform: $action on resource: * because no identity-based policy allows the $action action";

/// The messages of denied calls, compiled once.
pub(super) struct RefusalMessages {
    ec2: JsonTemplate,
    other: JsonTemplate,
}

impl RefusalMessages {
    pub(super) fn new() -> RefusalMessages {
        RefusalMessages {
            ec2: JsonTemplate::new(EC2_DENIED),
            other: JsonTemplate::new(DENIED),
        }
    }
}

impl CompiledCall {
    pub(super) fn new(service: &'static ServiceSpec, api: &'static ApiSpec) -> CompiledCall {
        CompiledCall {
            api,
            service: service.name,
            action: service.action,
            denied: service.denied,
            global: service.global,
            source_and_name: format!(
                r#","eventSource":"{}.amazonaws.com","eventName":"{}","awsRegion":""#,
                service.name, api.name
            )
            .into(),
            request: JsonTemplate::new(api.request),
            response: JsonTemplate::new(api.response),
            additional: (!api.additional.is_empty()).then(|| JsonTemplate::new(api.additional)),
            resource: api
                .resource
                .map(|(kind, arn)| (kind, JsonTemplate::new(arn))),
            failure: api
                .failure
                .map(|(code, message)| (code, JsonTemplate::new(message))),
            host: host(service.name, service.global),
        }
    }
}

/// The host name of the endpoint.
fn host(service: &str, global: bool) -> JsonTemplate {
    match (service, global) {
        ("signin", _) => JsonTemplate::new("signin.aws.amazon.com"),
        ("s3", _) => JsonTemplate::new("$bucket.s3.$region.amazonaws.com"),
        (name, true) => JsonTemplate::new(&format!("{name}.amazonaws.com")),
        (name, false) => JsonTemplate::new(&format!("{name}.$region.amazonaws.com")),
    }
}

impl RecordDetails<'_> {
    /// Writes the record. `event_id` must be unique.
    pub(super) fn write(
        &self,
        refusals: &RefusalMessages,
        event_id: u128,
        scene: &mut Scene,
        out: &mut Vec<u8>,
    ) {
        scene.action = (self.call.action, action_name(self.call.api.name));
        out.extend_from_slice(br#"{"eventVersion":""#);
        out.extend_from_slice(self.version.as_bytes());
        out.extend_from_slice(br#"","userIdentity":"#);
        self.identity.write(scene, out);
        if let Via::Forward(service) = self.via {
            field(out, "invokedBy", service);
        }
        out.extend_from_slice(br#"},"eventTime":""#);
        calendar::timestamp(out, scene.time);
        out.push(b'"');
        out.extend_from_slice(self.call.source_and_name.as_bytes());
        out.extend_from_slice(scene.region.as_bytes());
        out.push(b'"');
        field(out, "sourceIPAddress", self.address);
        out.extend_from_slice(br#","userAgent":""#);
        self.agent.write(scene, out);
        out.push(b'"');
        self.failure(refusals, scene, out);
        out.extend_from_slice(br#","requestParameters":"#);
        self.call.request.write(scene, out);
        out.extend_from_slice(br#","responseElements":"#);
        match self.failure {
            None => self.call.response.write(scene, out),
            Some(_) => out.extend_from_slice(self.response_of_failure()),
        }
        self.tail(event_id, scene, out);
    }

    /// `responseElements` of a failed call; only a failed sign-in has one.
    fn response_of_failure(&self) -> &'static [u8] {
        match self.call.api.name {
            "ConsoleLogin" => br#"{"ConsoleLogin":"Failure"}"#,
            _ => b"null",
        }
    }

    fn failure(&self, refusals: &RefusalMessages, scene: &mut Scene, out: &mut Vec<u8>) {
        let Some(failure) = self.failure else { return };
        let refused = if self.call.service == "ec2" {
            &refusals.ec2
        } else {
            &refusals.other
        };
        let (code, message) = match (failure, &self.call.failure) {
            (CallFailure::Denied, _) | (CallFailure::OfApi, None) => (self.call.denied, refused),
            (CallFailure::Custom(code, message), _) => (code, message),
            (CallFailure::OfApi, Some((code, message))) => (*code, message),
            (CallFailure::Throttled, _) => {
                out.extend_from_slice(match self.call.service {
                    "ec2" => br#","errorCode":"Client.RequestLimitExceeded","errorMessage":"Request limit exceeded.""#,
                    _ => br#","errorCode":"ThrottlingException","errorMessage":"Rate exceeded""#,
                });
                return;
            }
        };
        if !code.is_empty() {
            field(out, "errorCode", code);
        }
        out.extend_from_slice(br#","errorMessage":""#);
        message.write(scene, out);
        out.push(b'"');
    }

    /// Writes the fields from `additionalEventData` on.
    fn tail(&self, event_id: u128, scene: &mut Scene, out: &mut Vec<u8>) {
        let api = self.call.api;
        if let Some(additional) = &self.call.additional {
            out.extend_from_slice(br#","additionalEventData":"#);
            additional.write(scene, out);
        }
        if !matches!(api.kind, EventKind::SignIn | EventKind::ServiceEvent) {
            out.extend_from_slice(br#","requestID":""#);
            text::uuid(out, scene.request);
            out.push(b'"');
        }
        out.extend_from_slice(br#","eventID":""#);
        text::uuid(out, event_id);
        out.extend_from_slice(if api.read {
            br#"","readOnly":true"#
        } else {
            br#"","readOnly":false"#
        });
        self.resources(scene, out);
        out.extend_from_slice(match api.kind {
            EventKind::Call => br#","eventType":"AwsApiCall","managementEvent":true"#,
            EventKind::Data => br#","eventType":"AwsApiCall","managementEvent":false"#,
            EventKind::ServiceEvent => br#","eventType":"AwsServiceEvent","managementEvent":true"#,
            EventKind::ConsoleAction => {
                br#","eventType":"AwsConsoleAction","managementEvent":true"#
            }
            EventKind::SignIn => br#","eventType":"AwsConsoleSignIn","managementEvent":true"#,
        });
        field(out, "recipientAccountId", ACCOUNTS[scene.account].number);
        if let Some(shared) = self.shared {
            out.extend_from_slice(br#","sharedEventID":""#);
            text::uuid(out, shared);
            out.push(b'"');
        }
        if self.via == Via::Endpoint {
            field(out, "vpcEndpointId", "vpce-0a1b2c3d4e5f67890");
            field(out, "vpcEndpointAccountId", ACCOUNTS[scene.account].number);
        }
        if api.kind == EventKind::ServiceEvent {
            out.extend_from_slice(
                br#","serviceEventDetails":{"eventRequestDetails":{"reference":""#,
            );
            text::uuid(out, wide(&mut scene.rng));
            out.extend_from_slice(br#""},"eventResult":"SUCCESS"}"#);
        }
        let data = api.kind == EventKind::Data;
        field(
            out,
            "eventCategory",
            if data { "Data" } else { "Management" },
        );
        self.connection(scene, out);
        if self.late {
            out.extend_from_slice(br#","addendum":{"reason":"DELIVERY_DELAY"}"#);
        }
        out.push(b'}');
    }

    fn resources(&self, scene: &mut Scene, out: &mut Vec<u8>) {
        if let Some((kind, arn)) = &self.call.resource {
            out.extend_from_slice(br#","resources":[{"accountId":""#);
            out.extend_from_slice(ACCOUNTS[scene.account].number.as_bytes());
            out.extend_from_slice(br#"","type":""#);
            out.extend_from_slice(kind.as_bytes());
            out.extend_from_slice(br#"","ARN":""#);
            arn.write(scene, out);
            out.extend_from_slice(br#""}]"#);
        }
    }

    fn connection(&self, scene: &mut Scene, out: &mut Vec<u8>) {
        match self.via {
            Via::Console => out.extend_from_slice(br#","sessionCredentialFromConsole":"true""#),
            Via::Sdk | Via::Endpoint => {
                out.extend_from_slice(br#","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":""#);
                self.call.host.write(scene, out);
                out.extend_from_slice(br#""}"#);
            }
            Via::Forward(_) | Via::Itself => {}
        }
    }
}

/// The name of the IAM action: Lambda's event names include the API version's date, its actions do not.
fn action_name(api: &'static str) -> &'static str {
    let end = api.find("2015").unwrap_or(api.len());
    &api[..end]
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}
