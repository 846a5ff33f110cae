//! The evidence in an identity for a person, and of an agent.

/// The field that identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonEvidence {
    /// `sourceIdentity`, which role chaining cannot change.
    SourceIdentity,
    /// The session name of a role that IAM Identity Center created, or a session name that is a
    /// mail address.
    SessionName,
    /// A user of IAM Identity Center: by the name that a sign-in gives, or else by id, in
    /// `onBehalfOf` or an `IdentityCenterUser`.
    IdentityCenter,
    /// The name that a federation or an identity provider gave.
    Federation,
    /// An identity of type `IAMUser`, named `ACCOUNT:user/NAME`.
    IamUser,
    /// The root user, named `ACCOUNT:root`; sessions that AssumeRoot made are left out.
    Root,
}

impl PersonEvidence {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            PersonEvidence::SourceIdentity => "source_identity",
            PersonEvidence::SessionName => "session_name",
            PersonEvidence::IdentityCenter => "identity_center",
            PersonEvidence::Federation => "federation",
            PersonEvidence::IamUser => "iam_user",
            PersonEvidence::Root => "root",
        }
    }
}

/// The evidence that an agent may drive a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgentEvidence {
    /// The call came through the AWS MCP Server.
    AwsMcp,
    /// The credentials belong to a sign-in session, as those do that `aws login` gives.
    AwsLogin,
}

impl AgentEvidence {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            AgentEvidence::AwsMcp => "aws_mcp",
            AgentEvidence::AwsLogin => "aws_login",
        }
    }
}
