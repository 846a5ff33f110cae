//! Stacked bars: daily or monthly cost by owner, service or account.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::axis::{self, BarStyle, FOOT, MoneyAxis, SlotAxis, float};
use super::palette::{Color, OTHER, SERIES};
use super::scene::{ChartScene, SceneText};
use super::sheet::MAIL;
use trailtab_core::cost::money;

/// A chart with a bar per day, or per month for long periods, and a part per row.
#[derive(Debug, Clone, Copy)]
pub struct StackChart<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title.
    pub subtitle: &'a str,
    /// The currency of all amounts, such as `USD`.
    pub currency: &'a str,
    /// The first day of the rows.
    pub first: Date,
    /// The rows. The largest [`StackChart::MOST`] have a colour each, the others are summed.
    pub rows: &'a [StackRow<'a>],
    /// Days whose amounts are still loading: their bars are lighter.
    pub loading: &'a [Date],
}

/// A row of a stacked chart.
#[derive(Debug, Clone, Copy)]
pub struct StackRow<'a> {
    /// What the row is about.
    pub name: &'a str,
    /// Its amounts day by day.
    pub daily: &'a [Decimal],
    /// Chooses its colour: equal ranks have the same colour in all charts. Of two rows with one colour, the smaller one
    /// is summed with the others.
    pub rank: usize,
}

/// Height of the bars' area.
const PLOT: i32 = 360;
/// Room above it for the unit.
const CAPTION: i32 = 48;
const BARS: BarStyle = BarStyle {
    narrow: 6,
    space: 2,
    share: 8,
    widest: 72,
};
/// Distance between two lines of the legend.
const PITCH: i32 = 38;
/// The square that shows a colour.
const SWATCH: i32 = 20;
/// More days than this are summed by month.
const MAX_DAILY_BARS: usize = 100;

impl StackChart<'_> {
    /// The number of rows with a colour of their own.
    pub const MOST: usize = SERIES.len();

    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let series = self.series();
        let columns = self.columns(&series);
        let legend = StackLegend::new(&series);
        let height = CAPTION + PLOT + FOOT + legend.height();
        let (mut scene, top) = MAIL.chart(self.title, self.subtitle, height);
        if columns.is_empty() || series.is_empty() {
            scene.text(MAIL.muted((MAIL.margin, top + 20), "no data"));
            return scene;
        }
        let right = MAIL.right();
        legend.draw(&mut scene, top + CAPTION + PLOT + FOOT);
        let (least, greatest) = extent(&columns);
        let money = MoneyAxis::new(least, greatest, 6);
        let left = money.draw(&mut scene, top + CAPTION, PLOT, right, self.currency);
        let slots = SlotAxis {
            left,
            right,
            // At most `MAX_DAILY_BARS` days, or the months up to the year 9999.
            count: columns.len() as i32,
        };
        let area = StackArea {
            top: top + CAPTION,
            slots,
            money,
        };
        for (slot, column) in (0..).zip(&columns) {
            area.bar(&mut scene, slot, column, &series, self.currency);
        }
        // Drawn after the bars, so that negative parts do not hide it.
        let zero = area.top + area.money.y(0.0, PLOT);
        scene.rect((left, zero - 1), (right - left, 2), Color::MUTED);
        let names: Vec<(String, String)> =
            columns.iter().map(|column| column.name.clone()).collect();
        slots.names(&mut scene, area.top + PLOT, &names);
        self.caption(&mut scene, &area, &columns);
        scene
    }

    /// The rows with a colour, largest first, and the sum of the others.
    fn series(&self) -> Vec<StackSeries> {
        let size = |row: &StackRow<'_>| total(row.daily.iter().map(Decimal::abs));
        let mut sizes: Vec<(StackRow<'_>, Decimal)> =
            self.rows.iter().map(|row| (*row, size(row))).collect();
        sizes.retain(|(_, size)| !size.is_zero());
        // Stable: equal rows keep their order.
        sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let mut taken = [false; SERIES.len()];
        let (mut series, mut hidden) = (Vec::new(), Vec::new());
        for (row, _) in sizes {
            let color = row.rank % SERIES.len();
            match std::mem::replace(&mut taken[color], true) {
                false => series.push(StackSeries {
                    name: row.name.to_owned(),
                    color: SERIES[color],
                    daily: row.daily.to_vec(),
                }),
                true => hidden.push(row),
            }
        }
        let days = hidden.iter().map(|row| row.daily.len()).max();
        let sum = |day: usize| {
            let amounts = hidden.iter().filter_map(|row| row.daily.get(day));
            total(amounts.copied())
        };
        // A single surplus row keeps its name.
        let name = match &hidden[..] {
            [] => return series,
            [row] => row.name.to_owned(),
            others => format!("{} others", others.len()),
        };
        series.push(StackSeries {
            name,
            color: OTHER,
            daily: (0..days.unwrap_or(0)).map(sum).collect(),
        });
        series
    }

    /// The columns: days, or months if there are more than [`MAX_DAILY_BARS`] days.
    fn columns(&self, series: &[StackSeries]) -> Vec<StackColumn> {
        let days = series.iter().map(|row| row.daily.len()).max().unwrap_or(0);
        let by_month = MAX_DAILY_BARS < days;
        let mut columns: Vec<StackColumn> = Vec::new();
        let mut day = self.first;
        for at in 0..days {
            let name = match by_month {
                true => axis::month_name(day),
                false => axis::day_name(day),
            };
            if columns.last().is_none_or(|column| column.name != name) {
                columns.push(StackColumn {
                    name,
                    loading: false,
                    amounts: vec![Decimal::ZERO; series.len()],
                });
            }
            if let Some(column) = columns.last_mut() {
                column.loading |= self.loading.contains(&day);
                for (amount, row) in column.amounts.iter_mut().zip(series) {
                    let more = row.daily.get(at).copied().unwrap_or_default();
                    *amount = amount.saturating_add(more);
                }
            }
            // The calendar ends in the year 9999.
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        columns
    }

    /// Writes the unit, and explains the lighter bars.
    fn caption(&self, scene: &mut ChartScene, area: &StackArea, columns: &[StackColumn]) {
        let by_month = columns
            .first()
            .is_some_and(|column| column.name.0.parse::<u8>().is_err());
        let unit = format!(
            "{} per {}",
            self.currency,
            if by_month { "month" } else { "day" }
        );
        let y = area.top - 26;
        let caption = MAIL.muted((MAIL.margin, y), &unit).fit(400);
        let mut x = caption.x + caption.width() + 2 * MAIL.gap;
        scene.text(caption);
        if columns.iter().all(|column| column.loading) {
            scene.text(MAIL.muted((x, y), "(all of it still loading)"));
            return;
        }
        if !columns.iter().any(|column| column.loading) {
            return;
        }
        scene.rect((x, y - SWATCH + 2), (SWATCH, SWATCH), SERIES[0].fainter());
        x += SWATCH + MAIL.gap;
        scene.text(MAIL.muted((x, y), "still loading"));
    }
}

/// A row of the chart with its colour.
struct StackSeries {
    name: String,
    color: Color,
    daily: Vec<Decimal>,
}

/// A bar.
struct StackColumn {
    /// The day and its month, or the month and its year.
    name: (String, String),
    loading: bool,
    /// One per series.
    amounts: Vec<Decimal>,
}

/// The area of the bars.
struct StackArea {
    top: i32,
    slots: SlotAxis,
    money: MoneyAxis,
}

impl StackArea {
    /// Stacks the parts of a bar, the first at zero; negative parts are stacked downward.
    fn bar(
        &self,
        scene: &mut ChartScene,
        slot: i32,
        column: &StackColumn,
        series: &[StackSeries],
        currency: &str,
    ) {
        let (left, width) = self.slots.bar(slot, BARS);
        let (mut above, mut below) = (0.0, 0.0);
        for (amount, row) in column.amounts.iter().zip(series) {
            if amount.is_zero() {
                continue;
            }
            let end = if amount.is_sign_negative() {
                &mut below
            } else {
                &mut above
            };
            let from = self.top + self.money.y(*end, PLOT);
            *end += float(*amount);
            let to = self.top + self.money.y(*end, PLOT);
            let (upper, height) = (from.min(to), (from - to).abs());
            // Leaves a gap between parts that are high enough.
            let height = if height < 6 { height } else { height - 2 };
            let tip = format!(
                "{} {}, {}: {}",
                column.name.0,
                column.name.1,
                row.name,
                money::words(*amount, currency)
            );
            let color = match column.loading {
                true => row.color.fainter(),
                false => row.color,
            };
            scene.rect_with_tip((left, upper + 1), (width, height), color, &tip);
        }
    }
}

/// The legend below the bars: in two columns if the names are short enough.
struct StackLegend {
    entries: Vec<(Color, SceneText)>,
    columns: i32,
}

impl StackLegend {
    fn new(series: &[StackSeries]) -> StackLegend {
        let named = |room: i32| {
            let entries = series.iter().map(move |row| {
                let name = SceneText::new((0, 0), MAIL.label, &row.name);
                (row.color, name.fit(room - SWATCH - 3 * MAIL.gap))
            });
            entries.collect::<Vec<_>>()
        };
        let half = MAIL.room() / 2;
        let (whole, halves) = (named(MAIL.room()), named(half));
        let fits = whole
            .iter()
            .zip(&halves)
            .all(|((_, whole), (_, half))| whole.width() == half.width());
        match fits {
            true => StackLegend {
                entries: halves,
                columns: 2,
            },
            false => StackLegend {
                entries: whole,
                columns: 1,
            },
        }
    }

    fn lines(&self) -> i32 {
        // At most eleven entries.
        let entries = i32::try_from(self.entries.len()).unwrap_or(i32::MAX);
        (entries + self.columns - 1) / self.columns
    }

    fn height(&self) -> i32 {
        self.lines() * PITCH + 24
    }

    /// Draws the entries column by column, the largest first.
    fn draw(self, scene: &mut ChartScene, top: i32) {
        let (lines, width) = (self.lines().max(1), MAIL.room() / self.columns);
        for (at, (color, mut name)) in (0..).zip(self.entries) {
            let (left, y) = (
                MAIL.margin + at / lines * width,
                top + 16 + at % lines * PITCH,
            );
            scene.rect((left, y), (SWATCH, SWATCH), color);
            (name.x, name.y) = (left + SWATCH + MAIL.gap, y + SWATCH - 2);
            scene.text(name);
        }
    }
}

/// The lowest and the highest point of all bars.
fn extent(columns: &[StackColumn]) -> (f64, f64) {
    let side = |column: &StackColumn, negative: bool| -> f64 {
        let amounts = column.amounts.iter();
        let amounts = amounts.filter(|amount| amount.is_sign_negative() == negative);
        amounts.map(|amount| float(*amount)).sum()
    };
    let least = columns.iter().map(|column| side(column, true));
    let greatest = columns.iter().map(|column| side(column, false));
    (least.fold(0.0, f64::min), greatest.fold(0.0, f64::max))
}

fn total(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.fold(Decimal::ZERO, Decimal::saturating_add)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    fn ranked<'r>(rows: &[(&'r str, &'r [Decimal])]) -> Vec<StackRow<'r>> {
        let rows = rows.iter().enumerate();
        rows.map(|(rank, (name, daily))| StackRow { name, daily, rank })
            .collect()
    }

    fn chart(rows: &[(&str, &[Decimal])], loading: &[Date]) -> ChartScene {
        let rows = &ranked(rows);
        let stack = StackChart {
            title: "Title",
            subtitle: "Subtitle",
            currency: "USD",
            first: date(2026, 11, 1),
            rows,
            loading,
        };
        let scene = stack.scene();
        check(&scene);
        scene
    }

    fn amounts(each: &[i64]) -> Vec<Decimal> {
        each.iter().map(|amount| Decimal::from(*amount)).collect()
    }

    #[test]
    fn parts_stand_on_each_other_in_the_order_of_the_table() {
        let (a, b) = (amounts(&[300, 100]), amounts(&[100, 0]));
        let scene = chart(&[("a", &a), ("b", &b)], &[]);
        let parts: Vec<_> = scene
            .tips()
            .map(|part| (part.height + 2, part.fill))
            .collect();
        let [first, second] = [SERIES[0], SERIES[1]];
        assert_eq!(parts, [(270, first), (90, second), (90, first)]);
        let y: Vec<i32> = scene.tips().map(|part| part.y).collect();
        assert!(y[1] < y[0] && y[0] < y[2]);
        // The legend begins with the largest.
        let texts: Vec<&str> = scene.texts().collect();
        let at = |name| texts.iter().position(|text| *text == name).unwrap();
        assert!(at("a") < at("b"));
    }

    #[test]
    fn a_name_has_one_colour_in_all_charts() {
        let (large, small) = (amounts(&[9]), amounts(&[1]));
        let row = |name, daily, rank| StackRow { name, daily, rank };
        let of = |rows: &[StackRow<'_>]| {
            let stack = StackChart {
                title: "Title",
                subtitle: "Subtitle",
                currency: "USD",
                first: date(2026, 11, 1),
                rows,
                loading: &[],
            };
            let scene = stack.scene();
            let parts: Vec<_> = scene.tips().map(|part| part.fill).collect();
            parts
        };
        let a = row("a", &large, 0);
        assert_eq!(of(&[a, row("b", &small, 1)]), [SERIES[0], SERIES[1]]);
        let a = row("a", &small, 0);
        assert_eq!(of(&[row("b", &large, 1), a]), [SERIES[1], SERIES[0]]);
        // The eleventh shares the colour of the first: where they meet, the smaller one is grey.
        assert_eq!(of(&[row("k", &large, 10), a]), [SERIES[0], OTHER]);
    }

    #[test]
    fn what_is_negative_hangs_below_zero() {
        let (a, b) = (amounts(&[300]), amounts(&[-100]));
        let scene = chart(&[("a", &a), ("b", &b)], &[]);
        let parts: Vec<_> = scene.tips().map(|part| (part.y, part.height)).collect();
        assert!(parts[0].0 + parts[0].1 < parts[1].0, "{parts:?}");
        assert!(scene.texts().any(|text| text == "-$100"));
    }

    #[test]
    fn ten_have_a_colour_and_the_others_share_one() {
        let days: Vec<Vec<Decimal>> = (1..=14).map(|i| amounts(&[i, i])).collect();
        let names: Vec<String> = (1..=14).map(|i| format!("owner {i}")).collect();
        let rows: Vec<(&str, &[Decimal])> = names
            .iter()
            .zip(&days)
            .map(|(name, days)| (name.as_str(), days.as_slice()))
            .collect();
        let scene = chart(&rows, &[]);
        assert!(scene.texts().any(|text| text == "4 others"));
        assert!(scene.texts().any(|text| text == "owner 5"));
        assert!(!scene.texts().any(|text| text == "owner 4"));
        let eleven = chart(&rows[..11], &[]);
        assert!(eleven.texts().any(|text| text == "owner 1"));
    }

    #[test]
    fn days_that_are_not_final_are_marked() {
        let a = amounts(&[1, 2, 3]);
        let loading = [date(2026, 11, 3)];
        let some = chart(&[("a", &a)], &loading);
        assert!(some.texts().any(|text| text == "still loading"));
        let all = [1, 2, 3].map(|day| date(2026, 11, day));
        let all = chart(&[("a", &a)], &all);
        assert!(all.texts().any(|text| text.contains("all of it")));
        let none = chart(&[("a", &a)], &[date(2026, 12, 1)]);
        assert!(!none.texts().any(|text| text.contains("loading")));
    }

    #[test]
    fn every_span_fits_the_sheet() {
        for days in [1, 2, 20, 30, 31, 45, 62, 93, 100, 101, 400, 3000] {
            let a = amounts(&vec![7; days]);
            let scene = chart(&[("a", &a), ("b", &a[..days / 2])], &[date(2026, 11, 1)]);
            assert!(4 < scene.texts().count(), "{days}");
        }
    }

    #[test]
    fn impossible_numbers_do_no_harm() {
        chart(&[], &[]);
        chart(&[("a", &[])], &[]);
        chart(&[("a", &[Decimal::ZERO])], &[]);
        let extremes = [Decimal::MAX, Decimal::MIN, Decimal::MAX];
        chart(&[("a", &extremes), ("b", &extremes)], &[]);
        chart(&[("a", &[Decimal::new(1, 20)])], &[]);
    }

    #[test]
    fn hostile_words_stay_in_their_place() {
        let long = "W".repeat(10_000);
        let a = amounts(&[5, -3]);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let rows: Vec<(&str, &[Decimal])> = (0..15).map(|_| (text, a.as_slice())).collect();
            let rows = ranked(&rows);
            let stack = StackChart {
                title: text,
                subtitle: text,
                currency: text,
                first: date(9999, 12, 31),
                rows: &rows,
                loading: &[],
            };
            check(&stack.scene());
        }
    }
}
