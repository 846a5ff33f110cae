//! The layout of a report as blocks, the same for a terminal, the HTML of a mail and its plain text.
//!
//! A document is data: its texts are not escaped. Each renderer escapes them for its medium.

mod amount;
mod html;
mod plain;
mod table;
mod terminal;

use rust_decimal::Decimal;

pub(crate) use self::html::{PictureSource, html};
pub(crate) use self::plain::plain;
pub(crate) use self::table::{ColumnKind, MoneyCells, Table, TableColumn};

/// A report as a sequence of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Document {
    pub(crate) title: String,
    /// One line below the title.
    pub(crate) subtitle: String,
    /// Preview text that mail programs show beside the subject.
    pub(crate) preview: String,
    /// What a reader must see: a mail begins with it, and a terminal page ends with it.
    pub(crate) notices: Vec<Notice>,
    /// The body, in order.
    pub(crate) blocks: Vec<Block>,
    /// How to read the report and what it is based on, in small type at the end.
    pub(crate) notes: Vec<String>,
}

impl Document {
    /// The references to pictures, in order.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = &PictureRef> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Picture(picture) => Some(picture),
            _ => None,
        })
    }
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// Some lines of text.
    Paragraph(Vec<String>),
    /// A text in small type.
    Remark(String),
    /// The heading of all blocks up to the next one.
    Heading(String),
    Figures(KeyFigures),
    Table(Table),
    Picture(PictureRef),
}

/// A highlighted box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    /// Whether it says that the report is wrong or incomplete.
    pub(crate) is_fault: bool,
}

/// A picture that is kept elsewhere. Only a mail shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PictureRef {
    /// Which picture, for whoever resolves the reference.
    pub(crate) id: usize,
    /// Shown in plain text.
    pub(crate) name: String,
    /// Alternative text.
    pub(crate) alt: String,
}

/// The totals of some days in one currency. The first one is the headline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFigures {
    pub(crate) title: String,
    pub(crate) currency: String,
    pub(crate) figures: Vec<KeyFigure>,
}

/// A total, and the total that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFigure {
    /// The days in words.
    pub(crate) days: String,
    pub(crate) amount: Decimal,
    /// The days compared with, in words, and their amount.
    pub(crate) before: Option<(String, Decimal)>,
}
