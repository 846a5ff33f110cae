//! The calls as a timeline for people: a table for each day, a line for one call or several alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

use console::{Style, measure_text_width};

use super::{CallWriter, reading};
use crate::escape;
use crate::page::{TextPage, TextStyle, counted, fitting_words, middle, thousands, wrap};
use trailtab_core::calls::{CallDetail, CallFolder, CallOutcomeName, CallsProvenance, FoldedCall};
use trailtab_core::event::record::EventRecord;
use trailtab_core::time;

/// Maximum number of lines that are laid out together.
const MAX_TABLE_LINES: usize = 500;

/// Terminal columns before a line.
const LINE_INDENT: usize = 2;

/// Terminal columns of a time of day.
const CLOCK_WIDTH: usize = 8;

/// Fewest terminal columns of the longest actor, and of a sentence.
const MIN_ACTOR_WIDTH: usize = 18;

/// APIs named of several refused calls.
const APIS_NAMED: usize = 3;

/// Resources named of a change, and of any other call.
const CHANGED_RESOURCES_NAMED: usize = 2;
const OTHER_RESOURCES_NAMED: usize = 1;

/// The days of a week, Monday first.
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Writes calls as a timeline. They come in order of time.
pub struct Timeline {
    look: TextStyle,
    folder: CallFolder,
    /// Lines of one day that are not written yet.
    lines: Vec<FoldedCall>,
    day: Option<String>,
    /// The account that the heading of the day names: that of all lines which name none.
    account: Option<String>,
    has_line: bool,
}

impl Timeline {
    /// Creates an empty timeline.
    pub fn new(look: TextStyle) -> Timeline {
        Timeline {
            look,
            folder: CallFolder::default(),
            lines: Vec::new(),
            day: None,
            account: None,
            has_line: false,
        }
    }

    /// Writes the lines that are complete, and keeps those of the last day unless they are many.
    fn take(&mut self, done: Vec<FoldedCall>, out: &mut dyn Write) -> io::Result<()> {
        for line in done {
            let is_other_day = self
                .lines
                .last()
                .is_some_and(|last| day(&last.first) != day(&line.first));
            if is_other_day || self.lines.len() >= MAX_TABLE_LINES {
                self.table(out)?;
            }
            self.lines.push(line);
        }
        Ok(())
    }

    /// Writes the lines as a table, below the day if it is another one.
    fn table(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        let Some(first) = lines.first() else {
            return Ok(());
        };
        let day = day(&first.first);
        let is_new_day = self.day.as_ref() != Some(&day);
        let title = is_new_day.then(|| {
            let account = &first.first.account;
            let is_only = lines.iter().all(|line| line.first.account == *account);
            self.account = is_only.then(|| account.clone());
            match is_only {
                true => format!("{}, account {account}", day_title(&first.first)),
                false => day_title(&first.first),
            }
        });
        self.day = Some(day);
        let account = self.account.as_deref();
        let page = TextPage::render(self.look, |page| {
            if let Some(title) = title {
                page.heading(&title)?;
            }
            page.call_lines(&lines, account)
        });
        let is_first = !std::mem::replace(&mut self.has_line, true);
        let page = if is_first { page.trim_start() } else { &page };
        out.write_all(page.as_bytes())
    }
}

impl CallWriter for Timeline {
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut done = Vec::new();
        self.folder
            .add(CallDetail::of(record), &mut |line| done.push(line));
        self.take(done, out)
    }

    fn finish(&mut self, basis: &CallsProvenance, out: &mut dyn Write) -> io::Result<()> {
        let mut done = Vec::new();
        std::mem::take(&mut self.folder).finish(&mut |line| done.push(line));
        self.take(done, out)?;
        self.table(out)?;
        let page = TextPage::render(self.look, |page| page.calls_end(basis, self.has_line));
        out.write_all(page.as_bytes())
    }
}

impl TextPage {
    /// Writes a line for each call, broken below its sentence where the page is narrow. `account` is the one
    /// that the heading names.
    fn call_lines(&mut self, lines: &[FoldedCall], account: Option<&str>) -> fmt::Result {
        let has_accounts = lines
            .iter()
            .any(|line| Some(line.first.account.as_str()) != account);
        let most = (self.look.width * 3 / 10).max(MIN_ACTOR_WIDTH);
        let actors: Vec<String> = lines
            .iter()
            .map(|line| middle(&escape::terminal(&who(line)), most))
            .collect();
        let widths = actors.iter().map(|actor| measure_text_width(actor));
        let actor_width = widths.max().unwrap_or_default();
        let indent = LINE_INDENT + CLOCK_WIDTH + 2 + actor_width + 2;
        let room = self.look.width.saturating_sub(indent).max(MIN_ACTOR_WIDTH);
        let mut places = BTreeMap::new();
        for (line, actor) in lines.iter().zip(&actors) {
            let mut text = sentence(line);
            let place = place(&line.first, has_accounts);
            if places.get(actor) != Some(&place) {
                text.push_str(&place);
                places.insert(actor, place);
            }
            let text = fitting_words(&escape::terminal(&text), room);
            let mut parts = wrap(&text, room).into_iter();
            let first = parts.next().unwrap_or_default();
            let padding = actor_width - measure_text_width(actor);
            let clock = self.dim(&format!("{:<CLOCK_WIDTH$}", clock(&line.first.event_time)));
            let first = self.outcome_style(line, &first);
            let head = format!("{:LINE_INDENT$}{clock}  {actor}{:padding$}", "", "");
            writeln!(self.out, "{}", format!("{head}  {first}").trim_end())?;
            for part in parts {
                let part = self.outcome_style(line, &part);
                writeln!(self.out, "{:indent$}{part}", "")?;
            }
        }
        Ok(())
    }

    /// Marks calls that did not succeed.
    fn outcome_style(&self, line: &FoldedCall, text: &str) -> String {
        match line.first.outcome {
            CallOutcomeName::Succeeded => text.to_owned(),
            CallOutcomeName::Failed => self.style(Style::new().yellow(), text),
            CallOutcomeName::Denied => self.style(Style::new().red(), text),
        }
    }

    fn calls_end(&mut self, basis: &CallsProvenance, has_line: bool) -> fmt::Result {
        if let Some(no_match) = &basis.no_match {
            self.no_match(no_match, reading::no_match_context(&basis.coverage))?;
        } else if has_line {
            let matched = basis.coverage.counts.counted;
            let listed = matched.saturating_sub(basis.events_not_listed);
            let line = match basis.events_not_listed {
                0 => counted(listed, "event"),
                not_listed => format!(
                    "{} of {}; {} more match: --limit lists more",
                    thousands(listed),
                    counted(matched, "event"),
                    thousands(not_listed)
                ),
            };
            self.paragraph("", 0, &Style::new())?;
            self.paragraph(&line, 0, &Style::new().bold())?;
        }
        self.reading_coverage(&basis.coverage, None, basis.no_match.is_none())
    }
}

/// The day of a call, `2026-09-07`; empty if its time is not known.
fn day(call: &CallDetail) -> String {
    let time = call.event_time.as_deref().unwrap_or_default();
    time.get(..10).unwrap_or_default().to_owned()
}

fn day_title(call: &CallDetail) -> String {
    let time = call.event_time.as_deref();
    let Some(time) = time.and_then(|time| time::parse(time.as_bytes())) else {
        return "Without a time".to_owned();
    };
    let weekday = time::UtcHour::of(time).weekday();
    let weekday = WEEKDAYS.get(weekday).copied().unwrap_or_default();
    format!("{weekday}, {} (UTC)", day(call))
}

/// The time of day, `08:00:00`; empty if the time is not known.
fn clock(time: &Option<String>) -> String {
    let time = time.as_deref().unwrap_or_default();
    time.get(11..19).unwrap_or_default().to_owned()
}

/// The person, or the principal.
fn who(line: &FoldedCall) -> String {
    let call = &line.first;
    let name = call.person.as_ref().or(call.workload.as_ref());
    let name = name.unwrap_or(&call.principal);
    let own = name.strip_prefix(&*call.account);
    let own = own.and_then(|rest| rest.strip_prefix(':'));
    // The account is in the heading or behind the call, unless the caller is of another one.
    own.unwrap_or(name).to_owned()
}

/// Where a call came from and went to: `, from 192.0.2.7 in eu-west-1`.
fn place(call: &CallDetail, has_accounts: bool) -> String {
    let address = call.source_ip_address.as_deref().unwrap_or_default();
    // A service's name instead of an address repeats who calls.
    let from = match address.is_empty() || address.contains("amazonaws") {
        true => String::new(),
        false => format!(", from {address}"),
    };
    let region = &call.region;
    let comma = if from.is_empty() { "," } else { "" };
    match has_accounts {
        true => format!("{from}{comma} in {}, {region}", call.account),
        false => format!("{from}{comma} in {region}"),
    }
}

/// What was called on which resources, and how it ended.
fn sentence(line: &FoldedCall) -> String {
    let call = &line.first;
    let mut text = match line.calls {
        1 => String::new(),
        calls => format!("{} × ", thousands(calls)),
    };
    if line.apis.len() > 1 {
        return refusals(line);
    }
    text.push_str(&line.apis.join(", "));
    let resources = resources(line);
    if !resources.is_empty() {
        text.push(' ');
        text.push_str(&resources);
    }
    match (call.outcome, &call.error_code) {
        (CallOutcomeName::Succeeded, _) => {}
        (CallOutcomeName::Failed, Some(code)) => text.push_str(&format!(", failed: {code}")),
        (CallOutcomeName::Failed, None) => text.push_str(", failed"),
        // The codes of refusals differ by service, and say nothing else.
        (CallOutcomeName::Denied, _) => text.push_str(", denied"),
    }
    if let Some(service) = &call.by_service {
        text.push_str(&format!(", by {service}"));
    }
    text.push_str(&span(line));
    text
}

/// Until when the calls of a line were made: `, until 08:00:09`. Where the last call comes first, back to when.
fn span(line: &FoldedCall) -> String {
    let (first, last) = (clock(&line.first.event_time), clock(&line.last_time));
    match last.cmp(&first) {
        Ordering::Equal => String::new(),
        Ordering::Greater => format!(", until {last}"),
        Ordering::Less => format!(", back to {last}"),
    }
}

/// Several refused calls that would only have read: `12 calls of 9 APIs denied: iam:ListUsers, … and 6 more`.
fn refusals(line: &FoldedCall) -> String {
    let apis = line.apis.len();
    let named: Vec<&str> = line
        .apis
        .iter()
        .take(APIS_NAMED)
        .map(String::as_str)
        .collect();
    let more = match apis.saturating_sub(APIS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let apis = match line.has_more_apis {
        true => format!("more than {apis} APIs"),
        false => format!("{apis} APIs"),
    };
    let calls = thousands(line.calls);
    let named = named.join(", ");
    let span = span(line);
    format!("{calls} calls of {apis} denied: {named}{more}{span}")
}

/// The first resources of a line, and whether there are more.
fn resources(line: &FoldedCall) -> String {
    let most = match (line.first.read_only, line.first.outcome) {
        (Some(false), CallOutcomeName::Succeeded) => CHANGED_RESOURCES_NAMED,
        _ => OTHER_RESOURCES_NAMED,
    };
    let named = line.resources.iter().take(most);
    let text = named.map(|id| short(id)).collect::<Vec<_>>().join(", ");
    let more = line.resources.len().saturating_sub(most);
    match (more, line.has_more_resources) {
        (0, false) => text,
        (more, false) => format!("{text} and {more} more"),
        (_, true) => format!("{text} and more"),
    }
}

/// The part of an ARN that names the resource. Other ids are short already.
fn short(id: &str) -> &str {
    match id.strip_prefix("arn:") {
        Some(arn) => arn.splitn(5, ':').nth(4).unwrap_or(id),
        None => id,
    }
}
