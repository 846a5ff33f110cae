//! Layout shared by all charts outside mails: size, margins and headings.

use super::scene::{ChartScene, Color, SceneText};

/// Width of every chart. About twice the width at which charts are shown, to keep PNGs sharp on dense screens.
pub(super) const WIDTH: u16 = 1600;
/// Empty space along the edges.
pub(super) const MARGIN: i32 = 40;
/// Right edge of the drawing area.
pub(super) const RIGHT: i32 = WIDTH as i32 - MARGIN;

/// Sizes of type, in pixels per em.
pub(super) const TITLE: u8 = 29;
pub(super) const SUBTITLE: u8 = 18;
pub(super) const LABEL: u8 = 17;
pub(super) const TICK: u8 = 15;

/// Title and subtitle above a chart, one line each; an empty one takes no room.
pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
}

impl Heading<'_> {
    /// The top of the body below the heading.
    pub(super) fn bottom(&self) -> i32 {
        let line = |text: &str, height| if text.is_empty() { 0 } else { height };
        MARGIN + line(self.title, 36) + line(self.subtitle, 28) + 16
    }

    /// Starts a chart with the heading and `body` pixels below it.
    pub(super) fn scene(&self, body: i32) -> ChartScene {
        let height = u16::try_from(self.bottom() + body).unwrap_or(u16::MAX);
        let mut scene = ChartScene::new(WIDTH, height, &self.name());
        let mut y = MARGIN;
        if !self.title.is_empty() {
            let title = SceneText::new((MARGIN, y + 24), TITLE, self.title).bold();
            scene.text(title.fit(RIGHT - MARGIN));
            y += 36;
        }
        if !self.subtitle.is_empty() {
            let subtitle = SceneText::new((MARGIN, y + 18), SUBTITLE, self.subtitle);
            scene.text(subtitle.fill(Color::MUTED).fit(RIGHT - MARGIN));
        }
        scene
    }

    fn name(&self) -> String {
        match (self.title, self.subtitle) {
            (title, "") => title.to_owned(),
            ("", subtitle) => subtitle.to_owned(),
            (title, subtitle) => format!("{title}. {subtitle}"),
        }
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
                check(&Heading { title, subtitle }.scene(50));
            }
        }
    }
}
