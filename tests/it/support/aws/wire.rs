//! Requests and responses in the four protocols of the fake services.

use serde_json::{Map, Value, json};

use super::super::http::{self, Message};

/// Asks for credentials as a container does.
pub(crate) const CONTAINER: &str = "container:GetCredentials";

/// The protocol of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON with the action in a header: CloudTrail, Cost Explorer, Organizations.
    Json,
    /// JSON with the action in the path: Account Management.
    Rest,
    /// Forms in, XML out: STS.
    Query,
    /// The same, with errors of another shape: EC2.
    Ec2,
}

/// A request for an action of a service.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) protocol: Protocol,
    /// As policies name it: `cloudtrail:LookupEvents`.
    pub(crate) action: String,
    /// The calling account; empty if the access key is unknown.
    pub(crate) account: String,
    /// The region that it is signed for.
    pub(crate) region: String,
    pub(crate) parameters: Value,
    /// The number of the request among those for the same action, account and region, from 1.
    pub(crate) nth: usize,
    pub(crate) access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) user_agent: String,
}

impl Request {
    /// Reads a request. The caller sets the account and the number.
    pub(crate) fn of(message: &Message) -> Request {
        let target = message.start.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let authorization = message.header("Authorization").unwrap_or_default();
        // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…
        let scope = authorization.split_once("Credential=");
        let scope: Vec<_> = scope.map_or("", |(_, scope)| scope).split('/').collect();
        let part = |at: usize| scope.get(at).copied().unwrap_or_default().to_owned();
        let json = || serde_json::from_slice(&message.body).unwrap_or(json!({}));
        let (protocol, action, parameters) = if let Some(name) = message.header("X-Amz-Target") {
            let (service, name) = name.split_once('.').unwrap_or(("", name));
            let service = match service {
                "CloudTrail_20131101" => "cloudtrail",
                "AWSOrganizationsV20161128" => "organizations",
                "AWSInsightsIndexService" => "ce",
                other => other,
            };
            (Protocol::Json, format!("{service}:{name}"), json())
        } else if path == "/listRegions" {
            (Protocol::Rest, "account:ListRegions".to_owned(), json())
        } else if path == "/credentials" {
            (Protocol::Rest, CONTAINER.to_owned(), form(query))
        } else {
            let body = String::from_utf8_lossy(&message.body);
            let form = form(&format!("{query}&{body}"));
            let service = part(3);
            let protocol = match service.as_str() {
                "ec2" => Protocol::Ec2,
                _ => Protocol::Query,
            };
            let name = form["Action"].as_str().unwrap_or_default();
            (protocol, format!("{service}:{name}"), form)
        };
        // Only containers name their account; other clients are identified by their keys.
        let container = match action.as_str() {
            CONTAINER => parameters["account"].as_str().unwrap_or_default(),
            _ => "",
        };
        Request {
            account: container.to_owned(),
            protocol,
            action,
            region: part(2),
            parameters,
            nth: 0,
            access_key: part(0),
            session_token: message.header("X-Amz-Security-Token").map(str::to_owned),
            user_agent: message.header("User-Agent").unwrap_or_default().to_owned(),
        }
    }

    /// A parameter that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters[name].as_str()
    }

    /// Whether it asks for a page that is not the first.
    pub(crate) fn has_token(&self) -> bool {
        self.text("NextToken").is_some() || self.text("NextPageToken").is_some()
    }

    pub(crate) fn is_lookup(&self) -> bool {
        self.action == "cloudtrail:LookupEvents"
    }
}

/// Reads `name=value&name=value`.
fn form(text: &str) -> Value {
    let decode = |text: &str| http::decode(&text.replace('+', " "));
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (decode(name), decode(value).into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// Why a service refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Error {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Error {
        Error {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn throttling() -> Error {
        Error::new(400, "ThrottlingException", "Rate exceeded")
    }

    /// Cost Explorer's code for a throttled request.
    pub(crate) fn limit_exceeded() -> Error {
        Error::new(400, "LimitExceededException", "Rate limit exceeded.")
    }

    pub(crate) fn throttles(&self) -> bool {
        ["ThrottlingException", "LimitExceededException"].contains(&self.code.as_str())
    }

    /// Credentials that are invalid, or that the region does not accept because it is not enabled.
    pub(crate) fn unknown_key(protocol: Protocol) -> Error {
        let message = "The security token included in the request is invalid.";
        match protocol {
            Protocol::Json => Error::new(400, "UnrecognizedClientException", message),
            Protocol::Rest => Error::new(403, "UnrecognizedClientException", message),
            Protocol::Query => Error::new(403, "InvalidClientTokenId", message),
            Protocol::Ec2 => Error::new(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
        }
    }

    pub(crate) fn expired(protocol: Protocol) -> Error {
        let message = "The security token included in the request is expired";
        match protocol {
            Protocol::Json => Error::new(400, "ExpiredTokenException", message),
            Protocol::Rest => Error::new(403, "ExpiredTokenException", message),
            Protocol::Query => Error::new(403, "ExpiredToken", message),
            Protocol::Ec2 => Error::new(400, "RequestExpired", "Request has expired."),
        }
    }

    pub(crate) fn unsigned(protocol: Protocol) -> Error {
        let message = "Request is missing Authentication Token";
        match protocol {
            Protocol::Json => Error::new(400, "MissingAuthenticationTokenException", message),
            Protocol::Rest => Error::new(403, "MissingAuthenticationTokenException", message),
            Protocol::Query | Protocol::Ec2 => {
                Error::new(403, "MissingAuthenticationToken", message)
            }
        }
    }

    /// The action is not allowed to `who`.
    pub(crate) fn denied(request: &Request, who: &str) -> Error {
        let message = format!(
            "User: {who} is not authorized to perform: {} because no identity-based policy allows \
             the {} action",
            request.action, request.action
        );
        match request.protocol {
            Protocol::Json => Error::new(400, "AccessDeniedException", &message),
            Protocol::Rest => Error::new(403, "AccessDeniedException", &message),
            Protocol::Query => Error::new(403, "AccessDenied", &message),
            Protocol::Ec2 => Error::new(
                403,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation.",
            ),
        }
    }

    /// Writes the error as a service with this protocol does.
    pub(crate) fn answer(&self, protocol: Protocol) -> Message {
        let (code, message) = (&self.code, &self.message);
        let (escaped, id) = (escape(message), REQUEST_ID);
        let body = match protocol {
            Protocol::Json => json!({ "__type": code, "message": message }).to_string(),
            Protocol::Rest => json!({ "message": message }).to_string(),
            Protocol::Query => format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
                 <Type>Sender</Type><Code>{code}</Code><Message>{escaped}</Message></Error>\
                 <RequestId>{id}</RequestId></ErrorResponse>"
            ),
            Protocol::Ec2 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
                 <Code>{code}</Code><Message>{escaped}</Message></Error></Errors>\
                 <RequestID>{id}</RequestID></Response>"
            ),
        };
        let mut answer = answer(self.status, protocol, &body);
        if matches!(protocol, Protocol::Json | Protocol::Rest) {
            let header = ("x-amzn-ErrorType".to_owned(), code.clone());
            answer.headers.push(header);
        }
        answer
    }
}

/// Requests are told apart by the books; the answers need no more than some identifier.
pub(crate) const REQUEST_ID: &str = "6a9d4a48-0000-4000-8000-000000000000";

/// Writes an answer with the headers that its protocol has.
pub(crate) fn answer(status: u16, protocol: Protocol, body: &str) -> Message {
    let content = match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::Rest => "application/json",
        Protocol::Query | Protocol::Ec2 => "text/xml;charset=UTF-8",
    };
    let mut message = Message::new(&format!("HTTP/1.1 {status} Played"), body.as_bytes());
    for (name, value) in [("Content-Type", content), ("x-amzn-RequestId", REQUEST_ID)] {
        message.headers.push((name.to_owned(), value.to_owned()));
    }
    message
}

/// Writes text so that it can stand in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
