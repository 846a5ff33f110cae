//! Draws a scene as PNG bytes.
//!
//! The canvas holds palette indices, not colours: charts have few colours, and a small canvas compresses fast and
//! well.

use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter};

use super::font::{self, LEVELS};
use super::palette::{Color, Paper};
use super::scene::{Anchor, ChartScene, SceneItem, SceneLine, SceneRect, SceneText};
use super::stroke;

impl ChartScene {
    /// Draws the scene as an indexed PNG image on light paper: a picture does not know what it is shown on.
    pub fn to_png(&self) -> Vec<u8> {
        let mut canvas = PngCanvas::new(self.width.into(), self.height.into());
        for item in &self.items {
            match item {
                SceneItem::Rect(rect) => canvas.rect(rect),
                SceneItem::Line(line) => canvas.line(line),
                SceneItem::Text(text) => canvas.text(text),
            }
        }
        // Writing to a vector cannot fail, a scene has at least one pixel, and `encode` writes as many bytes as its
        // header declares.
        #[expect(clippy::expect_used, reason = "no input makes it fail, as said above")]
        canvas.encode().expect("the image matches its header")
    }
}

struct PngCanvas {
    width: usize,
    height: usize,
    /// Indices into the palette, row by row.
    pixels: Vec<u8>,
    palette: PngPalette,
}

impl PngCanvas {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            // Index 0 is white, the background.
            pixels: vec![0; width * height],
            palette: PngPalette::default(),
        }
    }

    fn rect(&mut self, rect: &SceneRect) {
        let fill = self.palette.exact(rect.fill);
        let columns = clip(rect.x, rect.width, self.width);
        for row in clip(rect.y, rect.height, self.height) {
            self.pixels[row * self.width..][columns.clone()].fill(fill);
        }
    }

    fn line(&mut self, line: &SceneLine) {
        let ink = self.palette.exact(line.fill);
        for part in stroke::parts(line) {
            let (left, top, width, height) = part.bounds();
            for row in clip(top, height, self.height) {
                for column in clip(left, width, self.width) {
                    // Both are below the canvas size, which `f32` represents exactly.
                    let level = part.level(column as f32, row as f32);
                    if level != 0 {
                        let pixel = &mut self.pixels[row * self.width + column];
                        *pixel = self.palette.blend(*pixel, ink, level);
                    }
                }
            }
        }
    }

    fn text(&mut self, text: &SceneText) {
        let ink = self.palette.exact(text.fill);
        let width = font::width(&text.content, text.size, text.weight);
        let left = text.x as f32
            - match text.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => width / 2.0,
                Anchor::End => width,
            };
        font::glyphs(&text.content, text.size, text.weight, left, |pen, glyph| {
            let (x, y) = (
                pen.saturating_add(glyph.left),
                text.y.saturating_add(glyph.top),
            );
            self.glyph(x, y, glyph, ink);
        });
    }

    fn glyph(&mut self, x: i32, y: i32, glyph: &font::Glyph, ink: u8) {
        let columns = clip(x, glyph.width as i32, self.width);
        if columns.is_empty() {
            return;
        }
        // First visible column of the glyph; not negative, because of `clip`.
        let skip = (columns.start as i32 - x) as usize;
        for (row, levels) in glyph.levels.chunks_exact(glyph.width).enumerate() {
            let Ok(row) = usize::try_from(y.saturating_add(row as i32)) else {
                continue;
            };
            if self.height <= row {
                break;
            }
            let pixels = &mut self.pixels[row * self.width..][columns.clone()];
            for (pixel, level) in pixels.iter_mut().zip(&levels[skip..]) {
                if *level != 0 {
                    *pixel = self.palette.blend(*pixel, ink, *level);
                }
            }
        }
    }

    fn encode(&self) -> Result<Vec<u8>, EncodingError> {
        let mut out = Vec::with_capacity(32 * 1024);
        let mut encoder = Encoder::new(&mut out, self.width as u32, self.height as u32);
        let small = self.palette.colors.len() <= 16;
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(if small {
            BitDepth::Four
        } else {
            BitDepth::Eight
        });
        encoder.set_palette(self.palette.colors.as_flattened());
        // Measured with zlib-rs: level 1 makes files 40 % larger and is hardly faster; higher levels and row filters
        // cost more than they save.
        encoder.set_deflate_compression(DeflateCompression::Level(2));
        encoder.set_filter(Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        if small {
            writer.write_image_data(&self.packed())?;
        } else {
            writer.write_image_data(&self.pixels)?;
        }
        writer.finish()?;
        Ok(out)
    }

    /// Packs two pixels into each byte; each row starts with a new byte.
    fn packed(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.width.div_ceil(2) * self.height);
        for row in self.pixels.chunks_exact(self.width) {
            let (pairs, odd) = row.as_chunks::<2>();
            packed.extend(pairs.iter().map(|[left, right]| left << 4 | right));
            packed.extend(odd.iter().map(|left| left << 4));
        }
        packed
    }
}

/// The part of `start..start + length` that lies within `0..end`.
fn clip(start: i32, length: i32, end: usize) -> std::ops::Range<usize> {
    let bound = |at: i32| usize::try_from(at).unwrap_or(0).min(end);
    bound(start)..bound(start.saturating_add(length.max(0)))
}

/// The image's palette, white first.
struct PngPalette {
    colors: Vec<[u8; 3]>,
    /// The shades of each background and ink combined so far.
    shades: Vec<((u8, u8), Shades)>,
}

/// The palette index of each level, absent until used.
type Shades = [Option<u8>; LEVELS as usize + 1];

impl Default for PngPalette {
    fn default() -> Self {
        Self {
            colors: vec![Color::PAPER.on(Paper::Light).0],
            shades: Vec::new(),
        }
    }
}

impl PngPalette {
    /// Largest difference per channel at which two antialiasing shades share an index.
    const ALIKE: u8 = 16;

    fn exact(&mut self, color: Color) -> u8 {
        self.index(color.on(Paper::Light).0, 0)
    }

    /// The index of `ink` blended over `paper` at a level from 1 to [`LEVELS`].
    fn blend(&mut self, paper: u8, ink: u8, level: u8) -> u8 {
        let at = match self.shades.iter().position(|(key, _)| *key == (paper, ink)) {
            Some(at) => at,
            None => {
                self.shades.push(((paper, ink), Shades::default()));
                self.shades.len() - 1
            }
        };
        if let Some(index) = self.shades[at].1[usize::from(level)] {
            return index;
        }
        let (below, above) = (
            self.colors[usize::from(paper)],
            self.colors[usize::from(ink)],
        );
        let mix = |channel: usize| {
            let below = u16::from(below[channel]) * u16::from(LEVELS - level);
            let above = u16::from(above[channel]) * u16::from(level);
            // A weighted mean of two bytes is a byte.
            ((below + above) / u16::from(LEVELS)) as u8
        };
        let index = self.index([mix(0), mix(1), mix(2)], Self::ALIKE);
        self.shades[at].1[usize::from(level)] = Some(index);
        index
    }

    /// Finds a colour that differs by at most `tolerance` per channel, or adds it. A full palette returns its nearest
    /// colour.
    fn index(&mut self, color: [u8; 3], tolerance: u8) -> u8 {
        let distance = |other: &[u8; 3]| (0..3).map(|i| color[i].abs_diff(other[i])).max();
        let nearest = (0..=u8::MAX)
            .zip(&self.colors)
            .min_by_key(|(_, other)| distance(other));
        match nearest {
            Some((index, other))
                if distance(other) <= Some(tolerance) || self.colors.len() == 256 =>
            {
                index
            }
            _ => {
                self.colors.push(color);
                (self.colors.len() - 1) as u8
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes to RGB bytes, row by row.
    fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn image_has_the_size_and_the_colours_of_the_scene() {
        // An odd width ends in half a byte.
        let mut scene = ChartScene::new(31, 5, "");
        scene.rect((30, 4), (1, 1), Color::ACCENT);
        scene.rect((1, 0), (1, 1), Color::FAILED);
        let (width, height, pixels) = decode(&scene.to_png());
        assert_eq!((width, height), (31, 5));
        assert_eq!(pixels[pixels.len() - 3..], Color::ACCENT.on(Paper::Light).0);
        assert_eq!(pixels[3..6], Color::FAILED.on(Paper::Light).0);
        let ink = pixels.iter().filter(|byte| **byte != 255).count();
        assert_eq!(ink, 6);
    }

    #[test]
    fn what_lies_outside_is_clipped() {
        let mut scene = ChartScene::new(20, 20, "");
        for x in [i32::MIN, -5, 15, i32::MAX] {
            for y in [i32::MIN, -5, 15, i32::MAX] {
                scene.rect((x, y), (i32::MAX, 10), Color::ACCENT);
                scene.rect((x, y), (-3, i32::MIN), Color::ACCENT);
                scene.text(SceneText::new((x, y), 15, "W漢"));
                scene.text(SceneText::new((x, y), 15, "W").anchor(Anchor::End));
            }
        }
        assert_eq!(decode(&scene.to_png()).0, 20);
    }

    #[test]
    fn many_colours_use_whole_bytes_and_then_the_nearest() {
        let mut scene = ChartScene::new(300, 1, "");
        for x in 0..300_u16 {
            let [high, low] = x.to_be_bytes();
            scene.rect(
                (x.into(), 0),
                (1, 1),
                Color::new(u32::from_be_bytes([0, high * 100, low, 0]), 0),
            );
        }
        let (_, _, pixels) = decode(&scene.to_png());
        assert_eq!(pixels[..3], [0, 0, 0]);
        assert_eq!(pixels[3 * 200..][..3], [0, 200, 0]);
        assert_eq!(pixels.len(), 900);
    }

    #[test]
    fn lines_are_smooth_and_have_round_ends() {
        let line = |points: &[(i32, i32)], width| SceneLine {
            points: points.to_vec(),
            width,
            fill: Color::INK,
            dashed: false,
        };
        let mut scene = ChartScene::new(40, 20, "");
        scene.line(line(&[(10, 10)], 8));
        scene.line(line(&[(20, 3), (36, 15)], 3));
        scene.line(line(&[(i32::MIN, 0), (i32::MAX, 5)], 1));
        scene.line(line(&[], 3));
        let (_, _, pixels) = decode(&scene.to_png());
        let at = |x: usize, y: usize| pixels[(y * 40 + x) * 3];
        assert_eq!([at(10, 10), at(7, 10), at(3, 10)], [0x1f, 0x1f, 0xff]);
        // The corners of the dot are not filled.
        assert_eq!(at(6, 6), 0xff);
        let grey = pixels.iter().filter(|byte| (60..250).contains(*byte));
        assert!(20 < grey.count());
    }

    #[test]
    fn letters_are_smooth() {
        let mut scene = ChartScene::new(40, 20, "");
        scene.text(SceneText::new((2, 16), 16, "So"));
        let (_, _, pixels) = decode(&scene.to_png());
        let dark = pixels.iter().filter(|byte| **byte < 60).count();
        let grey = pixels
            .iter()
            .filter(|byte| (60..250).contains(*byte))
            .count();
        assert!(20 < dark && 20 < grey, "{dark} {grey}");
    }
}
