//! Holds every statement of a mail against the final bill.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::mail::ReadMail;
use super::tables;
use super::truth::{Days, Meant, Truth, money};
use super::worlds::OWNER;

/// What a judge found in a mail.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Statements that are false, or that nobody taught the judge to understand.
    pub(super) faults: Vec<String>,
    /// Number of statements that were held against the bill.
    pub(super) statements: usize,
    /// For each range of an estimate, whether the final amount is in it.
    pub(super) ranges: Vec<bool>,
    /// Amounts that were told again: days, and what was told before.
    pub(super) restated: Vec<(Days, Decimal)>,
}

/// Judges one mail.
pub(super) struct Judge<'t> {
    pub(super) truth: &'t Truth,
    /// The days that the mail is about, of which the text below the title is.
    pub(super) days: Days,
    /// Whether any of these days is settled.
    pub(super) is_settled: bool,
    /// The days that the sentence compares these with.
    pub(super) compared: Option<Days>,
    /// Whether the reader sees usage alone.
    pub(super) sees_usage_alone: bool,
    /// The account that the current part of the mail is about.
    pub(super) account: Option<String>,
    pub(super) verdict: Verdict,
}

/// Judges a mail that was sent on a day.
pub(super) fn judge(mail: &ReadMail, truth: &Truth, today: Date) -> Verdict {
    let body = mail.text.split("\n-- \n").next().unwrap_or_default();
    let mut blocks = blocks(body).into_iter();
    let title = blocks.next().unwrap_or_default();
    let days = title.get(2).and_then(|line| Days::read(line));
    let Some(days) = days.filter(|days| days.through < today) else {
        let fault = format!("no days of the past below the title: {title:?}");
        return Verdict {
            faults: vec![fault],
            ..Verdict::default()
        };
    };
    let mut judge = Judge {
        truth,
        days,
        is_settled: mail
            .sheet
            .iter()
            .any(|row| !row["settled_through"].is_empty()),
        compared: None,
        sees_usage_alone: mail.to == OWNER,
        account: None,
        verdict: Verdict::default(),
    };
    judge.subject(&mail.subject);
    for block in blocks {
        judge.block(&block);
    }
    judge.sheet(&mail.sheet);
    judge.verdict
}

/// The lines of each block. The heads of a table whose second line is empty are part of it.
fn blocks(text: &str) -> Vec<Vec<String>> {
    let mut blocks: Vec<Vec<String>> = vec![Vec::new()];
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_before_rule = lines.peek().is_some_and(|next| next.starts_with("---"));
        match line.trim().is_empty() && !is_before_rule {
            true => blocks.push(Vec::new()),
            false => blocks.last_mut().unwrap().push(line.to_owned()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

impl Judge<'_> {
    fn block(&mut self, lines: &[String]) {
        let first = lines[0].as_str();
        let is_rule = |line: &String| line.len() >= 3 && line.chars().all(|c| c == '-');
        let joined = |lines: &[String]| {
            let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
            lines.join(" ")
        };
        if first.starts_with('[') && lines.len() == 1 {
            // A picture.
        } else if lines.len() == 2 && is_rule(&lines[1]) {
            self.account = tables::account_of(first);
            if self.account.is_none() {
                self.fault(format!("{first:?} is no account"));
            }
        } else if lines.iter().any(is_rule) {
            self.table(lines);
        } else if first.starts_with("! ") {
            self.notice(first, &joined(&lines[1..]));
        } else if first.starts_with("  ") {
            self.figures(lines);
        } else {
            self.paragraph(&joined(lines));
        }
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.verdict.faults.push(fault);
    }

    pub(super) fn usage(&self, meant: &Meant, days: Days) -> Decimal {
        self.truth.usage(meant, days)
    }

    /// Usage in the current account, or all of it.
    pub(super) fn here(&self) -> Meant {
        Meant::in_account(self.account.as_deref())
    }

    /// An amount that is said to be final: true within 1 % or one dollar.
    pub(super) fn is(&mut self, what: &str, stated: Decimal, truth: Decimal) {
        self.verdict.statements += 1;
        let tolerance = (truth.abs() / Decimal::ONE_HUNDRED).max(Decimal::ONE);
        if (stated - truth).abs() > tolerance {
            self.fault(format!("{what}: said {stated}, but it is {truth:.2}"));
        }
    }

    /// An amount so far: it does not exceed the final one.
    pub(super) fn is_so_far(&mut self, what: &str, stated: Decimal, truth: Decimal) {
        self.verdict.statements += 1;
        let is_beyond = stated.abs() > truth.abs() + Decimal::new(1, 2);
        let is_contrary =
            !stated.is_zero() && stated.is_sign_negative() != truth.is_sign_negative();
        if is_beyond || is_contrary {
            self.fault(format!(
                "{what}: said {stated} so far, but in the end it is {truth:.2}"
            ));
        }
    }

    /// A range of an estimate, which most of the time holds the final amount: `$1,040 to $1,210`.
    pub(super) fn ranges_over(&mut self, range: &str, truth: Decimal) -> Option<()> {
        let (low, high) = range.split_once(" to ").unwrap_or((range, range));
        let (low, high) = (money(low)?, money(high)?);
        if low > high {
            self.fault(format!("{range} is no range"));
        }
        self.verdict
            .ranges
            .push((low..=high).contains(&truth.round_dp(2)));
        Some(())
    }

    /// A change from one amount to another: it has the direction of the true change, and its size.
    pub(super) fn changed(&mut self, what: &str, stated: Decimal, now: Decimal, before: Decimal) {
        let change = now - before;
        self.is(&format!("{what} (change)"), stated, change);
        let is_same = change.round_dp(2).is_zero();
        let is_contrary = stated.is_sign_negative() != change.is_sign_negative();
        if !stated.is_zero() && (is_same || is_contrary) {
            self.fault(format!(
                "{what}: said to change by {stated}, but it changes by {change:.2}"
            ));
        }
    }

    /// A change in percent, as `3.3 %`; or `new`.
    pub(super) fn changed_by(&mut self, what: &str, stated: &str, now: Decimal, before: Decimal) {
        self.verdict.statements += 1;
        if stated == "new" {
            if !before.is_zero() {
                self.fault(format!("{what}: said to be new, but it was {before:.2}"));
            }
            return;
        }
        let digits = stated
            .trim_start_matches(['<', '>'])
            .trim_end_matches('%')
            .trim();
        let share = match before > Decimal::ZERO {
            true => (now - before).abs() / before * Decimal::ONE_HUNDRED,
            false => Decimal::MAX,
        };
        match digits.parse::<Decimal>() {
            Ok(percent) if (percent - share).abs() <= Decimal::ONE => {}
            Ok(percent) if stated.starts_with('>') && share >= percent => {}
            _ => self.fault(format!(
                "{what}: said to change by {stated}, but it changes by {share:.1} %"
            )),
        }
    }

    /// `$95.30 (3.3 %)`, or the amount alone, of a change whose direction is known.
    pub(super) fn change_in_words(
        &mut self,
        what: &str,
        words: &str,
        is_up: bool,
        now: Decimal,
        before: Decimal,
    ) {
        let (amount, share) = match words.split_once(" (") {
            Some((amount, share)) => (amount, share.strip_suffix(')')),
            None => (words, None),
        };
        let Some(amount) = money(amount) else {
            return self.fault(format!("{what}: {words:?} is no amount"));
        };
        let signed = if is_up { amount } else { -amount };
        self.changed(what, signed, now, before);
        if let Some(share) = share {
            self.changed_by(what, share, now, before);
        }
    }
}
