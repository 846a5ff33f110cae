//! The result as JSON: keys sorted and indented by two spaces, as the predecessor wrote it.

use crate::core::summary::Summary;

/// Writes the summary, with a line break at its end.
///
/// # Errors
///
/// None that the summary's types allow.
pub(crate) fn summary(summary: &Summary) -> serde_json::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(summary)?;
    json.push(b'\n');
    Ok(json)
}
