//! Writes a document as HTML for mail programs: tables for layout and inline styles, because Outlook renders with
//! Word's engine and Gmail drops unknown markup. Must not load anything from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::amount::{AmountChange, headline};
use super::table::{ColumnCells, ColumnKind, MoneyCells, Table, TableColumn};
use super::{Block, Document, KeyFigures, Notice, PictureRef};
use crate::chart::PICTURE_OPACITY_PERCENT;
use crate::escape;
use crate::page::middle;
use trailtab_core::cost::money;

/// Progressive enhancement: dark mode, and wrapping on narrow screens. The mail stays readable without it, and if a
/// program inverts the colours itself.
const STYLE: &str = "body{margin:0}img{border:0}\
small{font-size:12px}.dr svg{width:100%;height:auto}\
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

/// Where a picture is found, and its size in CSS pixels.
#[derive(Debug)]
pub(crate) enum PictureSource<'p> {
    /// A PNG that is attached to the mail. Its paper is light in dark mode too: mail programs that know dark mode
    /// ignore `<picture>` or `<source>`, and those that do not would attach a second picture.
    Attached {
        /// The content ID.
        cid: &'p str,
        width: u16,
        height: u16,
    },
    /// SVG, which has colours for dark mode.
    Drawing { svg: &'p str, width: u16 },
}

/// Returns where a picture is found.
type Resolve<'r, 'p> = &'r dyn Fn(&PictureRef) -> Option<PictureSource<'p>>;

/// Writes a document. Leaves out pictures that are not found.
pub(crate) fn html(document: &Document, resolve: Resolve<'_, '_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (text(&document.title)) }
                style { (PreEscaped(style())) }
            }
            body.bg style="margin:0;padding:0;background:#f1f3f5" {
                div style="display:none;max-height:0;overflow:hidden" { (text(&document.preview)) }
                table.bg role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f1f3f5" {
                    tr { td align="center" style="padding:16px 6px" {
                        (PreEscaped("<!--[if mso]><table role=\"presentation\" width=\"640\" align=\"center\"><tr><td><![endif]-->"))
                        (sheet(document, resolve))
                        (PreEscaped("<!--[if mso]></td></tr></table><![endif]-->"))
                    } }
                }
            }
        }
    };
    page.into_string()
}

fn style() -> String {
    // Pictures on light paper do not glare.
    format!(
        "{STYLE}@media (prefers-color-scheme:dark){{.ch{{opacity:.{PICTURE_OPACITY_PERCENT}}}}}"
    )
}

fn sheet(document: &Document, resolve: Resolve<'_, '_>) -> Markup {
    let style = format!(
        "padding:24px 18px;background:#ffffff;{FONT};font-size:14px;line-height:20px;text-align:left"
    );
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px" {
            tr { td.pg style=(style) {
                h1 style="margin:0;font-size:22px;line-height:28px;word-break:break-word" { (text(&document.title)) }
                p.m style="margin:2px 0 16px;color:#5f6b7a" { (text(&document.subtitle)) }
                @for notice in &document.notices { (self::notice(notice)) "\n" }
                @for block in &document.blocks { (self::block(block, resolve)) "\n" }
                (notes(&document.notes))
            } }
        }
    }
}

fn block(block: &Block, resolve: Resolve<'_, '_>) -> Markup {
    match block {
        Block::Paragraph(words) => html! {
            p style="margin:0 0 12px;font-size:15px;line-height:22px;word-break:break-word" { (lines(words)) }
        },
        Block::Remark(words) => html! {
            p.m style=(format!("margin:0 0 12px;{MUTED};line-height:18px")) { (text(words)) }
        },
        Block::Heading(name) => html! {
            h2 style=(format!("margin:32px 0 4px;padding-top:16px;{SUM};font-size:18px;line-height:24px;word-break:break-word")) { (text(name)) }
        },
        Block::Figures(figures) => self::figures(figures),
        Block::Table(table) => self::table(table),
        Block::Picture(picture) => {
            html! { @if let Some(source) = resolve(picture) { (self::picture(picture, &source)) } }
        }
    }
}

fn figures(figures: &KeyFigures) -> Markup {
    let (amount, lines) = headline(figures);
    html! {
        p style="margin:8px 0 16px" {
            span style="font-size:26px;line-height:34px;font-weight:bold" { (amount) }
            @for line in &lines { br; span.m style="color:#5f6b7a" { (text(line)) } }
        }
    }
}

/// Texts with line breaks between them.
fn lines(texts: &[String]) -> Markup {
    html! { @for (at, line) in texts.iter().enumerate() { @if at != 0 { br; } (text(line)) } }
}

fn notice(notice: &Notice) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px" {
            tr { td.bx style="padding:10px 14px;background:#fdf3dc;color:#1f2933;border-left:4px solid #c88400;word-break:break-word" {
                b { (text(&notice.title)) }
                @for line in &notice.lines { br; (text(line)) }
            } }
        }
    }
}

fn picture(picture: &PictureRef, source: &PictureSource<'_>) -> Markup {
    let width = |width: &u16| format!("display:block;width:100%;max-width:{width}px;height:auto");
    html! {
        p style="margin:16px 0" {
            @match source {
                PictureSource::Attached { cid, width: pixels, height } => {
                    img.ch src=(format!("cid:{cid}")) width=(pixels) height=(height) alt=(text(&picture.alt))
                        style=(format!("{};background:#ffffff;color:#1f2933;font-size:12px", width(pixels)));
                }
                PictureSource::Drawing { svg, width: pixels } => {
                    // The size in the SVG is that of a file.
                    span.dr style=(width(pixels)) { (PreEscaped(svg)) }
                }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    let style = format!(
        "margin:8px 0 20px;border-collapse:collapse;{FONT};font-size:14px;line-height:18px"
    );
    // A place stands below its name.
    let is_place =
        |column: &&TableColumn| matches!(column.cells, ColumnCells::Text(ColumnKind::Place, _));
    let places = table.columns.iter().find(is_place);
    let columns = table.columns.iter().filter(|column| !is_place(column));
    let columns: Vec<&TableColumn> = columns.collect();
    html! {
        table.pg.l width="100%" cellpadding="5" cellspacing="0" border="0" style=(style) {
            tr valign="bottom" {
                th align="left" style="padding-left:0;font-size:15px;line-height:20px" { (text(&table.title)) }
                @for column in columns.iter().skip(1) { (head(column)) }
            }
            @for row in 0..table.len() {
                @let rule = if table.is_sum(row) { SUM } else { RULE };
                tr valign="top" {
                    @for (at, column) in columns.iter().enumerate() {
                        @match &column.cells {
                            ColumnCells::Text(kind, cells) => {
                                @let below = places.filter(|_| at == 0).and_then(|places| text_of(places, row));
                                (cell(*kind, cells.get(row), below, rule))
                            }
                            ColumnCells::Money(money) => (amount(money, row, rule)),
                        }
                    }
                }
            }
        }
    }
}

/// The text of a cell, unless it is empty.
fn text_of(column: &TableColumn, row: usize) -> Option<&String> {
    match &column.cells {
        ColumnCells::Text(_, cells) => cells.get(row).filter(|cell| !cell.is_empty()),
        ColumnCells::Money(_) => None,
    }
}

fn head(column: &TableColumn) -> Markup {
    let ColumnCells::Money(money) = &column.cells else {
        return html! {
            th align="right" style="padding-right:0;font-size:13px" { (text(&column.title)) }
        };
    };
    let width = match column.dispensable {
        None => "32%",
        Some(_) => "26%",
    };
    html! {
        th align="right" nowrap width=(width) style="padding-right:0;font-size:13px" {
            (text(&money.days))
            @if let Some(against) = &money.against {
                br; span.m style=(format!("{MUTED};font-weight:normal")) { "vs " (text(against)) }
            }
        }
    }
}

/// A cell of text, with a place below a name.
fn cell(kind: ColumnKind, words: Option<&String>, below: Option<&String>, rule: &str) -> Markup {
    let words = words.map_or("", String::as_str);
    match kind {
        ColumnKind::Name | ColumnKind::Place => html! {
            td style=(format!("{rule};padding-left:0;word-break:break-word")) {
                (text(words))
                @if let Some(below) = below { br; small.m style=(SMALL) { (text(below)) } }
            }
        },
        ColumnKind::Text | ColumnKind::Note | ColumnKind::Number | ColumnKind::Course => html! {
            td align="right" style=(format!("{rule};padding-right:0")) { (text(words)) }
        },
    }
}

/// A cell of money, with the change below the amount.
fn amount(money: &MoneyCells, row: usize, rule: &str) -> Markup {
    let style = match rule {
        SUM => "color:#5f6b7a;font-weight:normal",
        _ => SMALL,
    };
    let (amount, before) = money.amounts.get(row).copied().unwrap_or_default();
    let change = before.map(|before| AmountChange::new(amount, before, &money.currency));
    let change = change.filter(|change| !change.words().is_empty());
    html! {
        td align="right" nowrap style=(format!("{rule};padding-right:0")) {
            (money::words(amount, &money.currency))
            @if let Some(change) = &change {
                br;
                small.m style=(style) {
                    (change.words()) @if let Some(share) = &change.share { " " span.s { "(" (share) ")" } }
                }
            }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    html! {
        p.m style=(format!("margin:28px 0 0;padding-top:12px;{RULE};{MUTED};line-height:17px;word-break:break-word")) {
            (lines(notes))
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
