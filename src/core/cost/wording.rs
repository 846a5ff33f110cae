//! What an operator may say in their own words.

use serde::Deserialize;

/// Texts of a mail; what is not set is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wording {
    /// The subject, with {period}, {total}, {accounts} and {owner} filled in.
    pub(crate) subject: Option<String>,
    /// Above all else.
    pub(crate) greeting: Option<String>,
    /// Below all else.
    pub(crate) closing: Option<String>,
}
