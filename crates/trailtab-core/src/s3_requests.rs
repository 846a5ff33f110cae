//! The requests that reading a bucket takes, and what they cost.

use rust_decimal::Decimal;

/// The requests to S3 for a set of files. Requests that are repeated come on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct S3RequestPlan {
    /// Number of files, digests among them if they are asked for.
    pub objects: u64,
    /// Their size as stored, in bytes.
    pub bytes: u64,
    /// Requests that fetch them: one for each, and for a large one as many as it has ranges.
    pub get_requests: u64,
    /// Requests that list them, and folders above them.
    pub list_requests: u64,
    /// Whether the listing is complete; if not, the numbers are those so far.
    pub is_complete: bool,
}

/// The list prices of requests to S3 Standard in us-east-1, from <https://aws.amazon.com/s3/pricing/>. Other regions,
/// storage classes and agreements have other prices.
pub mod list_price {
    use rust_decimal::Decimal;

    /// Dollars for one GET, at $0.0004 for 1,000.
    pub const GET_USD: Decimal = Decimal::from_parts(4, 0, 0, false, 7);

    /// Dollars for one LIST, at $0.005 for 1,000.
    pub const LIST_USD: Decimal = Decimal::from_parts(5, 0, 0, false, 6);
}

impl S3RequestPlan {
    /// What the requests cost at the list prices of us-east-1, in dollars. The transfer of data out of the bucket's
    /// region is not in it.
    pub fn usd(&self) -> Decimal {
        Decimal::from(self.get_requests) * list_price::GET_USD
            + Decimal::from(self.list_requests) * list_price::LIST_USD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_priced_by_thousands() {
        let plan = |get_requests, list_requests| S3RequestPlan {
            get_requests,
            list_requests,
            ..S3RequestPlan::default()
        };
        let usd = |plan: S3RequestPlan| plan.usd().normalize().to_string();
        assert_eq!(usd(plan(1000, 0)), "0.0004");
        assert_eq!(usd(plan(0, 1000)), "0.005");
        assert_eq!(usd(plan(3_000_000, 3020)), "1.2151");
        assert_eq!(usd(plan(0, 0)), "0");
    }
}
