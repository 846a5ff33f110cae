//! A mail about many accounts stays small enough for Gmail, and says what it leaves out.

use super::super::letter::{LetterOccasion, MAX_HTML_BYTES, MailLetter, letter};
use trailtab_core::cost::report::{CostReport, sample};
use trailtab_core::cost::wording::MailWording;

fn letter_of(report: &CostReport) -> MailLetter {
    letter(report, &MailWording::default(), LetterOccasion::First, true).unwrap()
}

#[test]
fn a_mail_about_300_accounts_fits_and_counts_what_it_leaves_out() {
    let report = sample::many_accounts(300);
    let part = &report.parts[0];
    assert_eq!((part.accounts.len(), part.budgets.len()), (270, 300));
    assert!(!part.movers.services.is_empty() && !part.bill.is_empty() && 2 < part.trend.len());
    let letter = letter_of(&report);
    let bytes = letter.html.len();
    assert!(bytes <= MAX_HTML_BYTES, "{bytes}");
    let text: Vec<&str> = letter.text.split_whitespace().collect();
    let text = text.join(" ");
    for said in [
        "292 other budgets: 43 passed, ",
        " and 22 more",
        "more accounts do not fit here; the attached CSV has them.",
        " others)",
    ] {
        assert!(text.contains(said), "{said}");
    }
    // Those that are passed come first, whatever their order in the settings.
    assert_eq!(text.matches("; passed on ").count(), 8);
}
