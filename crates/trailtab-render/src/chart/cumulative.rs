//! Running totals: the spend of a period so far, and of an earlier one for comparison.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::axis::{self, FOOT, MoneyAxis, SlotAxis, float};
use super::palette::{BEFORE, SERIES};
use super::scene::{ChartScene, SceneLine, SceneText};
use super::sheet::MAIL;
use trailtab_core::cost::money;

/// A chart of a period's running total against an earlier one's.
#[derive(Debug, Clone, Copy)]
pub struct CumulativeChart<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title.
    pub subtitle: &'a str,
    /// The currency of all amounts, such as `USD`.
    pub currency: &'a str,
    /// The period's name and daily amounts.
    pub now: (&'a str, &'a [Decimal]),
    /// The earlier period's name and daily amounts; it may be longer.
    pub before: Option<(&'a str, &'a [Decimal])>,
    /// The first day of the period.
    pub first: Date,
    /// Whether days are labelled by day of the month; otherwise by date.
    pub months: bool,
}

/// Height of the lines' area.
const PLOT: i32 = 380;
/// Height of a line of the legend.
const PITCH: i32 = 36;
/// Right end of a line sample in the legend, from the margin.
const SAMPLE_WIDTH: i32 = 54;

impl CumulativeChart<'_> {
    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let legend = PITCH * (1 + i32::from(self.before.is_some())) + 48;
        let (mut scene, top) = MAIL.chart(self.title, self.subtitle, legend + PLOT + FOOT + 8);
        let now = running(self.now.1);
        let before = running(self.before.map_or(&[], |(_, daily)| daily));
        let days = now.len().max(before.len());
        if now.is_empty() {
            scene.text(MAIL.muted((MAIL.margin, top + 20), "no data"));
            return scene;
        }
        self.legend(&mut scene, top, &now, &before);
        scene.text(
            MAIL.muted((MAIL.margin, top + legend - 26), self.currency)
                .fit(400),
        );
        let all = || now.iter().chain(&before).map(|amount| float(*amount));
        let money = MoneyAxis::new(all().fold(0.0, f64::min), all().fold(0.0, f64::max), 6);
        let left = money.draw(&mut scene, top + legend, PLOT, MAIL.right(), self.currency);
        let slots = SlotAxis {
            left,
            right: MAIL.right(),
            // Days of a calendar that ends in the year 9999 fit `i32`.
            count: days as i32,
        };
        let area = LineArea {
            top: top + legend,
            slots,
            money,
        };
        if self.before.is_some() {
            scene.line(muted_line(area.points(&before)));
        }
        let points = area.points(&now);
        let end = points.last().copied().into_iter().collect();
        scene.line(solid(points));
        scene.line(SceneLine {
            width: 16,
            ..solid(end)
        });
        slots.names(&mut scene, area.top + PLOT, &self.days(days));
        scene
    }

    /// Draws the legend, with the last total of each line.
    fn legend(&self, scene: &mut ChartScene, top: i32, now: &[Decimal], before: &[Decimal]) {
        let last = |amounts: &[Decimal]| amounts.last().copied().unwrap_or_default();
        let words = |amount| money::words(amount, self.currency);
        let mut line = |at: i32, name: &str, amounts: String, line: SceneLine| {
            let y = top + at * PITCH;
            let x = MAIL.margin + SAMPLE_WIDTH + MAIL.gap;
            let amounts = SceneText::new((0, y + 18), MAIL.label, &amounts).fit(600);
            let name = SceneText::new((x, y + 18), MAIL.label, name)
                .fit(MAIL.right() - x - amounts.width() - MAIL.gap);
            let left = name.x + name.width() + MAIL.gap;
            let mut amounts = amounts.bold().fit(MAIL.right() - left);
            amounts.x = left;
            scene.text(name);
            scene.text(amounts);
            let points = vec![
                (MAIL.margin + 4, y + 10),
                (MAIL.margin + SAMPLE_WIDTH, y + 10),
            ];
            scene.line(SceneLine { points, ..line });
        };
        line(0, self.now.0, words(last(now)), solid(Vec::new()));
        if let Some((name, _)) = self.before {
            let same_day = before.get(now.len() - 1).copied().unwrap_or(last(before));
            let amounts = match before.len() > now.len() {
                true => format!(
                    "{} by the same day, {} in all",
                    words(same_day),
                    words(last(before))
                ),
                false => words(last(before)),
            };
            line(1, name, amounts, muted_line(Vec::new()));
        }
    }

    /// The names and groups of the days.
    fn days(&self, count: usize) -> Vec<(String, String)> {
        if self.months {
            let of = || "day of the month".to_owned();
            return (1..=count).map(|day| (day.to_string(), of())).collect();
        }
        let days = self.first.series(jiff::Span::new().days(1));
        days.take(count).map(axis::day_name).collect()
    }
}

/// The running sum at each day.
fn running(daily: &[Decimal]) -> Vec<Decimal> {
    let mut sum = Decimal::ZERO;
    let add = |amount: &Decimal| {
        sum = sum.saturating_add(*amount);
        sum
    };
    daily.iter().map(add).collect()
}

fn solid(points: Vec<(i32, i32)>) -> SceneLine {
    SceneLine {
        points,
        width: 6,
        fill: SERIES[0],
        dashed: false,
    }
}

fn muted_line(points: Vec<(i32, i32)>) -> SceneLine {
    SceneLine {
        points,
        width: 4,
        fill: BEFORE,
        dashed: true,
    }
}

/// The area of the lines.
struct LineArea {
    top: i32,
    slots: SlotAxis,
    money: MoneyAxis,
}

impl LineArea {
    /// The point of an amount at the end of `days` days.
    fn point(&self, days: i32, amount: Decimal) -> (i32, i32) {
        let y = self.top + self.money.y(float(amount), PLOT);
        (self.slots.edge(days), y)
    }

    /// The line from zero at the start through the sum at the end of each day.
    fn points(&self, sums: &[Decimal]) -> Vec<(i32, i32)> {
        let sums = [Decimal::ZERO].into_iter().chain(sums.iter().copied());
        (0..)
            .zip(sums)
            .map(|(days, sum)| self.point(days, sum))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    fn chart(now: &[Decimal], before: Option<&[Decimal]>, months: bool) -> ChartScene {
        let cumulative = CumulativeChart {
            title: "Title",
            subtitle: "Subtitle",
            currency: "USD",
            now: ("1–20 November 2026", now),
            before: before.map(|daily| ("October", daily)),
            first: date(2026, 11, 1),
            months,
        };
        let scene = cumulative.scene();
        check(&scene);
        scene
    }

    fn amounts(each: &[i64]) -> Vec<Decimal> {
        each.iter().map(|amount| Decimal::from(*amount)).collect()
    }

    #[test]
    fn sums_are_said_and_drawn() {
        let scene = chart(&amounts(&[10, 20]), Some(&amounts(&[5, 6, 7])), true);
        let says = |words: &str| scene.texts().any(|text| text == words);
        assert!(says("$30.00"));
        assert!(says("$11.00 by the same day, $18.00 in all"));
        assert!(says("day of the month") && says("3"));
        let heights =
            |line: &SceneLine| line.points.iter().map(|point| point.1).collect::<Vec<_>>();
        let lines: Vec<&SceneLine> = scene.lines().filter(|line| 2 < line.points.len()).collect();
        let [before, now] = lines[..] else {
            panic!("{lines:?}")
        };
        assert!(before.dashed && !now.dashed);
        assert_eq!((before.points.len(), now.points.len()), (4, 3));
        assert!(heights(now)[2] < heights(before)[3]);
    }

    #[test]
    fn a_period_may_stand_alone() {
        let scene = chart(&amounts(&[1; 31]), None, false);
        assert_eq!(scene.lines().filter(|line| line.dashed).count(), 0);
        assert!(scene.texts().any(|text| text == "Nov 2026"));
        assert!(scene.texts().any(|text| text == "Dec 2026"));
    }

    #[test]
    fn impossible_numbers_do_no_harm() {
        let extremes = [
            Decimal::MAX,
            Decimal::MIN,
            Decimal::MIN,
            Decimal::MIN,
            Decimal::MAX,
        ];
        chart(&[], None, true);
        chart(&[], Some(&extremes), true);
        chart(&extremes, Some(&[]), true);
        chart(&amounts(&[0]), Some(&extremes), false);
        chart(
            &vec![Decimal::ONE; 3000],
            Some(&vec![Decimal::NEGATIVE_ONE; 3000]),
            false,
        );
    }

    #[test]
    fn hostile_words_stay_in_their_place() {
        let long = "W".repeat(10_000);
        let a = amounts(&[5, -3]);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let cumulative = CumulativeChart {
                title: text,
                subtitle: text,
                currency: text,
                now: (text, &a),
                before: Some((text, &[Decimal::ONE; 40])),
                first: date(9999, 12, 31),
                months: false,
            };
            check(&cumulative.scene());
        }
    }
}
