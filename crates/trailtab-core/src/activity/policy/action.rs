//! The IAM actions that authorise an API call.
//!
//! Most calls are authorised by the action that has the prefix of the service and the name of the API. The table has
//! the others. What no action can be named, such as a pattern, gives none: a name in a log may be anybody's.

use std::fmt;
use std::sync::LazyLock;

use crate::event::filter::without_version;
use crate::event::resource::{service_of, table_rows};

/// The table as data; its head explains its columns.
const ACTIONS: &str = include_str!("actions.txt");

static TABLE: LazyLock<Vec<ActionRow>> =
    LazyLock::new(|| table_rows(ACTIONS).filter_map(ActionRow::of).collect());

/// Stands for the name of the event in an action of the table.
const EVENT: &str = "{event}";

/// Longest prefix and longest name of an action, in characters; the longest of AWS have about half.
const MAX_PREFIX_CHARS: usize = 64;
const MAX_NAME_CHARS: usize = 128;

/// The domains of services, in all partitions that have CloudTrail.
const SERVICE_DOMAINS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// An action of an IAM policy, such as `s3:GetObject`. It is never a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IamAction {
    /// The service's prefix, in lower case.
    service: String,
    name: String,
}

impl IamAction {
    /// Makes an action of its two parts; None if one of them has characters that no action has.
    fn new(service: &str, name: &str) -> Option<IamAction> {
        let is_prefix = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let is_right = (1..=MAX_PREFIX_CHARS).contains(&service.len())
            && service.bytes().all(is_prefix)
            && (1..=MAX_NAME_CHARS).contains(&name.len())
            && name.bytes().all(|c| c.is_ascii_alphanumeric());
        is_right.then(|| IamAction {
            service: service.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The prefix of the service, such as `s3`.
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for IamAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.name)
    }
}

/// What authorises a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallActions {
    /// Each of these actions.
    All(Vec<IamAction>),
    /// One or more of these actions, depending on the request.
    OneOf(Vec<IamAction>),
    /// No policy of the caller is asked, as for sts:GetCallerIdentity.
    NotAsked,
    /// No action can have such a name, so it is not an API of AWS.
    NoAction,
}

/// Finds the actions of an API. `source` is an eventSource, such as `s3.amazonaws.com`, and `event` an eventName.
pub fn actions_of(source: &str, event: &str) -> CallActions {
    let mut domains = SERVICE_DOMAINS.iter();
    let Some(source) = domains.find_map(|domain| source.strip_suffix(domain)) else {
        return CallActions::NoAction;
    };
    let service = service_of(source);
    let event = without_version(event);
    if let Some(row) = TABLE.iter().find(|row| row.has(service, event)) {
        return row.actions.of(event);
    }
    match IamAction::new(service, event) {
        Some(action) => CallActions::All(vec![action]),
        None => CallActions::NoAction,
    }
}

/// Events that one answer is for.
#[derive(Debug)]
struct ActionRow {
    service: &'static str,
    events: Vec<&'static str>,
    actions: RowActions,
}

/// The third column, whose actions are pairs of prefix and name.
#[derive(Debug)]
enum RowActions {
    All(Vec<(&'static str, &'static str)>),
    OneOf(Vec<(&'static str, &'static str)>),
    NotAsked,
}

impl ActionRow {
    /// Reads a row; None if it has not three columns, or an action has no prefix.
    fn of(line: &'static str) -> Option<ActionRow> {
        let mut columns = line.split_whitespace();
        let (service, events, actions) = (columns.next()?, columns.next()?, columns.next()?);
        let pairs = |mark| -> Option<Vec<_>> {
            let actions = actions.split(mark);
            actions.map(|action| action.split_once(':')).collect()
        };
        let row = ActionRow {
            service,
            events: events.split(',').collect(),
            actions: match actions {
                "none" => RowActions::NotAsked,
                _ if actions.contains('|') => RowActions::OneOf(pairs('|')?),
                _ => RowActions::All(pairs(',')?),
            },
        };
        columns.next().is_none().then_some(row)
    }

    fn has(&self, service: &str, event: &str) -> bool {
        let is_one = |known: &&str| match known.strip_suffix('*') {
            Some(start) => event.starts_with(start),
            None => *known == event,
        };
        self.service == service && self.events.iter().any(is_one)
    }
}

impl RowActions {
    fn of(&self, event: &str) -> CallActions {
        let actions = |pairs: &[(&str, &str)]| -> Option<Vec<_>> {
            let pairs = pairs.iter().map(|(service, name)| match *name {
                EVENT => IamAction::new(service, event),
                name => IamAction::new(service, name),
            });
            pairs.collect()
        };
        match self {
            RowActions::All(pairs) => {
                actions(pairs).map_or(CallActions::NoAction, CallActions::All)
            }
            RowActions::OneOf(pairs) => {
                actions(pairs).map_or(CallActions::NoAction, CallActions::OneOf)
            }
            RowActions::NotAsked => CallActions::NotAsked,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The actions as a policy has them, joined as in the table.
    fn told(source: &str, event: &str) -> String {
        let joined = |actions: Vec<IamAction>, mark| {
            let actions: Vec<_> = actions.iter().map(IamAction::to_string).collect();
            actions.join(mark)
        };
        match actions_of(&format!("{source}.amazonaws.com"), event) {
            CallActions::All(actions) => joined(actions, ","),
            CallActions::OneOf(actions) => joined(actions, "|"),
            CallActions::NotAsked => "none".to_owned(),
            CallActions::NoAction => "no action".to_owned(),
        }
    }

    #[test]
    fn every_row_of_the_table_is_read_and_gives_actions() {
        for line in table_rows(ACTIONS) {
            let row = ActionRow::of(line).unwrap_or_else(|| panic!("{line}"));
            assert_ne!(row.actions.of("Event"), CallActions::NoAction, "{line}");
            assert_eq!(service_of(row.service), row.service, "{line}");
        }
        let services = TABLE.iter().map(|row| row.service);
        assert!(services.is_sorted(), "sort the table by service");
    }

    #[test]
    fn no_event_has_two_rows() {
        for (at, row) in TABLE.iter().enumerate() {
            let exact = row.events.iter().filter(|event| !event.ends_with('*'));
            for event in exact {
                let first = TABLE.iter().position(|row_| row_.has(row.service, event));
                assert_eq!(
                    first,
                    Some(at),
                    "{} {event} is in an earlier row",
                    row.service
                );
            }
        }
    }

    #[test]
    fn calls_have_the_actions_of_the_service_authorization_reference() {
        let cases = [
            ("ec2", "RunInstances", "ec2:RunInstances"),
            ("monitoring", "PutMetricAlarm", "cloudwatch:PutMetricAlarm"),
            ("email", "SendEmail", "ses:SendEmail"),
            ("amazonmq", "ListBrokers", "mq:ListBrokers"),
            ("streams.dynamodb", "GetRecords", "dynamodb:GetRecords"),
            ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
            ("s3", "ListObjects", "s3:ListBucket"),
            ("s3", "HeadObject", "s3:GetObject"),
            ("s3", "GetObject", "s3:GetObject"),
            ("s3", "ListObjectVersions", "s3:ListBucketVersions"),
            ("s3", "UploadPart", "s3:PutObject"),
            ("s3", "CopyObject", "s3:GetObject,s3:PutObject"),
            ("s3", "DeleteBucketCors", "s3:PutBucketCORS"),
            ("lambda", "CreateFunction20150331", "lambda:CreateFunction"),
            (
                "lambda",
                "UpdateFunctionCode20150331v2",
                "lambda:UpdateFunctionCode",
            ),
            ("lambda", "Invoke", "lambda:InvokeFunction"),
            (
                "cloudfront",
                "CreateDistribution2020_05_31",
                "cloudfront:CreateDistribution",
            ),
            ("kms", "ReEncrypt", "kms:ReEncryptFrom,kms:ReEncryptTo"),
            ("apigateway", "GetRestApis", "apigateway:GET"),
            ("apigateway", "ImportRestApi", "apigateway:POST"),
            ("apigateway", "ImportApi", "apigateway:PUT"),
            (
                "apigateway",
                "TagResource",
                "apigateway:PUT|apigateway:POST",
            ),
            ("sqs", "SendMessageBatch", "sqs:SendMessage"),
            (
                "cloudcontrolapi",
                "GetResource",
                "cloudformation:GetResource",
            ),
            ("tagging", "TagResources", "tag:TagResources"),
            (
                "autoscaling",
                "RegisterScalableTarget",
                "application-autoscaling:RegisterScalableTarget",
            ),
            (
                "autoscaling",
                "PutScalingPolicy",
                "autoscaling:PutScalingPolicy",
            ),
            ("sts", "AssumeRole", "sts:AssumeRole"),
            ("sts", "GetCallerIdentity", "none"),
            ("signin", "GetSigninToken", "none"),
            ("signin", "CreateOAuth2Token", "signin:CreateOAuth2Token"),
            // A service that came after this table.
            ("newservice", "CreateThing", "newservice:CreateThing"),
        ];
        for (source, event, expected) in cases {
            assert_eq!(told(source, event), expected, "{source} {event}");
        }
        let in_china = actions_of("ec2.amazonaws.com.cn", "RunInstances");
        assert_eq!(in_china, actions_of("ec2.amazonaws.com", "RunInstances"));
    }

    #[test]
    fn names_that_are_no_actions_give_none() {
        let cases = [
            ("iam.amazonaws.com", "*"),
            ("iam.amazonaws.com", "Get*"),
            ("tagging.amazonaws.com", "*"),
            ("*.amazonaws.com", "GetUser"),
            ("iam.amazonaws.com", ""),
            ("iam.amazonaws.com", "Get User"),
            ("iam.amazonaws.com", "GetUser\",\"*"),
            ("IAM.amazonaws.com", "GetUser"),
            ("iam", "GetUser"),
            ("iam.example.com", "GetUser"),
            ("", ""),
        ];
        for (source, event) in cases {
            assert_eq!(
                actions_of(source, event),
                CallActions::NoAction,
                "{source} {event}"
            );
        }
    }

    proptest! {
        /// Whatever a log names, a policy never gets a pattern, and never an action of two services.
        #[test]
        fn an_action_is_plain(
            source in "(iam|s3|tagging|signin|[ -~]{0,12})(\\.amazonaws\\.com)?",
            event in "(Get|List|Create)?[ -~é]{0,12}",
        ) {
            let actions = match actions_of(&source, &event) {
                CallActions::All(actions) | CallActions::OneOf(actions) => actions,
                CallActions::NotAsked | CallActions::NoAction => Vec::new(),
            };
            for action in actions {
                let text = action.to_string();
                let (service, name) = text.split_once(':').unwrap();
                prop_assert_eq!(service, action.service());
                prop_assert!(!service.is_empty() && !name.is_empty());
                prop_assert!(service.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-'));
                prop_assert!(name.bytes().all(|c| c.is_ascii_alphanumeric()));
            }
        }
    }
}
