//! What a query scans, and what it costs.

use rust_decimal::Decimal;
use trailtab_core::s3_requests::list_price::{GET_USD, LIST_USD};

/// What a query reads of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanPlan {
    /// Number of objects.
    pub objects: u64,
    /// Their size as stored, in bytes. Athena bills compressed bytes.
    pub bytes: u64,
    /// Requests that listed them, before the query.
    pub list_requests: u64,
}

/// Dollars for one TiB scanned: the list price of us-east-1, from <https://aws.amazon.com/athena/pricing/>. Other
/// Regions, agreements and capacity reservations have other prices.
const SCANNED_TIB_USD: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// Bytes that Athena bills for a query that scans less: 10 MB.
pub const MIN_BILLED_BYTES: u64 = 10 << 20;

const BYTES_PER_MIB: u64 = 1 << 20;

const MIB_PER_TIB: u64 = 1 << 20;

/// GETs that S3 serves in a second for one prefix ("Best practices design patterns" in the Amazon S3 User Guide).
const GETS_PER_SECOND: u64 = 5_500;

/// What Athena bills for scanning, in dollars: by the MB, rounded up, and at least 10 MB for each query.
pub fn scan_usd(bytes: u64) -> Decimal {
    let billed = bytes.max(MIN_BILLED_BYTES).div_ceil(BYTES_PER_MIB);
    Decimal::from(billed) * SCANNED_TIB_USD / Decimal::from(MIB_PER_TIB)
}

/// The most bytes that Athena scans for some dollars.
pub fn bytes_for(usd: Decimal) -> u64 {
    let mib = usd / SCANNED_TIB_USD * Decimal::from(MIB_PER_TIB);
    let mib = u64::try_from(mib.trunc()).unwrap_or(0);
    mib.saturating_mul(BYTES_PER_MIB)
}

impl ScanPlan {
    /// What the query costs: the scan, one GET for each object, and the listing before it. Athena may read a large
    /// object with several requests. What Athena lists itself is not in it, nor is transfer between Regions.
    pub fn usd(&self) -> Decimal {
        if self.objects == 0 {
            return self.list_usd();
        }
        scan_usd(self.bytes) + self.get_usd() + self.list_usd()
    }

    /// What one GET for each object costs, in dollars.
    pub fn get_usd(&self) -> Decimal {
        Decimal::from(self.objects) * GET_USD
    }

    fn list_usd(&self) -> Decimal {
        Decimal::from(self.list_requests) * LIST_USD
    }

    /// Seconds that S3 needs at least to serve the objects, if they lie under so many prefixes.
    pub fn least_seconds(&self, prefixes: u64) -> u64 {
        self.objects.div_ceil(GETS_PER_SECOND * prefixes.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_billed_by_the_mb_and_at_least_ten() {
        let usd = |bytes| scan_usd(bytes).normalize().to_string();
        assert_eq!(usd(1 << 40), "5");
        assert_eq!(usd(0), usd(10 << 20));
        assert_eq!(usd((10 << 20) + 1), usd(11 << 20));
        assert_ne!(usd((10 << 20) + 1), usd(10 << 20));
        assert_eq!(bytes_for(Decimal::from(5)), 1 << 40);
        assert_eq!(bytes_for(Decimal::from(-1)), 0);
    }

    #[test]
    fn requests_cost_more_than_the_scan_of_small_files() {
        let plan = ScanPlan {
            objects: 33_000_000,
            bytes: 1 << 40,
            list_requests: 33_000,
        };
        assert_eq!(plan.get_usd().normalize().to_string(), "13.2");
        assert_eq!(plan.usd().normalize().to_string(), "18.365");
        assert_eq!(plan.least_seconds(1), 6_000);
        assert_eq!(ScanPlan::default().usd(), Decimal::ZERO);
    }
}
