//! The bytes that queries scanned.

use std::fmt;

use trailtab_render::progress;

/// The bytes that queries read from S3, as stored. AWS bills them for queries that fail or are cancelled as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryScan {
    /// The bytes that Athena reported.
    pub bytes: u64,
    /// The number of queries whose final bytes Athena did not report.
    pub unreported_queries: u32,
}

impl QueryScan {
    /// Adds a query that has ended, with its final bytes if they are known.
    pub fn add(&mut self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self.bytes = self.bytes.saturating_add(bytes),
            None => self.unreported_queries += 1,
        }
    }

    /// Adds a query that may go on, with the bytes that it had scanned when it was last seen.
    pub fn add_unfinished(&mut self, bytes: Option<u64>) {
        self.bytes = self.bytes.saturating_add(bytes.unwrap_or_default());
        self.unreported_queries += 1;
    }
}

impl fmt::Display for QueryScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bytes, self.unreported_queries) {
            (0, 0) => f.write_str("nothing"),
            (bytes, 0) => f.write_str(&progress::bytes(bytes)),
            (0, _) => f.write_str("an unknown number of bytes"),
            (bytes, _) => write!(f, "at least {}", progress::bytes(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bytes_are_not_zero() {
        let mut scan = QueryScan::default();
        assert_eq!(scan.to_string(), "nothing");
        scan.add(None);
        assert_eq!(scan.to_string(), "an unknown number of bytes");
        scan.add(Some(5_000_000));
        assert_eq!(scan.to_string(), "at least 5.0 MB");
        let mut scan = QueryScan::default();
        scan.add(Some(u64::MAX));
        scan.add(Some(1));
        assert_eq!((scan.bytes, scan.unreported_queries), (u64::MAX, 0));
        scan.add_unfinished(Some(1));
        assert_eq!(scan.unreported_queries, 1);
    }
}
