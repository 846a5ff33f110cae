//! What mails say in their attached tables.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::judge::Judge;
use super::truth::{Days, Meant};

type SheetRow = BTreeMap<String, String>;

impl Judge<'_> {
    pub(super) fn sheet(&mut self, rows: &[SheetRow]) {
        for row in rows {
            if self.sheet_row(row).is_none() {
                self.fault(format!(
                    "a row of the attached table is not understood: {row:?}"
                ));
            }
        }
    }

    fn sheet_row(&mut self, row: &SheetRow) -> Option<()> {
        let section = row.get("section")?.as_str();
        if section == "restatement" {
            // The text has the same.
            return Some(());
        }
        let account = Some(row.get("account_id")?.as_str()).filter(|id| !id.is_empty());
        let (kind, name) = (row.get("kind")?.as_str(), row.get("name")?.as_str());
        let of_usage = Meant::in_account(account);
        let meant = match kind {
            "" if section == "month_usage" => SheetMeaning::Usage(of_usage),
            "owner" | "untagged" => SheetMeaning::Usage(of_usage.owner(name)),
            "service" => SheetMeaning::Usage(of_usage.service(name)),
            "charge" if name == "Usage" => SheetMeaning::Usage(of_usage),
            "charge" => SheetMeaning::Charges(Some(name), account),
            "account" => SheetMeaning::Charges(None, account),
            "" => SheetMeaning::Charges(None, None),
            _ => return None,
        };
        let days = |from: &str, through: &str| {
            let day = |name: &str| row.get(name)?.parse::<Date>().ok();
            Some(Days {
                from: day(from)?,
                through: day(through)?,
            })
        };
        let amount = |name: &str| row.get(name)?.parse::<Decimal>().ok();
        let what =
            |column: &str| format!("{section} {name} {}, {column}", account.unwrap_or_default());
        let shown = days("from", "through")?;
        self.sheet_amount(
            &what("amount"),
            amount("amount")?,
            &meant,
            shown,
            shown.through <= self.days.through && self.is_settled,
        );
        let Some(settled_through) = row.get("settled_through")?.parse::<Date>().ok() else {
            return Some(());
        };
        let settled = Days {
            through: settled_through,
            ..shown
        };
        self.sheet_amount(
            &what("settled_amount"),
            amount("settled_amount")?,
            &meant,
            settled,
            true,
        );
        let last_day = Days {
            from: settled_through,
            through: settled_through,
        };
        self.sheet_amount(
            &what("last_day_amount"),
            amount("last_day_amount")?,
            &meant,
            last_day,
            true,
        );
        if let Some(compared) = days("compared_from", "compared_through") {
            self.sheet_amount(
                &what("compared_amount"),
                amount("compared_amount")?,
                &meant,
                compared,
                true,
            );
        }
        Some(())
    }

    /// Usage of settled days is final. Other charges grow until the invoice is final.
    fn sheet_amount(
        &mut self,
        what: &str,
        stated: Decimal,
        meant: &SheetMeaning<'_>,
        days: Days,
        is_settled: bool,
    ) {
        match meant {
            SheetMeaning::Usage(meant) => {
                let truth = self.usage(meant, days);
                match is_settled {
                    true => self.is(what, stated, truth),
                    false => self.is_so_far(what, stated, truth),
                }
            }
            SheetMeaning::Charges(kind, account) => {
                let truth = self.truth.charged(*kind, *account, days);
                self.is_so_far(what, stated, truth);
            }
        }
    }
}

/// What a row of the attached table is about.
enum SheetMeaning<'r> {
    Usage(Meant),
    /// Charges of a type, or all, of an account, or of all.
    Charges(Option<&'r str>, Option<&'r str>),
}
