//! Messages for incoming webhooks of Slack, in Block Kit. A webhook takes no files, so there are no charts.

use serde_json::{Value, json};

use super::{MessageContent, MessageTable};

/// Maximum number of blocks in a message.
const MAX_BLOCKS: usize = 50;

/// Maximum length of a section's text, in characters.
const MAX_SECTION_CHARS: usize = 3000;

/// Maximum number of fields in a section.
const MAX_FIELDS: usize = 10;

/// Maximum length of all blocks. Slack refuses messages above some 13,200 characters, though each block keeps to its
/// own limit.
const MAX_CHARS: usize = 13_000;

/// Writes `&`, `<` and `>` so that they neither begin a mention (`<!channel>`) nor a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        // Would turn what follows into code, over several rows.
        .replace('`', "'")
}

/// Text with bold headings. `verbatim` keeps Slack from looking for links and names in it.
fn markdown(text: &str) -> Value {
    json!({"type": "mrkdwn", "verbatim": true, "text": text})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": markdown(text)})
}

/// A heading and lines below it.
fn list(heading: &str, lines: impl Iterator<Item = String>) -> Value {
    let lines: Vec<String> = lines.map(|line| format!("• {line}")).collect();
    section(&format!("*{}*\n{}", escaped(heading), lines.join("\n")))
}

pub(super) fn message(content: &MessageContent) -> Value {
    let title = json!({"type": "plain_text", "text": content.title, "emoji": false});
    let sentences = escaped(&content.sentences.join("\n"));
    let mut blocks = vec![
        json!({"type": "header", "text": title}),
        section(&sentences),
    ];
    let fields = content.figures.iter().take(MAX_FIELDS);
    let fields: Vec<Value> = fields
        .map(|(name, amount)| markdown(&format!("*{}*\n{}", escaped(name), escaped(amount))))
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if !content.warnings.is_empty() {
        let warnings = content.warnings.iter().map(|text| escaped(text));
        blocks.push(list("Please note", warnings));
    }
    for MessageTable { heading, rows } in &content.tables {
        let rows = rows
            .iter()
            .map(|row| format!("{}: {}", escaped(&row.name), escaped(&row.amount)));
        blocks.push(list(heading, rows));
    }
    if !content.notes.is_empty() {
        let notes = markdown(&escaped(&content.notes.join("\n")));
        blocks.push(json!({"type": "context", "elements": [notes]}));
    }
    // Shown in notifications, and where blocks cannot be.
    let text = format!("{}\n{sentences}", escaped(&content.title));
    json!({"text": text, "blocks": blocks})
}

/// Returns whether Slack takes a message.
pub(super) fn fits(message: &Value) -> bool {
    let blocks = message["blocks"].as_array().map_or(&[][..], Vec::as_slice);
    let is_short = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        text.chars().count() <= MAX_SECTION_CHARS
    };
    let all: usize = blocks
        .iter()
        .map(|block| block.to_string().chars().count())
        .sum();
    blocks.len() <= MAX_BLOCKS
        && all < MAX_CHARS
        && blocks.iter().all(|block| {
            is_short(&block["text"]["text"]) && is_short(&block["elements"][0]["text"])
        })
}
