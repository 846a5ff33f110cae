//! Renders a cost report as a terminal page.

use super::layout::{ReportForm, document};
use super::tidy;
use crate::page::{TextPage, TextStyle};
use trailtab_core::cost::report::CostReport;

/// Renders a report.
pub fn page(report: &CostReport, look: TextStyle) -> String {
    let document = document(&tidy(report), ReportForm::Page, &mut |_| None);
    TextPage::render(look, |page| page.document(document))
}
