//! Templates: JSON text with holes, compiled once and filled for every record.
//!
//! A hole is a dollar sign and a known name, such as `$account`; any other dollar sign is literal. Values are not
//! escaped, so they must be valid inside a JSON string.

use super::calendar;
use super::organisation::ACCOUNTS;
use super::rng::{self, Rng};
use super::text;

/// A compiled template.
pub(super) struct JsonTemplate {
    /// The concatenated literal parts.
    literal: Box<str>,
    /// The end of each literal part, and the hole that follows it.
    holes: Box<[(u32, TemplateHole)]>,
}

/// What a hole is filled with.
#[derive(Clone, Copy)]
enum TemplateHole {
    /// The account in which the event is recorded.
    Account,
    Region,
    /// The event time.
    Now,
    /// Start of the caller's session.
    Created,
    /// Expiry of credentials issued by this call.
    Expires,
    /// Access key ID of the caller's session.
    Key,
    /// Access key ID of the assumed role's session.
    PartnerKey,
    /// Name of the assumed role.
    Partner,
    /// ARN of the caller.
    Arn,
    /// The IAM action, such as `s3:GetObject`.
    Action,
    Request,
    Uuid,
    /// Hexadecimal digits that are the same in the whole record, so that request and response agree.
    Hex(u8),
    Digits(u8),
    /// A number without leading zeros, which JSON forbids.
    Number(u8),
    Token(u16),
    /// An identifier from a small pool, the same in the whole record.
    Stable(&'static StableId),
    /// A name from a list, the same in the whole record.
    Pick(&'static [&'static str]),
}

/// Identifiers of a resource type: prefix, number of hexadecimal digits, and pool size per account.
struct StableId(&'static str, u8, u32);

/// The values of one record that fill the holes.
pub(super) struct Scene<'a> {
    pub(super) account: usize,
    pub(super) region: &'static str,
    pub(super) time: u32,
    pub(super) created: u32,
    /// Number of the caller's session; determines the access key ID.
    pub(super) session: u64,
    /// Number of the assumed role's session.
    pub(super) partner_session: u64,
    pub(super) partner: &'static str,
    pub(super) arn: Option<&'a JsonTemplate>,
    /// Service prefix and name of the IAM action.
    pub(super) action: (&'static str, &'static str),
    pub(super) request: u128,
    /// Chooses from pools; one per record, so that request and response name the same resource.
    pub(super) salt: u64,
    pub(super) rng: Rng,
}

#[rustfmt::skip] // One name, one line.
const IDS: &[(&str, StableId)] = &[
    ("instance", StableId("i-0", 16, 48)),
    ("host",     StableId("i-0", 16, 6)),
    ("volume",   StableId("vol-0", 16, 90)),
    ("snapshot", StableId("snap-0", 16, 400)),
    ("image",    StableId("ami-0", 16, 12)),
    ("vpc",      StableId("vpc-0", 16, 3)),
    ("subnet",   StableId("subnet-0", 16, 9)),
    ("sg",       StableId("sg-0", 16, 24)),
    ("eni",      StableId("eni-0", 16, 120)),
    ("task",     StableId("", 32, 40)),
    ("key",      StableId("0a1b2c3d-1111-4222-8333-", 12, 10)),
    ("zone",     StableId("Z0", 12, 4)),
    ("detector", StableId("", 32, 1)),
];

#[rustfmt::skip] // One name, one line.
const NAMES: &[(&str, &[&str])] = &[
    ("bucket",   &["example-shop-assets", "example-shop-orders", "example-data-lake-raw", "example-data-lake-curated", "example-backups", "example-customer-exports", "example-build-artifacts", "example-terraform-state"]),
    ("object",   &["orders/2026/09/part-0001.parquet", "orders/2026/09/part-0002.parquet", "images/catalogue/4711.webp", "images/catalogue/0815.webp", "exports/customers-2026-08.csv.gz", "models/recommender/v12/model.bin", "invoices/2026-09.pdf"]),
    ("table",    &["orders", "carts", "sessions", "inventory", "feature-flags", "terraform-locks"]),
    ("queue",    &["order-events", "order-events-dlq", "mail-outbox", "thumbnail-jobs"]),
    ("topic",    &["alarms", "order-events", "deployments", "security-findings"]),
    ("function", &["checkout-api", "image-resizer", "order-projector", "mail-sender", "nightly-report", "stock-sync"]),
    ("cluster",  &["shop", "data", "platform"]),
    ("service",  &["checkout", "catalogue", "search", "basket", "recommender"]),
    ("database", &["shop-primary", "shop-replica", "reporting", "identity"]),
    ("role",     &["shop-web", "shop-worker", "data-pipeline", "ci-deploy", "image-resizer", "nightly-report", "eks-node"]),
    ("user",     &["legacy-backup", "ses-smtp", "break-glass-1", "break-glass-2", "vendor-monitoring"]),
    ("policy",   &["shop-web-access", "data-lake-read", "ci-deploy-boundary", "backup-write"]),
    ("stack",    &["network", "shop-web", "shop-data", "observability", "sandbox-vpc"]),
    ("loggroup", &["/aws/lambda/checkout-api", "/aws/lambda/image-resizer", "/ecs/shop/checkout", "/aws/eks/platform/cluster", "/aws/rds/instance/shop-primary/postgresql", "aws-waf-logs-shop"]),
    ("secret",   &["shop/database", "shop/payment-provider", "data/warehouse", "mail/smtp", "ci/deploy-token"]),
    ("param",    &["/shop/config/checkout", "/shop/config/search", "/platform/ami/latest", "/data/pipeline/schedule"]),
    ("repo",     &["shop-web", "shop-worker", "data-pipeline", "platform-tools"]),
    ("project",  &["shop-web-build", "shop-worker-build", "data-pipeline-build"]),
    ("workgroup",&["primary", "analysts", "reporting"]),
    ("alarm",    &["checkout-5xx", "database-cpu", "queue-age", "budget-forecast"]),
    ("domain",   &["shop.example.com", "api.example.com", "status.example.com"]),
    ("size",     &["t3.medium", "m6i.large", "m7g.xlarge", "c7i.2xlarge", "r6g.large"]),
    ("letter",   &["a", "b", "c"]),
    ("member",   &["111122223333", "123456789012", "444455556666", "555566667777", "777788889999", "012345678901"]),
];

impl JsonTemplate {
    pub(super) fn new(text: &str) -> JsonTemplate {
        let mut literal = String::with_capacity(text.len());
        let mut holes = Vec::new();
        let mut pieces = text.split('$');
        literal.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (name, rest) = piece.split_at(name_length(piece));
            match hole(name) {
                Some(hole) => {
                    holes.push((literal.len() as u32, hole));
                    literal.push_str(rest);
                }
                None => {
                    literal.push('$');
                    literal.push_str(piece);
                }
            }
        }
        JsonTemplate {
            literal: literal.into(),
            holes: holes.into(),
        }
    }

    pub(super) fn write(&self, scene: &mut Scene, out: &mut Vec<u8>) {
        let literal = self.literal.as_bytes();
        let mut done = 0;
        for (end, hole) in &self.holes {
            let end = *end as usize;
            out.extend_from_slice(&literal[done..end]);
            done = end;
            hole.write(scene, out);
        }
        out.extend_from_slice(&literal[done..]);
    }
}

/// Length of the name after a dollar sign. A name with a size, such as `d9` in `$d9EXAMPLE`, ends after the size.
fn name_length(piece: &str) -> usize {
    let bytes = piece.as_bytes();
    let sized = bytes.get(1).is_some_and(u8::is_ascii_digit);
    let ends = |(place, byte): (usize, &u8)| {
        let inside = if sized && place > 0 {
            byte.is_ascii_digit()
        } else {
            byte.is_ascii_alphanumeric()
        };
        (!inside).then_some(place)
    };
    bytes
        .iter()
        .enumerate()
        .find_map(ends)
        .unwrap_or(bytes.len())
}

/// The hole of a name, if the name is known.
fn hole(name: &str) -> Option<TemplateHole> {
    let known = match name {
        "account" => TemplateHole::Account,
        "region" => TemplateHole::Region,
        "now" => TemplateHole::Now,
        "created" => TemplateHole::Created,
        "expires" => TemplateHole::Expires,
        "accesskey" => TemplateHole::Key,
        "partnerkey" => TemplateHole::PartnerKey,
        "partner" => TemplateHole::Partner,
        "arn" => TemplateHole::Arn,
        "action" => TemplateHole::Action,
        "request" => TemplateHole::Request,
        "uuid" => TemplateHole::Uuid,
        _ => {
            if let Some((_, id)) = IDS.iter().find(|(known, _)| *known == name) {
                return Some(TemplateHole::Stable(id));
            }
            if let Some((_, names)) = NAMES.iter().find(|(known, _)| *known == name) {
                return Some(TemplateHole::Pick(names));
            }
            return sized(name);
        }
    };
    Some(known)
}

/// Holes with a size: `h17` hexadecimal digits, `d6` digits, `n4` a number, `t200` characters of a token.
fn sized(name: &str) -> Option<TemplateHole> {
    let (kind, size) = name.split_at_checked(1)?;
    let size: u16 = size.parse().ok()?;
    match kind {
        "h" => Some(TemplateHole::Hex(size as u8)),
        "d" => Some(TemplateHole::Digits(size as u8)),
        "n" => Some(TemplateHole::Number(size as u8)),
        "t" => Some(TemplateHole::Token(size)),
        _ => None,
    }
}

impl TemplateHole {
    fn write(self, scene: &mut Scene, out: &mut Vec<u8>) {
        match self {
            TemplateHole::Account => {
                out.extend_from_slice(ACCOUNTS[scene.account].number.as_bytes());
            }
            TemplateHole::Region => out.extend_from_slice(scene.region.as_bytes()),
            TemplateHole::Now => calendar::timestamp(out, scene.time),
            TemplateHole::Created => calendar::timestamp(out, scene.created),
            TemplateHole::Expires => calendar::timestamp(out, scene.time + calendar::HOUR),
            TemplateHole::Key => text::example_id(out, "ASIA", 9, scene.session),
            TemplateHole::PartnerKey => text::example_id(out, "ASIA", 9, scene.partner_session),
            TemplateHole::Partner => out.extend_from_slice(scene.partner.as_bytes()),
            TemplateHole::Arn => {
                if let Some(arn) = scene.arn {
                    arn.write(scene, out);
                }
            }
            TemplateHole::Action => {
                out.extend_from_slice(scene.action.0.as_bytes());
                out.push(b':');
                out.extend_from_slice(scene.action.1.as_bytes());
            }
            TemplateHole::Request => text::uuid(out, scene.request),
            TemplateHole::Uuid => text::uuid(out, wide(&mut scene.rng)),
            TemplateHole::Hex(digits) => hex(Rng::new(scene.salt ^ u64::from(digits)), digits, out),
            TemplateHole::Number(digits) => {
                let limit = 10_u32.pow(u32::from(digits.min(9)));
                text::decimal(out, u64::from(1 + scene.rng.below(limit - 1)), 1);
            }
            TemplateHole::Digits(digits) => {
                let limit = 10_u64.pow(u32::from(digits.min(18)));
                let value = rng::mix(scene.salt ^ u64::from(digits));
                text::decimal(out, value % limit, digits);
            }
            TemplateHole::Token(length) => text::base64(out, &mut scene.rng, length),
            TemplateHole::Stable(StableId(prefix, digits, pool)) => {
                let number = u64::from(rng::scale(scene.salt, *pool));
                let owner =
                    ((scene.account as u64) << 32) | u64::from(pool << 8 | u32::from(*digits));
                out.extend_from_slice(prefix.as_bytes());
                hex(Rng::new(number << 40 | owner), *digits, out);
            }
            TemplateHole::Pick(names) => {
                let name = names[rng::scale(scene.salt << 7, names.len() as u32) as usize];
                out.extend_from_slice(name.as_bytes());
            }
        }
    }
}

fn hex(mut rng: Rng, mut digits: u8, out: &mut Vec<u8>) {
    while digits > 0 {
        let now = digits.min(16);
        text::hex(out, rng.next(), now);
        digits -= now;
    }
}

/// 128 random bits for an identifier.
pub(super) fn wide(rng: &mut Rng) -> u128 {
    u128::from(rng.next()) << 64 | u128::from(rng.next())
}
