//! Heat map of counts by hour and weekday.

use super::palette::{COUNT_SHADES, Color, FIRST_STRONG_SHADE, NO_COUNT};
use super::scale;
use super::scene::{Anchor, ChartScene, SceneText};
use super::sheet::SCREEN;
use trailtab_core::digits::thousands;

/// A chart of seven weekdays by 24 hours.
#[derive(Debug, Clone, Copy)]
pub struct HeatMap<'a> {
    /// The headline.
    pub title: &'a str,
    /// A smaller line below the title; may be empty.
    pub subtitle: &'a str,
    /// What is counted, in the plural, for example `API calls`.
    pub unit: &'a str,
    /// A count for each weekday, Monday first, and each hour in UTC.
    pub counts: &'a [[u64; 24]; 7],
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Distance between the left edges and between the upper edges of neighbouring cells.
const PITCH: (i32, i32) = (60, 48);
/// Space between cells.
const SPACE: i32 = 2;
/// Left edge of the cells; 24 of them reach the right margin.
const LEFT: i32 = SCREEN.right() - 24 * PITCH.0;
/// Room above the cells for the hours.
const HEAD: i32 = 56;
/// Room below the cells for the legend.
const FOOT: i32 = 72;

impl HeatMap<'_> {
    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        let body = HEAD + 7 * PITCH.1 + FOOT + SCREEN.margin;
        let (mut scene, head) = SCREEN.chart(self.title, self.subtitle, body);
        let top = head + HEAD;
        scene.text(SCREEN.muted((LEFT, head + 14), "Hour of the day, UTC"));
        for hour in 0..24 {
            let x = LEFT + hour * PITCH.0 + (PITCH.0 - SPACE) / 2;
            let text = SCREEN.muted((x, top - 10), &format!("{hour:02}"));
            scene.text(text.anchor(Anchor::Middle));
        }
        let classes = ShadeClasses::of(self.counts);
        for ((day, name), counts) in (0..).zip(DAYS).zip(self.counts) {
            let y = top + day * PITCH.1;
            let label = SceneText::new((LEFT - 12, y + 29), SCREEN.label, name);
            scene.text(label.anchor(Anchor::End));
            for (hour, count) in (0..).zip(counts) {
                let tip = format!("{name} {hour:02}:00 UTC: {}", thousands(*count));
                let x = LEFT + hour * PITCH.0;
                cell(&mut scene, (x, y), *count, &classes, &tip);
            }
        }
        self.legend(&mut scene, top + 7 * PITCH.1 + 24, &classes);
        scene
    }

    /// Draws the range of counts of each shade.
    fn legend(&self, scene: &mut ChartScene, y: i32, classes: &ShadeClasses) {
        let mut samples = vec![(NO_COUNT, "0".to_owned())];
        let mut below = classes.below;
        for (class, color) in COUNT_SHADES.into_iter().enumerate() {
            let upper = classes.upper(class);
            // In a small range of counts, some classes are empty.
            if below < upper {
                let (first, last) = (classes.number(below + 1), classes.number(upper));
                let range = if first == last {
                    first
                } else {
                    format!("{first}–{last}")
                };
                samples.push((color, range));
                below = upper;
            }
        }
        let x = SCREEN.legend(scene, (LEFT, y), &samples);
        let unit = SCREEN.muted((x, y + 18), self.unit);
        scene.text(unit.fit(SCREEN.right() - x));
    }
}

/// Divides the counts of a chart into a class per shade, and formats them.
struct ShadeClasses {
    /// One less than the smallest nonzero count. Classes begin above it, so that counts that hardly differ do not all
    /// get the darkest shade.
    below: u64,
    most: u64,
}

/// Counts from here on are abbreviated to fit a cell.
const FIRST_ABBREVIATED: u64 = 10_000;

impl ShadeClasses {
    fn of(counts: &[[u64; 24]; 7]) -> ShadeClasses {
        let counts = || counts.iter().flatten().copied().filter(|count| *count > 0);
        ShadeClasses {
            below: counts().min().map_or(0, |least| least - 1),
            most: counts().max().unwrap_or(0),
        }
    }

    /// The largest count of a class. Bounds grow quadratically, so that a few busy hours do not make all others look
    /// alike.
    fn upper(&self, class: usize) -> u64 {
        let (i, n) = (class as u128 + 1, COUNT_SHADES.len() as u128);
        let range = u128::from(self.most.saturating_sub(self.below));
        // Not more than `most`, because `class` is an index of `COUNT_SHADES`.
        self.below + (range * i * i / (n * n)) as u64
    }

    /// The class of a count; zero has no class.
    fn shade(&self, count: u64) -> Option<usize> {
        let classes = 0..COUNT_SHADES.len();
        (count != 0).then(|| {
            classes
                .take_while(|class| self.upper(*class) < count)
                .count()
        })
    }

    /// Formats a count: in full if all counts of the chart fit their cells, otherwise abbreviated.
    fn number(&self, count: u64) -> String {
        if self.most < FIRST_ABBREVIATED {
            thousands(count)
        } else {
            scale::compact(count)
        }
    }
}

fn cell(scene: &mut ChartScene, (x, y): (i32, i32), count: u64, classes: &ShadeClasses, tip: &str) {
    let shade = classes.shade(count);
    let fill = shade.and_then(|shade| COUNT_SHADES.get(shade).copied());
    let size = (PITCH.0 - SPACE, PITCH.1 - SPACE);
    scene.rect_with_tip((x, y), size, fill.unwrap_or(NO_COUNT), tip);
    if let Some(shade) = shade {
        let ink = if shade < FIRST_STRONG_SHADE {
            Color::INK
        } else {
            Color::PAPER
        };
        let at = (x + size.0 / 2, y + size.1 / 2 + 6);
        let number = SceneText::new(at, SCREEN.label, &classes.number(count));
        scene.text(number.anchor(Anchor::Middle).fill(ink));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::sheet::tests::{HOSTILE, check};
    use super::*;

    fn chart(counts: &[[u64; 24]; 7]) -> ChartScene {
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
            let classes = ShadeClasses { below: 0, most };
            let shades: Vec<usize> = (1..=100)
                .filter_map(|i| classes.shade((u128::from(most) * i / 100) as u64))
                .collect();
            assert!(shades.is_sorted());
            assert_eq!(shades.last(), Some(&(COUNT_SHADES.len() - 1)));
        }
        let classes = ShadeClasses {
            below: 0,
            most: 100,
        };
        assert_eq!(classes.shade(0), None);
        assert_eq!(classes.shade(1), Some(0));
    }

    #[test]
    fn counts_that_hardly_differ_have_different_shades() {
        let mut counts = [[0; 24]; 7];
        for (count, next) in counts[2].iter_mut().zip(977..) {
            *count = next;
        }
        let scene = chart(&counts);
        let fills: BTreeSet<_> = (scene.tips())
            .filter(|cell| cell.fill != NO_COUNT)
            .map(|cell| cell.fill)
            .collect();
        assert!(fills.len() >= 5, "{fills:?}");
        // All numbers of a chart are written in one style.
        assert!(scene.texts().any(|text| text == "1,000"));
        assert!(scene.texts().any(|text| text == "992"));
    }

    #[test]
    fn cells_show_their_count_under_the_right_hour() {
        let mut counts = [[0; 24]; 7];
        counts[6][23] = 1234;
        let scene = chart(&counts);
        let cell = scene.tips().last().unwrap();
        assert_eq!(cell.tip.as_deref(), Some("Sun 23:00 UTC: 1,234"));
        assert_eq!(cell.fill, COUNT_SHADES[5]);
        assert!(scene.texts().any(|text| text == "1,234"));
    }

    #[test]
    fn extreme_counts_fit_their_cells() {
        for count in [0, 1, 9_949, 9_999, 10_000, 999_499, 999_500, u64::MAX] {
            let scene = chart(&[[count; 24]; 7]);
            let room = PITCH.0 - SPACE;
            assert!(
                scene
                    .texts()
                    .all(
                        |text| SceneText::new((0, 0), SCREEN.label, text).width() <= room
                            || !text.starts_with(|c: char| c.is_ascii_digit())
                            || text.contains('–')
                    ),
                "{count}"
            );
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
