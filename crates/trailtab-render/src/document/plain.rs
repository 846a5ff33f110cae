//! Writes a document as the plain text of a mail, with the same numbers as its HTML.

use std::fmt::{self, Write as _};

use console::measure_text_width;

use super::amount::{AmountChange, NEW, headline};
use super::table::{ColumnCells, ColumnKind, MoneyCells, Table};
use super::{Block, Document};
use crate::escape;
use crate::page::{fitting_words, middle, wrap};
use trailtab_core::cost::money;

/// Line width in columns; mail programs wrap longer lines.
const LINE_WIDTH: usize = 78;
/// Spaces before each number.
const COLUMN_GAP: usize = 2;
/// Minimum width of the name column; longer names than fit get a line of their own.
const MIN_NAME_WIDTH: usize = 12;

/// Writes a document.
pub(crate) fn plain(document: &Document) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, document);
    out
}

fn write(out: &mut String, document: &Document) -> fmt::Result {
    underlined(out, &document.title, "=")?;
    writeln!(out, "{}\n", escape::terminal(&document.subtitle))?;
    for notice in &document.notices {
        paragraph(out, &format!("! {}", notice.title), 0)?;
        let mut lines = notice.lines.iter();
        lines.try_for_each(|line| paragraph(out, line, 2))?;
        writeln!(out)?;
    }
    for block in &document.blocks {
        self::block(out, block)?;
        writeln!(out)?;
    }
    writeln!(out, "-- ")?;
    for note in &document.notes {
        paragraph(out, note, 0)?;
    }
    Ok(())
}

fn block(out: &mut String, block: &Block) -> fmt::Result {
    match block {
        Block::Paragraph(lines) => lines.iter().try_for_each(|line| paragraph(out, line, 0)),
        Block::Remark(words) => paragraph(out, words, 0),
        Block::Heading(name) => underlined(out, name, "-"),
        Block::Figures(figures) => {
            let (amount, lines) = headline(figures);
            writeln!(out, "  {amount}")?;
            lines.iter().try_for_each(|line| paragraph(out, line, 2))
        }
        Block::Table(table) => self::table(out, table),
        Block::Picture(picture) => {
            let name = escape::terminal(&picture.name);
            writeln!(out, "[{}]", middle(&name, LINE_WIDTH - 2))
        }
    }
}

fn underlined(out: &mut String, heading: &str, rule: &str) -> fmt::Result {
    let heading = middle(&escape::terminal(heading), LINE_WIDTH);
    writeln!(
        out,
        "{heading}\n{}",
        rule.repeat(measure_text_width(&heading))
    )
}

/// A column of numbers, or of text other than the name.
struct PlainColumn {
    /// Two lines: what it shows, and what that is compared with.
    heads: [String; 2],
    cells: Vec<String>,
}

impl PlainColumn {
    fn width(&self) -> usize {
        let cells = self.cells.iter().chain(&self.heads);
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or_default()
    }
}

/// Writes a table. Names that do not fit get a line of their own.
fn table(out: &mut String, table: &Table) -> fmt::Result {
    let laid_out = |with_shares| {
        let columns = columns(table, with_shares);
        let widths = columns.iter().map(PlainColumn::width);
        let numbers: usize = widths.map(|width| width + COLUMN_GAP).sum();
        (columns, numbers)
    };
    // Drops percentages if names would not fit.
    let (mut columns, mut numbers) = laid_out(true);
    if LINE_WIDTH < numbers + MIN_NAME_WIDTH {
        (columns, numbers) = laid_out(false);
    }
    let room = LINE_WIDTH.saturating_sub(numbers).max(MIN_NAME_WIDTH);
    let heads = |line: usize| {
        columns
            .iter()
            .map(move |column| column.heads[line].as_str())
    };
    row(out, &table.title, &columns, heads(0), room)?;
    row(out, "", &columns, heads(1), room)?;
    let rule = "-".repeat(room + numbers);
    writeln!(out, "{rule}")?;
    for (at, name) in names(table).iter().enumerate() {
        if table.is_sum(at) {
            writeln!(out, "{rule}")?;
        }
        let cells = columns.iter();
        let cells = cells.map(|column| column.cells.get(at).map_or("", String::as_str));
        row(out, name, &columns, cells, room)?;
    }
    Ok(())
}

/// The name of each row, and its place.
fn names(table: &Table) -> Vec<String> {
    let mut names = vec![String::new(); table.len()];
    for column in &table.columns {
        if let ColumnCells::Text(ColumnKind::Name | ColumnKind::Place, cells) = &column.cells {
            for (name, cell) in names
                .iter_mut()
                .zip(cells)
                .filter(|(_, cell)| !cell.is_empty())
            {
                if !name.is_empty() {
                    name.push(' ');
                }
                name.push_str(cell);
            }
        }
    }
    names
}

fn columns(table: &Table, with_shares: bool) -> Vec<PlainColumn> {
    let columns = table.columns.iter().flat_map(|column| match &column.cells {
        ColumnCells::Text(ColumnKind::Name | ColumnKind::Place, _) => Vec::new(),
        ColumnCells::Text(_, cells) => vec![PlainColumn {
            heads: [safe(&column.title), String::new()],
            cells: cells.iter().map(|cell| safe(cell)).collect(),
        }],
        ColumnCells::Money(money) => amounts(money, with_shares).into(),
    });
    columns.collect()
}

fn safe(text: &str) -> String {
    escape::terminal(text).into_owned()
}

/// The columns of amounts and of their changes.
fn amounts(money: &MoneyCells, with_shares: bool) -> [PlainColumn; 2] {
    let change = |(amount, before): &(_, Option<_>)| {
        let change = before.map(|before| AmountChange::new(*amount, before, &money.currency));
        change.map_or_else(
            String::new,
            |AmountChange { text, share, .. }| match share {
                Some(share) if with_shares || share == NEW => format!("{text} {share}"),
                _ => text,
            },
        )
    };
    let amounts = money.amounts.iter();
    let words = amounts
        .clone()
        .map(|(amount, _)| money::words(*amount, &money.currency));
    let heads = match &money.against {
        Some(against) => ["change vs".to_owned(), safe(against)],
        None => [String::new(), String::new()],
    };
    [
        PlainColumn {
            heads: [safe(&money.days), String::new()],
            cells: words.collect(),
        },
        PlainColumn {
            heads,
            cells: amounts.map(change).collect(),
        },
    ]
}

fn row<'c>(
    out: &mut String,
    name: &str,
    columns: &[PlainColumn],
    cells: impl Iterator<Item = &'c str>,
    room: usize,
) -> fmt::Result {
    let name = escape::terminal(name);
    let mut line = String::new();
    if room < measure_text_width(&name) {
        writeln!(out, "{}", middle(&name, LINE_WIDTH))?;
        write!(line, "{:room$}", "")?;
    } else {
        let padding = room - measure_text_width(&name);
        write!(line, "{name}{:padding$}", "")?;
    }
    for (column, cell) in columns.iter().zip(cells) {
        let padding = COLUMN_GAP + column.width().saturating_sub(measure_text_width(cell));
        write!(line, "{:padding$}{cell}", "")?;
    }
    writeln!(out, "{}", line.trim_end())
}

/// Wraps a text; a word longer than a line is cut in the middle. Writes at most 300 words.
fn paragraph(out: &mut String, words: &str, indent: usize) -> fmt::Result {
    let room = LINE_WIDTH - indent;
    let words = escape::terminal(words);
    let words: Vec<&str> = words.split(' ').take(300).collect();
    let mut lines = wrap(&fitting_words(&words.join(" "), room), room).into_iter();
    lines.try_for_each(|line| writeln!(out, "{:indent$}{line}", ""))
}
