//! The tables of documents and terminal pages.

use rust_decimal::Decimal;

/// A table, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// What its rows are, such as `By owner`.
    pub(crate) title: String,
    /// The first one names the rows.
    pub(crate) columns: Vec<TableColumn>,
    /// Whether the last row is the sum of the others.
    pub(crate) has_sum: bool,
}

impl Table {
    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        let columns = self.columns.iter().map(|column| column.cells.len());
        columns.max().unwrap_or_default()
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a row is the sum of the others.
    pub(super) fn is_sum(&self, row: usize) -> bool {
        self.has_sum && row + 1 == self.len()
    }
}

/// What a column of text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Shortened if it does not fit.
    Name,
    /// Where the named thing is; a mail writes it below the name.
    Place,
    /// Text of a fixed width.
    Text,
    /// Text of a fixed width in a faint colour.
    Note,
    Number,
    /// A bar or a sparkline.
    Course,
}

/// A column of a table, with its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub(super) title: String,
    pub(super) cells: ColumnCells,
    /// The order in which a terminal drops columns, largest first; a column without one is kept.
    pub(super) dispensable: Option<u8>,
    /// A narrower column to replace it when it is dropped.
    pub(super) narrower: Option<Box<TableColumn>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnCells {
    Text(ColumnKind, Vec<String>),
    Money(MoneyCells),
}

impl ColumnCells {
    fn len(&self) -> usize {
        match self {
            ColumnCells::Text(_, cells) => cells.len(),
            ColumnCells::Money(money) => money.amounts.len(),
        }
    }
}

/// The cells of a column of money: amounts of some days, and what they are compared with. A terminal shows the
/// comparison of columns that are never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoneyCells {
    pub(crate) currency: String,
    /// The days in words.
    pub(crate) days: String,
    /// The days compared with, in words.
    pub(crate) against: Option<String>,
    /// The amount and the one compared with, for each row.
    pub(crate) amounts: Vec<(Decimal, Option<Decimal>)>,
}

impl TableColumn {
    pub(crate) fn new(
        title: &str,
        kind: ColumnKind,
        cells: impl IntoIterator<Item = String>,
    ) -> TableColumn {
        TableColumn::of(title, ColumnCells::Text(kind, cells.into_iter().collect()))
    }

    /// A column of amounts.
    pub(crate) fn money(title: &str, cells: MoneyCells) -> TableColumn {
        TableColumn::of(title, ColumnCells::Money(cells))
    }

    fn of(title: &str, cells: ColumnCells) -> TableColumn {
        TableColumn {
            title: title.to_owned(),
            cells,
            dispensable: None,
            narrower: None,
        }
    }

    /// Allows a terminal to drop the column when names do not fit, largest `order` first. Order 0 is dropped only when
    /// names of 20 columns do not fit either.
    pub(crate) fn dispensable(mut self, order: u8) -> TableColumn {
        self.dispensable = Some(order);
        self
    }

    /// Adds a narrower column, which replaces this one when it is dropped.
    pub(crate) fn or(mut self, narrower: TableColumn) -> TableColumn {
        self.narrower = Some(Box::new(narrower));
        self
    }
}
