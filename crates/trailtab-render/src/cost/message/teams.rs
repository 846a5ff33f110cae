//! Messages for webhooks of Workflows in Microsoft Teams: an Adaptive Card.
//!
//! Names from bills are in text runs, which have no markup at all. There are no charts: Teams shows pictures within a
//! card in some of its programs only, and a card with them would be too large.

use serde_json::{Value, json};

use super::{MessageContent, MessageTable};

/// Maximum size of a message. Teams documents 28 KB, and messages above 21 KB were refused.
const MAX_BYTES: usize = 20_000;

/// A paragraph of text without markup.
fn paragraph(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

fn bold(text: &str) -> Value {
    json!({"type": "TextRun", "text": text, "weight": "Bolder"})
}

/// A heading and lines below it.
fn list(heading: &str, lines: impl Iterator<Item = String>) -> [Value; 2] {
    let lines: Vec<String> = lines.map(|line| format!("• {line}")).collect();
    let mut heading = paragraph(&[bold(heading)]);
    heading["separator"] = true.into();
    [heading, paragraph(&[run(&lines.join("\n"))])]
}

pub(super) fn message(content: &MessageContent) -> Value {
    let mut title = bold(&content.title);
    title["size"] = "Large".into();
    let mut body = vec![
        paragraph(&[title]),
        paragraph(&[run(&content.sentences.join("\n"))]),
    ];
    // Facts may have markup, and hold nothing but names of ours and amounts.
    let facts = content.figures.iter();
    let facts: Vec<Value> = facts
        .map(|(name, amount)| json!({"title": name, "value": amount}))
        .collect();
    if !facts.is_empty() {
        body.push(json!({"type": "FactSet", "facts": facts}));
    }
    if !content.warnings.is_empty() {
        body.extend(list("Please note", content.warnings.iter().cloned()));
    }
    for MessageTable { heading, rows } in &content.tables {
        let rows = rows
            .iter()
            .map(|row| format!("{}: {}", row.name, row.amount));
        body.extend(list(heading, rows));
    }
    if !content.notes.is_empty() {
        let mut notes = run(&content.notes.join("\n"));
        notes["size"] = "Small".into();
        notes["isSubtle"] = true.into();
        body.push(paragraph(&[notes]));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
            },
        }],
    })
}

/// Returns whether Teams takes a message.
pub(super) fn fits(message: &Value) -> bool {
    message.to_string().len() <= MAX_BYTES
}
