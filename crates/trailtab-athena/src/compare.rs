//! Reading a bucket here against a query of Athena: time by measured rates and documented limits, and list prices.

use rust_decimal::Decimal;
use trailtab_core::s3_requests::S3RequestPlan;

use crate::price::ScanPlan;

/// Log files that two cores read in a second, of some 3.5 KB each: docs/benchmarks.md, "A bucket of small files".
const OBJECTS_PER_SECOND: u64 = 5_400;

/// Bytes of compressed log files that two cores read in a second: docs/benchmarks.md, "Reading and counting".
const BYTES_PER_SECOND: u64 = 160_000_000;

/// Dollars for one GB from S3 to the internet, for the first 10 TB of a month: <https://aws.amazon.com/s3/pricing/>.
/// Within a Region nothing is charged.
const TRANSFER_GB_USD: Decimal = Decimal::from_parts(9, 0, 0, false, 2);

const BYTES_PER_GB: u64 = 1_000_000_000;

/// Bytes in a bucket from which Athena is worth a look: they take a quarter of an hour on a line of 100 Mbit/s.
pub const LARGE_BYTES: u64 = 10 * BYTES_PER_GB;

/// What reading some objects takes here, and in Athena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingComparison {
    /// Seconds on two cores, if the network is not the limit.
    pub here_seconds: u64,
    /// Seconds for the transfer at 100 Mbit/s.
    pub slow_line_seconds: u64,
    /// Dollars for the requests.
    pub requests_usd: Decimal,
    /// Dollars for the transfer out of AWS.
    pub transfer_usd: Decimal,
    /// Dollars for the scan by Athena, with the requests that it sends.
    pub athena_usd: Decimal,
    /// Seconds that Athena needs at least, because S3 serves no faster.
    pub athena_least_seconds: u64,
}

impl ReadingComparison {
    /// Compares reading so many objects of so many bytes. S3 serves each of `prefixes` folders at a rate of its own.
    pub fn of(objects: u64, bytes: u64, prefixes: u64) -> ReadingComparison {
        let scan = ScanPlan {
            objects,
            bytes,
            list_requests: 0,
        };
        let requests = S3RequestPlan {
            get_requests: objects,
            ..S3RequestPlan::default()
        };
        let by_objects = objects / OBJECTS_PER_SECOND;
        ReadingComparison {
            here_seconds: by_objects.max(bytes / BYTES_PER_SECOND),
            slow_line_seconds: bytes / 12_500_000,
            requests_usd: requests.usd(),
            transfer_usd: Decimal::from(bytes) * TRANSFER_GB_USD / Decimal::from(BYTES_PER_GB),
            athena_usd: scan.usd(),
            athena_least_seconds: scan.least_seconds(prefixes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of docs/scale.md: log files of 30 KB under 100 folders of accounts and Regions.
    fn table() -> String {
        let time = |seconds: u64| match seconds {
            0..120 => format!("{} s", seconds.max(1)),
            120..7_200 => format!("{} min", seconds / 60),
            _ => format!("{} h", seconds / 3_600),
        };
        let mut table = "| stored | log files | two cores here | transfer at 100 Mbit/s | requests | transfer out of AWS | Athena | Athena at least |\n|---|---|---|---|---|---|---|---|\n".to_owned();
        for (name, bytes) in [
            ("1 GB", BYTES_PER_GB),
            ("10 GB", 10 * BYTES_PER_GB),
            ("100 GB", 100 * BYTES_PER_GB),
            ("1 TB", 1_000 * BYTES_PER_GB),
            ("10 TB", 10_000 * BYTES_PER_GB),
        ] {
            let objects = bytes / 30_000;
            let of = ReadingComparison::of(objects, bytes, 100);
            let ReadingComparison {
                requests_usd,
                transfer_usd,
                athena_usd,
                ..
            } = of;
            table += &format!(
                "| {name} | {objects} | {} | {} | ${requests_usd:.2} | ${transfer_usd:.2} | ${athena_usd:.2} | {} |\n",
                time(of.here_seconds),
                time(of.slow_line_seconds),
                time(of.athena_least_seconds),
            );
        }
        table
    }

    #[test]
    fn the_document_has_these_numbers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scale.md");
        let document = std::fs::read_to_string(path).unwrap();
        let table = table();
        assert!(document.contains(&table), "docs/scale.md lacks:\n{table}");
    }
}
