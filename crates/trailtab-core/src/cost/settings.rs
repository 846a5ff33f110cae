//! The settings of the operator: awsauditor's `config.json`, or `trailtab.toml` or JSON with more members.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::amount::not_negative;
use super::budget::{self, BudgetRule};
use super::channel::ChannelSettings;
use super::charge::CostMetric;
use super::condition::SendCondition;
use super::owner::OwnerRules;
use super::recipient::is_address;
use super::secret::ServerOverrides;
use super::unusual::UnusualRules;
use super::wording::MailWording;

/// All settings of the cost mails. The first three are those of awsauditor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CostSettings {
    /// Mail addresses of managers, and the accounts that each report covers, by name or id.
    pub managers: BTreeMap<String, Vec<String>>,
    /// Owners that get a report on their own usage.
    pub users: Vec<String>,
    /// Name or ARN of the secret in Secrets Manager that contains the mail server.
    pub secret_name: Option<String>,
    /// Mail addresses that get a report on all accounts.
    pub executives: Vec<String>,
    /// Chat rooms and programs that get reports by a webhook.
    pub channels: Vec<ChannelSettings>,
    /// The mail address that gets a mail, once a day, about reports that were not sent and what to do about them.
    pub operator: Option<String>,
    /// The metric of Cost Explorer that reports show.
    pub metric: CostMetric,
    /// Whether reports include today, for which Cost Explorer has little data.
    pub include_today: bool,
    /// Whether reports show the forecast of AWS itself, which takes further requests.
    pub aws_forecast: bool,
    /// Days after the end of a day until its costs are settled. Later days are shown as still loading and never
    /// compared.
    pub lag_days: LagDays,
    /// The day of the month from which on the closing report of the previous month is sent.
    #[serde(rename = "closing_days")]
    pub closing_day: ClosingDay,
    /// Smallest change of a mailed amount that is reported.
    pub restatement: RestatementThreshold,
    /// Maximum number of requests to Cost Explorer in a run.
    pub max_requests: MaxRequests,
    /// How a cost is assigned to an owner.
    pub owner: OwnerRules,
    /// How often each kind of recipient gets a mail.
    pub schedule: MailSchedule,
    /// The days that scheduled mails are about.
    pub days: ReportDays,
    /// When a scheduled mail is worth sending.
    pub only_if: SendCondition,
    /// How mails are sent.
    pub mail: MailSettings,
    /// Texts of a mail that replace the default ones.
    pub wording: MailWording,
    /// What may be spent in a month.
    pub budgets: Vec<BudgetRule>,
    /// From when on a day is unusual.
    pub unusual: UnusualRules,
    /// Unknown keys; reported and otherwise ignored.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, IgnoredAny>,
}

/// A number of days, 2 by default: on the morning of the 21st, the 18th is the last settled day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LagDays(pub u8);

impl Default for LagDays {
    fn default() -> LagDays {
        LagDays(2)
    }
}

/// A day of the month, 5 by default; 0 for no closing report. The report is sent on this day, and once more when Cost
/// Explorer no longer estimates the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClosingDay(pub i8);

impl Default for ClosingDay {
    fn default() -> ClosingDay {
        ClosingDay(5)
    }
}

impl ClosingDay {
    /// Returns whether the closing report of the previous month may be sent on a day.
    pub fn has_come(self, today: Date) -> bool {
        self.0 > 0 && today.day() >= self.0
    }
}

/// A mailed amount is reported again if it changed by more than both of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestatementThreshold {
    /// Percent of the amount that was mailed, 1 by default.
    #[serde(deserialize_with = "not_negative")]
    pub percent: Decimal,
    /// An amount in the currency of the costs, 1 by default.
    #[serde(deserialize_with = "not_negative")]
    pub amount: Decimal,
}

impl Default for RestatementThreshold {
    fn default() -> RestatementThreshold {
        RestatementThreshold {
            percent: Decimal::ONE,
            amount: Decimal::ONE,
        }
    }
}

impl RestatementThreshold {
    /// Returns whether a change is large enough to be reported.
    pub fn is_passed(&self, was: Decimal, is: Decimal) -> bool {
        let change = is.saturating_sub(was).abs();
        let share = was.abs().saturating_mul(self.percent) / Decimal::ONE_HUNDRED;
        change > share.max(self.amount)
    }
}

/// A number of requests, 200 by default; at $0.01 each this is two dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct MaxRequests(pub u64);

impl Default for MaxRequests {
    fn default() -> MaxRequests {
        MaxRequests(200)
    }
}

/// How often each kind of recipient gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSchedule {
    /// Mails to `managers`.
    pub managers: MailFrequency,
    /// Mails to `users`.
    pub users: MailFrequency,
    /// Mails to `executives`.
    pub executives: MailFrequency,
}

/// The days that the scheduled mails of each kind of recipient are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportDays {
    /// Mails to `managers`.
    pub managers: DaySpan,
    /// Mails to `users`.
    pub users: DaySpan,
    /// Mails to `executives`.
    pub executives: DaySpan,
}

/// The days of a scheduled mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "WrittenDays")]
pub enum DaySpan {
    /// The month to date.
    #[default]
    Month,
    /// So many of the last settled days, from 1 to 366.
    Last(u16),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenDays {
    Number(i64),
    Word(String),
}

impl TryFrom<WrittenDays> for DaySpan {
    type Error = String;

    fn try_from(written: WrittenDays) -> Result<DaySpan, String> {
        match written {
            WrittenDays::Word(word) if word == "month" => Ok(DaySpan::Month),
            WrittenDays::Number(days @ 1..=366) => u16::try_from(days)
                .map(DaySpan::Last)
                .map_err(|_| String::new()),
            WrittenDays::Number(days) => Err(format!(
                "{days} days: write \"month\" for the month to date, or a number of days from 1 to 366"
            )),
            WrittenDays::Word(word) => Err(format!(
                "{word:?} names no days: write \"month\" for the month to date, or a number of days"
            )),
        }
    }
}

/// How often a recipient gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailFrequency {
    /// Every day.
    #[default]
    Day,
    /// Every Monday.
    Monday,
    /// Every Tuesday.
    Tuesday,
    /// Every Wednesday.
    Wednesday,
    /// Every Thursday.
    Thursday,
    /// Every Friday.
    Friday,
    /// Every Saturday.
    Saturday,
    /// Every Sunday.
    Sunday,
    /// Only the closing report.
    Month,
}

impl MailFrequency {
    /// Returns whether a report on the month to date is due.
    pub fn is_due(self, today: Date) -> bool {
        let weekday = match self {
            MailFrequency::Day => return true,
            MailFrequency::Month => return false,
            MailFrequency::Monday => Weekday::Monday,
            MailFrequency::Tuesday => Weekday::Tuesday,
            MailFrequency::Wednesday => Weekday::Wednesday,
            MailFrequency::Thursday => Weekday::Thursday,
            MailFrequency::Friday => Weekday::Friday,
            MailFrequency::Saturday => Weekday::Saturday,
            MailFrequency::Sunday => Weekday::Sunday,
        };
        today.weekday() == weekday
    }
}

/// How mails are sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// The service that mails are handed to.
    pub transport: MailTransportKind,
    /// Server settings that complete the secret.
    pub server: ServerOverrides,
    /// The sender address; by default the address in the secret, for SMTP.
    pub from: Option<String>,
    /// The region of the secret or of SES; by default the configured region.
    pub region: Option<String>,
    /// The configuration set of SES.
    pub configuration_set: Option<String>,
    /// Whether mails carry the report as CSV.
    pub attach_csv: bool,
    /// The address for unsubscribing, for the List-Unsubscribe header: `mailto:` or `https:`.
    pub list_unsubscribe: Option<String>,
}

impl Default for MailSettings {
    fn default() -> MailSettings {
        MailSettings {
            transport: MailTransportKind::default(),
            server: ServerOverrides::default(),
            from: None,
            region: None,
            configuration_set: None,
            attach_csv: true,
            list_unsubscribe: None,
        }
    }
}

/// The service that mails are handed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransportKind {
    /// An SMTP server.
    #[default]
    Smtp,
    /// Amazon SES, by its API.
    Ses,
}

/// Invalid settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostSettingsError {
    /// The file is not UTF-8.
    #[error("it is not text in UTF-8")]
    Text,
    /// The file is not JSON of the expected form; the value is the parser's message.
    #[error("it is not JSON with the settings of trailtab: {0}")]
    Json(String),
    /// The file is not TOML of the expected form; the value is the parser's error.
    #[error("it is not TOML with the settings of trailtab")]
    Toml(#[from] toml::de::Error),
    /// A setting has a value that cannot be used; the value is the message.
    #[error("{0}")]
    Value(String),
}

impl CostSettings {
    /// Returns whether any report goes by mail.
    pub fn sends_mail(&self) -> bool {
        !(self.managers.is_empty() && self.users.is_empty() && self.executives.is_empty())
    }

    /// Returns whether the settings have no recipient of reports.
    pub fn has_no_recipients(&self) -> bool {
        !self.sends_mail() && self.channels.is_empty()
    }

    /// Parses settings: JSON if they start with a brace, TOML otherwise.
    ///
    /// # Errors
    ///
    /// Says what is invalid, and where.
    pub fn parse(bytes: &[u8]) -> Result<CostSettings, CostSettingsError> {
        let text = str::from_utf8(bytes).map_err(|_| CostSettingsError::Text)?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let settings: CostSettings = match text.starts_with('{') {
            true => serde_json::from_str(text)
                .map_err(|error| CostSettingsError::Json(error.to_string()))?,
            false => toml::from_str(text)?,
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), CostSettingsError> {
        let wrong = |text: &str| Err(CostSettingsError::Value(text.to_owned()));
        if !(0..=28).contains(&self.closing_day.0) {
            return wrong(
                "closing_days must be a day of the month from 1 to 28, or 0 for no closing report",
            );
        }
        if self.lag_days.0 > 14 {
            return wrong("lag_days must be a number from 0 to 14");
        }
        if self.owner.keys.is_empty() || self.owner.keys.len() > 5 {
            return wrong("owner.keys must name from one to five tags or cost categories");
        }
        if let Some(operator) = &self.operator
            && !is_address(operator)
        {
            return wrong("operator must be a mail address");
        }
        if let Some(place) = &self.mail.list_unsubscribe
            && (!(place.starts_with("mailto:") || place.starts_with("https://"))
                || place
                    .contains(|c: char| c.is_control() || c.is_whitespace() || "<>".contains(c)))
        {
            return wrong("mail.list_unsubscribe must begin with mailto: or https://");
        }
        budget::check(&self.budgets).map_err(CostSettingsError::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::channel::ChannelKind;
    use crate::cost::owner::OwnerKey;

    #[test]
    fn awsauditors_config_works_unchanged() {
        let settings = CostSettings::parse(
            br#"{
                "managers": {"manager1@email.com":["Account1", "Account3"], "manager2@email.com":["Account2"]},
                "users": ["dev1@email.com", "dev2@email.com"],
                "secret_name": "emailsecret"
            }"#,
        );
        let settings = settings.unwrap();
        assert_eq!(
            settings.managers["manager1@email.com"],
            ["Account1", "Account3"]
        );
        assert_eq!(settings.users.len(), 2);
        assert_eq!(settings.secret_name.as_deref(), Some("emailsecret"));
        assert_eq!(settings.metric, CostMetric::UnblendedCost);
        assert_eq!(settings.owner.keys, [OwnerKey::Tag("Owner".to_owned())]);
        assert_eq!((settings.closing_day.0, settings.max_requests.0), (5, 200));
        assert_eq!(settings.lag_days.0, 2);
        assert!(!settings.include_today && !settings.aws_forecast && settings.unknown.is_empty());
    }

    #[test]
    fn our_own_says_more() {
        let settings = CostSettings::parse(
            br#"
                executives = ["cfo@example.com"]
                metric = "NetAmortizedCost"
                aws_forecast = true
                closing_days = 7
                max_requests = 30
                colour = "blue"

                [managers]
                "m@example.com" = ["111122223333"]

                [owner]
                keys = ["Owner", "cost-category:Team"]
                fold_case = false
                aliases = { asmith = "ann@example.com" }

                [[budgets]]
                amount = 12000

                [unusual]
                floor = 25

                [schedule]
                users = "monday"

                [days]
                users = 7
                managers = "month"

                [mail]
                transport = "ses"
                from = "costs@example.com"

                [[channels]]
                name = "finance"
                kind = "teams"
                url_secret = "teams-finance"
                all = true
                schedule = "month"
            "#,
        );
        let settings = settings.unwrap();
        let finance = ChannelSettings {
            name: "finance".to_owned(),
            kind: ChannelKind::Teams,
            url_secret: "teams-finance".to_owned(),
            accounts: None,
            owner: None,
            all: true,
            schedule: MailFrequency::Month,
        };
        assert_eq!(settings.channels, [finance]);
        assert_eq!(
            settings.owner.keys[1],
            OwnerKey::CostCategory("Team".to_owned())
        );
        assert_eq!(settings.mail.transport, MailTransportKind::Ses);
        assert_eq!(settings.schedule.users, MailFrequency::Monday);
        assert_eq!(settings.days.users, DaySpan::Last(7));
        assert_eq!(settings.closing_day, ClosingDay(7));
        assert_eq!(settings.days.managers, DaySpan::Month);
        assert_eq!((settings.budgets.len(), settings.aws_forecast), (1, true));
        assert_eq!(settings.unusual.floor, Some(25.into()));
        assert_eq!(settings.unknown.keys().collect::<Vec<_>>(), ["colour"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, part) in [
            ("[owner]\nkey = 1", "key"),
            ("metric = \"Cost\"", "UnblendedCost"),
            ("closing_days = 40", "closing_days"),
            ("lag_days = 15", "lag_days"),
            ("[days]\nusers = 0", "from 1 to 366"),
            ("[days]\nusers = \"week\"", "names no days"),
            ("[restatement]\npercent = -1", "not negative"),
            ("[owner]\nkeys = []", "owner.keys"),
            ("[owner]\nkeys = [\"cost-category:\"]", "cost-category"),
            (
                "[mail]\nlist_unsubscribe = \"a@b\\r\\nBcc: c\"",
                "list_unsubscribe",
            ),
            (
                "[[channels]]\nname = \"x\"\nkind = \"irc\"\nurl_secret = \"x\"",
                "slack",
            ),
            (
                "[[channels]]\nname = \"x\"\nkind = \"slack\"\nurl = \"https://a.b/c\"",
                "url",
            ),
            ("operator = \"ops\"", "operator"),
            ("{\"managers\": []}", "JSON"),
            ("{", "JSON"),
        ] {
            let error = CostSettings::parse(text.as_bytes()).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let error = format!("{error}: {}", cause.unwrap_or_default());
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn small_changes_are_not_told_again() {
        let of = |was: &str, is: &str| {
            RestatementThreshold::default().is_passed(was.parse().unwrap(), is.parse().unwrap())
        };
        assert_eq!((of("10.00", "11.00"), of("10.00", "11.01")), (false, true));
        assert_eq!(
            (of("1000.00", "1010.00"), of("1000.00", "1010.01")),
            (false, true)
        );
        assert_eq!(
            (of("1000.00", "989.99"), of("0", "0"), of("-5.00", "5.00")),
            (true, false, true)
        );
        assert!(RestatementThreshold::default().is_passed(Decimal::MAX, Decimal::MIN));
    }

    #[test]
    fn reports_are_due_on_their_day() {
        let saturday = "2026-11-21".parse().unwrap();
        assert!(MailFrequency::Day.is_due(saturday) && MailFrequency::Saturday.is_due(saturday));
        assert!(!MailFrequency::Sunday.is_due(saturday) && !MailFrequency::Month.is_due(saturday));
    }
}
