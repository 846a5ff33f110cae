//! The words of a mail that its readers' own people choose.

use serde::Deserialize;

/// What a mail says besides its figures; each part may be left to us.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wording {
    /// The subject. `{period}`, `{total}`, `{accounts}` and `{owner}` stand for what they say.
    pub subject: Option<String>,
    /// A paragraph above the figures.
    pub greeting: Option<String>,
    /// A paragraph below them.
    pub closing: Option<String>,
}
