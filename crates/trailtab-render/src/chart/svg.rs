//! Writes a scene as SVG, for a file of its own or inside an HTML page. Each element has its colour on light paper as
//! an attribute, which any program shows, and a class whose rule holds in dark mode.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::font::{self, Weight};
use super::palette::{Color, Paper};
use super::scene::{Anchor, ChartScene, SceneItem, SceneLine, SceneRect, SceneText};

impl ChartScene {
    /// Writes the scene as an SVG document without XML declaration.
    pub fn to_svg(&self) -> String {
        let mut out = String::with_capacity(256 + self.items.len() * 160);
        // Writing to a string cannot fail.
        let _ = self.write_svg(&mut out);
        out
    }

    fn write_svg(&self, out: &mut String) -> fmt::Result {
        let (width, height) = (self.width, self.height);
        writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{}" direction="ltr" font-family="'DejaVu Sans', Verdana, sans-serif">"#,
            Escaped(&self.name)
        )?;
        self.write_dark_rules(out)?;
        writeln!(
            out,
            r#"<rect width="{width}" height="{height}"{}/>"#,
            Fill(Color::PAPER)
        )?;
        for item in &self.items {
            match item {
                SceneItem::Rect(rect) => write_rect(out, rect)?,
                SceneItem::Line(line) => write_line(out, line)?,
                SceneItem::Text(text) => write_text(out, text)?,
            }
        }
        out.push_str("</svg>\n");
        Ok(())
    }

    /// The rules that hold in dark mode. A class is named after its colours, so that charts in one page may share it.
    fn write_dark_rules(&self, out: &mut String) -> fmt::Result {
        let mut fills = BTreeSet::from([Color::PAPER]);
        let mut strokes = BTreeSet::new();
        for item in &self.items {
            match item {
                SceneItem::Rect(rect) => fills.insert(rect.fill),
                SceneItem::Line(line) => strokes.insert(line.fill),
                SceneItem::Text(text) => fills.insert(text.fill),
            };
        }
        out.push_str("<style>@media (prefers-color-scheme:dark){");
        for color in fills {
            write!(
                out,
                ".f{}{{fill:#{:x}}}",
                ColorName(color),
                color.on(Paper::Dark)
            )?;
        }
        for color in strokes {
            write!(
                out,
                ".s{}{{stroke:#{:x}}}",
                ColorName(color),
                color.on(Paper::Dark)
            )?;
        }
        out.push_str("}</style>\n");
        Ok(())
    }
}

/// A colour in the name of a class.
struct ColorName(Color);

impl fmt::Display for ColorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let color = self.0;
        write!(f, "{:x}{:x}", color.on(Paper::Light), color.on(Paper::Dark))
    }
}

/// The attributes of an area or text with a colour.
struct Fill(Color);

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let light = self.0.on(Paper::Light);
        write!(f, r##" class="f{}" fill="#{light:x}""##, ColorName(self.0))
    }
}

fn write_rect(out: &mut String, rect: &SceneRect) -> fmt::Result {
    write!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}"{}"#,
        rect.x,
        rect.y,
        // A negative length is an error in SVG.
        rect.width.max(0),
        rect.height.max(0),
        Fill(rect.fill)
    )?;
    match &rect.tip {
        Some(tip) => writeln!(out, "><title>{}</title></rect>", Escaped(tip)),
        None => writeln!(out, "/>"),
    }
}

fn write_line(out: &mut String, line: &SceneLine) -> fmt::Result {
    let Some(first) = line.points.first() else {
        return Ok(());
    };
    out.push_str(r#"<polyline points=""#);
    // The first point is repeated: SVG draws nothing for a polyline of one point.
    for (x, y) in [first].into_iter().chain(&line.points) {
        write!(out, "{x},{y} ")?;
    }
    write!(
        out,
        r##"" class="s{}" fill="none" stroke="#{:x}" stroke-width="{}" stroke-linecap="round" stroke-linejoin="round""##,
        ColorName(line.fill),
        line.fill.on(Paper::Light),
        line.width
    )?;
    if line.dashed {
        let (dash, gap) = SceneLine::DASH;
        write!(out, r#" stroke-dasharray="{dash} {gap}""#)?;
    }
    writeln!(out, "/>")
}

fn write_text(out: &mut String, text: &SceneText) -> fmt::Result {
    write!(
        out,
        r#"<text x="{}" y="{}" font-size="{}"{}"#,
        text.x,
        text.y,
        text.size,
        Fill(text.fill)
    )?;
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str(r#" text-anchor="middle""#),
        Anchor::End => out.push_str(r#" text-anchor="end""#),
    }
    if text.weight == Weight::Bold {
        out.push_str(r#" font-weight="bold""#);
    }
    // The layout measured text with the embedded font. Text that needs another font is fitted to the measured width,
    // so that it cannot overlap others.
    if !font::covers(&text.content) {
        write!(
            out,
            r#" textLength="{}" lengthAdjust="spacingAndGlyphs""#,
            text.width()
        )?;
    }
    writeln!(out, ">{}</text>", Escaped(&text.content))
}

/// Escapes XML markup. The scene has already replaced the characters that XML forbids.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['<', '>', '&', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'&' => "&amp;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_everywhere() {
        let evil = "</title><script>\"'&\u{1}";
        let mut scene = ChartScene::new(100, 50, evil);
        scene.rect_with_tip((0, 0), (10, 10), Color::ACCENT, evil);
        scene.text(SceneText::new((0, 0), 15, evil));
        let svg = scene.to_svg();
        let safe = "&lt;/title&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}";
        assert_eq!(svg.matches(safe).count(), 3, "{svg}");
        assert!(!svg.contains("<script>") && !svg.contains('\u{1}'));
    }

    #[test]
    fn all_that_is_drawn_has_a_colour_in_dark_mode() {
        let mut scene = ChartScene::new(100, 50, "");
        scene.rect((0, 0), (10, 10), Color::ACCENT);
        scene.line(SceneLine {
            points: vec![(0, 0), (5, 5)],
            width: 2,
            fill: Color::FAILED,
            dashed: false,
        });
        scene.text(SceneText::new((0, 20), 15, "Title"));
        let svg = scene.to_svg();
        let (rules, drawn) = svg.split_once("</style>").unwrap();
        assert!(rules.contains("@media (prefers-color-scheme:dark)"));
        let mut classes = 0;
        for class in drawn.split("class=\"").skip(1) {
            let class = class.split('"').next().unwrap();
            assert!(rules.contains(&format!(".{class}{{")), "{class}: {rules}");
            classes += 1;
        }
        // The paper too.
        assert_eq!(classes, 4);
        let paper = r##"<rect width="100" height="50" class="fffffff1e2327" fill="#ffffff"/>"##;
        assert!(drawn.contains(paper), "{drawn}");
        assert!(rules.contains(".fffffff1e2327{fill:#1e2327}"), "{rules}");
        assert!(rules.contains(".s8f1d2cd94a60{stroke:#d94a60}"), "{rules}");
    }

    #[test]
    fn unknown_letters_are_held_to_their_width() {
        let mut scene = ChartScene::new(100, 50, "");
        scene.text(SceneText::new((0, 20), 15, "漢字"));
        assert!(scene.to_svg().contains(r#"textLength="30""#));
    }
}
