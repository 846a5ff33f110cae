//! The mail to the operator about reports that were not sent.

use super::MailLetter;
use crate::document::{Block, Document, Notice};
use crate::page::counted;

/// Most problems that the mail lists.
const MAX_PROBLEMS: usize = 100;

/// Renders the mail: one line for each problem, which says what to do.
pub fn operator_letter(problems: &[String], day: &str) -> MailLetter {
    let count = counted(problems.len() as u64, "report");
    let mut lines: Vec<String> = problems.iter().take(MAX_PROBLEMS).cloned().collect();
    if MAX_PROBLEMS < problems.len() {
        lines.push(format!("and {} more", problems.len() - MAX_PROBLEMS));
    }
    let title = format!("trailtab: {count} with a problem on {day}");
    let document = Document {
        title: title.clone(),
        subtitle: "The recipients were not told.".to_owned(),
        preview: lines.first().cloned().unwrap_or_default(),
        notices: vec![Notice {
            title: "Needs you".to_owned(),
            lines,
            is_fault: true,
        }],
        blocks: vec![Block::Paragraph(vec![
            "trailtab cost check --config PLACE checks the settings against the account.".to_owned(),
        ])],
        notes: vec![
            "You get this mail, at most once a day, because the settings of trailtab name you as operator.".to_owned(),
        ],
    };
    MailLetter::of(title, document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_listed_and_escaped() {
        let problems = ["<b>lee</b>: there is no owner".to_owned()];
        let letter = operator_letter(&problems, "21 November 2026");
        assert_eq!(
            letter.subject,
            "trailtab: 1 report with a problem on 21 November 2026"
        );
        assert!(letter.text.contains("there is no owner"), "{}", letter.text);
        assert!(letter.html.contains("&lt;b&gt;lee"), "{}", letter.html);
        let many = vec!["x".to_owned(); 200];
        assert!(operator_letter(&many, "").text.contains("and 100 more"));
    }
}
