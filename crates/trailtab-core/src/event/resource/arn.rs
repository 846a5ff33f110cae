//! ARNs, and what they name.

use super::kind::{KindRow, plain_row, row_of_noun, row_of_type, squash};
use super::service::service_of;
use crate::scope::{AccountId, Region};

/// The parts of an ARN. A region or account that cannot be one is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    resource: &'a str,
}

/// What an ARN names: the noun and the id.
pub(super) struct NamedByArn {
    pub(super) row: Option<&'static KindRow>,
    pub(super) noun: String,
    pub(super) id: String,
}

/// The services whose ARNs name parts of resources: `restapis/ID/stages/NAME`.
const NESTING: [&str; 9] = [
    "amplify",
    "apigateway",
    "appmesh",
    "cassandra",
    "dynamodb",
    "emr-serverless",
    "kinesis",
    "storagegateway",
    "timestream",
];

/// Texts that stand where a name would, and name nothing.
const NO_NAMES: [&str; 5] = ["*", "-", "null", "HIDDEN_DUE_TO_SECURITY_REASONS", "***"];

/// Returns whether a text can name one resource.
pub(super) fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !NO_NAMES.contains(&text)
}

/// The text without what stands after a name and means all of it: `/*`, `:*`, `/`.
pub(super) fn trimmed(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let ends = ["/*", ":*", "/"].into_iter();
        match ends.filter_map(|end| text.strip_suffix(end)).next() {
            Some(shorter) => text = shorter.trim(),
            None => return text,
        }
    }
}

/// Returns whether a text can be the service of an ARN.
pub(super) fn is_service(text: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 40 && text.bytes().all(is_inner)
}

/// The text, or nothing if it cannot be a region.
pub(super) fn region(text: &str) -> &str {
    if text.parse::<Region>().is_ok() {
        text
    } else {
        ""
    }
}

/// The text, or nothing if it cannot be an account. The policies of AWS belong to `aws`.
pub(super) fn account(text: &str) -> &str {
    if text == "aws" || AccountId::is_id(text) {
        text
    } else {
        ""
    }
}

impl<'a> Arn<'a> {
    /// Reads an ARN; None if the text is none.
    pub(super) fn of(text: &'a str) -> Option<Arn<'a>> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let _partition = parts.next()?;
        let service = parts
            .next()
            .map(service_of)
            .filter(|service| is_service(service))?;
        Some(Arn {
            service,
            region: region(parts.next()?),
            account: account(parts.next()?),
            resource: parts.next()?,
        })
    }

    /// What the ARN names; None if nothing.
    pub(super) fn named(&self) -> Option<NamedByArn> {
        let text = trimmed(self.resource).trim_start_matches('/');
        let (head, rest) = text.split_once([':', '/']).unwrap_or((text, ""));
        let of = |type_name: &str, id: &str| named(row_of_type(type_name), "", id);
        match (self.service, head) {
            ("s3", _) if self.account.is_empty() && self.region.is_empty() => {
                match text.split_once('/') {
                    Some(_) => of("AWS::S3::Object", text),
                    None => of("AWS::S3::Bucket", text),
                }
            }
            // Sessions of a role are the role.
            ("sts", "assumed-role") => of("AWS::IAM::Role", rest.split('/').next()?),
            ("logs", "log-group") if rest.contains(":log-stream:") => of(
                "AWS::Logs::LogStream",
                &rest.replacen(":log-stream:", ":", 1),
            ),
            ("sns", _) if rest.len() >= 36 => of("AWS::SNS::Subscription", text),
            ("elasticloadbalancing", "loadbalancer")
                if ["app/", "net/", "gwy/"]
                    .iter()
                    .any(|kind| rest.starts_with(kind)) =>
            {
                of("AWS::ElasticLoadBalancingV2::LoadBalancer", rest)
            }
            // A scope stands before the noun: `regional/webacl/NAME/ID`.
            ("wafv2", _) => self.nested(rest),
            _ if NESTING.contains(&self.service) => self.part(text),
            _ => self.nested(text),
        }
    }

    /// What `NOUN/ID`, `NOUN:ID` or `ID` names.
    fn nested(&self, text: &str) -> Option<NamedByArn> {
        let split = text.split_once([':', '/']);
        let row = split.and_then(|(noun, _)| row_of_noun(self.service, noun));
        match (split, row) {
            (Some((noun, id)), Some(row)) => named(Some(row), noun, id),
            _ => match (plain_row(self.service), split) {
                (Some(row), _) => named(Some(row), "", text),
                (None, Some((noun, id))) => named(None, noun, id),
                (None, None) => named(None, "resource", text),
            },
        }
    }

    /// What `NOUN/ID/PART/NAME` names: the part if its kind is known, or else the whole.
    fn part(&self, text: &str) -> Option<NamedByArn> {
        let parts: Vec<_> = text.splitn(4, '/').collect();
        let [_, whole, noun, name] = parts[..] else {
            return self.nested(text);
        };
        match row_of_noun(self.service, noun) {
            Some(row) => named(Some(row), noun, &format!("{whole}/{name}")),
            None => self.nested(text),
        }
    }
}

fn named(row: Option<&'static KindRow>, noun: &str, id: &str) -> Option<NamedByArn> {
    is_name(id).then(|| NamedByArn {
        row,
        noun: squash(noun),
        id: id.to_owned(),
    })
}

/// The queue of a URL of SQS, as an ARN: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`. Old URLs begin
/// with `REGION.queue` or, in us-east-1, with `queue`.
pub(super) fn queue_of_url(text: &str) -> Option<Arn<'_>> {
    let address = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = address.split_once('/')?;
    let (owner, name) = path.split_once('/')?;
    let mut labels = host.split('.');
    let place = match (labels.next()?, labels.next()?) {
        ("sqs" | "sqs-fips", place) => place,
        (place, "queue") => place,
        ("queue", _) => "us-east-1",
        _ => return None,
    };
    Some(Arn {
        service: "sqs",
        region: region(place),
        account: account(owner),
        resource: name,
    })
}

/// The name of a secret in its ARN, which ends with a hyphen and six random characters.
pub(super) fn without_random_suffix(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((before, random))
            if random.len() == 6
                && random.bytes().all(|b| b.is_ascii_alphanumeric())
                && !before.is_empty() =>
        {
            before
        }
        _ => name,
    }
}
