//! Texts of a mail that the operator can choose.

use serde::Deserialize;

/// Texts of a mail besides its figures; each has a default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wording {
    /// The subject. `{period}`, `{total}`, `{accounts}` and `{owner}` are replaced.
    pub subject: Option<String>,
    /// A paragraph above the figures.
    pub greeting: Option<String>,
    /// A paragraph below the figures.
    pub closing: Option<String>,
}
