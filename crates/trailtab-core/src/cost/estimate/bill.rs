//! What a bill will come to: usage, and the charges that come once a month.

use rust_decimal::Decimal;
use serde::Serialize;

use super::MonthEstimate;
use crate::cost::charge::ChargeType;
use crate::cost::money::cents;

/// A charge that comes once a month: what it was, and what is billed of it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyChargeHistory {
    /// The charge type, which decides how the charge is expected to go on.
    pub charge: ChargeType,
    /// The amount of the whole last month; absent if it is not known.
    pub last_month: Option<Decimal>,
    /// The usage of the whole last month; absent if it is not known.
    pub last_usage: Option<Decimal>,
    /// What is billed of it this month.
    pub billed: Decimal,
}

/// What is expected of a charge in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChargeEstimate {
    /// The charge type.
    pub charge: ChargeType,
    /// Its amount in the whole month.
    pub estimate: MonthEstimate,
}

/// What a bill will come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillEstimate {
    /// Usage and all charges together.
    pub total: MonthEstimate,
    /// The charges that are included, in the order given.
    pub charges: Vec<ChargeEstimate>,
    /// Charges of which no more than what is billed already is included, since last month's amount is not known.
    pub left_out: Vec<ChargeType>,
}

/// How a charge goes on from one month to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MonthlyCourse {
    /// It is a part of usage, the same as last month.
    WithUsage,
    /// It is what it was last month.
    Repeated,
    /// Nobody knows: a credit ends, a refund comes once.
    AsBilled,
}

impl MonthlyCourse {
    fn of(charge: ChargeType) -> MonthlyCourse {
        match charge {
            ChargeType::Tax | ChargeType::Support | ChargeType::Discount => {
                MonthlyCourse::WithUsage
            }
            ChargeType::Usage | ChargeType::Commitment | ChargeType::Other => {
                MonthlyCourse::Repeated
            }
            ChargeType::Credit | ChargeType::Refund => MonthlyCourse::AsBilled,
        }
    }
}

/// Adds the charges that come once a month to the estimate of usage.
///
/// Tax, support and discounts are the same part of usage as last month. Fees and other charges repeat last month's
/// amount. Credits and refunds are what is billed already, since they end without notice. A charge is never expected to
/// be less than what is billed of it. Fees that are paid once, such as those of an upfront commitment, must not be
/// among `monthly`.
pub fn of_bill(usage: &MonthEstimate, monthly: &[MonthlyChargeHistory]) -> BillEstimate {
    let mut bill = BillEstimate {
        total: *usage,
        charges: Vec::with_capacity(monthly.len()),
        left_out: Vec::new(),
    };
    for history in monthly {
        let expected = match (MonthlyCourse::of(history.charge), history.last_month) {
            (MonthlyCourse::AsBilled, _) => same(history.billed),
            (_, None) => {
                bill.left_out.push(history.charge);
                same(history.billed)
            }
            (MonthlyCourse::Repeated, Some(last)) => same(last),
            (MonthlyCourse::WithUsage, Some(last)) => with_usage(usage, last, history.last_usage),
        };
        let estimate = MonthEstimate {
            low: beyond(expected.low, history.billed),
            expected: beyond(expected.expected, history.billed),
            high: beyond(expected.high, history.billed),
        };
        let total = &mut bill.total;
        // A discount grows with usage, and takes off as much at both ends.
        total.low = total.low.saturating_add(estimate.low);
        total.expected = total.expected.saturating_add(estimate.expected);
        total.high = total.high.saturating_add(estimate.high);
        bill.charges.push(ChargeEstimate {
            charge: history.charge,
            estimate: ordered(estimate),
        });
    }
    bill.total = ordered(bill.total);
    bill
}

/// The same part of usage as last month. Where that part is not known, last month's amount.
fn with_usage(usage: &MonthEstimate, last: Decimal, last_usage: Option<Decimal>) -> MonthEstimate {
    let part = match last_usage.filter(|usage| *usage > Decimal::ZERO) {
        Some(last_usage) => last.checked_div(last_usage),
        None => None,
    };
    let scaled = |usage: Decimal| part?.checked_mul(usage);
    match (
        scaled(usage.low),
        scaled(usage.expected),
        scaled(usage.high),
    ) {
        (Some(low), Some(expected), Some(high)) => MonthEstimate {
            low,
            expected,
            high,
        },
        _ => same(last),
    }
}

fn same(amount: Decimal) -> MonthEstimate {
    MonthEstimate {
        low: amount,
        expected: amount,
        high: amount,
    }
}

/// An amount that is at least what is billed; for negative amounts, that takes off at least as much.
fn beyond(amount: Decimal, billed: Decimal) -> Decimal {
    let is_off = billed.is_sign_negative() && !amount.is_sign_positive();
    cents(if is_off {
        amount.min(billed)
    } else {
        amount.max(billed)
    })
}

fn ordered(estimate: MonthEstimate) -> MonthEstimate {
    let MonthEstimate {
        low,
        expected,
        high,
    } = estimate;
    MonthEstimate {
        low: low.min(high).min(expected),
        high: high.max(low).max(expected),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn charge(charge: ChargeType, last: Option<&str>, billed: &str) -> MonthlyChargeHistory {
        MonthlyChargeHistory {
            charge,
            last_month: last.map(usd),
            last_usage: Some(usd("1000")),
            billed: usd(billed),
        }
    }

    fn range(low: &str, expected: &str, high: &str) -> MonthEstimate {
        MonthEstimate {
            low: usd(low),
            expected: usd(expected),
            high: usd(high),
        }
    }

    #[test]
    fn tax_grows_with_usage_and_fees_repeat() {
        let usage = range("1100", "1200", "1400");
        let monthly = [
            charge(ChargeType::Tax, Some("190"), "0"),
            charge(ChargeType::Support, Some("100"), "0"),
            charge(ChargeType::Commitment, Some("50"), "0"),
            charge(ChargeType::Discount, Some("-20"), "-5"),
            charge(ChargeType::Credit, Some("-300"), "-30"),
        ];
        let bill = of_bill(&usage, &monthly);
        let estimates: Vec<MonthEstimate> =
            bill.charges.iter().map(|charge| charge.estimate).collect();
        assert_eq!(
            estimates,
            [
                range("209", "228", "266"),
                range("110", "120", "140"),
                range("50", "50", "50"),
                range("-28", "-24", "-22"),
                range("-30", "-30", "-30"),
            ]
        );
        assert_eq!(bill.total, range("1417", "1544", "1798"));
        assert_eq!(bill.left_out, []);
    }

    #[test]
    fn a_charge_is_never_less_than_what_is_billed() {
        let usage = range("1000", "1000", "1000");
        let monthly = [
            charge(ChargeType::Tax, Some("190"), "200"),
            charge(ChargeType::Other, Some("10"), "12.345"),
            charge(ChargeType::Discount, Some("-20"), "-25"),
        ];
        let bill = of_bill(&usage, &monthly);
        let expected: Vec<Decimal> = bill
            .charges
            .iter()
            .map(|charge| charge.estimate.expected)
            .collect();
        assert_eq!(expected, [usd("200"), usd("12.35"), usd("-25")]);
    }

    #[test]
    fn a_charge_without_a_known_last_month_is_named() {
        let usage = range("1000", "1000", "1000");
        let mut no_usage = charge(ChargeType::Tax, Some("190"), "0");
        let monthly = [
            charge(ChargeType::Support, None, "0"),
            charge(ChargeType::Commitment, None, "5"),
        ];
        let bill = of_bill(&usage, &monthly);
        assert_eq!(bill.total.expected, usd("1005"));
        assert_eq!(bill.left_out, [ChargeType::Support, ChargeType::Commitment]);
        // Without last month's usage, tax is what it was.
        for last_usage in [None, Some(Decimal::ZERO), Some(usd("-1"))] {
            no_usage.last_usage = last_usage;
            assert_eq!(of_bill(&usage, &[no_usage]).total.expected, usd("1190"));
        }
        no_usage.last_usage = Some(usd("0.0000000000000000000000000001"));
        no_usage.last_month = Some(Decimal::MAX);
        let _ = of_bill(
            &range("0", "1", "79228162514264337593543950335"),
            &[no_usage],
        );
    }
}
