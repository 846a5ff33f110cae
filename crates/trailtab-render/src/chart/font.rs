//! The embedded typeface: measures text, cuts it to size, draws glyphs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use fontdue::{Font, FontSettings};

/// Weight of the typeface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// For everything but titles.
    Regular,
    /// For titles.
    Bold,
}

/// A glyph drawn for one size and one horizontal offset.
#[derive(Debug)]
pub(super) struct Glyph {
    /// Column of the left edge, relative to the pen.
    pub(super) left: i32,
    /// Row of the upper edge, relative to the baseline.
    pub(super) top: i32,
    /// Pixels in a row of `levels`.
    pub(super) width: usize,
    /// Coverage of each pixel, from 0 to [`LEVELS`].
    pub(super) levels: Vec<u8>,
}

/// The level of full coverage. Low enough that a bar chart needs at most 16 colours, which halves the bytes to
/// compress.
pub(super) const LEVELS: u8 = 4;

/// Oversampling factor for antialiasing glyphs.
const OVERSAMPLING: i32 = 4;
/// The pen moves in half pixels. Whole pixels space letters unevenly; finer steps are invisible and make files larger.
const PEN_STEP: i32 = OVERSAMPLING / 2;

fn face(weight: Weight) -> &'static Font {
    static REGULAR: OnceLock<Font> = OnceLock::new();
    static BOLD: OnceLock<Font> = OnceLock::new();
    let (cell, data): (_, &[u8]) = match weight {
        Weight::Regular => (&REGULAR, include_bytes!("font/DejaVuSans.subset.ttf")),
        Weight::Bold => (&BOLD, include_bytes!("font/DejaVuSans-Bold.subset.ttf")),
    };
    let settings = FontSettings {
        load_substitutions: false,
        ..FontSettings::default()
    };
    // The embedded data are constant, and every test that draws parses them.
    #[expect(clippy::expect_used, reason = "the data are part of the program")]
    cell.get_or_init(|| Font::from_bytes(data, settings).expect("the embedded font is valid"))
}

/// Whether the font can draw all of `text`.
pub(super) fn covers(text: &str) -> bool {
    let face = face(Weight::Regular);
    text.chars().all(|c| face.has_glyph(c))
}

/// Characters below are mostly alphabetic; from here on most are ideographs and emoji, which are one em wide.
const FIRST_WIDE: char = '\u{1100}';

fn advance(face: &Font, c: char, size: u8) -> f32 {
    match face.lookup_glyph_index(c) {
        // An estimate of the fallback font's width in SVG.
        0 if c < FIRST_WIDE => 0.6 * f32::from(size),
        0 => f32::from(size),
        index => face.metrics_indexed(index, size.into()).advance_width,
    }
}

/// Width of `text` in pixels at `size` pixels per em.
pub(super) fn width(text: &str, size: u8, weight: Weight) -> f32 {
    let face = face(weight);
    text.chars().map(|c| advance(face, c, size)).sum()
}

/// Shortens `text` to `width` pixels by replacing its middle with an ellipsis, unless it fits.
pub(super) fn cut_middle(text: &str, size: u8, weight: Weight, width: i32) -> Option<String> {
    let face = face(weight);
    let glyphs: Vec<(char, f32)> = text.chars().map(|c| (c, advance(face, c, size))).collect();
    let width = width as f32;
    if glyphs.iter().map(|(_, advance)| advance).sum::<f32>() <= width {
        return None;
    }
    let mut room = width - advance(face, '…', size);
    let (mut head, mut tail) = (0, glyphs.len());
    let (mut head_width, mut tail_width) = (0.0, 0.0);
    while head < tail {
        let (index, side) = if head_width <= tail_width {
            (head, &mut head_width)
        } else {
            (tail - 1, &mut tail_width)
        };
        let advance = glyphs[index].1;
        if room < advance {
            break;
        }
        room -= advance;
        *side += advance;
        if index == head {
            head += 1;
        } else {
            tail -= 1;
        }
    }
    let ends = glyphs[..head].iter().map(|(c, _)| *c);
    let tail = glyphs[tail..].iter().map(|(c, _)| *c);
    Some(ends.chain(['…']).chain(tail).collect())
}

/// Calls `draw` for every glyph of `text` with the pen's column. The text starts at `x`, which may be fractional.
pub(super) fn glyphs(
    text: &str,
    size: u8,
    weight: Weight,
    x: f32,
    mut draw: impl FnMut(i32, &Glyph),
) {
    type Cache = HashMap<(u16, u8, Weight, i32), Rc<Glyph>>;
    thread_local! {
        /// Bounded by the font's glyphs and the few sizes that charts use.
        static CACHE: RefCell<Cache> = RefCell::default();
    }
    let face = face(weight);
    let mut pen = x;
    for c in text.chars() {
        let index = face.lookup_glyph_index(c);
        let steps = (pen * (OVERSAMPLING / PEN_STEP) as f32).round() as i32;
        let fine = steps.saturating_mul(PEN_STEP);
        let offset = fine.rem_euclid(OVERSAMPLING);
        let glyph = CACHE.with_borrow_mut(|cache| {
            let entry = cache.entry((index, size, weight, offset));
            let glyph = entry.or_insert_with(|| Rc::new(rasterize(face, index, size, offset)));
            Rc::clone(glyph)
        });
        draw(fine.div_euclid(OVERSAMPLING), &glyph);
        pen += advance(face, c, size);
    }
}

/// Draws a glyph `OVERSAMPLING` times too large and shrinks it. `offset` moves it right by that many fine pixels.
fn rasterize(face: &Font, index: u16, size: u8, offset: i32) -> Glyph {
    if index == 0 {
        return replacement_box(size);
    }
    let (metrics, fine) = face.rasterize_indexed(index, f32::from(size) * OVERSAMPLING as f32);
    let x = metrics.xmin + offset;
    let y = -(metrics.ymin + metrics.height as i32);
    let (left, top) = (x.div_euclid(OVERSAMPLING), y.div_euclid(OVERSAMPLING));
    let right = (x + metrics.width as i32 - 1).div_euclid(OVERSAMPLING);
    let bottom = (y + metrics.height as i32 - 1).div_euclid(OVERSAMPLING);
    if metrics.width == 0 || metrics.height == 0 {
        return Glyph {
            left,
            top,
            width: 0,
            levels: Vec::new(),
        };
    }
    let width = (right - left + 1) as usize;
    let mut ink = vec![0_u32; width * (bottom - top + 1) as usize];
    for (row, line) in fine.chunks_exact(metrics.width).enumerate() {
        let row = ((y + row as i32).div_euclid(OVERSAMPLING) - top) as usize;
        for (column, coverage) in line.iter().enumerate() {
            let column = ((x + column as i32).div_euclid(OVERSAMPLING) - left) as usize;
            ink[row * width + column] += u32::from(*coverage);
        }
    }
    let full = 255 * (OVERSAMPLING * OVERSAMPLING) as u32;
    let level = |ink| ((ink * u32::from(LEVELS) + full / 2) / full) as u8;
    Glyph {
        left,
        top,
        width,
        levels: ink.into_iter().map(level).collect(),
    }
}

/// A hollow box for a character that the font lacks.
fn replacement_box(size: u8) -> Glyph {
    let em = usize::from(size).max(4);
    let (width, height) = (em / 2, em * 3 / 4);
    let edge = |i, end| i == 0 || i + 1 == end;
    let level = |at| {
        if edge(at % width, width) || edge(at / width, height) {
            LEVELS
        } else {
            0
        }
    };
    Glyph {
        left: 1,
        top: -(height as i32),
        width,
        levels: (0..width * height).map(level).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_text_fits_and_keeps_both_ends() {
        let name = format!("123456789012:role/{}ReadOnlyAccess", "x".repeat(10_000));
        let cut = cut_middle(&name, 16, Weight::Regular, 400).unwrap();
        assert!(cut.starts_with("123456789012:role/"));
        assert!(cut.ends_with("ReadOnlyAccess"));
        let width = width(&cut, 16, Weight::Regular);
        assert!((370.0..=400.0).contains(&width), "{width}");
    }

    #[test]
    fn text_that_fits_is_left_alone() {
        assert_eq!(cut_middle("short", 16, Weight::Regular, 400), None);
        assert_eq!(cut_middle("", 16, Weight::Regular, 0), None);
    }

    #[test]
    fn no_room_leaves_an_ellipsis() {
        let cut = cut_middle("abc", 16, Weight::Regular, -5);
        assert_eq!(cut.as_deref(), Some("…"));
    }

    #[test]
    fn font_has_the_letters_it_was_cut_for() {
        assert!(covers("azAZ09 éßŁğ Ωλ Жд „…“ €₽ → ─█ ≤≥ �"));
        assert!(!covers("漢"));
    }

    #[test]
    fn every_glyph_can_be_drawn() {
        for weight in [Weight::Regular, Weight::Bold] {
            for index in 0..face(weight).glyph_count() {
                let glyph = rasterize(face(weight), index, 15, 3);
                assert!(glyph.levels.iter().all(|level| *level <= LEVELS));
                assert_eq!(glyph.levels.len() % glyph.width.max(1), 0);
            }
        }
    }

    #[test]
    fn solid_ink_reaches_the_last_level() {
        let mut most = 0;
        glyphs("█", 16, Weight::Regular, 0.0, |_, glyph| {
            most = glyph.levels.iter().copied().max().unwrap_or(0);
        });
        assert_eq!(most, LEVELS);
    }
}
