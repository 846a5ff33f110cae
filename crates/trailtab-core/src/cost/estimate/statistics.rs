//! Small statistics: medians, means and quotients that are defined for every input.

/// The median; 0 of nothing.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match (numbers.len() % 2, numbers.get(middle)) {
        (_, None) => 0.0,
        (1, Some(number)) => *number,
        (_, Some(number)) => (numbers[middle - 1] + number) / 2.0,
    }
}

/// The mean; 0 of nothing.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| {
        (sum + number, count + 1.0)
    });
    quotient(sum, count)
}

/// A quotient; 0 by zero.
pub(super) fn quotient(number: f64, divisor: f64) -> f64 {
    match divisor == 0.0 {
        true => 0.0,
        false => number / divisor,
    }
}

pub(super) fn square(number: f64) -> f64 {
    number * number
}

/// A count of days as a number. Counts here are far below 2⁵³.
pub(super) fn to_number(count: usize) -> f64 {
    count as f64
}
