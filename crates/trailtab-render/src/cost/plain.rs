//! Writes a mail as plain text, with the same numbers as the HTML.

use std::fmt::{self, Write as _};

use console::measure_text_width;

use super::body::{BodyColumn, BodyLine, BodyTable, MailBlock, MailBody};
use super::charts::PlacedChart;
use super::figures::{AmountChange, ShownAmount};
use crate::escape;
use crate::page::middle;

/// Line width in columns; mail programs wrap longer lines.
const LINE_WIDTH: usize = 78;
/// Spaces before each number.
const COLUMN_GAP: usize = 2;
/// Minimum width of the name column; longer names than fit get a line of their own.
const MIN_NAME_WIDTH: usize = 12;

/// Writes a mail.
pub(super) fn plain(body: &MailBody, pictures: &[PlacedChart]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, body, pictures);
    out
}

fn write(out: &mut String, body: &MailBody, pictures: &[PlacedChart]) -> fmt::Result {
    let title = middle(&escape::terminal(&body.title), LINE_WIDTH);
    writeln!(out, "{title}\n{}", "=".repeat(measure_text_width(&title)))?;
    writeln!(out, "{}\n", escape::terminal(&body.period))?;
    for block in &body.blocks {
        self::block(out, block, pictures)?;
    }
    writeln!(out, "-- ")?;
    for line in &body.footer {
        paragraph(out, line, 0)?;
    }
    Ok(())
}

fn block(out: &mut String, block: &MailBlock, pictures: &[PlacedChart]) -> fmt::Result {
    match block {
        MailBlock::Paragraph(words) => {
            words.lines().try_for_each(|line| paragraph(out, line, 0))?;
        }
        MailBlock::Remark(words) => paragraph(out, words, 0)?,
        MailBlock::Notice { title, lines } => {
            writeln!(out, "! {title}")?;
            lines.iter().try_for_each(|line| paragraph(out, line, 2))?;
        }
        MailBlock::Heading(name) => {
            let name = middle(&escape::terminal(name), LINE_WIDTH);
            writeln!(out, "{name}\n{}", "-".repeat(measure_text_width(&name)))?;
        }
        MailBlock::Total { amount, lines } => {
            writeln!(out, "  {amount}")?;
            lines.iter().try_for_each(|line| paragraph(out, line, 2))?;
        }
        MailBlock::Table(table) => self::table(out, table)?,
        MailBlock::Picture(at) => {
            let Some(placed) = pictures.get(*at) else {
                return Ok(());
            };
            let name = &placed.picture.name;
            writeln!(out, "[{}]", middle(name, LINE_WIDTH - 2))?;
        }
    }
    writeln!(out)
}

/// Writes a table: name, amount, change, amount of the last day, change.
fn table(out: &mut String, table: &BodyTable) -> fmt::Result {
    let heads = heads(table);
    let laid_out = |with_shares| {
        let of = |line| cells(line, with_shares);
        let cells: Vec<[String; 4]> = table.lines.iter().map(of).collect();
        let mut widths = [0; 4];
        for cells in cells.iter().chain(&heads) {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        let numbers: usize = widths.iter().map(|width| width + COLUMN_GAP).sum();
        (cells, widths, numbers)
    };
    // Drops percentages if names would not fit.
    let (mut cells, mut widths, mut numbers) = laid_out(true);
    if LINE_WIDTH < numbers + MIN_NAME_WIDTH {
        (cells, widths, numbers) = laid_out(false);
    }
    let room = LINE_WIDTH.saturating_sub(numbers).max(MIN_NAME_WIDTH);
    let [first, second] = &heads;
    let name = escape::terminal(&table.name);
    row(out, &name, first, &widths, room)?;
    row(out, "", second, &widths, room)?;
    let rule = "-".repeat(room + numbers);
    writeln!(out, "{rule}")?;
    for (line, cells) in table.lines.iter().zip(&cells) {
        if line.is_sum {
            writeln!(out, "{rule}")?;
        }
        let place = line.place.as_ref().map(|place| format!(" {place}"));
        let name = format!("{}{}", line.name, place.unwrap_or_default());
        row(out, &escape::terminal(&name), cells, &widths, room)?;
    }
    Ok(())
}

/// The two heading lines of a table: what is shown, and what it is compared against.
fn heads(table: &BodyTable) -> [[String; 4]; 2] {
    let name = |column: &BodyColumn| escape::terminal(&column.name).into_owned();
    let against = |column: &BodyColumn| {
        let against = column.against.as_deref().unwrap_or("");
        against.strip_prefix("vs ").unwrap_or(against).to_owned()
    };
    let vs = |column: &BodyColumn| {
        column
            .against
            .iter()
            .map(|_| "change vs")
            .collect::<String>()
    };
    let (period, day) = (&table.period, &table.day);
    [
        [name(period), vs(period), name(day), vs(day)],
        [String::new(), against(period), String::new(), against(day)],
    ]
}

fn cells(line: &BodyLine, with_shares: bool) -> [String; 4] {
    let change = |amount: &ShownAmount| match &amount.change {
        Some(AmountChange { text, share, .. }) => match share.as_deref() {
            Some(share) if with_shares || share == "new" => format!("{text} {share}"),
            _ => text.clone(),
        },
        None => String::new(),
    };
    let (period, day) = (&line.period, &line.day);
    [
        period.text.clone(),
        change(period),
        day.text.clone(),
        change(day),
    ]
}

fn row(
    out: &mut String,
    name: &str,
    cells: &[String; 4],
    widths: &[usize; 4],
    room: usize,
) -> fmt::Result {
    let mut line = String::new();
    if room < measure_text_width(name) {
        writeln!(out, "{}", middle(name, LINE_WIDTH))?;
        write!(line, "{:room$}", "")?;
    } else {
        let padding = room - measure_text_width(name);
        write!(line, "{name}{:padding$}", "")?;
    }
    for (cell, width) in cells.iter().zip(widths) {
        let padding = COLUMN_GAP + width.saturating_sub(measure_text_width(cell));
        write!(line, "{:padding$}{cell}", "")?;
    }
    writeln!(out, "{}", line.trim_end())
}

/// Wraps a text; a word longer than a line is cut in the middle. Writes at most 300 words.
fn paragraph(out: &mut String, words: &str, indent: usize) -> fmt::Result {
    let words = escape::terminal(words);
    let mut line = String::new();
    for word in words.split(' ').take(300) {
        let word = middle(word, LINE_WIDTH - indent);
        let used = measure_text_width(&line);
        if used != 0 && LINE_WIDTH - indent < used + 1 + measure_text_width(&word) {
            writeln!(out, "{:indent$}{line}", "")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += &word;
    }
    writeln!(out, "{:indent$}{line}", "")
}
