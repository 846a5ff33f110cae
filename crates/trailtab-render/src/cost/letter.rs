//! Renders a report as a letter: subject, HTML, plain text, pictures and attached CSV.
//!
//! Text from settings or bills must never break the subject's line or become markup.

use std::io::{Cursor, Write as _};

use rust_decimal::Decimal;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::charts::ChartAlbum;
use super::layout::{ReportForm, ReportLimits, document, shown};
use super::tidy;
use crate::document::{self, Document, PictureRef, PictureSource};
use crate::escape;
use crate::page::middle;
use trailtab_core::cost::money;
use trailtab_core::cost::report::{AudienceKind, CostReport};
use trailtab_core::cost::wording::MailWording;

/// A mail without addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLetter {
    /// One line without control characters.
    pub subject: String,
    /// Plain text with the same content as the HTML.
    pub text: String,
    /// Refers to each picture by `cid:`.
    pub html: String,
    /// The pictures that the HTML shows.
    pub pictures: Vec<InlinePicture>,
    /// Attached files: the report as CSV.
    pub attachments: Vec<MailAttachment>,
    document: Document,
}

impl MailLetter {
    /// A letter of a document without pictures and attachments.
    pub(super) fn of(subject: String, document: Document) -> MailLetter {
        MailLetter {
            subject,
            text: document::plain(&document),
            html: document::html(&document, &|_| None),
            pictures: Vec::new(),
            attachments: Vec::new(),
            document,
        }
    }

    /// The HTML for browsers: its charts are SVG, which mail programs do not show, and have colours of their own in
    /// dark mode.
    pub fn page(&self) -> String {
        document::html(&self.document, &|of| {
            let mut pictures = self.pictures.iter();
            let picture = pictures.find(|picture| picture.name == of.name)?;
            Some(PictureSource::Drawing {
                svg: &picture.svg,
                width: picture.width,
            })
        })
    }
}

/// A picture that the HTML shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePicture {
    /// Content ID, safe in a header. Differs between mails with different pictures.
    pub cid: String,
    /// File name, unique in its letter.
    pub name: String,
    /// Displayed size in CSS pixels; the PNG has twice as many in each direction.
    pub width: u16,
    pub height: u16,
    pub png: Vec<u8>,
    /// The same as SVG.
    pub(super) svg: String,
}

impl InlinePicture {
    /// How the HTML of a mail refers to it.
    fn attached(&self) -> PictureSource<'_> {
        PictureSource::Attached {
            cid: &self.cid,
            width: self.width,
            height: self.height,
        }
    }
}

/// A file attached to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAttachment {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Gmail clips HTML after 102 kB. Leaves room for what forwarding and other programs add.
pub(super) const MAX_HTML_BYTES: usize = 90_000;

/// Limits to try, from the most to the least content.
pub(super) const LIMITS: [ReportLimits; 6] = [
    limits(12, 30),
    limits(10, 16),
    limits(8, 12),
    limits(6, 8),
    limits(4, 4),
    limits(2, 1),
];

const fn limits(rows: usize, accounts: usize) -> ReportLimits {
    ReportLimits {
        rows,
        movers: if rows < 6 { rows } else { 6 },
        accounts,
        lines: 8,
    }
}

/// Why a report is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterOccasion {
    /// It is due, and was not mailed before.
    First,
    /// Its amounts have changed since it was mailed.
    Correction,
    /// It was mailed when its month was an estimate, and the invoice is final now.
    Final,
}

impl LetterOccasion {
    /// What a subject or title begins with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            LetterOccasion::First => "",
            LetterOccasion::Correction => "Correction: ",
            LetterOccasion::Final => "Final: ",
        }
    }
}

/// Renders the letter of a report, with or without the table as an attachment.
///
/// # Errors
///
/// Never in practice: writing the table to memory does not fail.
pub fn letter(
    report: &CostReport,
    wording: &MailWording,
    occasion: LetterOccasion,
    has_table: bool,
) -> Result<MailLetter, LetterError> {
    // The CSV keeps currencies as they are in the bill.
    let attachments = match has_table && !report.parts.is_empty() {
        true => vec![table(report)?],
        false => Vec::new(),
    };
    let has_table = !attachments.is_empty();
    let report = &tidy(report);
    let mut album = ChartAlbum::new(report);
    let (html, document) = fitting(report, wording, occasion, has_table, &mut album);
    // Mail programs show an inline picture that the HTML does not use as an attachment.
    let pictures = document.pictures().filter_map(|of| album.picture(of));
    let pictures = pictures.cloned().collect();
    Ok(MailLetter {
        subject: subject(report, wording, occasion),
        text: document::plain(&document),
        html,
        pictures,
        attachments,
        document,
    })
}

/// A larger CSV is attached as a ZIP file.
const MAX_CSV_BYTES: usize = 1 << 20;

/// The report as CSV, which is zipped if it is large.
fn table(report: &CostReport) -> Result<MailAttachment, LetterError> {
    let bytes = super::csv(report)?;
    let days = &report.period.days;
    let name = format!("aws-cost-{}-to-{}.csv", days.from, days.through);
    if bytes.len() <= MAX_CSV_BYTES {
        return Ok(MailAttachment {
            name,
            content_type: "text/csv; charset=utf-8",
            bytes,
        });
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // Equal reports have equal files: the time is that of no clock.
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::DEFAULT);
    archive.start_file(name.as_str(), options)?;
    archive.write_all(&bytes)?;
    Ok(MailAttachment {
        name: format!("{name}.zip"),
        content_type: "application/zip",
        bytes: archive.finish()?.into_inner(),
    })
}

/// Why a letter cannot be made. In practice it can: all of it is written to memory.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The table cannot be written.
    #[error("the table cannot be written: {0}")]
    Table(#[from] csv::Error),
    /// The table cannot be compressed.
    #[error("the table cannot be compressed: {0}")]
    Compression(#[from] zip::result::ZipError),
    /// The table cannot be compressed.
    #[error("the table cannot be compressed: {0}")]
    Write(#[from] std::io::Error),
}

/// Composes the HTML with the largest limits that fit [`MAX_HTML_BYTES`], or the smallest.
fn fitting(
    report: &CostReport,
    wording: &MailWording,
    occasion: LetterOccasion,
    has_table: bool,
    album: &mut ChartAlbum<'_>,
) -> (String, Document) {
    let mut write = |limits| {
        let form = ReportForm::Letter {
            wording,
            occasion,
            has_table,
            limits,
        };
        let document = document(report, form, &mut |place| album.chart(place));
        let attached = |of: &PictureRef| album.picture(of).map(InlinePicture::attached);
        (document::html(&document, &attached), document)
    };
    let (last, larger) = (LIMITS[LIMITS.len() - 1], &LIMITS[..LIMITS.len() - 1]);
    let fits = |(html, _): &(String, Document)| html.len() <= MAX_HTML_BYTES;
    let fitting = larger.iter().map(|limits| write(*limits)).find(fits);
    fitting.unwrap_or_else(|| write(last))
}

/// The subject: one line without control characters.
fn subject(report: &CostReport, wording: &MailWording, occasion: LetterOccasion) -> String {
    let own = match (report.audience.kind, is_whole_bill(report)) {
        (AudienceKind::Manager, true) => "Your AWS bill, {period}: {total}",
        (AudienceKind::Manager | AudienceKind::Individual, _) => {
            "Your AWS usage, {period}: {total}"
        }
        (AudienceKind::Executive, true) => "AWS bill of {accounts}, {period}: {total}",
        (AudienceKind::Executive, false) => "AWS usage of {accounts}, {period}: {total}",
    };
    let subject = fill(wording.subject.as_deref().unwrap_or(own), report);
    let occasion = occasion.prefix();
    middle(&one_line(&format!("{occasion}{subject}")), 180)
}

/// Whether the total is that of all charges: of a month that is over, for readers who see all charges.
fn is_whole_bill(report: &CostReport) -> bool {
    let sees_all = report.audience.kind != AudienceKind::Individual;
    sees_all && report.period.is_settled_month()
}

/// Fills placeholders in a single pass, so that names that look like placeholders are not filled. Keeps unknown ones.
fn fill(template: &str, report: &CostReport) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out += &rest[..at];
        rest = &rest[at..];
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        match &rest[..end] {
            "{period}" => {
                out += &shown(report);
                let is_open_bill = is_whole_bill(report) && !report.period.is_final_month();
                if report.period.settled().is_none() || is_open_bill {
                    out += " so far";
                }
            }
            "{total}" => out += &totals(report),
            "{accounts}" => out += &accounts(report),
            "{owner}" => {
                let owner = report.audience.owner.as_ref();
                out += &owner.map_or_else(String::new, |owner| middle(&owner.name, 60));
            }
            other => out += other,
        }
        rest = &rest[end..];
    }
    out + rest
}

/// The totals of all currencies: `$1,234.56 + 5.00 CNY`. They are the bill of a month that is over, and otherwise the
/// usage of the settled days, or of all days so far if none is settled.
fn totals(report: &CostReport) -> String {
    let is_settled = report.period.settled().is_some();
    let parts = report.parts.iter().map(|part| {
        let total = match (is_whole_bill(report), is_settled) {
            (true, _) => part.total.settled,
            (false, true) => part.usage.settled,
            (false, false) => part.usage.amount,
        };
        money::words(total, &part.currency)
    });
    let totals: Vec<String> = parts.collect();
    match totals.is_empty() {
        true => money::words(Decimal::ZERO, "USD"),
        false => totals.join(" + "),
    }
}

/// The names of up to three accounts, or their number.
pub(super) fn accounts(report: &CostReport) -> String {
    let accounts = &report.audience.accounts;
    let names: Vec<&str> = accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    match &names[..] {
        [] => "all accounts".to_owned(),
        [_] | [_, _] | [_, _, _] => middle(&names.join(", "), 90),
        _ => format!("{} accounts", names.len()),
    }
}

/// Replaces control characters by spaces, collapses spaces, and escapes characters that hide or reorder text.
fn one_line(text: &str) -> String {
    let spaces: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = spaces.split_whitespace().collect();
    escape::terminal(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailtab_core::cost::report::{ReportRange, sample};

    fn of(report: &CostReport) -> MailLetter {
        letter(report, &MailWording::default(), LetterOccasion::First, true).unwrap()
    }

    /// The visible text of some HTML.
    fn visible(html: &str) -> String {
        let mut out = String::new();
        for piece in html.split('<').skip(1) {
            let (tag, words) = piece.split_once('>').unwrap();
            if !tag.starts_with("style") {
                out += words;
                out.push('\n');
            }
        }
        out
    }

    fn samples() -> Vec<CostReport> {
        vec![
            sample::manager(),
            sample::individual(),
            sample::executive(),
            sample::hostile(),
            sample::large(),
            sample::nothing(),
        ]
    }

    #[test]
    fn subjects_say_what_it_came_to() {
        let mut report = sample::manager();
        report.parts[0].usage.settled = "1234.56".parse().unwrap();
        assert_eq!(
            of(&report).subject,
            "Your AWS usage, 1–18 November 2026: $1,234.56"
        );
        let period = std::mem::replace(
            &mut report.period,
            ReportRange {
                settled_through: None,
                ..sample::manager().period
            },
        );
        report.parts[0].usage.amount = "9.5".parse().unwrap();
        assert_eq!(
            of(&report).subject,
            "Your AWS usage, 1–20 November 2026 so far: $9.50"
        );
        report.period = period;
        let wording = MailWording {
            subject: Some("{owner}{total} {unknown} {accounts}{".to_owned()),
            ..MailWording::default()
        };
        let letter = letter(&report, &wording, LetterOccasion::Correction, true).unwrap();
        assert_eq!(
            letter.subject,
            "Correction: $1,234.56 {unknown} 4 accounts{"
        );
    }

    #[test]
    fn subjects_are_one_line() {
        let mut report = sample::hostile();
        let evil = "x\r\nBcc: all@example.com\n\n{total}\u{202e}";
        report.audience.accounts.truncate(1);
        report.audience.accounts[0].name = evil.to_owned();
        let wording = MailWording {
            subject: Some("{accounts}\r\nX: y".to_owned()),
            ..MailWording::default()
        };
        let subject = letter(&report, &wording, LetterOccasion::First, true)
            .unwrap()
            .subject;
        assert_eq!(subject, "x Bcc: all@example.com {total}\\u{202e} X: y");
    }

    #[test]
    fn gmail_shows_all_of_it() {
        for report in samples() {
            let letter = of(&report);
            assert!(letter.html.len() <= MAX_HTML_BYTES, "{}", letter.html.len());
        }
    }

    #[test]
    fn pictures_and_places_match() {
        for report in samples() {
            let letter = of(&report);
            for picture in &letter.pictures {
                let place = format!("src=\"cid:{}\"", picture.cid);
                assert_eq!(letter.html.matches(&place).count(), 1, "{}", picture.name);
            }
            assert_eq!(letter.html.matches("<img ").count(), letter.pictures.len());
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for report in samples() {
            let html = of(&report).html.to_lowercase();
            for word in [
                "<script",
                "<link",
                "<iframe",
                "<svg",
                "<a ",
                "@import",
                "url(",
                "src=\"http",
            ] {
                assert!(!html.contains(word), "{word}");
            }
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!html.contains(bad));
        }
    }

    #[test]
    fn both_forms_carry_the_same_numbers() {
        let money = |text: &str| {
            let words = text.split(|c: char| !(c.is_ascii_digit() || ".,$".contains(c)));
            let words = words.filter(|word| word.starts_with('$') && word.contains('.'));
            let words = words.map(|word| word.trim_end_matches(['.', ',']).to_owned());
            words.collect::<std::collections::BTreeSet<String>>()
        };
        for report in [
            sample::manager(),
            sample::individual(),
            sample::executive(),
            sample::large(),
        ] {
            let letter = of(&report);
            let html = money(&visible(&letter.html));
            assert!(20 < html.len());
            assert_eq!(html, money(&letter.text));
        }
    }

    #[test]
    fn plain_text_is_narrow_and_free_of_surprises() {
        for report in samples() {
            let text = of(&report).text;
            for line in text.lines() {
                assert!(console::measure_text_width(line) <= 78, "{line}");
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn rows_add_up_to_their_sum() {
        let letter = of(&sample::manager());
        assert!(letter.text.contains("others)"));
    }

    #[test]
    fn the_table_comes_along() {
        let letter = of(&sample::manager());
        let [attachment] = &letter.attachments[..] else {
            panic!()
        };
        let none = |report: &CostReport, has_table| {
            let wording = MailWording::default();
            let letter = super::letter(report, &wording, LetterOccasion::First, has_table).unwrap();
            assert!(!letter.text.contains("CSV"), "{}", letter.text);
            letter.attachments.is_empty()
        };
        assert!(none(&sample::manager(), false) && none(&sample::nothing(), true));
        assert_eq!(attachment.name, "aws-cost-2026-11-01-to-2026-11-20.csv");
        assert!(!attachment.bytes.is_empty());
    }

    #[test]
    fn a_large_table_is_zipped() {
        let mut report = sample::manager();
        let owner = report.parts[0].owners[0].clone();
        report.parts[0].owners = vec![owner; 20_000];
        let letter = of(&report);
        let attachment = &letter.attachments[0];
        assert_eq!(attachment.name, "aws-cost-2026-11-01-to-2026-11-20.csv.zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(&attachment.bytes)).unwrap();
        let mut file = archive.by_index(0).unwrap();
        let mut csv = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut csv).unwrap();
        assert_eq!(csv, super::super::csv(&report).unwrap());
        assert_eq!(of(&report).attachments, letter.attachments);
    }

    #[test]
    fn words_of_the_settings_are_text() {
        let wording = MailWording {
            subject: None,
            greeting: Some("Good morning,\n<b>all</b>".to_owned()),
            closing: Some("Questions: finops@example.com".to_owned()),
        };
        let letter = letter(
            &sample::individual(),
            &wording,
            LetterOccasion::Correction,
            true,
        )
        .unwrap();
        assert!(
            letter
                .html
                .contains("Good morning,<br>&lt;b&gt;all&lt;/b&gt;")
        );
        assert!(letter.text.contains("Good morning,\n<b>all</b>"));
        assert!(letter.text.contains("! This is a correction"));
        assert!(letter.html.contains("This is a correction"));
    }

    #[test]
    fn a_small_letter() {
        let letter = of(&sample::small());
        insta::assert_snapshot!("small_letter_text", letter.text);
        insta::assert_snapshot!("small_letter_html", letter.html.replace("<tr", "\n<tr"));
    }
}
