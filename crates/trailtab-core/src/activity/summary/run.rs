//! What a run was asked for and who ran it, besides what it counted.

use crate::event::no_match::NoMatch;
use crate::scope::AccountId;
use crate::time::{Seconds, TimeWindow};

/// The facts of a run besides its counts.
#[derive(Debug, Clone, Default)]
pub struct RunContext {
    /// The time window that was asked for.
    pub window: TimeWindow,
    /// Which calls are counted: `ALL`, `SUCCESSFUL` or `FAILED`.
    pub activity_type: &'static str,
    /// The command line.
    pub invocation: String,
    /// When the program ran, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// The version of the program, such as `0.1.0`.
    pub version: &'static str,
    /// The identity whose credentials were used; None if records came from log files.
    pub caller: Option<CallerIdentity>,
    /// Why no event was counted; None if one was.
    pub no_match: Option<NoMatch>,
}

/// The identity that AWS sees behind the credentials, as `sts:GetCallerIdentity` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account that the credentials belong to.
    pub account: AccountId,
    /// The ARN of the user or role session.
    pub arn: String,
}

impl CallerIdentity {
    /// The partition of AWS: `aws`, `aws-cn`, `aws-us-gov` and others.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}
