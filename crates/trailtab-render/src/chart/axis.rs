//! Axes of charts: amounts of money, slots such as days, and their labels.

use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::palette::Color;
use super::scale::compact_tick;
use super::scene::{Anchor, ChartScene, SceneText};
use super::sheet::{MAIL, Sheet};
use trailtab_core::digits::thousands;

/// An amount for drawing; charts need no more than `f64` precision.
pub(super) fn float(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
}

/// Room below slots for their names and groups.
pub(super) const FOOT: i32 = 70;

/// A horizontal line of a grid.
pub(super) struct GridTick {
    pub(super) y: i32,
    pub(super) label: String,
    pub(super) is_zero: bool,
}

/// Draws the lines of a grid up to `right` and their labels at its left, and returns the grid's left edge.
pub(super) fn grid(scene: &mut ChartScene, sheet: &Sheet, right: i32, ticks: &[GridTick]) -> i32 {
    let label = |tick: &GridTick| sheet.muted((0, 0), &tick.label);
    let labels: Vec<SceneText> = ticks.iter().map(label).collect();
    let widest = labels.iter().map(SceneText::width).max();
    let left = sheet.margin + widest.unwrap_or(0) + sheet.gap;
    for (tick, mut label) in ticks.iter().zip(labels) {
        let color = if tick.is_zero {
            Color::MUTED
        } else {
            Color::GRID
        };
        let upper = tick.y - sheet.line / 2;
        scene.rect((left, upper), (right - left, sheet.line), color);
        (label.x, label.y) = (left - sheet.gap, tick.y + sheet.to_baseline());
        scene.text(label.anchor(Anchor::End));
    }
    left
}

/// Labels of a line from left to right, of which no two touch.
pub(super) struct LabelLine {
    /// Pixels that stay free between two labels.
    gap: i32,
    labels: Vec<SceneText>,
}

impl LabelLine {
    pub(super) fn new(gap: i32) -> LabelLine {
        let labels = Vec::new();
        LabelLine { gap, labels }
    }

    fn touches(&self, label: &SceneText) -> bool {
        let last = self.labels.last();
        last.is_some_and(|last| label.left() < last.left() + last.width() + self.gap)
    }

    /// Adds a label, unless it would touch an earlier one.
    pub(super) fn add(&mut self, label: SceneText) {
        if !self.touches(&label) {
            self.labels.push(label);
        }
    }

    /// Adds a label, and removes the earlier ones that it would touch.
    pub(super) fn insist(&mut self, label: SceneText) {
        while self.touches(&label) {
            self.labels.pop();
        }
        self.labels.push(label);
    }

    pub(super) fn draw(self, scene: &mut ChartScene) {
        self.labels.into_iter().for_each(|label| scene.text(label));
    }
}

/// An axis of money between round amounts. It includes zero.
#[derive(Debug)]
pub(super) struct MoneyAxis {
    /// Cents between two ticks: 1, 2 or 5 times a power of ten.
    step: i128,
    /// The lowest tick, in steps; not above zero.
    low: i128,
    /// The highest tick, in steps; above the lowest.
    high: i128,
}

impl MoneyAxis {
    /// Covers both amounts with at most `most` steps of at least one cent.
    pub(super) fn new(least: f64, greatest: f64, most: i128) -> MoneyAxis {
        let bound = |amount: f64| (amount * 100.0).clamp(-1e32, 1e32);
        let (least, greatest) = (bound(least.min(0.0)), bound(greatest.max(0.0)));
        let mut power: i128 = 1;
        // Ends at the latest when the power exceeds both bounds, long before it overflows.
        loop {
            for step in [power, 2 * power, 5 * power] {
                let low = (least / step as f64).floor() as i128;
                let high = (greatest / step as f64).ceil() as i128;
                if high - low <= most.max(2) {
                    let high = if low == 0 { high.max(1) } else { high };
                    return MoneyAxis { step, low, high };
                }
            }
            power *= 10;
        }
    }

    /// The distance of an amount from the top of an area of `height` pixels.
    pub(super) fn y(&self, amount: f64, height: i32) -> i32 {
        let span = (self.high - self.low) as f64 * self.step as f64;
        let top = self.high as f64 * self.step as f64;
        let y = (top - amount * 100.0) / span * f64::from(height);
        // Rounded and clamped to `height`, so it fits `i32`.
        y.round().clamp(0.0, f64::from(height)) as i32
    }

    /// Draws the grid and the amounts at its left, and returns the grid's left edge.
    pub(super) fn draw(
        &self,
        scene: &mut ChartScene,
        top: i32,
        height: i32,
        right: i32,
        currency: &str,
    ) -> i32 {
        let ticks = (self.low..=self.high).map(|tick| GridTick {
            y: top + self.y((tick * self.step) as f64 / 100.0, height),
            label: self.label(tick, currency),
            is_zero: tick == 0,
        });
        grid(scene, &MAIL, right, &ticks.collect::<Vec<_>>())
    }

    /// The amount at a tick. Only USD has a currency sign; charts write the currency above the axis.
    fn label(&self, tick: i128, currency: &str) -> String {
        let cents = tick * self.step;
        let sign = if cents < 0 { "-" } else { "" };
        let unit = if currency == "USD" { "$" } else { "" };
        let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        let largest = self.high.max(-self.low).saturating_mul(self.step);
        match largest {
            1_000_000_000.. => format!("{sign}{unit}{}", compact_tick(whole)),
            _ if self.step % 100 == 0 => format!("{sign}{unit}{}", thousands(whole)),
            _ => format!("{sign}{unit}{}.{rest:02}", thousands(whole)),
        }
    }
}

/// The horizontal position of bars or cells of equal width.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotAxis {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) count: i32,
}

/// How wide bars are within their slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct BarStyle {
    /// Slots below this width have no space.
    pub(super) narrow: i32,
    /// Pixels of space in each slot.
    pub(super) space: i32,
    /// A slot has its width divided by this as space besides.
    pub(super) share: i32,
    /// Largest width, so that a few bars do not become slabs.
    pub(super) widest: i32,
}

impl SlotAxis {
    /// The left edge of a slot; for `count`, the right edge of the last one.
    pub(super) fn edge(&self, slot: i32) -> i32 {
        let (left, right) = (i64::from(self.left), i64::from(self.right));
        // Between `left` and `right`, which are `i32`.
        (left + (right - left) * i64::from(slot) / i64::from(self.count.max(1))) as i32
    }

    /// The width of a slot, rounded down.
    pub(super) fn width(&self) -> i32 {
        (self.right - self.left) / self.count.max(1)
    }

    /// The left edge and the width of a slot's bar, in the middle of the slot.
    pub(super) fn bar(&self, slot: i32, style: BarStyle) -> (i32, i32) {
        let (left, room) = (self.edge(slot), self.edge(slot + 1) - self.edge(slot));
        let space = match room < style.narrow {
            true => 0,
            false => style.space + room / style.share,
        };
        let width = (room - space).clamp(1, style.widest);
        (left + (room - width) / 2, width)
    }

    /// Writes the slots' names as far as there is room, and their groups in a second line.
    pub(super) fn names(&self, scene: &mut ChartScene, y: i32, names: &[(String, String)]) {
        let mut near = LabelLine::new(MAIL.gap);
        let mut far = LabelLine::new(MAIL.gap);
        let stride = self.stride(names);
        let mut group = "";
        for (slot, (name, of)) in (0..).zip(names) {
            let begins = group != of;
            if begins {
                group = of;
                let mut label = MAIL.muted((self.edge(slot), y + 62), of);
                label.x = label.x.min(MAIL.right() - label.width());
                far.insist(label);
            }
            let middle = (self.edge(slot) + self.edge(slot + 1)) / 2;
            let label = MAIL.muted((middle, y + 32), name).anchor(Anchor::Middle);
            // The first name of a group takes precedence.
            if begins {
                near.insist(label);
            } else if slot % stride == 0 {
                near.add(label);
            }
        }
        near.draw(scene);
        far.draw(scene);
    }

    /// The interval of slots that get a name.
    fn stride(&self, names: &[(String, String)]) -> i32 {
        let widest = names
            .iter()
            .map(|(name, _)| MAIL.muted((0, 0), name).width())
            .max();
        let needed = widest.unwrap_or(0) + MAIL.gap;
        let fits = |stride: &i32| needed <= (self.right - self.left) * stride / self.count.max(1);
        [1, 2, 5, 7, 14, 28].into_iter().find(fits).unwrap_or(28)
    }
}

/// A day's name and group on an axis: its number, and its month and year.
pub(super) fn day_name(day: Date) -> (String, String) {
    (
        day.day().to_string(),
        format!("{} {}", month(day), day.year()),
    )
}

/// A month's name and group on an axis: its name, and its year.
pub(super) fn month_name(day: Date) -> (String, String) {
    (month(day).to_owned(), day.year().to_string())
}

fn month(day: Date) -> &'static str {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = usize::try_from(day.month()).unwrap_or(1);
    NAMES.get(at.saturating_sub(1)).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(least: f64, greatest: f64, currency: &str) -> Vec<String> {
        let money = MoneyAxis::new(least, greatest, 5);
        (money.low..=money.high)
            .map(|tick| money.label(tick, currency))
            .collect()
    }

    #[test]
    fn ticks_are_round_amounts() {
        assert_eq!(
            labels(0.0, 1234.0, "USD"),
            ["$0", "$500", "$1,000", "$1,500"]
        );
        assert_eq!(labels(0.0, 0.003, "USD"), ["$0.00", "$0.01"]);
        assert_eq!(
            labels(0.0, 0.9, "CNY"),
            ["0.00", "0.20", "0.40", "0.60", "0.80", "1.00"]
        );
        assert_eq!(
            labels(-120.0, 230.0, "USD"),
            ["-$200", "-$100", "$0", "$100", "$200", "$300"]
        );
        assert_eq!(
            labels(-5.0, 0.0, "USD"),
            ["-$5", "-$4", "-$3", "-$2", "-$1", "$0"]
        );
        assert_eq!(labels(0.0, 0.0, "USD"), ["$0.00", "$0.01"]);
        assert_eq!(
            labels(0.0, 4.5e7, "USD"),
            ["$0", "$10M", "$20M", "$30M", "$40M", "$50M"]
        );
        assert!(labels(-1e300, 1e300, "USD").len() <= 6);
        assert!(labels(f64::NAN, f64::NAN, "USD").len() <= 6);
    }

    #[test]
    fn amounts_lie_in_proportion() {
        let money = MoneyAxis::new(-100.0, 300.0, 5);
        assert_eq!(
            [300.0, 0.0, -100.0].map(|amount| money.y(amount, 400)),
            [0, 300, 400]
        );
        assert_eq!([1e99, -1e99].map(|amount| money.y(amount, 400)), [0, 400]);
    }
}
