//! Remembers what runs saw of the last days, which tells how long days take to load.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::answers::AnswerCache;
use super::gather::GatheredCosts;
use crate::deliver::ledger::LedgerError;
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::growth::DayGrowth;
use trailtab_core::cost::table::LineCut;

/// Maximum attempts to store a document that other runs change.
const MAX_STORE_ATTEMPTS: usize = 3;

/// The currency whose days are remembered: nearly all bills are in it.
const CURRENCY: &str = "USD";

fn key(cache: &AnswerCache, metric: CostMetric) -> String {
    format!("cost/growth/{}-{}.json", cache.account, metric.name())
}

/// Loads what earlier runs saw. An unparsable document is treated as empty.
///
/// # Errors
///
/// Fails if the cache cannot be read.
pub async fn load(cache: &AnswerCache, metric: CostMetric) -> Result<DayGrowth, LedgerError> {
    let found = cache.place.load(&key(cache, metric)).await?;
    Ok(found.map(|(bytes, _)| read(&bytes)).unwrap_or_default())
}

/// Adds what a run sees of the usage of all accounts.
///
/// # Errors
///
/// Fails if the cache cannot be read or written.
pub async fn record(
    cache: &AnswerCache,
    metric: CostMetric,
    today: Date,
    costs: &GatheredCosts,
) -> Result<(), LedgerError> {
    let key = key(cache, metric);
    for _ in 0..MAX_STORE_ATTEMPTS {
        let (mut growth, version) = match cache.place.load(&key).await? {
            Some((bytes, version)) => (read(&bytes), Some(version)),
            None => (DayGrowth::default(), None),
        };
        growth.record(today, usage_by_day(costs));
        // Serializing dates and numbers cannot fail.
        let bytes = serde_json::to_vec(&growth).unwrap_or_default();
        let stored = cache.place.store(&key, &bytes, version.as_ref()).await?;
        if stored.is_some() {
            return Ok(());
        }
    }
    // Another run of the same morning recorded the same.
    Ok(())
}

fn usage_by_day(costs: &GatheredCosts) -> impl Iterator<Item = (Date, Decimal)> {
    let lines = costs.table.cut(LineCut::Owners);
    let usage =
        lines.filter(|(key, _)| key.charge == ChargeType::Usage && key.currency == CURRENCY);
    usage.map(|(key, line)| (key.day, line.amount))
}

fn read(bytes: &[u8]) -> DayGrowth {
    serde_json::from_slice(bytes).unwrap_or_default()
}
