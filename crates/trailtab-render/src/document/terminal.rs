//! Writes documents and tables for a terminal. No line of a table may be wider than the page.

use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};
use trailtab_core::cost::money;

use super::amount::AmountChange;
use super::table::{ColumnCells, ColumnKind, MoneyCells, Table, TableColumn};
use super::{Block, Document, KeyFigures, Notice};
use crate::escape;
use crate::page::{TextPage, fitting_words, middle};

/// Terminal columns before each cell.
const COLUMN_GAP: usize = 2;

/// Names are shortened to this width before columns are dropped.
const FULL_NAME_WIDTH: usize = 72;

/// Names are shortened to this width before columns of order 0 are dropped.
const LEGIBLE_NAME_WIDTH: usize = 20;

/// Names are never shortened below this width; a line that is still too wide is cut at its end.
const MIN_NAME_WIDTH: usize = 4;

/// Longest name of compared days that is used as a column title.
const MAX_DAYS_TITLE_CHARS: usize = 16;

/// A column of text, escaped for a terminal.
struct TextColumn {
    title: String,
    kind: ColumnKind,
    cells: Vec<String>,
    dispensable: Option<u8>,
    narrower: Option<TableColumn>,
}

impl TextColumn {
    /// The columns that show a column of a table: several for amounts with a comparison.
    fn all_of(column: TableColumn) -> Vec<TextColumn> {
        let TableColumn {
            title,
            cells,
            dispensable,
            narrower,
        } = column;
        let of = |title: &str, kind, cells: Vec<String>, dispensable| TextColumn {
            title: safe(title),
            kind,
            cells: cells.iter().map(|cell| safe(cell)).collect(),
            dispensable,
            narrower: None,
        };
        let money = match cells {
            ColumnCells::Money(money) => money,
            ColumnCells::Text(kind, cells) => {
                let column = of(&title, kind, cells, dispensable);
                let narrower = narrower.map(|narrower| *narrower);
                return vec![TextColumn { narrower, ..column }];
            }
        };
        let number =
            |title: &str, cells, dispensable| of(title, ColumnKind::Number, cells, dispensable);
        let mut columns = vec![number(&title, amounts(&money), dispensable)];
        if let (Some(against), None) = (&money.against, dispensable) {
            let title = match against.chars().count() > MAX_DAYS_TITLE_CHARS {
                true => "before",
                false => against,
            };
            columns.push(number(title, befores(&money), Some(2)));
            let changes = changes(&money, |change| Some(change.text.clone()));
            columns.push(number("change", changes, Some(0)));
            let shares = self::changes(&money, AmountChange::signed_percent);
            if shares.iter().any(|share| !share.is_empty()) {
                columns.push(number("", shares, Some(3)));
            }
        }
        columns
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.title]);
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or_default()
    }

    /// The width if names have at most `names` columns.
    fn width_with(&self, names: usize) -> usize {
        match self.kind {
            ColumnKind::Name | ColumnKind::Place => self.width().min(names),
            _ => self.width(),
        }
    }
}

fn amounts(money: &MoneyCells) -> Vec<String> {
    let amounts = money.amounts.iter();
    amounts
        .map(|(amount, _)| money::words(*amount, &money.currency))
        .collect()
}

fn befores(money: &MoneyCells) -> Vec<String> {
    let words = |before| money::words(before, &money.currency);
    let amounts = money.amounts.iter();
    amounts
        .map(|(_, before)| before.map(words).unwrap_or_default())
        .collect()
}

fn changes(money: &MoneyCells, part: impl Fn(&AmountChange) -> Option<String>) -> Vec<String> {
    let change = |(amount, before): &(_, Option<_>)| {
        let change = AmountChange::new(*amount, (*before)?, &money.currency);
        part(&change)
    };
    let amounts = money.amounts.iter();
    amounts
        .map(|cell| change(cell).unwrap_or_default())
        .collect()
}

fn safe(text: &str) -> String {
    escape::terminal(text).into_owned()
}

/// The width of a table whose names have at most `names` columns.
fn width(columns: &[TextColumn], names: usize) -> usize {
    let widths = columns.iter().map(|column| column.width_with(names));
    widths.map(|width| width + COLUMN_GAP).sum()
}

/// Drops columns until the names fit or no column may be dropped.
fn fit(mut columns: Vec<TextColumn>, room: usize) -> Vec<TextColumn> {
    loop {
        let dispensable = columns.iter().enumerate();
        let dispensable = dispensable.filter_map(|(at, column)| Some((column.dispensable?, at)));
        let Some((order, at)) = dispensable.max() else {
            break;
        };
        let names = if order == 0 {
            LEGIBLE_NAME_WIDTH
        } else {
            FULL_NAME_WIDTH
        };
        if width(&columns, names) <= room {
            break;
        }
        let left_out = columns.remove(at);
        if let Some(narrower) = left_out.narrower {
            columns.splice(at..at, TextColumn::all_of(narrower));
        }
    }
    columns
}

impl TextPage {
    /// Writes a document.
    pub(crate) fn document(&mut self, document: Document) -> fmt::Result {
        let title = middle(&safe(&document.title), self.look.width);
        let title = self.bold(&title);
        writeln!(self.out, "{title}")?;
        self.paragraph(&document.subtitle, 0, &Style::new().dim())?;
        let mut is_paragraph = false;
        for block in document.blocks {
            let follows =
                std::mem::replace(&mut is_paragraph, matches!(block, Block::Paragraph(_)));
            if is_paragraph && !follows {
                writeln!(self.out)?;
            }
            self.block(block)?;
        }
        for notice in &document.notices {
            self.notice(notice)?;
        }
        if !document.notes.is_empty() {
            self.heading("Notes")?;
        }
        for note in &document.notes {
            self.paragraph(note, 2, &Style::new().dim())?;
        }
        Ok(())
    }

    fn block(&mut self, block: Block) -> fmt::Result {
        match block {
            Block::Paragraph(lines) => {
                let mut lines = lines.iter();
                lines.try_for_each(|line| {
                    let line = fitting_words(&safe(line), self.look.width);
                    self.paragraph(&line, 0, &Style::new())
                })
            }
            Block::Remark(words) => self.paragraph(&words, 0, &Style::new().dim()),
            Block::Heading(name) => self.heading(&name),
            Block::Figures(figures) => {
                self.heading(&figures.title)?;
                self.table(self::figures(&figures))?;
                let mut remarks = figures.remarks.iter();
                remarks.try_for_each(|remark| self.paragraph(remark, 2, &Style::new()))
            }
            Block::Table(Table { title, columns, .. }) => {
                self.heading(&title)?;
                self.table(columns)
            }
            Block::Picture(_) => Ok(()),
        }
    }

    fn notice(&mut self, notice: &Notice) -> fmt::Result {
        let style = match notice.is_fault {
            true => Style::new().red(),
            false => Style::new(),
        };
        let title = self.style(style.clone().bold(), &safe(&notice.title));
        writeln!(self.out, "\n{title}")?;
        let mut lines = notice.lines.iter();
        lines.try_for_each(|line| self.paragraph(line, 2, &style))
    }

    /// Writes an empty line and a heading.
    pub(crate) fn heading(&mut self, heading: &str) -> fmt::Result {
        let heading = middle(&safe(heading), self.look.width);
        let heading = self.bold(&heading);
        writeln!(self.out, "\n{heading}")
    }

    /// Writes a table.
    pub(crate) fn table(&mut self, columns: Vec<TableColumn>) -> fmt::Result {
        let mut lines = self.table_lines(columns).into_iter();
        lines.try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// Lays a table out: a line of titles unless all are empty, and a line for each row. Drops dispensable columns
    /// before shortening names.
    pub(crate) fn table_lines(&self, columns: Vec<TableColumn>) -> Vec<String> {
        let mut lines = Vec::new();
        let room = self.look.width;
        let columns = columns.into_iter().flat_map(TextColumn::all_of);
        let columns = fit(columns.collect(), room);
        // Starts at the page's width, not at the longest name: each step measures all cells.
        let names = (MIN_NAME_WIDTH..=room.max(MIN_NAME_WIDTH))
            .rev()
            .find(|names| width(&columns, *names) <= room)
            .unwrap_or(MIN_NAME_WIDTH);
        let widths: Vec<usize> = columns
            .iter()
            .map(|column| column.width_with(names))
            .collect();
        if columns.iter().any(|column| !column.title.is_empty()) {
            let titles = columns.iter().zip(&widths);
            let titles: String = titles
                .map(|(column, width)| padded(column.kind, &column.title, *width))
                .collect();
            lines.push(self.dim(&cut(titles.trim_end(), room)));
        }
        let rows = columns.iter().map(|column| column.cells.len()).max();
        for row in 0..rows.unwrap_or_default() {
            let mut line = String::new();
            let mut used = 0;
            for (column, width) in columns.iter().zip(&widths) {
                let cell = column.cells.get(row).map_or("", String::as_str);
                let cell = padded(column.kind, cell, *width);
                let cell = cut(&cell, room.saturating_sub(used));
                used += measure_text_width(&cell);
                line.push_str(&match column.kind {
                    ColumnKind::Course => self.style(Style::new().yellow(), &cell),
                    ColumnKind::Note => self.dim(&cell),
                    ColumnKind::Name
                    | ColumnKind::Place
                    | ColumnKind::Text
                    | ColumnKind::Number => cell,
                });
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// The table of key figures: a row for the days, and one for the days compared with.
fn figures(figures: &KeyFigures) -> Vec<TableColumn> {
    let mut rows = Vec::new();
    for figure in &figures.figures {
        rows.push((figure.days.as_str(), figure.amount, None));
        if let Some((days, before)) = &figure.before {
            let change = AmountChange::new(figure.amount, *before, &figures.currency);
            rows.push((days, *before, Some(change.text)));
        }
    }
    let amounts = rows
        .iter()
        .map(|(_, amount, _)| money::words(*amount, &figures.currency));
    let days = rows.iter().map(|(days, ..)| (*days).to_owned());
    let changes = rows
        .iter()
        .map(|(.., change)| change.clone().unwrap_or_default());
    vec![
        TableColumn::new("days", ColumnKind::Name, days),
        TableColumn::new("amount", ColumnKind::Number, amounts),
        TableColumn::new("change since", ColumnKind::Number, changes),
    ]
}

/// A cell padded to its column's width, with the gap before it.
fn padded(kind: ColumnKind, cell: &str, width: usize) -> String {
    let cell = match kind {
        ColumnKind::Name | ColumnKind::Place => shortened(cell, width),
        _ => cell.to_owned(),
    };
    let padding = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
    let gap = " ".repeat(COLUMN_GAP);
    match kind {
        ColumnKind::Number => format!("{gap}{padding}{cell}"),
        _ => format!("{gap}{cell}{padding}"),
    }
}

/// Cuts a line at its end to fit `room`.
fn cut(line: &str, room: usize) -> String {
    if measure_text_width(line) <= room {
        return line.to_owned();
    }
    let mut out = String::new();
    for character in line.chars() {
        out.push(character);
        if measure_text_width(&out) > room {
            out.pop();
            break;
        }
    }
    out
}

/// Shortens a name. A principal (`111122223333:role/name`) loses its kind first, then the account's first digits, and
/// last part of its own name, which identifies it. Other names lose their middle.
fn shortened(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let Some((account, name)) = principal(text) else {
        return middle(text, width);
    };
    let end = &account[account.len() - 4..];
    let heads = [format!("{account}:…/"), format!("…{end}:…/")];
    let room = |head: &str| width.saturating_sub(measure_text_width(head));
    let fitting = heads
        .iter()
        .find(|head| measure_text_width(name) <= room(head));
    match fitting {
        Some(head) => format!("{head}{name}"),
        None => {
            let head = format!("…{end}:…/");
            match room(&head) {
                // Fewer columns would leave too little of the name.
                0..12 => middle(name, width),
                room => format!("{head}{}", middle(name, room)),
            }
        }
    }
}

/// The account and the name of a principal such as `111122223333:role/name`.
fn principal(text: &str) -> Option<(&str, &str)> {
    let (account, path) = text.split_once(':')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let (_, name) = path.rsplit_once('/')?;
    is_account.then_some((account, name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::page::TextStyle;

    fn table(columns: Vec<TableColumn>, width: usize) -> String {
        let look = TextStyle {
            width,
            colour: false,
        };
        TextPage::render(look, |page| page.table(columns))
    }

    fn columns(name: &str) -> Vec<TableColumn> {
        let column =
            |title: &str, kind, cell: &str| TableColumn::new(title, kind, [cell.to_owned()]);
        vec![
            column("name", ColumnKind::Name, name),
            column("calls", ColumnKind::Number, "12,345"),
            column("", ColumnKind::Course, "████████████")
                .dispensable(2)
                .or(column("", ColumnKind::Course, "██████").dispensable(2)),
            column("seen", ColumnKind::Note, "last 2026-09-07").dispensable(1),
        ]
    }

    #[test]
    fn columns_are_left_out_before_names_are_shortened() {
        // 2 + 29, 2 + 6, 2 + 12 or 6, 2 + 15
        let name = "111122223333:role/deployments";
        let lines = |width| {
            table(columns(name), width)
                .lines()
                .last()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            lines(70),
            format!("  {name}  12,345  ████████████  last 2026-09-07")
        );
        assert_eq!(
            lines(69),
            format!("  {name}  12,345  ██████  last 2026-09-07")
        );
        assert_eq!(
            lines(64),
            format!("  {name}  12,345  ██████  last 2026-09-07")
        );
        assert_eq!(lines(63), format!("  {name}  12,345  last 2026-09-07"));
        assert_eq!(lines(55), format!("  {name}  12,345"));
        assert_eq!(lines(36), "  111122223333:…/deployments  12,345");
        assert_eq!(lines(29), "  …3333:…/deployments  12,345");
        assert_eq!(lines(28), "  deployments         12,345");
        assert_eq!(lines(20), "  deplo…ents  12,345");
    }

    #[test]
    fn the_role_is_the_last_that_a_principal_loses() {
        let sso = "777788889999:role/AWSReservedSSO_Analyst_36a9b7f350b6a17a";
        assert_eq!(shortened(sso, 60), sso);
        assert_eq!(
            shortened(sso, 55),
            "777788889999:…/AWSReservedSSO_Analyst_36a9b7f350b6a17a"
        );
        assert_eq!(
            shortened(sso, 50),
            "…9999:…/AWSReservedSSO_Analyst_36a9b7f350b6a17a"
        );
        assert_eq!(shortened(sso, 30), "…9999:…/AWSReserved…f350b6a17a");
        assert_eq!(shortened(sso, 15), "AWSRese…0b6a17a");
        let other = "lambda.amazonaws.com/something-long";
        assert_eq!(shortened(other, 15), middle(other, 15));
    }

    #[test]
    fn a_table_without_titles_has_no_line_for_them() {
        let column = TableColumn::new("", ColumnKind::Name, ["a".to_owned(), "b".to_owned()]);
        assert_eq!(table(vec![column], 60), "  a\n  b\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page(
            names in proptest::collection::vec("([0-9]{12}:role/)?\\PC{0,90}", 1..4),
            widths in proptest::collection::vec(0_usize..30, 0..5),
            room in 10_usize..170,
        ) {
            let names = names.into_iter().map(|name| TableColumn::new("name", ColumnKind::Name, [name]));
            let numbers = widths.into_iter().enumerate().map(|(at, width)| {
                let number = TableColumn::new("n", ColumnKind::Number, ["1".repeat(width)]);
                if at % 2 == 0 { number } else { number.dispensable(at as u8) }
            });
            let page = table(names.chain(numbers).collect(), room);
            for line in page.lines() {
                prop_assert!(measure_text_width(line) <= room, "{room}: {line}");
            }
        }
    }
}
