//! Partition keys: which partitions of a table hold the events of a run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::sql::SqlText;

/// The meaning of a partition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionRole {
    /// The account whose trail recorded the events.
    Account,
    /// The Region of the events.
    Region,
    /// The day of delivery.
    Day(DayForm),
    /// The year of delivery.
    Year,
    /// The month of delivery.
    Month,
    /// The day of the month of delivery.
    DayOfMonth,
    /// Anything else: no partition is left out by it.
    Other,
}

/// How a partition key writes days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayForm {
    /// `2026/11/30`.
    Slashes,
    /// `2026-11-30`.
    Dashes,
    /// `20261130`.
    Compact,
    /// Unknown: no partition is left out.
    Unknown,
}

/// A partition key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionKey {
    /// The name of the column.
    pub name: String,
    /// What it tells.
    pub role: PartitionRole,
    /// Whether its values must be listed in each statement (projection type `injected`).
    pub is_injected: bool,
    /// Whether values are numbers.
    is_number: bool,
    /// The values that projection knows (type `enum`); absent if it does not list them.
    listed: Option<BTreeSet<String>>,
    /// The first day that projection knows (type `date`); absent if it knows no day.
    first_day: Option<Date>,
}

/// The partitions of a run: those that the listing of the bucket found, or what the filters admit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanScope {
    /// The accounts; absent for all.
    pub accounts: Option<BTreeSet<String>>,
    /// The Regions; absent for all.
    pub regions: Option<BTreeSet<String>>,
    /// The first and the last day of delivery; absent without a limit.
    pub first_day: Option<Date>,
    /// The last day of delivery.
    pub last_day: Option<Date>,
    /// Days of delivery that are not scanned, because their counts are kept.
    pub kept_days: BTreeSet<Date>,
}

/// Why the partitions to scan cannot be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// The values of an injected key must be listed, and are not known.
    #[error(
        "the partition key {key:?} of the table takes its values from the statement, and no account is known: name the accounts with --account"
    )]
    NoAccounts {
        /// The name of the key.
        key: String,
    },
    /// An injected key of an unknown role.
    #[error(
        "the partition key {key:?} of the table takes its values from the statement, and it is neither an account nor a Region: make a table with trailtab athena setup"
    )]
    UnknownInjected {
        /// The name of the key.
        key: String,
    },
}

/// The longest list of days that a statement names one by one: a year and a day.
const MAX_LISTED_DAYS: usize = 367;

impl DayForm {
    /// Reads a format of Java's, as in `projection.NAME.format`.
    fn of(format: &str) -> DayForm {
        match format {
            "yyyy/MM/dd" => DayForm::Slashes,
            "yyyy-MM-dd" => DayForm::Dashes,
            "yyyyMMdd" => DayForm::Compact,
            _ => DayForm::Unknown,
        }
    }

    /// Reads a day in this form.
    pub(crate) fn read(self, text: &str) -> Option<Date> {
        let format = match self {
            DayForm::Slashes => "%Y/%m/%d",
            DayForm::Dashes => "%Y-%m-%d",
            DayForm::Compact => "%Y%m%d",
            DayForm::Unknown => return None,
        };
        Date::strptime(format, text).ok()
    }

    fn write(self, day: Date) -> SqlText {
        let (year, month, day) = (day.year(), day.month(), day.day());
        SqlText::text(&match self {
            DayForm::Slashes => format!("{year:04}/{month:02}/{day:02}"),
            DayForm::Dashes => format!("{year:04}-{month:02}-{day:02}"),
            DayForm::Compact | DayForm::Unknown => format!("{year:04}{month:02}{day:02}"),
        })
    }
}

impl PartitionKey {
    /// Returns the role of a key, by its name, type and projection.
    pub fn of(name: &str, kind: &str, parameters: &BTreeMap<String, String>) -> PartitionKey {
        let name = name.to_lowercase();
        let projection = |what: &str| parameters.get(&format!("projection.{name}.{what}"));
        let folded: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let role = match folded.as_str() {
            "account" | "accountid" | "awsaccount" | "awsaccountid" | "recipientaccountid" => {
                PartitionRole::Account
            }
            "region" | "awsregion" => PartitionRole::Region,
            // Security Lake writes the days of `eventday` without separators.
            "eventday" => PartitionRole::Day(DayForm::Compact),
            "timestamp" | "date" | "dt" | "eventdate" | "partitiondate" | "datehour" => {
                PartitionRole::Day(DayForm::Unknown)
            }
            "day" if parameters.contains_key("projection.year.type") => PartitionRole::DayOfMonth,
            "day" => PartitionRole::Day(DayForm::Unknown),
            "year" => PartitionRole::Year,
            "month" => PartitionRole::Month,
            _ => PartitionRole::Other,
        };
        let role = match (role, projection("format")) {
            (PartitionRole::Day(_), Some(format)) => PartitionRole::Day(DayForm::of(format)),
            (role, _) => role,
        };
        let is_enum = projection("type").is_some_and(|kind| kind.trim() == "enum");
        let listed = projection("values").filter(|_| is_enum);
        let range = projection("range").and_then(|range| range.split(',').next());
        let first_day = match role {
            PartitionRole::Day(form) => range.and_then(|first| form.read(first.trim())),
            _ => None,
        };
        PartitionKey {
            listed: listed.map(|values| values.split(',').map(|it| it.trim().to_owned()).collect()),
            first_day,
            is_injected: projection("type").is_some_and(|kind| kind.trim() == "injected"),
            is_number: matches!(kind, "int" | "integer" | "bigint" | "smallint" | "tinyint"),
            name,
            role,
        }
    }

    /// How the key writes days; absent if it has no day, or its form is unknown.
    pub(crate) fn day_form(&self) -> Option<DayForm> {
        match self.role {
            PartitionRole::Day(form) if form != DayForm::Unknown => Some(form),
            _ => None,
        }
    }

    /// Returns whether projection knows a value of the key.
    pub fn knows(&self, value: &str) -> bool {
        self.listed
            .as_ref()
            .is_none_or(|listed| listed.contains(value))
    }

    /// The first day that projection knows; absent if it knows no day, or all days.
    pub fn first_day(&self) -> Option<Date> {
        self.first_day
    }

    fn number(&self, value: i64, digits: usize) -> SqlText {
        match self.is_number {
            true => SqlText::number(value),
            false => SqlText::text(&format!("{value:0digits$}")),
        }
    }

    /// The condition that leaves out the partitions that a run does not need.
    pub(crate) fn condition(&self, scope: &ScanScope) -> Result<Option<SqlText>, PartitionError> {
        let column = SqlText::name(&self.name);
        let one_of = |values: &BTreeSet<String>| {
            let values = values.iter().map(|value| SqlText::text(value));
            let values: Vec<SqlText> = values.collect();
            SqlText::of("? IN (?)", &[&column, &SqlText::join(&values, ", ")])
        };
        let listed = match self.role {
            PartitionRole::Account => scope.accounts.as_ref(),
            PartitionRole::Region => scope.regions.as_ref(),
            _ => None,
        };
        let key = || self.name.clone();
        match (&self.role, listed) {
            (_, Some(values)) if !values.is_empty() => Ok(Some(one_of(values))),
            // No partition is meant: a condition that no value meets.
            (_, Some(_)) if !self.is_injected => Ok(Some(SqlText::of("? = ''", &[&column]))),
            (PartitionRole::Account | PartitionRole::Region, _) if self.is_injected => {
                Err(PartitionError::NoAccounts { key: key() })
            }
            (_, _) if self.is_injected => Err(PartitionError::UnknownInjected { key: key() }),
            (PartitionRole::Day(form), _) => Ok(self.of_days(*form, scope)),
            (PartitionRole::Year, _) => Ok(self.between_years(scope)),
            _ => Ok(None),
        }
    }

    fn of_days(&self, form: DayForm, scope: &ScanScope) -> Option<SqlText> {
        if form == DayForm::Unknown {
            return None;
        }
        let column = SqlText::name(&self.name);
        if let (Some(first), Some(last)) = (scope.first_day, scope.last_day)
            && !scope.kept_days.is_empty()
        {
            let days = first.series(jiff::Span::new().days(1));
            let days = days
                .take_while(|day| *day <= last)
                .take(MAX_LISTED_DAYS + 1);
            let days = days.filter(|day| !scope.kept_days.contains(day));
            let days: Vec<SqlText> = days.map(|day| form.write(day)).collect();
            if days.len() <= MAX_LISTED_DAYS {
                return Some(match days.is_empty() {
                    true => SqlText::of("? = ''", &[&column]),
                    false => SqlText::of("? IN (?)", &[&column, &SqlText::join(&days, ", ")]),
                });
            }
        }
        let mut conditions = Vec::new();
        if let Some(first) = scope.first_day {
            conditions.push(SqlText::of("? >= ?", &[&column, &form.write(first)]));
        }
        if let Some(last) = scope.last_day {
            conditions.push(SqlText::of("? <= ?", &[&column, &form.write(last)]));
        }
        (!conditions.is_empty()).then(|| SqlText::join(&conditions, " AND "))
    }

    fn between_years(&self, scope: &ScanScope) -> Option<SqlText> {
        let column = SqlText::name(&self.name);
        let mut conditions = Vec::new();
        let mut bound = |day: Option<Date>, template| {
            if let Some(day) = day {
                let year = self.number(i64::from(day.year()), 4);
                conditions.push(SqlText::of(template, &[&column, &year]));
            }
        };
        bound(scope.first_day, "? >= ?");
        bound(scope.last_day, "? <= ?");
        (!conditions.is_empty()).then(|| SqlText::all(&conditions))
    }
}

/// The condition on the keys for year, month and day, for a table that has all three: the months of the run, and the
/// days of each.
pub(crate) fn by_month(keys: &[PartitionKey], scope: &ScanScope) -> Option<SqlText> {
    let key = |role| keys.iter().find(|key| key.role == role);
    let year = key(PartitionRole::Year)?;
    let month = key(PartitionRole::Month)?;
    let day = keys.iter().find(|key| {
        matches!(
            key.role,
            PartitionRole::DayOfMonth | PartitionRole::Day(DayForm::Unknown)
        ) && key.name == "day"
    });
    let (first, last) = (scope.first_day?, scope.last_day?);
    let days = first.series(jiff::Span::new().days(1));
    let days = days
        .take_while(|day| *day <= last)
        .take(10 * MAX_LISTED_DAYS);
    let mut months: BTreeMap<(i16, i8), Vec<i8>> = BTreeMap::new();
    for date in days.filter(|day| !scope.kept_days.contains(day)) {
        let month = months.entry((date.year(), date.month())).or_default();
        month.push(date.day());
    }
    let conditions = months.into_iter().map(|((y, m), days)| {
        let mut all = vec![
            SqlText::of(
                "? = ?",
                &[&SqlText::name(&year.name), &year.number(i64::from(y), 4)],
            ),
            SqlText::of(
                "? = ?",
                &[&SqlText::name(&month.name), &month.number(i64::from(m), 2)],
            ),
        ];
        if let Some(day) = day {
            let values = days.iter().map(|d| day.number(i64::from(*d), 2));
            let values: Vec<SqlText> = values.collect();
            let values = SqlText::join(&values, ", ");
            all.push(SqlText::of(
                "? IN (?)",
                &[&SqlText::name(&day.name), &values],
            ));
        }
        SqlText::all(&all)
    });
    let conditions: Vec<SqlText> = conditions.collect();
    Some(SqlText::any(&conditions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, kind: &str, parameters: &[(&str, &str)]) -> PartitionKey {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        PartitionKey::of(name, kind, &parameters.collect())
    }

    fn condition(key: &PartitionKey, scope: &ScanScope) -> Option<String> {
        let condition = key.condition(scope).unwrap();
        condition.map(|condition| condition.to_string())
    }

    fn scope() -> ScanScope {
        ScanScope {
            accounts: Some(BTreeSet::from([
                "111122223333".to_owned(),
                "it's".to_owned(),
            ])),
            regions: None,
            first_day: Some("2026-11-29".parse().unwrap()),
            last_day: Some("2026-12-01".parse().unwrap()),
            kept_days: BTreeSet::new(),
        }
    }

    #[test]
    fn keys_are_known_by_their_names_and_projection() {
        let day = key(
            "timestamp",
            "string",
            &[("projection.timestamp.format", "yyyy/MM/dd")],
        );
        assert_eq!(
            condition(&day, &scope()).unwrap(),
            "\"timestamp\" >= '2026/11/29' AND \"timestamp\" <= '2026/12/01'"
        );
        let day = key("eventday", "string", &[]);
        assert_eq!(
            condition(&day, &scope()).unwrap(),
            "\"eventday\" >= '20261129' AND \"eventday\" <= '20261201'"
        );
        let account = key(
            "account",
            "string",
            &[("projection.account.type", "injected")],
        );
        assert!(account.is_injected);
        assert_eq!(
            condition(&account, &scope()).unwrap(),
            "\"account\" IN ('111122223333', 'it''s')"
        );
        assert_eq!(condition(&key("region", "string", &[]), &scope()), None);
        assert_eq!(condition(&key("day", "string", &[]), &scope()), None);
    }

    #[test]
    fn an_injected_key_needs_values() {
        let account = key(
            "account",
            "string",
            &[("projection.account.type", "injected")],
        );
        let no_accounts = ScanScope {
            accounts: None,
            ..scope()
        };
        assert!(matches!(
            account.condition(&no_accounts),
            Err(PartitionError::NoAccounts { .. })
        ));
        let other = key(
            "tenant",
            "string",
            &[("projection.tenant.type", "injected")],
        );
        assert!(matches!(
            other.condition(&scope()),
            Err(PartitionError::UnknownInjected { .. })
        ));
    }

    #[test]
    fn kept_days_are_not_scanned() {
        let kept = ScanScope {
            kept_days: BTreeSet::from([
                "2026-11-29".parse().unwrap(),
                "2026-11-30".parse().unwrap(),
            ]),
            ..scope()
        };
        let day = key("day", "string", &[("projection.day.format", "yyyy/MM/dd")]);
        assert_eq!(condition(&day, &kept).unwrap(), "\"day\" IN ('2026/12/01')");
    }

    #[test]
    fn days_in_three_keys_are_listed_by_month() {
        let keys = [
            key("year", "int", &[]),
            key("month", "string", &[]),
            key("day", "string", &[("projection.year.type", "integer")]),
        ];
        assert_eq!(
            by_month(&keys, &scope()).unwrap().as_str(),
            "((\"year\" = 2026 AND \"month\" = '11' AND \"day\" IN ('29', '30')) OR \
             (\"year\" = 2026 AND \"month\" = '12' AND \"day\" IN ('01')))"
        );
    }
}
