//! Tables for a terminal: columns of names and numbers that fit.

use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};

use super::page::{Page, middle};

/// Columns between two cells.
const GAP: usize = 2;

/// The least that a column of names is shortened to.
pub(super) const LEAST_NAME: usize = 14;

/// What a column of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Shortened in the middle if there is no room.
    Name,
    /// Text of a fixed width.
    Text,
    Number,
    /// The course over time.
    Course,
}

/// A column of a table, with its cells.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) title: String,
    pub(super) kind: Kind,
    pub(super) cells: Vec<String>,
}

impl Column {
    pub(super) fn new(title: &str, kind: Kind, cells: impl IntoIterator<Item = String>) -> Column {
        Column {
            title: title.to_owned(),
            kind,
            cells: cells.into_iter().collect(),
        }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.title]);
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or_default()
    }
}

/// The width of a table whose names are shortened to `names` at most.
pub(super) fn width(columns: &[Column], names: usize) -> usize {
    let widths = columns.iter().map(|column| match column.kind {
        Kind::Name => column.width().min(names),
        _ => column.width(),
    });
    widths.map(|width| width + GAP).sum()
}

impl Page {
    /// Writes a table with its titles; names are shortened until it fits.
    pub(super) fn table_of(&mut self, columns: &[Column]) -> fmt::Result {
        let longest = columns.iter().map(Column::width).max().unwrap_or_default();
        // Names may be very long, and each length costs a look at all cells.
        let longest = longest.clamp(LEAST_NAME, self.look.width.max(LEAST_NAME));
        let names = (LEAST_NAME..=longest)
            .rev()
            .find(|names| width(columns, *names) <= self.look.width)
            .unwrap_or(LEAST_NAME);
        let widths: Vec<usize> = columns
            .iter()
            .map(|column| match column.kind {
                Kind::Name => column.width().min(names),
                _ => column.width(),
            })
            .collect();
        let titles: Vec<&String> = columns.iter().map(|column| &column.title).collect();
        let titles = self.line(columns, &widths, &titles);
        let titles = self.dim(titles.trim_end());
        writeln!(self.out, "{titles}")?;
        let rows = columns.iter().map(|column| column.cells.len()).max();
        for row in 0..rows.unwrap_or_default() {
            let cells: Vec<&String> = columns
                .iter()
                .filter_map(|column| column.cells.get(row))
                .collect();
            let line = self.line(columns, &widths, &cells);
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn line(&self, columns: &[Column], widths: &[usize], cells: &[&String]) -> String {
        let mut line = String::new();
        for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
            let cell = middle(cell, *width);
            let padding = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
            line.push_str(&" ".repeat(GAP));
            line.push_str(&match column.kind {
                Kind::Number => format!("{padding}{cell}"),
                Kind::Course => {
                    format!("{}{padding}", self.style(Style::new().yellow(), &cell))
                }
                Kind::Name | Kind::Text => format!("{cell}{padding}"),
            });
        }
        line
    }
}
