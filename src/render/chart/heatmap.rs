//! A week at a glance: how much happened in each hour of each weekday.

use super::frame::{Heading, LABEL, MARGIN, RIGHT, TICK};
use super::scale;
use super::scene::{Anchor, Color, Scene, Text};

/// A chart of 24 hours by seven weekdays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeatMap<'a> {
    /// The headline.
    pub(crate) title: &'a str,
    /// A smaller line below the title; may be empty.
    pub(crate) subtitle: &'a str,
    /// What is counted, in the plural, for example `API calls`.
    pub(crate) unit: &'a str,
    /// A count for each weekday, Monday first, and each hour in UTC.
    pub(crate) counts: &'a [[u64; 24]; 7],
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// One hue from light to dark, which every kind of colour vision can order.
const SHADES: [Color; 6] = [
    Color([0xfd, 0xf1, 0xcc]),
    Color([0xfa, 0xdc, 0x86]),
    Color([0xee, 0xb7, 0x35]),
    Color([0xc8, 0x84, 0x00]),
    Color([0x8e, 0x56, 0x00]),
    Color([0x52, 0x2f, 0x05]),
];
/// From this shade on, numbers are white.
const DARK: usize = 4;
/// An hour in which nothing happened.
const NOTHING: Color = Color([0xf3, 0xf4, 0xf6]);

/// Distance between the left edges, and the upper edges, of two cells.
const PITCH: (i32, i32) = (60, 48);
/// Space between cells.
const SPACE: i32 = 2;
/// Left edge of the cells; 24 of them reach to the right margin.
const LEFT: i32 = RIGHT - 24 * PITCH.0;
/// Room above the cells for the hours.
const HEAD: i32 = 56;
/// Room below the cells for the legend.
const FOOT: i32 = 72;

impl HeatMap<'_> {
    /// Lays the chart out.
    pub(crate) fn scene(&self) -> Scene {
        let heading = Heading {
            title: self.title,
            subtitle: self.subtitle,
        };
        let mut scene = heading.scene(HEAD + 7 * PITCH.1 + FOOT + MARGIN);
        let top = heading.bottom() + HEAD;
        let muted = |at, text: &str| Text::new(at, TICK, text).fill(Color::MUTED);
        let caption = (LEFT, heading.bottom() + 14);
        scene.text(muted(caption, "Hour of the day, UTC"));
        for hour in 0..24 {
            let x = LEFT + hour * PITCH.0 + (PITCH.0 - SPACE) / 2;
            let text = muted((x, top - 10), &format!("{hour:02}"));
            scene.text(text.anchor(Anchor::Middle));
        }
        let most = self.counts.iter().flatten().copied().max().unwrap_or(0);
        for ((day, name), counts) in (0..).zip(DAYS).zip(self.counts) {
            let y = top + day * PITCH.1;
            let label = Text::new((LEFT - 12, y + 29), LABEL, name);
            scene.text(label.anchor(Anchor::End));
            for (hour, count) in (0..).zip(counts) {
                let tip = format!("{name} {hour:02}:00 UTC: {}", scale::grouped(*count));
                let x = LEFT + hour * PITCH.0;
                cell(&mut scene, (x, y), *count, shade(*count, most), &tip);
            }
        }
        self.legend(&mut scene, top + 7 * PITCH.1 + 24, most);
        scene
    }

    /// Shows which counts each shade stands for.
    fn legend(&self, scene: &mut Scene, y: i32, most: u64) {
        let mut x = LEFT;
        let mut sample = |scene: &mut Scene, color, text: &str| {
            scene.rect((x, y), (24, 24), color);
            let text = Text::new((x + 32, y + 18), TICK, text).fill(Color::MUTED);
            x += 32 + text.width() + 28;
            scene.text(text);
        };
        sample(scene, NOTHING, "0");
        let mut below = 0;
        for (class, color) in SHADES.into_iter().enumerate() {
            let upper = upper(class, most);
            // A small maximum leaves some shades without a number.
            if below < upper {
                let range = if below + 1 == upper {
                    scale::compact(upper)
                } else {
                    format!("{}–{}", scale::compact(below + 1), scale::compact(upper))
                };
                sample(scene, color, &range);
                below = upper;
            }
        }
        let unit = Text::new((x, y + 18), TICK, self.unit).fill(Color::MUTED);
        scene.text(unit.fit(RIGHT - x));
    }
}

/// The largest count of a class. The classes grow like squares, for a few busy
/// hours must not make all others look alike.
fn upper(class: usize, most: u64) -> u64 {
    let (i, n) = (class as u128 + 1, SHADES.len() as u128);
    // Not more than `most`, because `class` is an index of `SHADES`.
    (u128::from(most) * i * i / (n * n)) as u64
}

/// The class of a count, or none for zero.
fn shade(count: u64, most: u64) -> Option<usize> {
    let classes = 0..SHADES.len();
    (count != 0).then(|| {
        classes
            .take_while(|class| upper(*class, most) < count)
            .count()
    })
}

fn cell(scene: &mut Scene, (x, y): (i32, i32), count: u64, shade: Option<usize>, tip: &str) {
    let fill = shade.and_then(|shade| SHADES.get(shade).copied());
    let size = (PITCH.0 - SPACE, PITCH.1 - SPACE);
    scene.rect_with_tip((x, y), size, fill.unwrap_or(NOTHING), tip);
    if let Some(shade) = shade {
        let ink = if shade < DARK {
            Color::INK
        } else {
            Color::WHITE
        };
        let at = (x + size.0 / 2, y + size.1 / 2 + 6);
        let number = Text::new(at, LABEL, &scale::compact(count));
        scene.text(number.anchor(Anchor::Middle).fill(ink));
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::{HOSTILE, check};
    use super::*;

    fn chart(counts: &[[u64; 24]; 7]) -> Scene {
        let map = HeatMap {
            title: "Title",
            subtitle: "",
            unit: "API calls",
            counts,
        };
        let scene = map.scene();
        check(&scene);
        scene
    }

    #[test]
    fn shades_are_ordered_and_reach_both_ends() {
        for most in [1, 2, 6, 7, 100, u64::MAX] {
            let shades: Vec<usize> = (1..=100)
                .filter_map(|i| shade((u128::from(most) * i / 100) as u64, most))
                .collect();
            assert!(shades.is_sorted());
            assert_eq!(shades.last(), Some(&(SHADES.len() - 1)));
        }
        assert_eq!(shade(0, 100), None);
        assert_eq!(shade(1, 100), Some(0));
    }

    #[test]
    fn cells_show_their_count_under_the_right_hour() {
        let mut counts = [[0; 24]; 7];
        counts[6][23] = 1234;
        let scene = chart(&counts);
        let cell = scene.tips().last().unwrap();
        assert_eq!(cell.tip.as_deref(), Some("Sun 23:00 UTC: 1,234"));
        assert_eq!(cell.fill, SHADES[5]);
        assert!(scene.texts().any(|text| text == "1.2k"));
    }

    #[test]
    fn extreme_counts_fit_their_cells() {
        for count in [0, 1, 9_949, 999_499, 999_500, u64::MAX] {
            chart(&[[count; 24]; 7]);
        }
        for unit in HOSTILE {
            let map = HeatMap {
                title: unit,
                subtitle: unit,
                unit,
                counts: &[[u64::MAX; 24]; 7],
            };
            check(&map.scene());
        }
    }
}
