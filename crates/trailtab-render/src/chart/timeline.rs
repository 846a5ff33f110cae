//! Columns over time: calls, and how many of them failed.

use super::axis::{self, BarStyle, GridTick, LabelLine, SlotAxis};
use super::bucket::{self, Bucket};
use super::palette::Color;
use super::scale::CountScale;
use super::scene::{Anchor, ChartScene, SceneText};
use super::sheet::SCREEN;
use trailtab_core::digits::thousands;

/// A chart of calls over time. It chooses the period of a column: hours, days, a week, months or years.
#[derive(Debug, Clone, Copy)]
pub struct TimelineChart<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title; may be empty.
    pub subtitle: &'a str,
    /// What is counted, in the plural, for example `API calls`.
    pub unit: &'a str,
    /// The counts, in any order; missing hours count as zero. The chart spans the first to the last hour, so an hour
    /// of zero calls can widen it.
    pub hours: &'a [TimelineHour],
}

/// The calls of one hour.
#[derive(Debug, Clone, Copy)]
pub struct TimelineHour {
    /// Start of the hour: Unix time in seconds.
    pub start: i64,
    /// All calls.
    pub total: u64,
    /// Failed calls, part of `total`.
    pub failed: u64,
}

/// Height of the columns' area.
const PLOT: i32 = 420;
/// Room above it for the unit and the legend.
const CAPTION: i32 = 40;
/// Room below it for two lines of dates.
const FOOT: i32 = 52;
const COLUMNS: BarStyle = BarStyle {
    narrow: 4,
    space: 1,
    share: 12,
    widest: 80,
};

impl TimelineChart<'_> {
    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let plot = if self.hours.is_empty() {
            0
        } else {
            PLOT + FOOT
        };
        let body = CAPTION + plot + SCREEN.margin;
        let (mut scene, head) = SCREEN.chart(self.title, self.subtitle, body);
        let (top, at) = (head + CAPTION, (SCREEN.margin, head + 14));
        if self.hours.is_empty() {
            scene.text(SCREEN.muted(at, "no data"));
            return scene;
        }
        let columns = TimelineColumns::new(self.hours);
        let most = columns.counts.iter().map(|count| count.0).max();
        let scale = CountScale::new(most.unwrap_or(0), 8);
        let ticks = scale.ticks().map(|tick| GridTick {
            y: top + PLOT - scale.pixels(tick, PLOT),
            label: scale.label(tick),
            is_zero: tick == 0,
        });
        let ticks: Vec<GridTick> = ticks.collect();
        let left = axis::grid(&mut scene, &SCREEN, SCREEN.right(), &ticks);
        let plot = TimelineArea {
            bottom: top + PLOT,
            slots: SlotAxis {
                left: left + 1,
                right: SCREEN.right(),
                count: columns.counts.len() as i32,
            },
        };
        let legend = legend(&mut scene, at.1, &columns);
        let caption = SCREEN.muted(at, &self.caption(&columns));
        scene.text(caption.fit(legend - SCREEN.margin - 2 * SCREEN.gap));
        plot.columns(&mut scene, &columns, &scale);
        plot.dates(&mut scene, &columns);
        scene
    }

    /// The caption: what a column counts, and the time covered.
    fn caption(&self, columns: &TimelineColumns) -> String {
        let starts = || self.hours.iter().map(|hour| hour.start);
        // Only the caller's text is cut; the rest explains the axes.
        let unit = SceneText::new((0, 0), SCREEN.tick, self.unit)
            .fit(400)
            .content;
        let first = bucket::minute(starts().min().unwrap_or(0));
        let last = starts().max().unwrap_or(0);
        let last = bucket::minute(last.saturating_add(bucket::HOUR));
        format!(
            "{unit} per {}, {first} to {last} UTC",
            columns.bucket.name()
        )
    }
}

/// Draws the legend at the right and returns its left edge.
fn legend(scene: &mut ChartScene, y: i32, columns: &TimelineColumns) -> i32 {
    let sum = |count: fn(&(u64, u64)) -> u64| -> u128 {
        let counts = columns.counts.iter();
        counts.map(|pair| u128::from(count(pair))).sum()
    };
    let failed = sum(|(_, failed)| *failed);
    let succeeded = sum(|(total, failed)| total - failed);
    let mut right = SCREEN.right();
    for (name, count, color) in [
        ("failed", failed, Color::FAILED),
        ("succeeded", succeeded, Color::ACCENT),
    ] {
        let text = format!("{} {name}", thousands(count));
        let text = SceneText::new((right, y), SCREEN.tick, &text).anchor(Anchor::End);
        let left = text.left() - 20;
        scene.text(text);
        scene.rect((left, y - 12), (13, 13), color);
        right = left - 24;
    }
    right
}

/// The hours summed by column.
struct TimelineColumns {
    bucket: Bucket,
    /// Index of the first column among all periods of the calendar.
    first: i64,
    /// All and failed calls of each column; failed never exceeds all.
    counts: Vec<(u64, u64)>,
}

impl TimelineColumns {
    fn new(hours: &[TimelineHour]) -> Self {
        let starts = || hours.iter().map(|hour| hour.start);
        let first = starts().min().unwrap_or(0);
        let last = starts().max().unwrap_or(0);
        let bucket = Bucket::of_columns(first, last);
        let (first, last) = (bucket.index(first), bucket.index(last));
        let mut counts = vec![(0_u64, 0_u64); (last - first + 1) as usize];
        for hour in hours {
            let count = &mut counts[(bucket.index(hour.start) - first) as usize];
            let failed = hour.failed.min(hour.total);
            *count = (
                count.0.saturating_add(hour.total),
                count.1.saturating_add(failed),
            );
        }
        Self {
            bucket,
            first,
            counts,
        }
    }
}

/// The area of the columns.
struct TimelineArea {
    bottom: i32,
    slots: SlotAxis,
}

impl TimelineArea {
    fn columns(&self, scene: &mut ChartScene, columns: &TimelineColumns, scale: &CountScale) {
        for (i, (total, failed)) in (0..).zip(&columns.counts) {
            if *total == 0 {
                continue;
            }
            let (left, width) = self.slots.bar(i, COLUMNS);
            let start = columns.bucket.start(columns.first + i64::from(i));
            let tip = format!(
                "{} UTC: {}, of which {} failed",
                columns.bucket.label(start),
                thousands(*total),
                thousands(*failed)
            );
            let mut part = |bottom: i32, height: i32, color| {
                if height != 0 {
                    let at = (left, bottom - height);
                    scene.rect_with_tip(at, (width, height), color, &tip);
                }
            };
            // Failures start at the axis, so that their heights can be compared.
            let below = scale.pixels(*failed, PLOT);
            let above = scale.pixels(*total, PLOT).max(below);
            part(self.bottom, below, Color::FAILED);
            part(self.bottom - below, above - below, Color::ACCENT);
        }
    }

    /// Writes times or dates below the columns that begin a period.
    fn dates(&self, scene: &mut ChartScene, columns: &TimelineColumns) {
        let start = |i: i32| columns.bucket.start(columns.first + i64::from(i));
        let count = columns.counts.len() as i32;
        let ticks = Bucket::of_ticks(start(0), start(count - 1));
        let muted = |at, text: &str| SCREEN.muted(at, text).anchor(Anchor::Middle);
        // If two would touch, the first is dropped: its group has hardly any ticks.
        let mut groups = LabelLine::new(SCREEN.gap);
        let mut group = String::new();
        let mut before = None;
        for i in 0..count {
            let tick = ticks.index(start(i));
            let begins = before.is_some_and(|before| before != tick);
            before = Some(tick);
            if !begins && start(i) != ticks.start(tick) {
                continue;
            }
            let (left, width) = self.slots.bar(i, COLUMNS);
            let x = left + width / 2;
            scene.rect((x, self.bottom), (1, 6), Color::MUTED);
            let (near, far) = ticks.tick_labels(start(i));
            scene.text(muted((x, self.bottom + 22), &near));
            if far != group {
                groups.insist(muted((x, self.bottom + 42), &far));
                group = far;
            }
        }
        groups.draw(scene);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    /// Monday, 3 June 2024, 00:00.
    const JUNE: i64 = 1_717_372_800;

    fn chart(hours: &[TimelineHour]) -> ChartScene {
        let timeline = TimelineChart {
            title: "Title",
            subtitle: "Subtitle",
            unit: "API calls",
            hours,
        };
        let scene = timeline.scene();
        check(&scene);
        scene
    }

    fn hour(start: i64, total: u64, failed: u64) -> TimelineHour {
        TimelineHour {
            start,
            total,
            failed,
        }
    }

    #[test]
    fn gaps_are_zero_and_order_does_not_matter() {
        let hours = [hour(JUNE + 5 * 3600, 4, 1), hour(JUNE, 2, 0)];
        let columns = TimelineColumns::new(&hours);
        let none = (0, 0);
        assert_eq!(columns.counts, [(2, 0), none, none, none, none, (4, 1)]);
    }

    #[test]
    fn every_span_fits_the_sheet() {
        for hours in [1, 2, 25, 14 * 24, 25 * 24, 100 * 24, 400 * 24, 4000 * 24] {
            for offset in [0, 5, 24 * 27, 24 * 27 + 23] {
                let start = JUNE + offset * 3600;
                let hours: Vec<TimelineHour> = (0..hours)
                    .map(|i| hour(start + i * 3600, 100 + i as u64, 3))
                    .collect();
                let scene = chart(&hours);
                let bars = scene.tips().count();
                assert!(hours.len().min(100) <= bars && bars <= 400, "{bars}");
                // At least the first whole period has a date.
                assert!(5 + 3 < scene.texts().count());
            }
        }
    }

    #[test]
    fn impossible_numbers_do_no_harm() {
        chart(&[]);
        chart(&[
            hour(i64::MIN, u64::MAX, u64::MAX),
            hour(i64::MAX, 0, u64::MAX),
        ]);
        chart(&[hour(JUNE, u64::MAX, 0), hour(JUNE + 1, u64::MAX, 5)]);
        let columns = TimelineColumns::new(&[hour(JUNE, 1, 7)]);
        assert_eq!(columns.counts, [(1, 1)]);
    }

    #[test]
    fn failures_are_drawn_in_proportion() {
        let scene = chart(&[hour(JUNE, 100, 25)]);
        let heights: Vec<i32> = scene.tips().map(|rect| rect.height).collect();
        assert_eq!(heights, [PLOT / 4, PLOT * 3 / 4]);
        assert!(scene.tips().all(|rect| rect.width == COLUMNS.widest));
    }

    #[test]
    fn hostile_words_stay_in_their_place() {
        let long = "W".repeat(10_000);
        let hours = [hour(0, u64::MAX, 1), hour(JUNE, u64::MAX, u64::MAX)];
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            check(
                &TimelineChart {
                    title: text,
                    subtitle: text,
                    unit: text,
                    hours: &hours,
                }
                .scene(),
            );
        }
    }
}
