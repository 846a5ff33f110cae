//! Cost in all its forms: pages for people, tables for spreadsheets, letters.

mod body;
mod charts;
mod figures;
mod html;
mod letter;
mod plain;

#[allow(unused_imports, reason = "wired up by the lead")]
pub(crate) use self::letter::{Attachment, Letter, Picture, letter};

/// Stands in for the real table until it is there.
fn csv(report: &crate::core::cost::report::Report) -> Result<Vec<u8>, ::csv::Error> {
    Ok(format!("{}\n", report.period.label).into_bytes())
}
