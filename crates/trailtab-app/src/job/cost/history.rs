//! Records the figures mailed to a recipient, so that a later mail can say what has changed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::deliver::ledger::{LedgerError, SendLedger};
use trailtab_core::cost::period::DayRange;

/// Two months of daily mails.
const MAX_REMEMBERED_PERIODS: usize = 62;

/// Maximum attempts to store a document that other runs change.
const MAX_STORE_ATTEMPTS: usize = 5;

/// The figures of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedFigures {
    /// The day of the mail.
    pub mailed: Date,
    /// The days it covered, up to the last day with data.
    pub days: DayRange,
    /// The total in each currency.
    pub totals: Vec<CurrencyTotal>,
    /// What the totals hold.
    #[serde(default)]
    pub basis: FiguresBasis,
    /// Whether Cost Explorer no longer estimated any of the days.
    #[serde(default)]
    pub is_final: bool,
    /// A hash of the subject: the accounts or owner, and the cost metric. Only figures with the
    /// same scope are compared.
    #[serde(default)]
    pub scope: String,
    /// A hash of the report's content. A different hash means a changed report.
    pub fingerprint: String,
}

/// What mailed totals hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FiguresBasis {
    /// All charges of all days with data: the figures of closing reports, and of all mails before 0.2.
    #[default]
    AllCharges,
    /// Usage of settled days, which alone can be told again without the charges that grow in a month.
    SettledUsage,
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyTotal {
    /// The currency, such as `USD`.
    pub currency: String,
    /// The amount in this currency.
    #[serde(with = "text")]
    pub amount: Decimal,
}

/// Mails by period.
pub type MailHistory = BTreeMap<String, MailedFigures>;

/// Loads the history.
///
/// # Errors
///
/// Fails if the ledger cannot be read. An unparsable document is treated as empty.
pub async fn load(ledger: &SendLedger, key: &str) -> Result<MailHistory, LedgerError> {
    let found = ledger.load(key).await?;
    Ok(found.map(|(bytes, _)| read(&bytes)).unwrap_or_default())
}

/// Records a mail, replacing an earlier one for the same period.
///
/// # Errors
///
/// Fails if the ledger cannot be read or written.
pub async fn add(
    ledger: &SendLedger,
    key: &str,
    period: &str,
    mailed: &MailedFigures,
) -> Result<(), LedgerError> {
    for _ in 0..MAX_STORE_ATTEMPTS {
        let (mut mails, version) = match ledger.load(key).await? {
            Some((bytes, version)) => (read(&bytes), Some(version)),
            None => (MailHistory::new(), None),
        };
        mails.insert(period.to_owned(), mailed.clone());
        forget(&mut mails);
        // Serializing strings, dates and numbers cannot fail.
        let bytes = serde_json::to_vec(&mails).unwrap_or_default();
        if ledger.store(key, &bytes, version.as_ref()).await?.is_some() {
            return Ok(());
        }
    }
    Err(ledger.contended(key))
}

fn read(bytes: &[u8]) -> MailHistory {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Removes the oldest periods beyond the limit.
fn forget(mails: &mut MailHistory) {
    while mails.len() > MAX_REMEMBERED_PERIODS {
        let oldest = mails.iter().min_by_key(|(_, mailed)| mailed.mailed);
        let Some(period) = oldest.map(|(period, _)| period.clone()) else {
            return;
        };
        mails.remove(&period);
    }
}

/// Amounts as strings, with all their digits.
mod text {
    use rust_decimal::Decimal;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        amount: &Decimal,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        trailtab_core::cost::money::exact(amount, serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Decimal, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
