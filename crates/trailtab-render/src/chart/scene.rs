//! The format-independent description of a chart: boxes, lines and text.

use super::font::{self, Weight};
use super::palette::Color;
use crate::escape::is_deceptive;

/// A finished drawing.
#[derive(Debug)]
pub struct ChartScene {
    /// Width of the canvas in pixels.
    pub width: u16,
    /// Height of the canvas in pixels.
    pub height: u16,
    /// The accessible name of the picture (`aria-label`).
    pub name: String,
    /// In drawing order, later items on top.
    pub items: Vec<SceneItem>,
}

/// Something to draw. Horizontal and vertical lines are thin rectangles: whole pixels keep them sharp.
#[derive(Debug)]
pub enum SceneItem {
    /// A filled box.
    Rect(SceneRect),
    /// A line through some points.
    Line(SceneLine),
    /// One line of text.
    Text(SceneText),
}

/// A box filled with one colour.
#[derive(Debug)]
pub struct SceneRect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Nothing is drawn unless this is positive.
    pub width: i32,
    /// Nothing is drawn unless this is positive.
    pub height: i32,
    /// Colour of the whole area.
    pub fill: Color,
    /// The tooltip in SVG.
    pub tip: Option<String>,
}

/// A line with round ends through some points; a single point makes a dot.
#[derive(Debug)]
pub struct SceneLine {
    /// In the order of drawing.
    pub points: Vec<(i32, i32)>,
    /// Thickness in pixels.
    pub width: u8,
    /// Colour of the line.
    pub fill: Color,
    /// Whether it has gaps.
    pub dashed: bool,
}

impl SceneLine {
    /// Pixels of a dash and of the gap after it, without round ends.
    pub const DASH: (u8, u8) = (12, 12);
}

/// One line of text.
#[derive(Debug)]
pub struct SceneText {
    /// Position of the anchor.
    pub x: i32,
    /// Position of the baseline.
    pub y: i32,
    /// Height of an em in pixels.
    pub size: u8,
    /// Thickness of the strokes.
    pub weight: Weight,
    /// What `x` refers to.
    pub anchor: Anchor,
    /// Colour of the letters.
    pub fill: Color,
    /// Free of control characters, see [`clean`].
    pub content: String,
}

/// Which point of a text lies at its `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The left end; all text is laid out from left to right.
    Start,
    /// The centre.
    Middle,
    /// The right end.
    End,
}

impl ChartScene {
    /// Starts an empty drawing called `name`.
    pub fn new(width: u16, height: u16, name: &str) -> Self {
        Self {
            // PNG cannot express an empty canvas.
            width: width.max(1),
            height: height.max(1),
            name: shorten(&clean(name)),
            items: Vec::new(),
        }
    }

    /// Changes the accessible name.
    pub fn rename(&mut self, name: &str) {
        self.name = shorten(&clean(name));
    }

    /// Adds a box.
    pub fn rect(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), fill: Color) {
        self.items.push(SceneItem::Rect(SceneRect {
            x,
            y,
            width,
            height,
            fill,
            tip: None,
        }));
    }

    /// Adds a box with a tool-tip.
    pub fn rect_with_tip(&mut self, at: (i32, i32), size: (i32, i32), fill: Color, tip: &str) {
        self.rect(at, size, fill);
        if let Some(SceneItem::Rect(rect)) = self.items.last_mut() {
            rect.tip = Some(shorten(&clean(tip)));
        }
    }

    /// Adds a line.
    pub fn line(&mut self, line: SceneLine) {
        self.items.push(SceneItem::Line(line));
    }

    /// Adds a line of text.
    pub fn text(&mut self, text: SceneText) {
        self.items.push(SceneItem::Text(text));
    }
}

impl SceneText {
    /// Makes regular text in [`Color::INK`] that starts at `x`.
    pub fn new((x, y): (i32, i32), size: u8, content: &str) -> Self {
        Self {
            x,
            y,
            size,
            weight: Weight::Regular,
            anchor: Anchor::Start,
            fill: Color::INK,
            content: clean(content),
        }
    }

    /// Makes the text bold.
    pub fn bold(mut self) -> Self {
        self.weight = Weight::Bold;
        self
    }

    /// Chooses which point lies at `x`.
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    /// Chooses the colour.
    pub fn fill(mut self, fill: Color) -> Self {
        self.fill = fill;
        self
    }

    /// Cuts the middle out of the text until it is at most `width` wide.
    pub fn fit(mut self, width: i32) -> Self {
        if let Some(cut) = font::cut_middle(&self.content, self.size, self.weight, width) {
            self.content = cut;
        }
        self
    }

    /// Width in pixels, rounded up.
    pub fn width(&self) -> i32 {
        font::width(&self.content, self.size, self.weight).ceil() as i32
    }

    /// Position of the left end of the text.
    pub fn left(&self) -> i32 {
        match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x.saturating_sub(self.width() / 2),
            Anchor::End => self.x.saturating_sub(self.width()),
        }
    }
}

/// Replaces characters that could break XML or deceive the reader.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_deceptive(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Limits a text that is not drawn, so that a hostile name cannot bloat a file.
fn shorten(text: &str) -> String {
    const MOST: usize = 400;
    let total = text.chars().count();
    if total <= MOST {
        return text.to_owned();
    }
    let head = text.chars().take(MOST / 2);
    let tail = text.chars().skip(total - MOST / 2);
    head.chain(['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_become_visible() {
        assert_eq!(clean("a\0b\u{202e}c\nd\u{ffff}é"), "a�b�c�d�é");
    }

    #[test]
    fn long_names_keep_both_ends() {
        let short = shorten(&format!("A{}Z", "x".repeat(10_000)));
        assert_eq!(short.chars().count(), 401);
        assert!(short.starts_with('A') && short.ends_with('Z'));
    }

    #[test]
    fn canvas_is_never_empty() {
        let scene = ChartScene::new(0, 0, "");
        assert_eq!((scene.width, scene.height), (1, 1));
    }
}
