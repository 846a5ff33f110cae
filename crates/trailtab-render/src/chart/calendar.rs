//! Calendar of coverage: a row per region, a column per day or group of days.

use super::axis::{LabelLine, SlotAxis};
use super::bucket::Bucket;
use super::palette::{Color, SHARE_SHADES};
use super::scene::{ChartScene, SceneText};
use super::sheet::SCREEN;

/// A chart of covered shares by day.
#[derive(Debug, Clone, Copy)]
pub struct CalendarChart<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title; may be empty.
    pub subtitle: &'a str,
    /// The start of each column, in order: Unix time in seconds.
    pub columns: &'a [i64],
    /// Days per column.
    pub days: i64,
    /// The rows, from top to bottom.
    pub rows: &'a [CalendarRow<'a>],
}

/// One strip of a calendar.
#[derive(Debug)]
pub struct CalendarRow<'a> {
    /// The heading above this row, if it begins a group.
    pub group: Option<&'a str>,
    /// The label before the row, such as a region.
    pub name: &'a str,
    /// The text after the row.
    pub note: String,
    /// The covered share of each column, in thousandths.
    pub shares: Vec<u64>,
}

/// The meaning of each shade.
const MEANINGS: [&str; 5] = [
    "not covered",
    "up to a third",
    "up to two thirds",
    "less than all",
    "covered",
];

/// Height of a row, and of a group's heading.
const ROW: i32 = 26;
const GROUP: i32 = 36;
/// Space between two rows.
const SPACE: i32 = 4;
/// Room above the cells for months and days.
const HEAD: i32 = 52;
/// Room below the cells for the legend.
const FOOT: i32 = 46;
/// Largest width of a column, so that a few days do not become slabs.
const MAX_COLUMN_WIDTH: i32 = 96;
/// Largest width of a name; longer ones are cut.
const MAX_NAME_WIDTH: i32 = 360;
/// Width of the note after a row.
const NOTE_WIDTH: i32 = 90;
const GAP: i32 = 12;

impl CalendarChart<'_> {
    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let groups = self.rows.iter().filter(|row| row.group.is_some()).count();
        let height = self.rows.len() as i32 * ROW + groups as i32 * GROUP;
        let body = HEAD + height + FOOT + SCREEN.margin;
        let (mut scene, top) = SCREEN.chart(self.title, self.subtitle, body);
        let name = |row: &CalendarRow<'_>| {
            SceneText::new((SCREEN.margin, 0), SCREEN.label, row.name).fit(MAX_NAME_WIDTH)
        };
        let names = self.rows.iter().map(|row| name(row).width()).max();
        let left = SCREEN.margin + names.unwrap_or(0) + GAP;
        let count = self.columns.len() as i32;
        let widest = left + MAX_COLUMN_WIDTH * count;
        let strip = SlotAxis {
            left,
            right: (SCREEN.right() - NOTE_WIDTH).min(widest),
            count,
        };
        let top = top + HEAD;
        self.dates(&mut scene, &strip, top);
        let mut y = top;
        for row in self.rows {
            if let Some(group) = row.group {
                let text =
                    SceneText::new((SCREEN.margin, y + GROUP - 11), SCREEN.label, group).bold();
                scene.text(text.fit(SCREEN.right() - SCREEN.margin));
                y += GROUP;
            }
            let mut text = name(row);
            text.y = y + 17;
            scene.text(text);
            self.cells(&mut scene, &strip, row, y);
            let note = SceneText::new((strip.right + GAP, y + 17), SCREEN.tick, &row.note);
            scene.text(note.fill(Color::MUTED).fit(NOTE_WIDTH - GAP));
            y += ROW;
        }
        let samples = SHARE_SHADES.into_iter().zip(MEANINGS);
        let samples: Vec<(Color, String)> = samples
            .map(|(color, meaning)| (color, meaning.to_owned()))
            .collect();
        SCREEN.legend(&mut scene, (left, y + 24), &samples);
        scene
    }

    /// Draws a row's cells. Without space between cells, equal neighbours become one box.
    fn cells(&self, scene: &mut ChartScene, strip: &SlotAxis, row: &CalendarRow<'_>, y: i32) {
        let space = match strip.width() {
            20.. => 2,
            6.. => 1,
            _ => 0,
        };
        let is_same = |a: &(i32, &u64), b: &(i32, &u64)| a.1 == b.1 && space == 0;
        let shares: Vec<(i32, &u64)> = (0..strip.count).zip(&row.shares).collect();
        for run in shares.chunk_by(is_same) {
            let (Some((first, share)), Some((last, _))) = (run.first(), run.last()) else {
                continue;
            };
            let (left, right) = (strip.edge(*first), strip.edge(last + 1) - space);
            let day = |column: i32| {
                let start = self.columns.get(column as usize);
                Bucket::Hours(24).label(start.copied().unwrap_or(0))
            };
            let days = match first == last {
                true => day(*first),
                false => format!("{} to {}", day(*first), day(*last)),
            };
            let tip = format!("{}, {days}: {}.{} %", row.name, **share / 10, **share % 10);
            let size = (right - left, ROW - SPACE);
            scene.rect_with_tip((left, y), size, SHARE_SHADES[class(**share)], &tip);
        }
    }

    /// Writes the months, and days if there is room.
    fn dates(&self, scene: &mut ChartScene, strip: &SlotAxis, top: i32) {
        let days = self.day_labels(strip);
        let base = if days.is_empty() { top - 10 } else { top - 32 };
        let mut months = self.month_labels(strip);
        // The label of a month about to end would displace the next one.
        if let [first, second, ..] = &months[..]
            && first.0 + SCREEN.muted((0, 0), &first.1).width() + GAP > second.0
        {
            months.remove(0);
        }
        let mut year = String::new();
        let months = months.into_iter().map(|(x, name, of)| {
            let text = match of == year {
                true => name.split(' ').next().unwrap_or_default().to_owned(),
                false => name,
            };
            year = of;
            (x, text)
        });
        line(scene, base, months, GAP);
        line(scene, top - 10, days.into_iter(), GAP / 2);
    }

    /// For each month: its left edge, its name with the year, and its year.
    fn month_labels(&self, strip: &SlotAxis) -> Vec<(i32, String, String)> {
        let month = Bucket::Months(1);
        let mut before = None;
        let columns = (0..).zip(self.columns);
        let begins = columns.filter(|(_, start)| {
            let this = Some(month.index(**start));
            std::mem::replace(&mut before, this) != this
        });
        let labels = begins.map(|(column, start)| {
            let (name, year) = month.tick_labels(*start);
            (strip.edge(column), format!("{name} {year}"), year)
        });
        labels.collect()
    }

    /// The left edges and labels of all days, or of Mondays, depending on room.
    fn day_labels(&self, strip: &SlotAxis) -> Vec<(i32, String)> {
        let every = match strip.width() {
            _ if self.days > 1 => return Vec::new(),
            28.. => 1,
            5.. => 7,
            _ => return Vec::new(),
        };
        // 1970 began on a Thursday, three days after a Monday.
        let is_shown = |start: i64| (start.div_euclid(86_400) + 3).rem_euclid(every) == 0;
        let columns = (0..).zip(self.columns);
        let labels = columns.filter(|(_, start)| is_shown(**start));
        let label = |(column, start): (i32, &i64)| {
            let (day, _) = Bucket::Hours(24).tick_labels(*start);
            (strip.edge(column), day)
        };
        labels.map(label).collect()
    }
}

/// Writes the labels of a line that fit without touching.
fn line(scene: &mut ChartScene, y: i32, labels: impl Iterator<Item = (i32, String)>, gap: i32) {
    let mut line = LabelLine::new(gap);
    for (x, label) in labels {
        let label = SCREEN.muted((x, y), &label);
        if x + label.width() <= SCREEN.right() {
            line.add(label);
        }
    }
    line.draw(scene);
}

fn class(permille: u64) -> usize {
    match permille {
        0 => 0,
        1..=333 => 1,
        334..=666 => 2,
        667..=999 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    const DAY: i64 = 86_400;
    /// 2026-06-20
    const START: i64 = 20_624 * DAY;

    fn draw(names: &[&str], count: i64, days: i64) -> ChartScene {
        let columns: Vec<i64> = (0..count).map(|n| START + n * days * DAY).collect();
        let row = |(at, name)| CalendarRow {
            group: (at % 7 == 0).then_some(name),
            name,
            note: "100.0 %".to_owned(),
            shares: (0..count).map(|n| n as u64 * 50 % 1100).collect(),
        };
        let rows: Vec<CalendarRow<'_>> = names.iter().copied().enumerate().map(row).collect();
        let scene = CalendarChart {
            title: "Title",
            subtitle: "Subtitle",
            columns: &columns,
            days,
            rows: &rows,
        }
        .scene();
        check(&scene);
        scene
    }

    #[test]
    fn charts_of_any_length_keep_their_texts_apart() {
        for count in [0, 1, 2, 3, 14, 31, 60, 90, 200, 365, 500, 600] {
            draw(&["ap-southeast-2", "eu-west-1"], count, 1);
            draw(&["eu-west-1"; 8], count, 7);
        }
        draw(&[], 5, 1);
        draw(&HOSTILE, 90, 1);
        draw(&["W".repeat(999).as_str()], 500, 1);
        draw(&["eu-west-1"; 400], 10, 1);
    }

    #[test]
    fn months_and_mondays_are_named() {
        let scene = draw(&["eu-west-1"], 90, 1);
        let texts: Vec<&str> = scene.texts().collect();
        for text in ["Jun 2026", "Jul", "Aug", "Sep", "22", "29", "6"] {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
        assert!(!texts.contains(&"23"));
        let few = draw(&["eu-west-1"], 3, 1);
        assert_eq!(
            few.texts()
                .filter(|text| ["20", "21", "22"].contains(text))
                .count(),
            3
        );
    }

    #[test]
    fn only_full_coverage_is_covered() {
        assert_eq!(
            [0, 1, 333, 334, 666, 667, 999, 1000].map(class),
            [0, 1, 1, 2, 2, 3, 3, 4]
        );
        let scene = draw(&["eu-west-1"], 22, 1);
        let tips: Vec<&str> = scene
            .tips()
            .filter_map(|rect| rect.tip.as_deref())
            .collect();
        assert_eq!(tips[1], "eu-west-1, 2026-06-21: 5.0 %");
        assert_eq!(tips.len(), 22);
    }
}
