//! Writes a scene as SVG, for a file of its own or inside an HTML page.

use std::fmt::Write;

use super::font::{self, Weight};
use super::scene::{Anchor, ChartScene, Color, SceneItem, SceneLine, SceneRect, SceneText};

impl ChartScene {
    /// Writes the scene as an SVG document without XML declaration.
    pub fn to_svg(&self) -> String {
        let mut out = String::with_capacity(256 + self.items.len() * 160);
        // Writing to a string cannot fail.
        let _ = self.write_svg(&mut out);
        out
    }

    fn write_svg(&self, out: &mut String) -> std::fmt::Result {
        let (width, height) = (self.width, self.height);
        writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{}" direction="ltr" font-family="'DejaVu Sans', Verdana, sans-serif">"#,
            Escaped(&self.name)
        )?;
        writeln!(
            out,
            r#"<rect width="{width}" height="{height}" fill="{}"/>"#,
            Color::WHITE
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
}

fn write_rect(out: &mut String, rect: &SceneRect) -> std::fmt::Result {
    write!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{}""#,
        rect.x,
        rect.y,
        // A negative length is an error in SVG.
        rect.width.max(0),
        rect.height.max(0),
        rect.fill
    )?;
    match &rect.tip {
        Some(tip) => writeln!(out, "><title>{}</title></rect>", Escaped(tip)),
        None => writeln!(out, "/>"),
    }
}

fn write_line(out: &mut String, line: &SceneLine) -> std::fmt::Result {
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
        r#"" fill="none" stroke="{}" stroke-width="{}" stroke-linecap="round" stroke-linejoin="round""#,
        line.fill, line.width
    )?;
    if line.dashed {
        let (dash, gap) = SceneLine::DASH;
        write!(out, r#" stroke-dasharray="{dash} {gap}""#)?;
    }
    writeln!(out, "/>")
}

fn write_text(out: &mut String, text: &SceneText) -> std::fmt::Result {
    write!(
        out,
        r#"<text x="{}" y="{}" font-size="{}" fill="{}""#,
        text.x, text.y, text.size, text.fill
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

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Escapes XML markup. The scene has already replaced the characters that XML forbids.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    fn unknown_letters_are_held_to_their_width() {
        let mut scene = ChartScene::new(100, 50, "");
        scene.text(SceneText::new((0, 20), 15, "漢字"));
        assert!(scene.to_svg().contains(r#"textLength="30""#));
    }
}
