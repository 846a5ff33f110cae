//! Building blocks of terminal pages: paragraphs, bars, numbers, coverage lines.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};

use super::escape;
use super::no_match::{self, NoMatchContext};
use trailtab_core::activity::provenance::EventHistory;
use trailtab_core::activity::summary::ProblemReport;
pub use trailtab_core::digits::thousands;
use trailtab_core::event::ingest::Reconciliation;
use trailtab_core::event::no_match::NoMatch;
use trailtab_core::time::{self, Seconds};

/// Rows shown per table, and problems listed.
pub(super) const TOP_ROWS: usize = 10;

/// Width and colour of a terminal page.
#[derive(Debug, Clone, Copy)]
pub struct TextStyle {
    /// Terminal columns.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
}

/// A page being written.
pub(super) struct TextPage {
    pub(super) out: String,
    pub(super) look: TextStyle,
}

impl TextPage {
    /// Renders what `write` writes on an empty page.
    pub(super) fn render(
        look: TextStyle,
        write: impl FnOnce(&mut TextPage) -> fmt::Result,
    ) -> String {
        let mut page = TextPage {
            out: String::new(),
            look,
        };
        // Writing to a String cannot fail.
        let _ = write(&mut page);
        page.out
    }

    /// Writes the reconciliation of records: read = counted + filtered + duplicate + unreadable.
    pub(super) fn counts(&mut self, counts: Reconciliation, documents: u64) -> fmt::Result {
        let line = format!(
            "{} read from {} = {} counted + {} filtered + {} duplicate + {} unreadable",
            counted(counts.read, "record"),
            counted(documents, "document"),
            thousands(counts.counted),
            thousands(counts.filtered),
            thousands(counts.duplicate),
            thousands(counts.unreadable),
        );
        self.paragraph(&line, 2, &Style::new())
    }

    /// Explains why no event was counted.
    pub(super) fn no_match(
        &mut self,
        no_match: &NoMatch,
        context: NoMatchContext<'_>,
    ) -> fmt::Result {
        let title = self.style(Style::new().red().bold(), no_match::TITLE);
        writeln!(self.out, "{title}")?;
        for line in no_match::lines(no_match, context) {
            self.paragraph(&line.text, line.indent, &Style::new())?;
        }
        Ok(())
    }

    /// Lists the problems that make the result incomplete, below the heading `missing`.
    pub(super) fn problems(
        &mut self,
        missing: &str,
        has_matches: bool,
        problems: &[ProblemReport],
        not_listed: u64,
    ) -> fmt::Result {
        let all = problems.len() as u64 + not_listed;
        if all == 0 {
            let complete = match has_matches {
                true => "Nothing is missing of what was asked for.",
                false => no_match::ALL_READ,
            };
            return writeln!(self.out, "  {complete}");
        }
        let line = format!("{missing}, for {}:", counted(all, "reason"));
        let line = self.style(Style::new().red().bold(), &line);
        writeln!(self.out, "  {line}")?;
        for problem in problems.iter().take(TOP_ROWS) {
            let line = format!("{}: {}", problem.document, problem.reason);
            self.paragraph(&line, 4, &Style::new())?;
        }
        if all > TOP_ROWS as u64 {
            let more = thousands(all - TOP_ROWS as u64);
            writeln!(self.out, "    and {more} more, in the JSON")?;
        }
        Ok(())
    }

    /// Escapes a text, wraps it to the page's width and indents each line by `indent` spaces.
    pub(super) fn paragraph(&mut self, text: &str, indent: usize, style: &Style) -> fmt::Result {
        for line in wrap(
            &escape::terminal(text),
            self.look.width.saturating_sub(indent),
        ) {
            let line = self.style(style.clone(), &line);
            writeln!(self.out, "{:indent$}{line}", "")?;
        }
        Ok(())
    }

    pub(super) fn style(&self, style: Style, text: &str) -> String {
        style
            .force_styling(self.look.colour)
            .apply_to(text)
            .to_string()
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.style(Style::new().dim(), text)
    }
}

/// Lines on how the event history was read; empty if it was not.
pub(super) fn event_history(history: &EventHistory) -> Vec<String> {
    let mut lines = Vec::new();
    if history.regions > 0 {
        lines.push(format!(
            "Event history of {}, in {}, {} throttled",
            counted(history.regions, "region"),
            counted(history.requests, "request"),
            thousands(history.throttled_requests),
        ));
    }
    if history.regions_not_enabled > 0 {
        lines.push(format!(
            "{} tried and not enabled",
            counted(history.regions_not_enabled, "region"),
        ));
    }
    if let Some(attribute) = &history.lookup_attribute {
        lines.push(format!(
            "AWS was asked for {attribute} only: other events were not read"
        ));
        if let Some(name) = attribute.strip_prefix("ResourceName=") {
            lines.push(format!(
                "CloudTrail lists few resources of calls that only read. To look into every event, write a pattern: --resource '*{name}'"
            ));
        }
    }
    if let Some(settled) = &history.settled_until {
        lines.push(format!(
            "Events after {} may not have been delivered yet",
            plain(settled)
        ));
    }
    lines
}

/// Says through which day of delivery S3 was listed, if later ones may have events as well.
pub(super) fn deliveries(last_day: Option<&str>) -> Option<String> {
    last_day.map(|day| {
        format!(
            "Log files delivered to S3 until {} were listed. CloudTrail may deliver an event up to 30 days late: --late-days 30 reads further",
            plain(day)
        )
    })
}

/// Says how many updates of events came too late, if any did.
pub(super) fn updates(not_applied: u64) -> Option<String> {
    (not_applied > 0).then(|| {
        format!(
            "{} changed no count: the event was counted before its update was read",
            counted(not_applied, "updated event")
        )
    })
}

/// Line on the documents' content other than events, if there was any.
pub(super) fn other_content(kinds: &BTreeMap<String, u64>) -> Option<String> {
    let named = kinds
        .iter()
        .map(|(kind, n)| format!("{} {kind}", thousands(*n)));
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("Not events, and not counted: {}", named.join(", ")))
}

/// Names documents that have nothing to do with CloudTrail, if there are any.
pub(super) fn unrelated(outcomes: &BTreeMap<String, u64>, documents: &[String]) -> Option<String> {
    /// Documents that are named.
    const NAMED: usize = 3;
    let all = outcomes.get("unrelated").copied().filter(|all| *all > 0)?;
    let named = documents.iter().take(NAMED);
    let named: Vec<&str> = named.map(String::as_str).collect();
    let more = match all.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(", and {} more", thousands(more)),
    };
    let have = if all == 1 { "has" } else { "have" };
    let all = counted(all, "document");
    Some(format!(
        "{all} {have} nothing to do with CloudTrail: {}{more}",
        named.join(", ")
    ))
}

/// Draws a bar in eighths of a column.
pub(super) fn bar(count: u64, largest: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(count) * (width as u128 * 8)).div_ceil(u128::from(largest.max(1)));
    let eighths = usize::try_from(eighths).unwrap_or(width * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// A count as one of nine heights; the lowest means zero.
pub(super) fn level(count: u64, largest: u64) -> &'static str {
    const LEVELS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let level = (u128::from(count) * 8).div_ceil(u128::from(largest.max(1)));
    LEVELS[usize::try_from(level).unwrap_or(8).min(8)]
}

pub(super) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// `2026-09-07T08:30:15Z` as `2026-09-07 08:30`.
pub(super) fn plain(time: &str) -> String {
    let minute = time.get(..16).unwrap_or(time);
    escape::terminal(&minute.replace('T', " ")).into_owned()
}

/// `2026-09-07 08:30`
pub(super) fn minute(time: Seconds) -> String {
    plain(&time::iso(time))
}

pub(super) fn percent(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000 + u128::from(whole / 2)) / u128::from(whole.max(1));
    match tenths {
        0 if part > 0 => "<0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// A size in bytes with one decimal, rounded down: `1.9 kB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", thousands(tenths / 10), tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// Breaks a text between words. A word longer than a line, such as a path, stays whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if measure_text_width(line) + 1 + measure_text_width(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Shortens each word of a text that is longer than a line.
pub(super) fn fitting_words(text: &str, width: usize) -> String {
    let words: Vec<String> = text.split(' ').map(|word| middle(word, width)).collect();
    words.join(" ")
}

/// Shortens a text in the middle, because both ends of a principal or user agent are significant.
pub(super) fn middle(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let (mut head, mut tail) = (String::new(), String::new());
    let (mut front, mut back) = (characters.iter(), characters.iter().rev());
    let mut used = 1;
    loop {
        let from_front = head.len() <= tail.len();
        let next = if from_front {
            front.next()
        } else {
            back.next()
        };
        let Some(&character) = next else { break };
        used += measure_text_width(character.encode_utf8(&mut [0; 4]));
        if used > width {
            break;
        }
        if from_front {
            head.push(character);
        } else {
            tail.insert(0, character);
        }
    }
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_away() {
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one-two-three four", 7), ["one-two-three", "four"]);
        assert_eq!(wrap("", 7), [""]);
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(
            middle("111122223333:role/a-very-long-name", 15),
            "1111222…ng-name"
        );
        assert_eq!(middle("short", 15), "short");
        assert!(measure_text_width(&middle(&"名".repeat(30), 15)) <= 15);
    }
}
