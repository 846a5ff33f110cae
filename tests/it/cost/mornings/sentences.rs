//! What mails say in sentences: the subject, the summary, notices and key figures.

use rust_decimal::Decimal;

use super::judge::Judge;
use super::tables;
use super::truth::{Days, Meant, money};
use super::worlds;

/// A sentence that is read from its beginning.
struct Reader<'s> {
    rest: &'s str,
}

impl<'s> Reader<'s> {
    fn skip(&mut self, words: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(words)?;
        Some(())
    }

    /// What stands before some words, which are skipped.
    fn until(&mut self, words: &str) -> Option<&'s str> {
        let (found, rest) = self.rest.split_once(words)?;
        self.rest = rest;
        Some(found)
    }

    fn days(&mut self, words: &str) -> Option<Days> {
        Days::read(self.until(words)?)
    }

    /// An amount at the beginning.
    fn money(&mut self) -> Option<Decimal> {
        let is_end = |c: char| !(c.is_ascii_digit() || "<>+-±$.,".contains(c));
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let found = self.rest[..end].trim_end_matches(['.', ',']);
        self.rest = &self.rest[found.len()..];
        money(found)
    }
}

impl Judge<'_> {
    /// `Your AWS usage, 1–22 October 2026: $2,096.60`.
    pub(super) fn subject(&mut self, subject: &str) {
        let plain = subject
            .strip_prefix("Correction: ")
            .or(subject.strip_prefix("Final: "));
        let plain = plain.unwrap_or(subject);
        let parts = plain.rsplit_once(": ").and_then(|(head, amount)| {
            let (whose, days) = head.rsplit_once(", ")?;
            let (days, is_so_far) = match days.strip_suffix(" so far") {
                Some(days) => (days, true),
                None => (days, false),
            };
            Some((
                whose.contains("bill"),
                Days::read(days)?,
                is_so_far,
                money(amount)?,
            ))
        });
        let Some((is_bill, days, is_so_far, amount)) = parts else {
            return self.fault(format!("the subject is not understood: {subject}"));
        };
        let truth = match is_bill {
            true => self.truth.charged(None, None, days),
            false => self.usage(&Meant::default(), days),
        };
        match is_so_far {
            true => self.is_so_far("subject", amount, truth),
            false => self.is("subject", amount, truth),
        }
    }

    pub(super) fn notice(&mut self, title: &str, lines: &str) {
        match title {
            "! This is a correction" => {}
            "! Changed since it was mailed" => {
                let mut reader = Reader { rest: lines };
                while !reader.rest.is_empty() {
                    if self.restatement(&mut reader).is_none() {
                        return self.fault(format!("a restatement is not understood: {lines}"));
                    }
                    reader.rest = reader.rest.trim_start();
                }
            }
            _ => self.fault(format!("a notice is not understood: {title}")),
        }
    }

    /// `For 1–31 October 2026 you were told $3,190.64 on 5 November 2026; it is $3,486.06 now.`
    fn restatement(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        reader.skip("For ")?;
        let days = reader.days(" you were told ")?;
        let is_usage = reader.skip("usage of ").is_some();
        let was = reader.money()?;
        reader.until("; it is ")?;
        let now = reader.money()?;
        reader.skip(" now.")?;
        let truth = match is_usage || self.sees_usage_alone {
            true => self.usage(&Meant::default(), days),
            false => self.truth.charged(None, None, days),
        };
        self.is("restatement", now, truth);
        if (now - was).abs() <= (was.abs() / Decimal::ONE_HUNDRED).max(Decimal::ONE) {
            self.fault(format!(
                "told again, though {was} and {now} are almost the same"
            ));
        }
        self.verdict.restated.push((days, was));
        Some(())
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        let mut reader = Reader { rest: words };
        while !reader.rest.is_empty() {
            let at = reader.rest;
            if self.sentence(&mut reader).is_none() {
                return self.fault(format!("a sentence is not understood: {at}"));
            }
            reader.rest = reader.rest.trim_start();
        }
    }

    fn sentence(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let at = reader.rest;
        if reader.skip("Usage of ").is_some() {
            return self.came_to(reader);
        }
        if reader.skip("No usage in ").is_some() {
            return self.idle(reader);
        }
        if reader.skip("Largest change: ").is_some() {
            return self.largest(reader);
        }
        if reader.skip("All charges came to ").is_some() {
            return self.all_charges(reader);
        }
        if reader.skip("Charges so far came to ").is_some() {
            return self.charges_so_far(reader);
        }
        if reader.skip("Nothing unusual on ").is_some() {
            let end = reader.rest.strip_suffix('.')?;
            Days::read(end)?;
            reader.rest = "";
            return Some(());
        }
        if reader.skip("Unusual on ").is_some() {
            reader.days(":")?;
            return Some(());
        }
        if at.contains(" cost $") {
            return self.unusual(reader);
        }
        if at.contains(" still loading: ") {
            return self.loading(reader);
        }
        None
    }

    /// `Amazon Simple Storage Service in Production cost $310.00 on 17 November; usual is $10.00, as on the same
    /// weekdays before.`
    fn unusual(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let name = reader.until(" cost ")?;
        let stated = reader.money()?;
        reader.skip(" on ")?;
        let days = reader.until("; ")?;
        let (service, account) = match name.rsplit_once(" in ") {
            Some((service, account)) => (service, Some(worlds::id(account)?)),
            None => (name, None),
        };
        let meant = Meant::in_account(account).service(service);
        let days: Option<Vec<Days>> = days.split(", ").map(Days::read).collect();
        let truth = days?.into_iter().map(|days| self.usage(&meant, days)).sum();
        self.is("unusual", stated, truth);
        if reader.skip("usual is ").is_some() {
            let usual = reader.money()?;
            if usual * Decimal::new(15, 1) > truth {
                self.fault(format!("{truth:.2} is not unusual beside {usual}"));
            }
        }
        reader.until(".")?;
        Some(())
    }

    /// `usage of $2,654 to $2,721 (October: $2,782.76), and a bill of $3,132 to $3,210 (October so far: $2,783.66).`
    fn expected(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let month = Days::month_of(self.days.from);
        let before = Days::month_of(month.from.yesterday().ok()?);
        reader.until(": usage of ")?;
        let range = reader.until(" (")?;
        self.ranges_over(range, self.usage(&Meant::default(), month))?;
        reader.until(": ")?;
        let stated = reader.money()?;
        self.is(
            "usage of the month before",
            stated,
            self.usage(&Meant::default(), before),
        );
        reader.skip(")")?;
        if reader.skip(", and a bill of ").is_some() {
            let range = reader.until(" (")?;
            self.ranges_over(range, self.truth.charged(None, None, month))?;
            let head = reader.until(": ")?;
            let (stated, truth) = (reader.money()?, self.truth.charged(None, None, before));
            match head.ends_with(" so far") {
                true => self.is_so_far("bill of the month before", stated, truth),
                false => self.is("bill of the month before", stated, truth),
            }
            reader.skip(")")?;
            if reader.skip(", with no more ").is_some() {
                reader.until(" than is billed so far")?;
            }
        }
        reader.skip(".")
    }

    /// `1–31 October 2026 came to $3,481.30, $112.30 (3.3 %) more than 1–30 September.`
    fn came_to(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let days = reader.days(" came to ")?;
        let now = self.usage(&Meant::default(), days);
        let stated = reader.money()?;
        self.is("usage", stated, now);
        if reader.skip(".").is_some() {
            return Some(());
        }
        reader.skip(", ")?;
        let end = reader
            .rest
            .find(". ")
            .map_or(reader.rest.len() - 1, |end| end);
        let against = reader.rest.get(..end)?;
        reader.rest = reader.rest.get(end + 1..)?;
        self.against(against, now, days)
    }

    fn against(&mut self, words: &str, now: Decimal, days: Days) -> Option<()> {
        let mut reader = Reader { rest: words };
        if reader.skip("against nothing in ").is_some() {
            let before = self.before(reader.rest)?;
            self.is("nothing before", Decimal::ZERO, before);
            return Some(());
        }
        for (phrase, is_by_day) in [
            ("about as much a day as ", true),
            ("as much a day as ", true),
            ("about as much as ", false),
            ("as much as ", false),
        ] {
            if reader.skip(phrase).is_none() {
                continue;
            }
            let (label, amount) = match reader.rest.split_once(" (") {
                Some((label, amount)) => (label, money(amount.strip_suffix(')')?)),
                None => (reader.rest, None),
            };
            let before = self.before(label)?;
            let compared = self.compared?;
            if let Some(amount) = amount {
                self.is("usage before", amount, before);
            }
            let lengths = (Decimal::from(days.len()), Decimal::from(compared.len()));
            let (now, before) = match is_by_day {
                true => (now / lengths.0, before / lengths.1),
                false => (now, before),
            };
            self.verdict.statements += 1;
            if (now - before).abs() > before.abs() / Decimal::ONE_HUNDRED {
                self.fault(format!(
                    "said to be as much, but {now:.2} is not {before:.2}"
                ));
            }
            return Some(());
        }
        let (change, label, is_up) = match (
            words.split_once(" more than "),
            words.split_once(" less than "),
        ) {
            (Some((change, label)), None) => (change, label, true),
            (None, Some((change, label))) => (change, label, false),
            _ => return None,
        };
        let before = self.before(label)?;
        self.change_in_words("usage", change, is_up, now, before);
        Some(())
    }

    /// `82.0 % of usage has an owner; $180.00 has none: $180.00 in Sandbox (ask head@example.com).`
    fn tagged(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let share = reader.until(" % of usage has an owner; ")?;
        let untagged = reader.money()?;
        let truth = self.usage(&Meant::default().owner("(untagged)"), self.days);
        self.is("usage without an owner", untagged, truth);
        let all = self.usage(&Meant::default(), self.days);
        let owned = (all - truth) / all * Decimal::ONE_HUNDRED;
        if (share.parse::<Decimal>().ok()? - owned).abs() > Decimal::ONE {
            self.fault(format!("said {share} % has an owner, but {owned:.1} % has"));
        }
        reader.skip(" has none: ")?;
        for place in reader.rest.strip_suffix('.')?.split(", ") {
            let (amount, account) = place.split_once(" in ")?;
            let account = worlds::id(account.split(" (ask ").next()?)?;
            let meant = Meant::in_account(Some(account)).owner("(untagged)");
            let truth = self.usage(&meant, self.days);
            self.is(
                "usage without an owner in an account",
                money(amount)?,
                truth,
            );
        }
        reader.rest = "";
        Some(())
    }

    /// The usage of the days that the mail compares its own with.
    fn before(&mut self, label: &str) -> Option<Decimal> {
        self.compared = Days::read(label);
        Some(self.usage(&Meant::default(), self.compared?))
    }

    /// `1–22 October 2026.`, also with what other days came to; or the names of accounts.
    fn idle(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let end = reader.rest.strip_suffix('.').unwrap_or(reader.rest);
        let (label, other) = match end.split_once("; ") {
            Some((label, other)) => (label, Some(other)),
            None => (end, None),
        };
        match Days::read(label) {
            Some(days) => {
                let usage = self.usage(&Meant::default(), days);
                self.is("no usage", Decimal::ZERO, usage);
            }
            None => {
                for name in label.split("), ") {
                    let account = tables::account_of(&format!("{})", name.trim_end_matches(')')))?;
                    let usage = self.usage(&Meant::in_account(Some(&account)), self.days);
                    self.is("no usage in an account", Decimal::ZERO, usage);
                }
            }
        }
        if let Some((label, amount)) = other.and_then(|other| other.split_once(" came to ")) {
            let before = self.before(label)?;
            self.is("usage before", money(amount)?, before);
        }
        reader.rest = "";
        Some(())
    }

    /// `Amazon Simple Storage Service in Production, +$80.15.`, against the days of the sentence before.
    fn largest(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let at = reader.rest.find(", +").or(reader.rest.find(", -"))?;
        let name = &reader.rest[..at];
        reader.rest = &reader.rest[at + 2..];
        let stated = reader.money()?;
        let meant = match (tables::account_of(name), name.rsplit_once(" in ")) {
            (Some(account), _) => Meant::in_account(Some(&account)),
            (None, Some((service, account))) => {
                Meant::in_account(Some(worlds::id(account)?)).service(service)
            }
            (None, None) => self.here().service(name),
        };
        let (now, before) = (
            self.usage(&meant, self.days),
            self.usage(&meant, self.compared?),
        );
        self.changed("largest change", stated, now, before);
        reader.skip(".")
    }

    /// `$3,759.80; 1–30 September came to $3,975.42.`
    fn all_charges(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let stated = reader.money()?;
        let truth = self.truth.charged(None, None, self.days);
        self.is("all charges", stated, truth);
        self.charges_before(reader)
    }

    /// `$3,759.80, without Support, which is not yet billed; 1–30 September came to $3,975.42.`
    fn charges_so_far(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let stated = reader.money()?;
        let truth = self.truth.charged(None, None, self.days);
        self.is_so_far("charges so far", stated, truth);
        if reader.skip(", without ").is_some() {
            let kinds = reader.until(", not yet billed")?;
            for kind in kinds.split(" and ") {
                self.is_to_come(kind, self.days);
            }
        }
        self.charges_before(reader)
    }

    fn charges_before(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        if reader.skip("; ").is_some() {
            let days = reader.days(" came to ")?;
            let stated = reader.money()?;
            let truth = self.truth.charged(None, None, days);
            self.is("all charges before", stated, truth);
        }
        reader.skip(".")
    }

    /// A charge that is said to be billed later is billed in the end.
    pub(super) fn is_to_come(&mut self, kind: &str, days: Days) {
        self.verdict.statements += 1;
        if self
            .truth
            .charged(Some(kind), self.account.as_deref(), days)
            .is_zero()
        {
            self.fault(format!("{kind} is said to be billed later, but never is"));
        }
    }

    /// `23–24 October 2026 are still loading: $95.30 so far.`
    fn loading(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let (is, are) = (" is still loading: ", " are still loading: ");
        let verb = if reader.rest.contains(is) { is } else { are };
        let days = reader.days(verb)?;
        let truth = self.usage(&self.here(), days);
        if reader.skip("no usage so far.").is_some() {
            self.is_so_far("loading", Decimal::ZERO, truth);
            return Some(());
        }
        let stated = reader.money()?;
        self.is_so_far("loading", stated, truth);
        let _ = reader.skip(" of usage");
        reader.skip(" so far.")
    }

    /// The large amount, its change, that of the last day, and remarks.
    pub(super) fn figures(&mut self, lines: &[String]) {
        let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        let now = self.usage(&self.here(), self.days);
        match money(lines[0]) {
            Some(stated) => self.is("key figure", stated, now),
            None => self.fault(format!("no key figure: {}", lines[0])),
        }
        let rest = lines[1..].join(" ");
        let mut reader = Reader { rest: &rest };
        while !reader.rest.is_empty() {
            let at = reader.rest;
            if self.figure(&mut reader, now).is_none() {
                return self.fault(format!("a key figure is not understood: {at}"));
            }
            reader.rest = reader.rest.trim_start();
        }
    }

    fn figure(&mut self, reader: &mut Reader<'_>, now: Decimal) -> Option<()> {
        let at = reader.rest;
        if at.starts_with(['▲', '▼']) || at.starts_with("no change") {
            // `▲ $112.30 (3.3 %) vs 1–30 September ($3,369.00)`
            let change = reader.until(" vs ")?;
            let before = self.usage(&self.here(), reader.days(" (")?);
            let stated = reader.money()?;
            self.is("key figure before", stated, before);
            self.arrow("key figure", change, now, before);
            return reader.skip(")");
        }
        if reader.skip("Expected for all of ").is_some() {
            return self.expected(reader);
        }
        let share = at.split_once(" % of usage has an owner; ");
        if share.is_some_and(|(share, _)| !share.contains(' ')) {
            return self.tagged(reader);
        }
        let (head, _) = at.split_once(": ")?;
        if head.ends_with("still loading") {
            return self.loading(reader);
        }
        // `31 October: $112.30, no change vs 30 October`
        let now = self.usage(&self.here(), reader.days(": ")?);
        let stated = reader.money()?;
        self.is("last day", stated, now);
        if reader.skip(", ").is_some() {
            let change = reader.until(" vs ")?;
            let words = reader.rest.match_indices(' ').nth(1);
            let end = words.map_or(reader.rest.len(), |(at, _)| at);
            let before = self.usage(&self.here(), Days::read(&reader.rest[..end])?);
            reader.rest = &reader.rest[end..];
            self.arrow("last day", change, now, before);
        }
        Some(())
    }

    /// `▲ $112.30 (3.3 %)` or `no change`.
    fn arrow(&mut self, what: &str, words: &str, now: Decimal, before: Decimal) {
        if words == "no change" {
            return self.changed(what, Decimal::ZERO, now, before);
        }
        let is_up = words.starts_with('▲');
        let size = words.trim_start_matches(['▲', '▼', ' ']);
        self.change_in_words(what, size, is_up, now, before);
    }
}
