//! The sheets that charts are drawn on: size, margins, type and headings.

use super::palette::Color;
use super::scene::{ChartScene, SceneText};

/// Size, margins and type of some charts. Sizes of type are pixels per em.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Width of every chart.
    pub(super) width: u16,
    /// Empty space along the edges.
    pub(super) margin: i32,
    /// Space between a mark and its label.
    pub(super) gap: i32,
    /// Thickness of grid lines.
    pub(super) line: i32,
    title: HeadingLine,
    subtitle: HeadingLine,
    /// Space below the heading.
    space: i32,
    pub(super) label: u8,
    pub(super) tick: u8,
}

/// A line of a heading.
#[derive(Debug)]
struct HeadingLine {
    size: u8,
    /// From the top of the line to its baseline.
    baseline: i32,
    height: i32,
}

/// Charts outside mails. About twice the width at which they are shown, to keep PNGs sharp on dense screens.
pub(super) const SCREEN: Sheet = Sheet {
    width: 1600,
    margin: 40,
    gap: 10,
    line: 1,
    title: HeadingLine {
        size: 29,
        baseline: 24,
        height: 36,
    },
    subtitle: HeadingLine {
        size: 18,
        baseline: 18,
        height: 28,
    },
    space: 16,
    label: 17,
    tick: 15,
};

/// Charts in mails, which show them at half their size or, on phones, at 0.4 of it; so they are narrow and the type is
/// large.
pub(super) const MAIL: Sheet = Sheet {
    width: MAIL_WIDTH,
    margin: 24,
    gap: 10,
    line: 2,
    title: HeadingLine {
        size: 30,
        baseline: 26,
        height: 36,
    },
    subtitle: HeadingLine {
        size: 25,
        baseline: 24,
        height: 34,
    },
    space: 14,
    label: 25,
    tick: 24,
};

/// Width of every chart in a mail.
pub const MAIL_WIDTH: u16 = 880;

impl Sheet {
    /// Right edge of the drawing area.
    pub(super) const fn right(&self) -> i32 {
        self.width as i32 - self.margin
    }

    /// Width of the drawing area.
    pub(super) const fn room(&self) -> i32 {
        self.right() - self.margin
    }

    /// A small text in [`Color::MUTED`].
    pub(super) fn muted(&self, at: (i32, i32), text: &str) -> SceneText {
        SceneText::new(at, self.tick, text).fill(Color::MUTED)
    }

    /// Draws samples of colours with their meaning, and returns the left edge of what may follow.
    pub(super) fn legend(
        &self,
        scene: &mut ChartScene,
        (mut x, y): (i32, i32),
        samples: &[(Color, String)],
    ) -> i32 {
        for (color, meaning) in samples {
            scene.rect((x, y), (24, 24), *color);
            let meaning = self.muted((x + 32, y + 18), meaning);
            x += 32 + meaning.width() + 28;
            scene.text(meaning);
        }
        x
    }

    /// From the middle of a small text to its baseline.
    pub(super) fn to_baseline(&self) -> i32 {
        i32::from(self.tick) * 2 / 5
    }

    /// Starts a chart with a heading and `body` pixels below it, and returns the top of the body. An empty line of the
    /// heading takes no room.
    pub(super) fn chart(&self, title: &str, subtitle: &str, body: i32) -> (ChartScene, i32) {
        let height = |text: &str, line: &HeadingLine| if text.is_empty() { 0 } else { line.height };
        let below_title = self.margin + height(title, &self.title);
        let top = below_title + height(subtitle, &self.subtitle) + self.space;
        let name = match (title, subtitle) {
            (title, "") => title.to_owned(),
            ("", subtitle) => subtitle.to_owned(),
            (title, subtitle) => format!("{title}. {subtitle}"),
        };
        let height = u16::try_from(top + body).unwrap_or(u16::MAX);
        let mut scene = ChartScene::new(self.width, height, &name);
        let line = |y: i32, line: &HeadingLine, text| {
            SceneText::new((self.margin, y + line.baseline), line.size, text)
        };
        if !title.is_empty() {
            let title = line(self.margin, &self.title, title).bold();
            scene.text(title.fit(self.room()));
        }
        if !subtitle.is_empty() {
            scene.text(
                line(below_title, &self.subtitle, subtitle)
                    .fill(Color::MUTED)
                    .fit(self.room()),
            );
        }
        (scene, top)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::scene::{SceneItem, SceneLine, SceneRect};
    use super::*;

    /// Hostile text that a log can contain.
    pub(crate) const HOSTILE: [&str; 6] = [
        "",
        "<script>alert(\"1\")</script>&'",
        "\0\u{1b}[31m\u{7f}\u{85}\r\n\t",
        "\u{202e}gnp.exe\u{200f}\u{2066}",
        "漢字かな交じり文 עברית العربية 👩‍👩‍👧‍👦",
        "e\u{301}\u{302}\u{303}\u{304}",
    ];

    impl ChartScene {
        /// All texts' contents.
        pub fn texts(&self) -> impl Iterator<Item = &str> {
            self.items.iter().filter_map(|item| match item {
                SceneItem::Text(text) => Some(text.content.as_str()),
                SceneItem::Rect(_) | SceneItem::Line(_) => None,
            })
        }

        /// All lines.
        pub fn lines(&self) -> impl Iterator<Item = &SceneLine> {
            self.items.iter().filter_map(|item| match item {
                SceneItem::Line(line) => Some(line),
                _ => None,
            })
        }

        /// The boxes that represent data: those with a tooltip.
        pub fn tips(&self) -> impl Iterator<Item = &SceneRect> {
            self.items.iter().filter_map(|item| match item {
                SceneItem::Rect(rect) if rect.tip.is_some() => Some(rect),
                _ => None,
            })
        }
    }

    /// Panics unless everything in the scene lies on the canvas, no two texts touch, and both formats can be written.
    pub(crate) fn check(scene: &ChartScene) {
        let (width, height) = (i32::from(scene.width), i32::from(scene.height));
        let mut boxes: Vec<(i32, i32, i32, i32, &str)> = Vec::new();
        for item in &scene.items {
            match item {
                SceneItem::Rect(rect) => {
                    assert!(0 <= rect.x && rect.x + rect.width <= width, "{rect:?}");
                    assert!(0 <= rect.y && rect.y + rect.height <= height, "{rect:?}");
                    assert!(0 <= rect.width && 0 <= rect.height, "{rect:?}");
                }
                SceneItem::Line(line) => {
                    let half = i32::from(line.width.div_ceil(2));
                    for (x, y) in &line.points {
                        assert!(half <= *x && x + half <= width, "{line:?}");
                        assert!(half <= *y && y + half <= height, "{line:?}");
                    }
                }
                SceneItem::Text(text) => {
                    let (left, right) = (text.left(), text.left() + text.width());
                    let size = i32::from(text.size);
                    let (top, bottom) = (text.y - size * 3 / 4, text.y + size / 4);
                    assert!(0 <= left && right <= width, "{text:?} {left} {right}");
                    assert!(0 <= top && bottom <= height, "{text:?}");
                    for (l, t, r, b, other) in &boxes {
                        let apart = right <= *l || *r <= left || bottom <= *t || *b <= top;
                        assert!(apart, "{:?} touches {other:?}", text.content);
                    }
                    boxes.push((left, top, right, bottom, &text.content));
                }
            }
        }
        assert!(scene.to_svg().ends_with("</svg>\n"));
        assert!(scene.to_png().starts_with(b"\x89PNG"));
    }

    #[test]
    fn headings_stay_on_the_sheet() {
        let long = "W".repeat(10_000);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            for (title, subtitle) in [(text, text), (text, ""), ("", text)] {
                for sheet in [SCREEN, MAIL] {
                    check(&sheet.chart(title, subtitle, 50).0);
                }
            }
        }
    }
}
