//! The filters as they were asked for.

use super::criterion::Criterion;

/// The outcome of a call, as in `--activity-type` of aws-summarize-account-activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ActivityType {
    /// All calls.
    #[default]
    All,
    /// Calls without an error code and error message.
    Successful,
    /// Calls with an error code or an error message.
    Failed,
}

impl ActivityType {
    /// The name in aws-summarize-account-activity: `ALL`, `SUCCESSFUL` or `FAILED`.
    pub fn name(self) -> &'static str {
        match self {
            ActivityType::All => "ALL",
            ActivityType::Successful => "SUCCESSFUL",
            ActivityType::Failed => "FAILED",
        }
    }
}

/// Whether a call changes anything. A record without `readOnly` is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// Calls whose record says `readOnly: true`.
    ReadOnly,
    /// Calls whose record says `readOnly: false`.
    WriteOnly,
}

/// The values of one filter. An empty list admits everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterValues {
    given: Vec<String>,
}

impl FilterValues {
    /// Keeps values as they were entered; a leading `!` makes a value an exception.
    pub fn new(values: &[impl AsRef<str>]) -> FilterValues {
        let given = values.iter().map(|value| value.as_ref().to_owned());
        FilterValues {
            given: given.collect(),
        }
    }

    /// The values as they were entered.
    pub fn given(&self) -> &[String] {
        &self.given
    }

    /// The alternatives: one of them must match, if there are any.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        let given = self.given.iter().map(String::as_str);
        given.filter(|value| !value.starts_with('!'))
    }

    /// The exceptions, without their exclamation marks: none of them may match.
    pub fn exceptions(&self) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter_map(|value| value.strip_prefix('!'))
    }

    /// The value, if there is exactly one and it is not a pattern.
    pub fn only(&self) -> Option<&str> {
        match self.given.as_slice() {
            [value] if !value.contains(['*', '?', '!']) => Some(value),
            _ => None,
        }
    }
}

/// All filters of a run, as they were asked for. [`EventMatcher`](super::EventMatcher) applies them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Which calls by their outcome.
    pub activity_type: ActivityType,
    /// Leaves only the calls that AWS refused; see [`is_denied`](crate::event::record::EventRecord::is_denied).
    pub only_denied: bool,
    /// Principals, such as `ACCOUNT:role/NAME`.
    pub principals: FilterValues,
    /// Persons; events without a person have the empty name.
    pub persons: FilterValues,
    /// Names of role sessions; events without a session have the empty name.
    pub sessions: FilterValues,
    /// Access key ids in `userIdentity`; identities without one have the empty id.
    pub access_keys: FilterValues,
    /// Services, with or without the domain: `ec2.amazonaws.com` or `ec2`.
    pub sources: FilterValues,
    /// APIs, `eventName`, with or without the date of their version.
    pub names: FilterValues,
    /// Resources that the call names: their ids, names, ARNs or keys.
    pub resources: FilterValues,
    /// Values of the request, `PATH=PATTERN`; see [`RequestPattern`](super::RequestPattern).
    pub requests: FilterValues,
    /// Error codes of failed calls.
    pub error_codes: FilterValues,
    /// Addresses, networks and names in `sourceIPAddress`.
    pub origins: FilterValues,
    /// User agents.
    pub user_agents: FilterValues,
    /// Regions, `awsRegion`.
    pub regions: FilterValues,
    /// Accounts that recorded the event, `recipientAccountId`.
    pub accounts: FilterValues,
    /// Read-only or write-only calls; not set for both, and for records that do not say.
    pub access: Option<AccessKind>,
    /// Leaves out the calls of AWS services.
    pub without_aws_services: bool,
    /// Leaves out the calls of this program.
    pub without_self: bool,
    /// Leaves out the invocations of the Lambda function with this ARN.
    pub without_invocations_of: Option<String>,
}

impl EventFilter {
    /// The values of the filter by a criterion; None if the criterion has no values of the user's.
    pub fn values(&self, criterion: Criterion) -> Option<&FilterValues> {
        match criterion {
            Criterion::Principal => Some(&self.principals),
            Criterion::Person => Some(&self.persons),
            Criterion::Session => Some(&self.sessions),
            Criterion::AccessKey => Some(&self.access_keys),
            Criterion::EventSource => Some(&self.sources),
            Criterion::EventName => Some(&self.names),
            Criterion::Resource => Some(&self.resources),
            Criterion::Request => Some(&self.requests),
            Criterion::ErrorCode => Some(&self.error_codes),
            Criterion::Ip => Some(&self.origins),
            Criterion::UserAgent => Some(&self.user_agents),
            Criterion::Region => Some(&self.regions),
            Criterion::Account => Some(&self.accounts),
            Criterion::ActivityType
            | Criterion::Denied
            | Criterion::ReadOnly
            | Criterion::WriteOnly
            | Criterion::ExcludeAwsServices
            | Criterion::ExcludeSelf => None,
        }
    }
}
