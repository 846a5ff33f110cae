//! What mails say in tables of their plain text.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::judge::Judge;
use super::truth::{Days, Meant, money, month_number};
use super::worlds;

/// The id of an account that is written `Production (111122223333)`.
pub(super) fn account_of(label: &str) -> Option<String> {
    let (_, id) = label.strip_suffix(')')?.rsplit_once(" (")?;
    (id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| id.to_owned())
}

/// What is written in a table, without spaces around it, and where it ends. Columns are aligned by their ends, and
/// there are two spaces between them at least.
fn cells(line: &str) -> Vec<(usize, String)> {
    let mut cells = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == ' ' {
            at += 1;
            continue;
        }
        let begin = at;
        while at < chars.len() && !(chars[at] == ' ' && chars.get(at + 1).is_none_or(|c| *c == ' '))
        {
            at += 1;
        }
        cells.push((at, chars[begin..at].iter().collect()));
    }
    cells
}

/// A table of text.
struct TextTable {
    title: String,
    /// The heads of the columns after the name, and where they end.
    heads: Vec<(usize, String)>,
    /// The name of each row, and a cell for each head, which may be empty.
    rows: Vec<(String, Vec<String>)>,
}

impl TextTable {
    fn read(lines: &[String]) -> Result<TextTable, String> {
        let is_rule = |line: &String| line.starts_with("---");
        let end = lines.iter().position(is_rule).unwrap_or(lines.len());
        let mut title = String::new();
        let mut heads: Vec<(usize, String)> = Vec::new();
        for line in &lines[..end] {
            for (at, (end, text)) in cells(line).into_iter().enumerate() {
                match heads.iter_mut().find(|(column, _)| *column == end) {
                    _ if at == 0 && !line.starts_with(' ') => title = text,
                    Some((_, head)) => *head = format!("{head} {text}"),
                    None => heads.push((end, text)),
                }
            }
        }
        let mut rows = Vec::new();
        let mut long_name = None;
        for line in lines[end..].iter().filter(|line| !is_rule(line)) {
            let mut found = cells(line);
            let has_name = !line.starts_with(' ');
            let name = if has_name {
                found.remove(0).1
            } else {
                String::new()
            };
            if has_name && found.is_empty() {
                long_name = Some(name);
                continue;
            }
            let mut row = vec![String::new(); heads.len()];
            for (end, text) in found {
                let place = heads.iter().position(|(column, _)| *column == end);
                match place {
                    Some(place) => row[place] = text,
                    None => return Err(format!("{text:?} is in no column: {line:?}")),
                }
            }
            rows.push((long_name.take().unwrap_or(name), row));
        }
        match long_name {
            Some(name) => Err(format!("{name:?} has no amounts")),
            None => Ok(TextTable { title, heads, rows }),
        }
    }
}

impl Judge<'_> {
    pub(super) fn table(&mut self, lines: &[String]) {
        let table = match TextTable::read(lines) {
            Ok(table) => table,
            Err(fault) => {
                return self.fault(format!("a table is not understood: {fault}: {lines:#?}"));
            }
        };
        match table.title.as_str() {
            "The bill, by charge type" => self.bill(&table),
            "The bill, month by month" => self.months(&table),
            title => match title
                .strip_prefix("Largest changes by ")
                .or(title.strip_prefix("By "))
            {
                Some(by) => self.usage_table(&table, by.trim_end_matches(", all accounts")),
                None => self.fault(format!("a table is not understood: {title}")),
            },
        }
    }

    fn usage_table(&mut self, table: &TextTable, by: &str) {
        for (name, row) in &table.rows {
            let Some(meant) = self.meant(by, name) else {
                self.fault(format!(
                    "a row is not understood: {name} in {}",
                    table.title
                ));
                continue;
            };
            let mut now = None;
            for ((_, head), cell) in table.heads.iter().zip(row) {
                let what = format!("{}, {name}, {head}", table.title);
                if head == "expected" {
                    let month = Days::month_of(self.days.from);
                    let truth = self.usage(&meant, month);
                    if !cell.is_empty() && self.ranges_over(cell, truth).is_none() {
                        self.fault(format!("a cell is not understood: {cell:?} of {what}"));
                    }
                    continue;
                }
                let understood = match (head.strip_prefix("change vs "), now) {
                    (Some(days), Some(now)) => self.change_cell(&what, cell, now, days, &meant),
                    _ => Days::read(head).and_then(|days| {
                        let truth = self.usage(&meant, days);
                        now = Some(truth);
                        self.is(&what, money(cell)?, truth);
                        Some(())
                    }),
                };
                if understood.is_none() {
                    self.fault(format!("a cell is not understood: {cell:?} of {what}"));
                }
            }
        }
    }

    /// `+$80.15 3.3 %`, `+$5.00 new`, or nothing if nothing changed.
    fn change_cell(
        &mut self,
        what: &str,
        cell: &str,
        now: Decimal,
        days: &str,
        meant: &Meant,
    ) -> Option<()> {
        let before = self.usage(meant, Days::read(days)?);
        if cell.is_empty() {
            self.changed(what, Decimal::ZERO, now, before);
            return Some(());
        }
        let (amount, share) = match cell.split_once(' ') {
            Some((amount, share)) => (amount, Some(share)),
            None => (cell, None),
        };
        self.changed(what, money(amount)?, now, before);
        if let Some(share) = share {
            self.changed_by(what, share, now, before);
        }
        Some(())
    }

    fn meant(&self, by: &str, name: &str) -> Option<Meant> {
        if name == "All usage" {
            return Some(self.here());
        }
        // A service of an account: `Amazon Simple Storage Service in Production (111122223333)`.
        let (place, name) = match (by, name.rsplit_once(" in ")) {
            ("service", Some((service, place))) => (account_of(place), service),
            _ => (None, name),
        };
        let place = place.or_else(|| self.account.clone());
        let here = Meant::in_account(place.as_deref());
        Some(match by {
            "account" => Meant::in_account(Some(&account_of(name)?)),
            "owner" => here.owner(name),
            "service" => here.service(name),
            _ => return None,
        })
    }

    fn bill(&mut self, table: &TextTable) {
        for (name, row) in &table.rows {
            let kind = (name != "Total").then_some(name.as_str());
            for ((_, head), cell) in table.heads.iter().zip(row) {
                let what = format!("{}, {name}, {head}", table.title);
                if self.bill_cell(&what, head, kind, cell).is_none() {
                    self.fault(format!("a cell is not understood: {cell:?} of {what}"));
                }
            }
        }
    }

    /// Months before the one of the mail, and that one.
    fn months(&mut self, table: &TextTable) {
        let mut before: Option<(Days, Decimal)> = None;
        for (name, row) in &table.rows {
            let (label, is_so_far) = match name.strip_suffix(" so far") {
                Some(label) => (label, true),
                None => (name.as_str(), false),
            };
            let month = label.split_once(' ').and_then(|(month, year)| {
                let first = Date::new(year.parse().ok()?, month_number(month)?, 1).ok()?;
                Some(Days::month_of(first))
            });
            let Some(month) = month.filter(|month| month.from <= self.days.from) else {
                self.fault(format!("{name:?} is no month of {}", table.title));
                continue;
            };
            let usage = self.usage(&Meant::default(), month);
            let a_day = usage / Decimal::from(month.len());
            for ((_, head), cell) in table.heads.iter().zip(row) {
                let what = format!("{}, {name}, {head}", table.title);
                let understood = match (head.as_str(), money(cell)) {
                    ("bill", Some(bill)) => {
                        let truth = self.truth.charged(None, None, month);
                        match is_so_far {
                            true => self.is_so_far(&what, bill, truth),
                            false => self.is(&what, bill, truth),
                        }
                        true
                    }
                    ("usage", Some(stated)) => {
                        self.is_so_far(&what, stated, usage);
                        true
                    }
                    ("usage a day", Some(stated)) => {
                        self.is(&what, stated * Decimal::from(month.len()), usage);
                        true
                    }
                    ("usage a day" | "change", _) if cell.is_empty() => true,
                    ("change", _) => before.is_some_and(|(days, before)| {
                        self.month_change(&what, cell, a_day, before);
                        days.through.tomorrow().is_ok_and(|next| next == month.from)
                    }),
                    _ => false,
                };
                if !understood {
                    self.fault(format!("a cell is not understood: {cell:?} of {what}"));
                }
            }
            before = Some((month, a_day));
        }
    }

    /// `+3.3 %`, `-1.2 %` or `±0.0 %`.
    fn month_change(&mut self, what: &str, cell: &str, now: Decimal, before: Decimal) {
        let is_up = cell.starts_with('+');
        if !cell.starts_with('±') && is_up != (now > before) {
            self.fault(format!(
                "{what}: said to change by {cell}, but {before:.2} becomes {now:.2}"
            ));
        }
        self.changed_by(what, cell.trim_start_matches(['+', '-', '±']), now, before);
    }

    fn bill_cell(&mut self, what: &str, head: &str, kind: Option<&str>, cell: &str) -> Option<()> {
        let (month, is_so_far) = match head.strip_suffix(" so far") {
            Some(month) => (month, true),
            None => (head, false),
        };
        let month = Days::month_of(Date::new(worlds::YEAR, month_number(month)?, 1).ok()?);
        // The month of the mail, or the one before.
        let of_mail = self.days.from.first_of_month();
        let is_known = [of_mail, of_mail.saturating_sub(1.month())].contains(&month.from);
        let truth = self.truth.charged(kind, self.account.as_deref(), month);
        match (is_known, cell, kind) {
            (false, ..) => return None,
            (_, "not yet billed", Some(kind)) => self.is_to_come(kind, month),
            _ if is_so_far => self.is_so_far(what, money(cell)?, truth),
            _ => self.is(what, money(cell)?, truth),
        }
        Some(())
    }
}

#[test]
fn tables_are_read_by_their_columns() {
    let lines = "\
By service         1–22 October       change vs  22 October    change vs
                                 1–22 September               21 October
------------------------------------------------------------------------------
A service with a name that is longer than the room for it
                        $480.67   -$25.31 5.0 %      $29.88
Short one                 $0.50                       $0.02  +<$0.01 new";
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    let table = TextTable::read(&lines).unwrap();
    assert_eq!(table.title, "By service");
    let heads: Vec<&str> = table.heads.iter().map(|(_, head)| head.as_str()).collect();
    assert_eq!(
        heads,
        [
            "1–22 October",
            "change vs 1–22 September",
            "22 October",
            "change vs 21 October"
        ]
    );
    assert_eq!(
        table.rows[0].0,
        "A service with a name that is longer than the room for it"
    );
    assert_eq!(table.rows[0].1, ["$480.67", "-$25.31 5.0 %", "$29.88", ""]);
    assert_eq!(table.rows[1].1, ["$0.50", "", "$0.02", "+<$0.01 new"]);
}
