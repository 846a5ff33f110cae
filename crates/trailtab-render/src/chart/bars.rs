//! Horizontal bars: one count per name.

use super::palette::Color;
use super::scale::CountScale;
use super::scene::{Anchor, ChartScene, SceneText};
use super::sheet::SCREEN;
use trailtab_core::digits::thousands;

/// A chart of one horizontal bar per row, in the given order.
#[derive(Debug, Clone, Copy)]
pub struct BarChart<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title; may be empty.
    pub subtitle: &'a str,
    /// What the values count, for example `API calls`.
    pub axis: &'a str,
    /// Label and value of each row. Only the first [`BarChart::MOST`] are drawn.
    pub rows: &'a [(&'a str, u64)],
    /// How many further rows exist that are not in `rows`.
    pub more: u64,
}

/// Distance between the tops of two bars.
const PITCH: i32 = 26;
/// Height of a bar.
const BAR: i32 = 18;
/// Largest width of a label: 45 % of the space between the margins.
const MAX_LABEL_WIDTH: i32 = SCREEN.room() * 45 / 100;
/// Room below the bars for ticks and the name of the axis.
const FOOT: i32 = 58;

impl BarChart<'_> {
    /// The largest number of bars; a last row counts the others.
    pub const MOST: usize = 40;

    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let shown = &self.rows[..self.rows.len().min(Self::MOST)];
        let hidden = (self.rows.len() - shown.len()) as u64;
        let more = self.more.saturating_add(hidden);
        let lines = (shown.len().max(1) + usize::from(more != 0)) as i32;
        let body = lines * PITCH + FOOT + SCREEN.margin;
        let (mut scene, top) = SCREEN.chart(self.title, self.subtitle, body);
        let label = |text: &str| SceneText::new((0, 0), SCREEN.label, text).fit(MAX_LABEL_WIDTH);
        let mut labels: Vec<SceneText> = shown.iter().map(|(name, _)| label(name)).collect();
        if more != 0 {
            let text = format!("… and {} more", thousands(more));
            labels.push(label(&text).fill(Color::MUTED));
        }
        if shown.is_empty() {
            labels.insert(0, label("no data").fill(Color::MUTED));
        }
        let widest = labels.iter().map(SceneText::width).max().unwrap_or(0);
        let plot = BarArea {
            left: SCREEN.margin + widest + SCREEN.gap,
            right: SCREEN.right() - SCREEN.gap - shown.iter().map(value_width).max().unwrap_or(0),
            top,
            bottom: top + lines * PITCH,
            scale: CountScale::new(shown.iter().map(|row| row.1).max().unwrap_or(0), 8),
        };
        if !shown.is_empty() {
            plot.axis(&mut scene, self.axis);
        }
        for (i, mut text) in (0..).zip(labels) {
            (text.x, text.y) = (plot.left - SCREEN.gap, plot.top + i * PITCH + 19);
            scene.text(text.anchor(Anchor::End));
        }
        for (i, row) in (0..).zip(shown) {
            plot.bar(&mut scene, i, *row);
        }
        scene
    }
}

fn value_width((_, value): &(&str, u64)) -> i32 {
    SceneText::new((0, 0), SCREEN.tick, &thousands(*value)).width()
}

/// The area of the bars.
struct BarArea {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    scale: CountScale,
}

impl BarArea {
    /// Draws the grid, the numbers below it and the name of the axis.
    fn axis(&self, scene: &mut ChartScene, name: &str) {
        let width = self.right - self.left;
        for tick in self.scale.ticks() {
            let x = self.left + self.scale.pixels(tick, width);
            let color = if tick == 0 { Color::MUTED } else { Color::GRID };
            scene.rect((x, self.top), (1, self.bottom - self.top), color);
            let number = SCREEN.muted((x, self.bottom + 20), &self.scale.label(tick));
            scene.text(number.anchor(Anchor::Middle));
        }
        let middle = (self.left + self.right) / 2;
        let name = SCREEN.muted((middle, self.bottom + 46), name).fit(width);
        scene.text(name.anchor(Anchor::Middle));
    }

    fn bar(&self, scene: &mut ChartScene, i: i32, (name, value): (&str, u64)) {
        let y = self.top + i * PITCH + (PITCH - BAR) / 2;
        let length = self.scale.pixels(value, self.right - self.left);
        let number = thousands(value);
        let tip = format!("{name}: {number}");
        scene.rect_with_tip((self.left, y), (length, BAR), Color::ACCENT, &tip);
        let at = (self.left + length + SCREEN.gap, y + 15);
        scene.text(SceneText::new(at, SCREEN.tick, &number));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    fn chart(rows: &[(&str, u64)], more: u64) -> ChartScene {
        let bars = BarChart {
            title: "Title",
            subtitle: "Subtitle",
            axis: "API calls",
            rows,
            more,
        };
        let scene = bars.scene();
        check(&scene);
        scene
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let rows = vec![("name", 7); 163];
        let scene = chart(&rows, 1000);
        assert_eq!(scene.tips().count(), 40);
        assert!(scene.texts().any(|text| text == "… and 1,123 more"));
        let exact = chart(&rows[..40], 0);
        assert!(!exact.texts().any(|text| text.contains("more")));
        assert!(exact.height < scene.height);
    }

    #[test]
    fn bars_are_in_proportion() {
        let scene = chart(&[("a", 800), ("b", 400), ("c", 1), ("d", 0)], 0);
        let widths: Vec<i32> = scene.tips().map(|bar| bar.width).collect();
        assert!((widths[0] - 2 * widths[1]).abs() <= 1, "{widths:?}");
        assert_eq!(widths[2..], [2, 0]);
    }

    #[test]
    fn long_labels_leave_most_of_the_sheet_to_the_bars() {
        let long = format!("123456789012:role/{}Admin", "W".repeat(10_000));
        let scene = chart(&[(&long, u64::MAX), ("b", 1)], u64::MAX);
        let short = chart(&[("a", u64::MAX), ("b", 1)], 0);
        let left = |scene: &ChartScene| scene.tips().next().unwrap().x;
        assert!(left(&scene) <= 760);
        assert!(left(&short) < 80);
        assert!(
            scene
                .texts()
                .any(|t| t.starts_with("1234") && t.ends_with("Admin"))
        );
    }

    #[test]
    fn a_full_chart_needs_half_a_byte_per_pixel() {
        let bytes = chart(&[("name…", 77_777); 41], 1).to_png();
        // The bit depth is in the header, after the width and the height.
        assert_eq!(bytes[24], 4);
    }

    #[test]
    fn no_rows_say_so() {
        assert!(chart(&[], 0).texts().any(|text| text == "no data"));
        assert!(chart(&[], 5).texts().any(|text| text == "… and 5 more"));
    }

    #[test]
    fn hostile_names_stay_in_their_place() {
        let rows: Vec<(&str, u64)> = HOSTILE.iter().map(|name| (*name, u64::MAX)).collect();
        for text in HOSTILE {
            check(
                &BarChart {
                    title: text,
                    subtitle: text,
                    axis: text,
                    rows: &rows,
                    more: 1,
                }
                .scene(),
            );
        }
        check(
            &BarChart {
                title: "",
                subtitle: "",
                axis: &"W".repeat(10_000),
                rows: &rows,
                more: 1,
            }
            .scene(),
        );
    }
}
