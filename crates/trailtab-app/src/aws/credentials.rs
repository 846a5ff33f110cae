//! Explains why there are no credentials, with an error type in the SDK's error chain instead of a
//! text of 600 characters.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::failure::is_denied;
use super::network::Unreachable;
use super::profile::Origin;
use super::refusal::{refusal, said};
use super::{chain, find, with_causes};

/// Maximum characters of another program's output in an error.
const MAX_REASON_CHARS: usize = 200;

/// Why there are no credentials, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsProblem {
    /// No source provides credentials.
    #[error(
        "no AWS credentials were found: run `aws configure sso` or `aws configure`, choose a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NotFound,
    /// The profile has no credentials.
    #[error(
        "the profile {profile:?} has no credentials: run `aws configure sso --profile {profile}` or `aws configure --profile {profile}`"
    )]
    Empty {
        /// The name of the profile.
        profile: String,
    },
    /// The profile lacks a setting or has an invalid one.
    #[error(
        "the profile {profile:?} is incomplete: {reason} (correct it in the AWS config or credentials file)"
    )]
    Incomplete {
        /// The name of the profile.
        profile: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The sign-in to IAM Identity Center has expired.
    #[error(
        "the sign-in to IAM Identity Center has expired: run `{}` and try again",
        sign_in(profile)
    )]
    SignInExpired {
        /// The name of the profile.
        profile: String,
    },
    /// IAM Identity Center denies the role of the profile.
    #[error(
        "IAM Identity Center does not give the role of the profile {profile:?}: {reason} (check its sso_account_id and sso_role_name, or ask for access)"
    )]
    NotAssigned {
        /// The name of the profile.
        profile: String,
        /// The error code from IAM Identity Center.
        reason: String,
    },
    /// The `credential_process` of the profile failed.
    #[error(
        "the credential_process of the profile {profile:?} failed: {reason} (run its command to see why)"
    )]
    Process {
        /// The name of the profile.
        profile: String,
        /// What went wrong.
        reason: String,
    },
    /// A role cannot be assumed.
    #[error("cannot assume {role}: {reason}{}", trust(code))]
    Role {
        /// The ARN or name of the role.
        role: String,
        /// AWS's error code.
        code: String,
        /// What went wrong.
        reason: String,
    },
    /// The source of credentials cannot be reached.
    #[error("cannot get credentials: {0}")]
    Unreachable(Unreachable),
    /// Any other error; holds the message.
    #[error("cannot get credentials: {0}")]
    Other(String),
}

fn sign_in(profile: &str) -> String {
    match profile {
        "default" => "aws sso login".to_owned(),
        name if name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) =>
        {
            format!("aws sso login --profile {name}")
        }
        name => format!("aws sso login --profile '{}'", name.replace('\'', r"'\''")),
    }
}

/// What a role needs to be assumed, if access was denied.
fn trust(code: &str) -> &'static str {
    match is_denied(code) {
        true => {
            " (the caller needs sts:AssumeRole on the role, and the role's trust policy must name the caller)"
        }
        false => "",
    }
}

impl CredentialsProblem {
    /// Classifies an SDK error, given the origin of the credentials.
    fn of(error: &CredentialsError, origin: &Origin) -> CredentialsProblem {
        if let Some(problem) = find::<CredentialsProblem>(error) {
            return problem.clone();
        }
        if let Some(unreachable) = find::<Unreachable>(error) {
            return CredentialsProblem::Unreachable(unreachable.clone());
        }
        let role = || origin.role.clone().unwrap_or_else(|| "the role".to_owned());
        if let Some(refused) = find::<AssumeRoleError>(error) {
            return role_refused(role(), refused);
        }
        if let Some(refused) = find::<AssumeRoleWithWebIdentityError>(error) {
            return role_refused(role(), refused);
        }
        let innermost = || {
            let innermost = chain(error).last().map(ToString::to_string);
            plain(&innermost.unwrap_or_default())
        };
        let refused = find::<GetRoleCredentialsError>(error).and_then(ProvideErrorMetadata::code);
        match (error, origin) {
            (
                CredentialsError::CredentialsNotLoaded(_),
                Origin {
                    profile,
                    is_only: true,
                    ..
                },
            ) => {
                let profile = profile.clone().unwrap_or_else(|| "default".to_owned());
                CredentialsProblem::Empty { profile }
            }
            (CredentialsError::CredentialsNotLoaded(_), _) => CredentialsProblem::NotFound,
            (
                CredentialsError::InvalidConfiguration(_),
                Origin {
                    profile: Some(profile),
                    ..
                },
            ) => CredentialsProblem::Incomplete {
                profile: profile.clone(),
                reason: innermost(),
            },
            (
                _,
                Origin {
                    sso: Some(profile), ..
                },
            ) => match refused {
                None | Some("UnauthorizedException") => CredentialsProblem::SignInExpired {
                    profile: profile.clone(),
                },
                Some(code) => CredentialsProblem::NotAssigned {
                    profile: profile.clone(),
                    reason: code.to_owned(),
                },
            },
            (
                _,
                Origin {
                    process: Some(profile),
                    ..
                },
            ) => CredentialsProblem::Process {
                profile: profile.clone(),
                reason: innermost(),
            },
            _ => CredentialsProblem::Other(with_causes(error)),
        }
    }

    /// AWS's error code, if AWS denied the request.
    pub fn code(&self) -> Option<&str> {
        match self {
            CredentialsProblem::Role { code, .. } => Some(code),
            _ => None,
        }
    }
}

fn role_refused<E: ProvideErrorMetadata + Error + 'static>(
    role: String,
    error: &E,
) -> CredentialsProblem {
    let code = error.code().unwrap_or("Unknown").to_owned();
    let reason = match is_denied(&code) {
        true => said(&code, error.message()),
        false => refusal(&code, error.message(), None),
    };
    CredentialsProblem::Role { role, code, reason }
}

/// The SDK's text about a profile or its program, without the leading names of SDK components.
fn plain(text: &str) -> String {
    let beginnings = [
        "ProfileFile provider could not be built: ",
        "Error retrieving credentials: external process exited with code ",
        "Error retrieving credentials from external process, ",
        "Error retrieving credentials from external process: ",
    ];
    let text = one_line(text);
    let rest = beginnings
        .into_iter()
        .find_map(|beginning| text.strip_prefix(beginning))
        .unwrap_or(&text);
    match rest.char_indices().nth(MAX_REASON_CHARS) {
        Some((end, _)) => format!("{}…", &rest[..end]),
        None => rest.to_owned(),
    }
}

/// External text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A provider whose errors are [`CredentialsProblem`]s.
#[derive(Debug)]
struct Explained {
    inner: SharedCredentialsProvider,
    origin: Origin,
}

/// Wraps a provider so that its errors are [`CredentialsProblem`]s.
pub(super) fn explained(
    inner: SharedCredentialsProvider,
    origin: Origin,
) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Explained { inner, origin })
}

impl Explained {
    async fn provide(&self) -> Provided {
        let provided = self.inner.provide_credentials().await;
        provided.map_err(|error| {
            let problem = CredentialsProblem::of(&error, &self.origin);
            CredentialsError::provider_error(problem)
        })
    }
}

impl ProvideCredentials for Explained {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_loaded() -> CredentialsError {
        CredentialsError::not_loaded("no providers in chain provided credentials")
    }

    fn said(error: &CredentialsError, origin: &Origin) -> String {
        CredentialsProblem::of(error, origin).to_string()
    }

    #[test]
    fn a_profile_that_was_named_is_blamed_alone() {
        let profile = Some("audit".to_owned());
        let origin = Origin {
            profile: profile.clone(),
            ..Origin::default()
        };
        assert_eq!(
            CredentialsProblem::of(&not_loaded(), &origin),
            CredentialsProblem::NotFound
        );
        let origin = Origin {
            is_only: true,
            ..origin
        };
        let empty = said(&not_loaded(), &origin);
        assert!(
            empty.starts_with(r#"the profile "audit" has no credentials"#),
            "{empty}"
        );
        let broken = CredentialsError::invalid_configuration("no\nsecret");
        assert_eq!(
            said(&broken, &origin),
            r#"the profile "audit" is incomplete: no secret (correct it in the AWS config or credentials file)"#
        );
    }

    #[test]
    fn texts_of_programs_are_short_and_without_names_of_the_sdk() {
        for (text, plain_text) in [
            (
                "Error retrieving credentials: external process exited with code exit status: 3. Stderr: a\nb",
                "exit status: 3. Stderr: a b",
            ),
            (
                "ProfileFile provider could not be built: profile formed an infinite loop",
                "profile formed an infinite loop",
            ),
            ("other", "other"),
        ] {
            assert_eq!(plain(text), plain_text);
        }
        let long = plain(&"ä".repeat(MAX_REASON_CHARS + 1));
        assert_eq!(long, format!("{}…", "ä".repeat(MAX_REASON_CHARS)));
        assert_eq!(
            plain(&"ä".repeat(MAX_REASON_CHARS)).chars().count(),
            MAX_REASON_CHARS
        );
    }

    #[test]
    fn the_command_to_sign_in_can_be_typed_as_it_stands() {
        let expired = CredentialsError::provider_error("token expired");
        for (name, command) in [
            ("default", "`aws sso login`"),
            ("dev-1", "`aws sso login --profile dev-1`"),
            ("my dev", "`aws sso login --profile 'my dev'`"),
        ] {
            let origin = Origin {
                sso: Some(name.to_owned()),
                ..Origin::default()
            };
            let said = said(&expired, &origin);
            assert!(said.contains(command), "{said}");
        }
    }

    #[test]
    fn an_inner_problem_stays_what_it_is() {
        let inner = CredentialsError::provider_error(CredentialsProblem::NotFound);
        let role = Origin {
            role: Some("arn:aws:iam::111122223333:role/audit".to_owned()),
            ..Origin::default()
        };
        assert_eq!(
            CredentialsProblem::of(&inner, &role),
            CredentialsProblem::NotFound
        );
    }
}
