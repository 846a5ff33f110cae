//! Layout shared by the charts in mails: margins, headings, an axis of money and one of days.
//!
//! Mails show charts at half their size or, on phones, smaller; so the type is large.

use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::scale::compact_tick;
use super::scene::{Anchor, ChartScene, Color, SceneText};
use trailtab_core::digits::thousands;

/// Width of every chart in a mail.
pub const WIDTH: u16 = 1200;
/// Empty space along the edges.
pub(super) const MARGIN: i32 = 28;
/// Right edge of the drawing area.
pub(super) const RIGHT: i32 = WIDTH as i32 - MARGIN;
/// Space between a mark and its label.
pub(super) const GAP: i32 = 12;
/// Room below the days for their numbers and months.
pub(super) const FOOT: i32 = 70;

/// Sizes of type, in pixels per em.
const TITLE: u8 = 31;
const SUBTITLE: u8 = 23;
pub(super) const LABEL: u8 = 23;
pub(super) const TICK: u8 = 21;

/// Starts a chart with a heading and `body` pixels below it; returns it and the top of the body.
pub(super) fn sheet(title: &str, subtitle: &str, body: i32) -> (ChartScene, i32) {
    let heading = |y, size, text| SceneText::new((MARGIN, y), size, text).fit(RIGHT - MARGIN);
    let top = MARGIN + 36 + 34 + 14;
    let height = u16::try_from(top + body).unwrap_or(u16::MAX);
    let mut scene = ChartScene::new(WIDTH, height, &format!("{title}. {subtitle}"));
    scene.text(
        SceneText::new((MARGIN, MARGIN + 26), TITLE, title)
            .bold()
            .fit(RIGHT - MARGIN),
    );
    scene.text(heading(MARGIN + 60, SUBTITLE, subtitle).fill(Color::MUTED));
    (scene, top)
}

/// A small text in [`Color::MUTED`].
pub(super) fn muted(at: (i32, i32), text: &str) -> SceneText {
    SceneText::new(at, TICK, text).fill(Color::MUTED)
}

/// An amount for drawing; charts need no more than `f64` precision.
pub(super) fn float(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(0.0)
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
        let ticks: Vec<(i128, SceneText)> = (self.low..=self.high)
            .map(|tick| (tick, muted((0, 0), &self.label(tick, currency))))
            .collect();
        let widest = ticks.iter().map(|(_, text)| text.width()).max();
        let left = MARGIN + widest.unwrap_or(0) + GAP;
        for (tick, mut text) in ticks {
            let y = top + self.y((tick * self.step) as f64 / 100.0, height);
            let color = if tick == 0 { Color::MUTED } else { Color::GRID };
            scene.rect((left, y - 1), (right - left, 2), color);
            (text.x, text.y) = (left - GAP, y + 8);
            scene.text(text.anchor(Anchor::End));
        }
        left
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

/// An axis of days, or of months.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotAxis {
    pub(super) left: i32,
    pub(super) right: i32,
    /// At least one.
    pub(super) count: i32,
}

impl SlotAxis {
    /// The left edge of a slot; for `count`, the right edge of the last one.
    pub(super) fn edge(&self, slot: i32) -> i32 {
        let (left, right) = (i64::from(self.left), i64::from(self.right));
        // Between `left` and `right`, which are `i32`.
        (left + (right - left) * i64::from(slot) / i64::from(self.count)) as i32
    }

    /// Writes the slots' names as far as there is room, and their groups in a second line.
    pub(super) fn names(&self, scene: &mut ChartScene, y: i32, names: &[(String, String)]) {
        let mut near: Vec<SceneText> = Vec::new();
        let mut far: Vec<SceneText> = Vec::new();
        let stride = self.stride(names);
        let mut group = "";
        for (slot, (name, of)) in (0..).zip(names) {
            let begins = group != of;
            if begins {
                group = of;
                let mut text = muted((self.edge(slot), y + 62), of);
                text.x = text.x.min(RIGHT - text.width());
                far.pop_if(|last| text.left() < last.left() + last.width() + GAP);
                far.push(text);
            }
            if !begins && slot % stride != 0 {
                continue;
            }
            let middle = (self.edge(slot) + self.edge(slot + 1)) / 2;
            let text = muted((middle, y + 32), name).anchor(Anchor::Middle);
            let touches = |last: &mut SceneText| text.left() < last.left() + last.width() + GAP;
            // The first name of a group takes precedence.
            match begins {
                true => while near.pop_if(touches).is_some() {},
                false if near.last_mut().is_some_and(touches) => continue,
                false => {}
            }
            near.push(text);
        }
        near.into_iter()
            .chain(far)
            .for_each(|text| scene.text(text));
    }

    /// The interval of slots that get a name.
    fn stride(&self, names: &[(String, String)]) -> i32 {
        let widest = names
            .iter()
            .map(|(name, _)| muted((0, 0), name).width())
            .max();
        let needed = widest.unwrap_or(0) + GAP;
        let fits = |stride: &i32| needed <= (self.right - self.left) * stride / self.count;
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
