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
    /// The id of the picture, for the code that resolves the reference.
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
    /// Sentences below the figures.
    pub(crate) remarks: Vec<String>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{TextPage, TextStyle};

    /// One block of each kind, with the same name everywhere.
    fn document(name: &str) -> Document {
        let text = |kind, cell: &str| TableColumn::new(name, kind, [cell.to_owned()]);
        let amounts = MoneyCells {
            currency: "USD".to_owned(),
            days: name.to_owned(),
            against: Some(name.to_owned()),
            amounts: vec![(Decimal::from(1234), Some(Decimal::from(1000)))],
        };
        let table = Table {
            title: name.to_owned(),
            columns: vec![
                text(ColumnKind::Name, name),
                text(ColumnKind::Place, name),
                text(ColumnKind::Number, "77"),
                TableColumn::money(name, amounts),
            ],
            has_sum: false,
        };
        let figures = KeyFigures {
            title: name.to_owned(),
            currency: "USD".to_owned(),
            figures: vec![KeyFigure {
                days: name.to_owned(),
                amount: Decimal::from(88),
                before: Some((name.to_owned(), Decimal::from(99))),
            }],
            remarks: vec![name.to_owned()],
        };
        let picture = |id| PictureRef {
            id,
            name: name.to_owned(),
            alt: name.to_owned(),
        };
        Document {
            title: name.to_owned(),
            subtitle: name.to_owned(),
            preview: name.to_owned(),
            notices: vec![Notice {
                title: name.to_owned(),
                lines: vec![name.to_owned()],
                is_fault: true,
            }],
            blocks: vec![
                Block::Paragraph(vec![name.to_owned(), name.to_owned()]),
                Block::Remark(name.to_owned()),
                Block::Heading(name.to_owned()),
                Block::Figures(figures),
                Block::Table(table),
                Block::Picture(picture(0)),
                Block::Picture(picture(1)),
            ],
            notes: vec![name.to_owned()],
        }
    }

    /// The document as HTML, plain text and a page. Only its first picture is found.
    fn written(document: Document) -> [String; 3] {
        let found = |of: &PictureRef| {
            (of.id == 0).then_some(PictureSource::Attached {
                cid: "first",
                width: 1,
                height: 1,
            })
        };
        let look = TextStyle {
            width: 100,
            colour: false,
        };
        [
            html(&document, &found),
            plain(&document),
            TextPage::render(look, |page| page.document(document)),
        ]
    }

    #[test]
    fn every_medium_shows_all_amounts() {
        for text in written(document("name")) {
            for amount in [
                "77",
                "$1,234.00",
                "$234.00",
                "23.4 %",
                "$88.00",
                "$11.00",
                "$99.00",
            ] {
                assert!(text.contains(amount), "{amount}: {text}");
            }
        }
    }

    #[test]
    fn every_medium_escapes_every_text() {
        let evil = "<b>\u{202e}&\u{1b}[31m\n";
        let [html, plain, page] = written(document(evil));
        for text in [&html, &plain, &page] {
            assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
        }
        let title = html.split("<title>").nth(1).unwrap();
        assert!(title.starts_with("&lt;b&gt;\\u{202e}&amp;\\u{1b}[31m\\u{a}</title>"));
        assert!(!html.contains("[31m\n") && !plain.contains("[31m\n") && !page.contains("[31m\n"));
    }

    #[test]
    fn pictures_that_are_not_found_are_left_out() {
        let [html, ..] = written(document("name"));
        assert_eq!(html.matches("<img ").count(), 1);
        assert!(html.contains("src=\"cid:first\""));
    }
}
