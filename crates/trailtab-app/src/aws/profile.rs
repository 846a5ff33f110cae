//! Checks the configured profile and region before any request.

use std::env;

use aws_runtime::env_config::error::EnvConfigFileLoadError;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::section::{EnvConfigSections, Profile};
use aws_types::os_shim_internal::{Env, Fs};

use super::{CredentialOptions, chain};
use trailtab_core::regions;

/// Maximum length of a chain of source profiles.
const MAX_SOURCE_PROFILES: usize = 10;

/// Maximum number of profiles listed in an error.
const MAX_PROFILES_NAMED: usize = 10;

/// A configuration with which no request can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The configuration cannot be read; holds the reason.
    #[error("the AWS configuration cannot be read: {0}")]
    Unreadable(String),
    /// The configured profile does not exist.
    #[error(
        "{origin} names the profile {name:?}, which does not exist: {}",
        known(others)
    )]
    UnknownProfile {
        /// The name of the profile.
        name: String,
        /// Where the profile is named.
        origin: &'static str,
        /// The profiles that exist.
        others: Vec<String>,
    },
    /// The configured region does not exist.
    #[error("{origin} names the region {name:?}, which {}", UnknownRegion(name))]
    UnknownRegion {
        /// The name of the region.
        name: String,
        /// Where the region is named.
        origin: String,
    },
    /// The profile lacks a setting; the SDK would silently use other credentials.
    #[error("the profile {profile:?} is incomplete: {reason} (correct it in the AWS config file)")]
    IncompleteProfile {
        /// The name of the profile.
        profile: String,
        /// What it lacks.
        reason: String,
    },
    /// The environment holds an access key ID without a secret key.
    #[error(
        "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not: set both, or neither to use other credentials"
    )]
    NoSecretKey,
}

/// Error text for a region that is not in the table.
struct UnknownRegion<'n>(&'n str);

impl std::fmt::Display for UnknownRegion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("does not exist")?;
        if let Some(nearest) = regions::nearest(self.0, regions::all()) {
            write!(f, "; did you mean {nearest}?")?;
        }
        f.write_str(
            " (a region newer than this version of trailtab needs its endpoint in AWS_ENDPOINT_URL_<SERVICE>)",
        )
    }
}

fn known(others: &[String]) -> String {
    match others {
        [] => "there are no profiles; `aws configure sso` and `aws configure` make one".to_owned(),
        _ if others.len() > MAX_PROFILES_NAMED => {
            let named = others[..MAX_PROFILES_NAMED].join(", ");
            format!(
                "there are {named} and {} more",
                others.len() - MAX_PROFILES_NAMED
            )
        }
        _ => format!("there are {}", others.join(", ")),
    }
}

/// Where a profile's credentials come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origin {
    /// The profile, if one is named or the default one exists.
    pub(super) profile: Option<String>,
    /// Whether it was named on the command line, so that no other source is used.
    pub(super) is_only: bool,
    /// The role that it assumes.
    pub(super) role: Option<String>,
    /// The profile in the chain whose credentials come from IAM Identity Center.
    pub(super) sso: Option<String>,
    /// The profile in the chain whose credentials come from a `credential_process`.
    pub(super) process: Option<String>,
}

/// The configuration files and the selected profile.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    sections: EnvConfigSections,
    selected: String,
}

impl Profiles {
    /// Reads the configuration files and finds the selected profile.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or the named profile does not exist: the SDK would silently
    /// use other credentials.
    pub(super) async fn read(access: &CredentialOptions) -> Result<Profiles, ConfigError> {
        let files = EnvConfigFiles::default();
        let sections = aws_config::profile::load(&Fs::real(), &Env::real(), &files, None).await;
        let sections = sections.map_err(unreadable)?;
        let variable = || variable("AWS_PROFILE");
        let named = match &access.profile {
            Some(name) => Some((name.clone(), "--profile")),
            None => variable().map(|name| (name, "AWS_PROFILE")),
        };
        match named {
            Some((name, origin)) if name != "default" && sections.get_profile(&name).is_none() => {
                let mut others: Vec<String> = sections.profiles().map(str::to_owned).collect();
                others.sort_unstable();
                Err(ConfigError::UnknownProfile {
                    name,
                    origin,
                    others,
                })
            }
            named => {
                let profiles = Profiles {
                    sections,
                    selected: named.map_or_else(|| "default".to_owned(), |(name, _)| name),
                };
                // Keys in the environment take precedence over a profile, unless it is given as an
                // option.
                let has_keys = access.profile.is_none() && has_keys()?;
                if !has_keys && let Some(selected) = profiles.selected() {
                    profiles.check_sources(selected)?;
                }
                Ok(profiles)
            }
        }
    }

    /// Checks the credential settings of a profile that make the SDK fall back to other
    /// credentials, such as an instance's, if they are missing.
    ///
    /// # Errors
    ///
    /// Fails if such a setting is missing.
    fn check_sources(&self, selected: &Profile) -> Result<(), ConfigError> {
        let incomplete = |profile: &Profile, reason: String| {
            Err(ConfigError::IncompleteProfile {
                profile: profile.name().to_owned(),
                reason,
            })
        };
        let mut current = selected;
        for step in 0..MAX_SOURCE_PROFILES {
            // Access keys of a source profile take precedence over its other settings.
            if step > 0 && current.get("aws_access_key_id").is_some() {
                return Ok(());
            }
            let is_web_identity = current.get("web_identity_token_file").is_some();
            let source = current
                .get("source_profile")
                .filter(|source| *source != current.name())
                .filter(|_| current.get("role_arn").is_some() && !is_web_identity);
            match source.map(|name| (name, self.sections.get_profile(name))) {
                Some((_, Some(next))) => current = next,
                Some((name, None)) => {
                    let reason = format!("its source_profile {name:?} does not exist");
                    return incomplete(current, reason);
                }
                None if is_web_identity || current.get("credential_source").is_some() => {
                    return Ok(());
                }
                None => {
                    let missing = self.missing_of_identity_center(current);
                    return missing.map_or(Ok(()), |name| {
                        incomplete(current, format!("it has no {name}"))
                    });
                }
            }
        }
        Ok(())
    }

    /// The first IAM Identity Center setting that a profile lacks. Nothing for other profiles, and
    /// for a missing `sso_session` section, which the SDK reports.
    fn missing_of_identity_center(&self, profile: &Profile) -> Option<&'static str> {
        let has = |name: &str| profile.get(name).is_some();
        let (session, names) = (profile.get("sso_session"), ["sso_start_url", "sso_region"]);
        let of_role = ["sso_account_id", "sso_role_name"];
        if session.is_none() && !names.iter().chain(&of_role).any(|name| has(name)) {
            return None;
        }
        let missing = match session {
            Some(session) => {
                let session = self.sections.sso_session(session)?;
                names.into_iter().find(|name| session.get(name).is_none())
            }
            None => names.into_iter().find(|name| !has(name)),
        };
        missing.or_else(|| of_role.into_iter().find(|name| !has(name)))
    }

    fn selected(&self) -> Option<&Profile> {
        self.sections.get_profile(&self.selected)
    }

    /// Where the selected profile's credentials come from.
    pub(super) fn origin(&self, access: &CredentialOptions) -> Origin {
        let mut origin = Origin {
            is_only: access.profile.is_some(),
            ..Origin::default()
        };
        let mut profile = self.selected();
        origin.profile = profile.map(|profile| profile.name().to_owned());
        for _ in 0..MAX_SOURCE_PROFILES {
            let Some(current) = profile else { break };
            let name = || Some(current.name().to_owned());
            if origin.role.is_none() {
                origin.role = current.get("role_arn").map(str::to_owned);
            }
            if current
                .get("sso_session")
                .or(current.get("sso_start_url"))
                .is_some()
            {
                origin.sso = name();
            } else if current.get("credential_process").is_some() {
                origin.process = name();
            }
            profile = current
                .get("source_profile")
                .filter(|next| *next != current.name())
                .and_then(|next| self.sections.get_profile(next));
        }
        origin
    }

    /// Checks the region, which becomes part of host names, unless custom endpoints are configured.
    /// An instance's own region needs no check.
    ///
    /// # Errors
    ///
    /// Fails if the region does not exist.
    pub(super) fn check_region(&self) -> Result<(), ConfigError> {
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let mut variables = variables.into_iter().filter_map(|name| {
            let region = variable(name)?;
            Some((region, name.to_owned()))
        });
        let configured = variables.next().or_else(|| {
            let profile = self.selected()?;
            let region = profile.get("region")?.to_owned();
            Some((region, format!("the profile {:?}", profile.name())))
        });
        match configured {
            // Case-sensitive, as in AWS's check of signatures.
            Some((name, origin))
                if !regions::all().any(|region| region == name) && !self.has_endpoint() =>
            {
                Err(ConfigError::UnknownRegion { name, origin })
            }
            _ => Ok(()),
        }
    }

    /// Tells whether a custom endpoint is configured for any service.
    pub(super) fn has_endpoint(&self) -> bool {
        let is_set = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.to_string_lossy();
            name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty()
        };
        let in_profile = |profile: &Profile| {
            profile.get("endpoint_url").is_some() || profile.get("services").is_some()
        };
        env::vars_os().any(is_set) || self.selected().is_some_and(in_profile)
    }
}

/// Tells whether the environment holds an access key.
///
/// # Errors
///
/// Fails if it holds an access key ID without a secret key: the SDK would silently use other
/// credentials.
fn has_keys() -> Result<bool, ConfigError> {
    // The SDK reads both names.
    let secret = ["AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"];
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.trim().is_empty());
    match (is_set("AWS_ACCESS_KEY_ID"), secret.into_iter().any(is_set)) {
        (true, false) => Err(ConfigError::NoSecretKey),
        (has_id, _) => Ok(has_id),
    }
}

/// A non-empty environment variable.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes it by value")]
fn unreadable(error: EnvConfigFileLoadError) -> ConfigError {
    let causes: Vec<String> = chain(&error).map(ToString::to_string).collect();
    ConfigError::Unreadable(causes.join(": "))
}
