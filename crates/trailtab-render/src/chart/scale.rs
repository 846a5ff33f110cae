//! Scales of counts: ticks of an axis, and formatting of numbers.

use trailtab_core::digits::thousands;

/// An axis from zero to a round number.
#[derive(Debug)]
pub(super) struct CountScale {
    /// Distance between ticks: 1, 2 or 5 times a power of ten.
    step: u128,
    /// Number of steps, at least one.
    steps: u128,
}

impl CountScale {
    /// Covers `max` with at most `most` steps, which must not be zero.
    pub(super) fn new(max: u64, most: u64) -> Self {
        let max = u128::from(max.max(1));
        let mut power = 1;
        // Ends at the latest when the power exceeds `max`.
        loop {
            for step in [power, 2 * power, 5 * power] {
                let steps = max.div_ceil(step);
                if steps <= u128::from(most) {
                    return Self { step, steps };
                }
            }
            power *= 10;
        }
    }

    /// The values of the ticks, from zero to the end of the axis.
    pub(super) fn ticks(&self) -> impl Iterator<Item = u128> {
        (0..=self.steps).map(|i| i * self.step)
    }

    /// The label of a tick, short enough not to touch the next.
    pub(super) fn label(&self, tick: u128) -> String {
        if self.step * self.steps < 10_000_000 {
            thousands(tick)
        } else {
            compact_tick(tick)
        }
    }

    /// The length of `value` on an axis of `length` pixels. Values above zero get at least two pixels, to be visible.
    pub(super) fn pixels(&self, value: impl Into<u128>, length: i32) -> i32 {
        let value = value.into();
        let length = u128::from(length.max(0).unsigned_abs());
        let pixels = (value * length / (self.step * self.steps)).min(length);
        // At most `length`, which is an `i32`, or 2.
        pixels.max(if value == 0 { 0 } else { 2 }) as i32
    }
}

/// Formats a number below 10^21 in at most four characters: `999`, `1.0k`, `1.2k`, `45M`.
pub(super) fn compact(value: impl Into<u128>) -> String {
    let value = value.into();
    if value < 1000 {
        return value.to_string();
    }
    let mut unit = 1000;
    for suffix in ["k", "M", "G", "T", "P", "E"] {
        let tenths = (value * 10 + unit / 2) / unit;
        let whole = (value + unit / 2) / unit;
        if tenths < 100 {
            return format!("{}.{}{suffix}", tenths / 10, tenths % 10);
        }
        if whole < 1000 {
            return format!("{whole}{suffix}");
        }
        unit *= 1000;
    }
    format!("{value:e}")
}

/// Formats a round number: `5M`, not `5.0M`.
pub(super) fn compact_tick(value: impl Into<u128>) -> String {
    compact(value).replace(".0", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_cover_the_maximum_with_round_steps() {
        for max in [0, 1, 2, 3, 7, 10, 11, 999, 1000, 123_456, u64::MAX] {
            let scale = CountScale::new(max, 8);
            let ticks: Vec<u128> = scale.ticks().collect();
            assert!((2..=9).contains(&ticks.len()), "{max}: {ticks:?}");
            assert_eq!(ticks[0], 0);
            assert!(u128::from(max) <= ticks[ticks.len() - 1]);
            // One step fewer would not cover the maximum.
            assert!(max == 0 || ticks[ticks.len() - 2] < u128::from(max));
        }
        assert_eq!(CountScale::new(7, 8).ticks().count(), 8);
        assert_eq!(CountScale::new(700, 8).step, 100);
        assert_eq!(CountScale::new(900, 8).step, 200);
    }

    #[test]
    fn pixels_are_in_proportion_and_never_vanish() {
        let scale = CountScale::new(u64::MAX, 8);
        assert_eq!(scale.pixels(0_u64, 1000), 0);
        assert_eq!(scale.pixels(1_u64, 1000), 2);
        assert_eq!(CountScale::new(80, 8).pixels(20_u64, 1000), 250);
        assert_eq!(scale.pixels(u128::from(u64::MAX), 1000), 922);
    }

    #[test]
    fn numbers_are_written_for_people() {
        let written = [
            999_u64,
            1000,
            1249,
            9_960,
            12_345,
            999_499,
            999_500,
            u64::MAX,
        ];
        let expected = ["999", "1.0k", "1.2k", "10k", "12k", "999k", "1.0M", "18E"];
        assert_eq!(written.map(compact), expected);
    }
}
