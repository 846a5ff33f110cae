//! What a recipient was mailed, so that a later mail can say what has changed since.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::deliver::ledger::{Ledger, LedgerError};
use trailtab_core::cost::period::Days;

/// Periods that are remembered: a mail each day for two months.
const MOST: usize = 62;

/// How often it is tried to change a document that others change, too.
const ATTEMPTS: usize = 5;

/// The figures of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailed {
    /// The day it was mailed on.
    pub mailed: Date,
    /// The days it was about, as far as there were data.
    pub days: Days,
    /// The total in each currency.
    pub totals: Vec<Total>,
    /// Stands for what it was about: which accounts or whose cost, and how it was measured. Amounts of something else
    /// are not compared with these.
    #[serde(default)]
    pub scope: String,
    /// Stands for all that it said: another one is another report.
    pub fingerprint: String,
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// The currency, such as `USD`.
    pub currency: String,
    /// The amount in this currency.
    #[serde(with = "text")]
    pub amount: Decimal,
}

/// Mails by period.
pub type Mails = BTreeMap<String, Mailed>;

/// Reads what was mailed.
///
/// # Errors
///
/// If the ledger cannot be read. A document that is not ours says nothing.
pub async fn load(ledger: &Ledger, key: &str) -> Result<Mails, LedgerError> {
    let found = ledger.load(key).await?;
    Ok(found.map(|(bytes, _)| read(&bytes)).unwrap_or_default())
}

/// Takes down a mail, in place of an earlier one for the same period.
///
/// # Errors
///
/// If the ledger cannot be read or written.
pub async fn add(
    ledger: &Ledger,
    key: &str,
    period: &str,
    mailed: &Mailed,
) -> Result<(), LedgerError> {
    for _ in 0..ATTEMPTS {
        let (mut mails, version) = match ledger.load(key).await? {
            Some((bytes, version)) => (read(&bytes), Some(version)),
            None => (Mails::new(), None),
        };
        mails.insert(period.to_owned(), mailed.clone());
        forget(&mut mails);
        // Texts, dates and numbers can always be written.
        let bytes = serde_json::to_vec(&mails).unwrap_or_default();
        if ledger.store(key, &bytes, version.as_ref()).await?.is_some() {
            return Ok(());
        }
    }
    Err(ledger.contended(key))
}

fn read(bytes: &[u8]) -> Mails {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Forgets the oldest.
fn forget(mails: &mut Mails) {
    while mails.len() > MOST {
        let oldest = mails.iter().min_by_key(|(_, mailed)| mailed.mailed);
        let Some(period) = oldest.map(|(period, _)| period.clone()) else {
            return;
        };
        mails.remove(&period);
    }
}

/// Amounts as text, with all their digits.
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
