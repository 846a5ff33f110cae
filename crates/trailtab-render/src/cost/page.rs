//! Renders a cost report as a terminal page.

use super::layout::{ReportForm, document};
use super::tidy;
use crate::page::{TextPage, TextStyle};
use trailtab_core::cost::report::CostReport;

/// Renders a report.
pub fn page(report: &CostReport, look: TextStyle) -> String {
    let document = document(&tidy(report), ReportForm::Page, &mut |_| None);
    let mut page = TextPage::new(look);
    // Writing to a String cannot fail.
    let _ = page.document(document);
    page.out
}
