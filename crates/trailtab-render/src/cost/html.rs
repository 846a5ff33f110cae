//! Writes a mail as HTML for mail programs: tables for layout and inline styles, because Outlook renders with Word's
//! engine and Gmail drops unknown markup. Must not load anything from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::body::{BodyColumn, BodyLine, BodyTable, MailBlock, MailBody};
use super::charts::PlacedChart;
use super::figures::ShownAmount;
use crate::escape;
use crate::page::middle;

/// Progressive enhancement: dark mode, and wrapping on narrow screens. The mail stays readable without it, and if a
/// program inverts the colours itself.
const STYLE: &str = "body{margin:0}img{border:0}\
small{font-size:12px}\
@media (max-width:480px){.s{display:block}}\
@media (prefers-color-scheme:dark){\
.bg{background:#14171a!important}.pg{background:#1e2327!important;color:#e7eaed!important}\
.m{color:#a9b3bd!important}.l td,.l th{border-color:#3b434b!important}\
.bx{background:#2a3036!important;color:#e7eaed!important}}";

const FONT: &str = "font-family:Helvetica,Arial,sans-serif;color:#1f2933";
/// Style of secondary text.
const MUTED: &str = "color:#5f6b7a;font-size:12px";
/// Style of secondary text in a row. The element `small` sets its size, which saves bytes in each row.
const SMALL: &str = "color:#5f6b7a";
/// Border above a row.
const RULE: &str = "border-top:1px solid #ddd";
/// Style of a row that is a sum.
const SUM: &str = "border-top:2px solid #8a94a0;font-weight:bold";
/// Columns shown of a name.
const MAX_NAME_WIDTH: usize = 90;

/// Writes a mail.
pub(super) fn html(body: &MailBody, pictures: &[PlacedChart]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (text(&body.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body.bg style="margin:0;padding:0;background:#f1f3f5" {
                div style="display:none;max-height:0;overflow:hidden" { (text(&body.preview)) }
                table.bg role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f1f3f5" {
                    tr { td align="center" style="padding:16px 6px" {
                        (PreEscaped("<!--[if mso]><table role=\"presentation\" width=\"640\" align=\"center\"><tr><td><![endif]-->"))
                        (sheet(body, pictures))
                        (PreEscaped("<!--[if mso]></td></tr></table><![endif]-->"))
                    } }
                }
            }
        }
    };
    page.into_string()
}

fn sheet(body: &MailBody, pictures: &[PlacedChart]) -> Markup {
    let style = format!(
        "padding:24px 18px;background:#ffffff;{FONT};font-size:14px;line-height:20px;text-align:left"
    );
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px" {
            tr { td.pg style=(style) {
                h1 style="margin:0;font-size:22px;line-height:28px;word-break:break-word" { (text(&body.title)) }
                p.m style="margin:2px 0 16px;color:#5f6b7a" { (text(&body.period)) }
                @for block in &body.blocks { (self::block(block, pictures)) "\n" }
                (footer(body))
            } }
        }
    }
}

fn block(block: &MailBlock, pictures: &[PlacedChart]) -> Markup {
    match block {
        MailBlock::Paragraph(words) => html! {
            p style="margin:0 0 12px;font-size:15px;line-height:22px;word-break:break-word" {
                @for (at, line) in words.lines().enumerate() { @if at != 0 { br; } (text(line)) }
            }
        },
        MailBlock::Notice { title, lines } => notice(title, lines),
        MailBlock::Heading(name) => html! {
            h2 style=(format!("margin:32px 0 4px;padding-top:16px;{SUM};font-size:18px;line-height:24px;word-break:break-word")) { (text(name)) }
        },
        MailBlock::Total { amount, lines } => html! {
            p style="margin:8px 0 16px" {
                span style="font-size:26px;line-height:34px;font-weight:bold" { (amount) }
                @for line in lines { br; span.m style="color:#5f6b7a" { (text(line)) } }
            }
        },
        MailBlock::Table(table) => self::table(table),
        MailBlock::Picture(at) => {
            html! { @if let Some(placed) = pictures.get(*at) { (picture(placed)) } }
        }
        MailBlock::Remark(words) => html! {
            p.m style=(format!("margin:0 0 12px;{MUTED};line-height:18px")) { (text(words)) }
        },
    }
}

fn notice(title: &str, lines: &[String]) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px" {
            tr { td.bx style="padding:10px 14px;background:#fdf3dc;color:#1f2933;border-left:4px solid #c88400;word-break:break-word" {
                b { (title) }
                @for line in lines { br; (text(line)) }
            } }
        }
    }
}

fn picture(placed: &PlacedChart) -> Markup {
    let picture = &placed.picture;
    html! {
        p style="margin:16px 0" {
            img src=(format!("cid:{}", picture.cid)) width=(picture.width) height=(picture.height) alt=(picture.alt)
                style="display:block;width:100%;max-width:600px;height:auto;background:#ffffff;color:#1f2933;font-size:12px";
        }
    }
}

fn table(table: &BodyTable) -> Markup {
    let style = format!(
        "margin:8px 0 20px;border-collapse:collapse;{FONT};font-size:14px;line-height:18px"
    );
    html! {
        table.pg.l width="100%" cellpadding="5" cellspacing="0" border="0" style=(style) {
            tr valign="bottom" {
                th align="left" style="padding-left:0;font-size:15px;line-height:20px" { (text(&table.name)) }
                (column(&table.period, "32%"))
                (column(&table.day, "26%"))
            }
            @for line in &table.lines { (row(line)) }
        }
    }
}

fn column(column: &BodyColumn, width: &str) -> Markup {
    html! {
        th align="right" nowrap width=(width) style="padding-right:0;font-size:13px" {
            (text(&column.name))
            @if let Some(against) = &column.against { br; span.m style=(format!("{MUTED};font-weight:normal")) { (text(against)) } }
        }
    }
}

fn row(line: &BodyLine) -> Markup {
    let rule = if line.is_sum { SUM } else { RULE };
    html! {
        tr valign="top" {
            td style=(format!("{rule};padding-left:0;word-break:break-word")) {
                (text(&line.name))
                @if let Some(place) = &line.place { br; small.m style=(SMALL) { (text(place)) } }
            }
            (amount(&line.period, rule))
            (amount(&line.day, rule))
        }
    }
}

fn amount(amount: &ShownAmount, rule: &str) -> Markup {
    let style = match rule {
        SUM => "color:#5f6b7a;font-weight:normal",
        _ => SMALL,
    };
    html! {
        td align="right" nowrap style=(format!("{rule};padding-right:0")) {
            (amount.text)
            @if let Some(change) = &amount.change {
                br;
                small.m style=(style) {
                    (change.words()) @if let Some(share) = &change.share { " " span.s { "(" (share) ")" } }
                }
            }
        }
    }
}

fn footer(body: &MailBody) -> Markup {
    html! {
        p.m style=(format!("margin:28px 0 0;padding-top:12px;{RULE};{MUTED};line-height:17px;word-break:break-word")) {
            @for (at, line) in body.footer.iter().enumerate() { @if at != 0 { br; } (text(line)) }
        }
    }
}

/// Escapes control characters of untrusted text, which makes it a single line, and limits its length. `html!` escapes
/// markup.
fn text(words: &str) -> String {
    match words.len() <= MAX_NAME_WIDTH {
        true => escape::terminal(words).into_owned(),
        false => sentence(words),
    }
}

/// Limits a sentence: at most 200 words of at most [`MAX_NAME_WIDTH`] columns, 900 columns in all.
fn sentence(words: &str) -> String {
    let words = escape::terminal(words);
    let words: Vec<String> = words
        .split(' ')
        .take(200)
        .map(|word| middle(word, MAX_NAME_WIDTH))
        .collect();
    middle(&words.join(" "), 900)
}
