//! The colours of charts, each for light and for dark paper.

use std::fmt;

/// How opaque a picture on light paper is on the sheet of a page in dark mode, in percent.
pub const PICTURE_OPACITY_PERCENT: u8 = 90;

/// What a chart is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paper {
    /// White, in pictures and for readers who prefer light pages.
    Light,
    /// The sheet of a page in dark mode.
    Dark,
}

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rgb(pub(super) [u8; 3]);

/// A colour on light paper, and the one that takes its place on dark paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Color {
    light: Rgb,
    dark: Rgb,
}

impl Color {
    /// The background, and text on the strongest shades. The dark one is that of the sheet of a page.
    pub(super) const PAPER: Color = Color::new(0xff_ffff, 0x1e_2327);
    /// Titles, labels and values.
    pub(super) const INK: Color = Color::new(0x1f_2933, 0xe7_eaed);
    /// Text other than titles and data: subtitles, ticks, captions.
    pub(super) const MUTED: Color = Color::new(0x5f_6b7a, 0xa9_b3bd);
    /// Grid lines.
    pub(super) const GRID: Color = Color::new(0xe3_e7ec, 0x3b_434b);
    /// Amber.
    pub(super) const ACCENT: Color = Color::new(0xc8_8400, 0xf0_b13c);
    /// Red; differs from amber in lightness as well as hue.
    pub(super) const FAILED: Color = Color::new(0x8f_1d2c, 0xd9_4a60);

    /// A colour, as `0xRRGGBB` for light and for dark paper.
    pub(super) const fn new(light: u32, dark: u32) -> Color {
        Color {
            light: Rgb::of(light),
            dark: Rgb::of(dark),
        }
    }

    /// The colour on some paper.
    pub(super) const fn on(self, paper: Paper) -> Rgb {
        match paper {
            Paper::Light => self.light,
            Paper::Dark => self.dark,
        }
    }

    /// The colour mixed with the paper: of amounts that are not final.
    pub(super) fn fainter(self) -> Color {
        let mixed = |paper| self.on(paper).fainter(Color::PAPER.on(paper));
        Color {
            light: mixed(Paper::Light),
            dark: mixed(Paper::Dark),
        }
    }
}

impl Rgb {
    const fn of(number: u32) -> Rgb {
        let [_, red, green, blue] = number.to_be_bytes();
        Rgb([red, green, blue])
    }

    /// Two parts of five, the rest paper.
    fn fainter(self, paper: Rgb) -> Rgb {
        let mix = |of: usize| {
            let (color, paper) = (i16::from(self.0[of]), i16::from(paper.0[of]));
            // A mean of two bytes is a byte.
            u8::try_from(paper + (color - paper) / 5 * 2).unwrap_or_default()
        };
        Rgb([mix(0), mix(1), mix(2)])
    }
}

impl fmt::LowerHex for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "{red:02x}{green:02x}{blue:02x}")
    }
}

/// Colours of stacked bars, largest series first. Neighbours differ in lightness and hue, also under the colour vision
/// deficiencies that the tests simulate.
pub(super) const SERIES: [Color; 10] = [
    Color::new(0x57_46a9, 0x9e_5ca9),
    Color::new(0x1a_9e68, 0x0f_8455),
    Color::new(0x36_2c00, 0xe1_d4ce),
    Color::new(0xb4_75cc, 0x5e_67d1),
    Color::new(0xd1_7a05, 0x99_e799),
    Color::new(0x3c_0084, 0xb9_501d),
    Color::new(0x97_4e8a, 0xa5_a7c5),
    Color::new(0xe3_334e, 0xff_c051),
    Color::new(0x6d_005d, 0x89_a0ff),
    Color::new(0x01_6900, 0xe5_9454),
];

/// Colour of the sum of all other series.
pub(super) const OTHER: Color = Color::new(0x96_8d97, 0x6d_7782);

/// Colour of the earlier period in a comparison.
pub(super) const BEFORE: Color = Color::new(0x83_8d99, 0x8d_98a4);

/// Shades of counts: one hue, from little to much, ordered under any colour vision. On dark paper they go from dark to
/// light.
pub(super) const COUNT_SHADES: [Color; 6] = [
    Color::new(0xfd_f1cc, 0x33_2a17),
    Color::new(0xfa_dc86, 0x4a_3a18),
    Color::new(0xee_b735, 0x69_4c15),
    Color::new(0xc8_8400, 0x88_6011),
    Color::new(0x8e_5600, 0xcf_962c),
    Color::new(0x52_2f05, 0xff_e3a1),
];

/// First of these shades on which numbers have the colour of the paper.
pub(super) const FIRST_STRONG_SHADE: usize = 4;

/// Shade of a count of zero.
pub(super) const NO_COUNT: Color = Color::new(0xf3_f4f6, 0x25_2b30);

/// Shades of shares: none, up to a third, up to two thirds, less than all, and all.
pub(super) const SHARE_SHADES: [Color; 5] = [
    Color::new(0xec_eef1, 0x2d_343a),
    Color::new(0xfc_ecbc, 0x45_3819),
    Color::new(0xf9_d87c, 0x65_4b16),
    Color::new(0xf0_bd40, 0x8a_6212),
    Color::new(0xb0_7000, 0xf0_b13c),
];

#[cfg(test)]
mod tests {
    use super::*;

    type Matrix = [[f64; 3]; 3];

    /// Matrices on linear RGB that simulate colour vision deficiencies: Machado, Oliveira and Fernandes (2009).
    const EYES: [(&str, Matrix); 4] = [
        ("all", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "no red",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "no green",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
        (
            "no blue",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ),
    ];

    const PAPERS: [Paper; 2] = [Paper::Light, Paper::Dark];

    fn linear(color: Rgb) -> [f64; 3] {
        color.0.map(|channel| match f64::from(channel) / 255.0 {
            dark if dark <= 0.04045 => dark / 12.92,
            light => ((light + 0.055) / 1.055).powf(2.4),
        })
    }

    fn times(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIELAB under D65.
    fn lab(rgb: [f64; 3]) -> [f64; 3] {
        const XYZ: Matrix = [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ];
        let xyz = times(&XYZ, rgb.map(|channel| channel.clamp(0.0, 1.0)));
        let [x, y, z] = [xyz[0] / 0.95047, xyz[1], xyz[2] / 1.08883].map(|t| {
            if t > 216.0 / 24389.0 {
                t.cbrt()
            } else {
                (24389.0 / 27.0 * t + 16.0) / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// The smallest CIELAB distance of two colours under any of the simulated eyes.
    fn distance(a: Rgb, b: Rgb) -> f64 {
        let seen = |eye: &Matrix, color| lab(times(eye, linear(color)));
        let apart = |(_, eye): &(&str, Matrix)| {
            let pairs = seen(eye, a).into_iter().zip(seen(eye, b));
            pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        EYES.iter().map(apart).fold(f64::INFINITY, f64::min)
    }

    /// The contrast of two colours by WCAG, from 1 to 21.
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let luminance = |color| times(&[[0.2126729, 0.7151522, 0.0721750]; 3], linear(color))[0];
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    fn to_paper(color: Color, paper: Paper) -> f64 {
        contrast(color.on(paper), Color::PAPER.on(paper))
    }

    /// The bars of a chart.
    fn bars(paper: Paper) -> Vec<Rgb> {
        let bars = SERIES.into_iter().chain([OTHER]);
        bars.map(|color| color.on(paper)).collect()
    }

    #[test]
    fn neighbours_differ_for_every_eye() {
        for paper in PAPERS {
            for pair in bars(paper).windows(2) {
                let apart = distance(pair[0], pair[1]);
                assert!(38.0 <= apart, "{paper:?} {pair:?}: {apart:.1}");
            }
        }
    }

    #[test]
    fn any_two_can_be_told_apart() {
        for paper in PAPERS {
            let colors = bars(paper);
            for (at, a) in colors.iter().enumerate() {
                for b in &colors[..at] {
                    let apart = distance(*a, *b);
                    assert!(19.0 <= apart, "{paper:?} {a:?} {b:?}: {apart:.1}");
                }
            }
        }
    }

    /// WCAG requires 4.5:1 for text and 3:1 for graphics.
    #[test]
    fn text_and_bars_stand_out_on_both_papers() {
        for paper in PAPERS {
            for text in [Color::INK, Color::MUTED] {
                let contrast = to_paper(text, paper);
                assert!(4.5 <= contrast, "{paper:?} {text:?}: {contrast:.2}");
            }
            let others = [OTHER, BEFORE, Color::ACCENT, Color::FAILED];
            for bar in SERIES.into_iter().chain(others) {
                let contrast = to_paper(bar, paper);
                assert!(3.0 <= contrast, "{paper:?} {bar:?}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn numbers_can_be_read_on_every_shade() {
        for paper in PAPERS {
            for (at, shade) in COUNT_SHADES.into_iter().enumerate() {
                let ink = match at < FIRST_STRONG_SHADE {
                    true => Color::INK,
                    false => Color::PAPER,
                };
                let contrast = contrast(ink.on(paper), shade.on(paper));
                assert!(4.5 <= contrast, "{paper:?} {at}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn stronger_shades_stand_out_more() {
        for paper in PAPERS {
            for shades in [&COUNT_SHADES[..], &SHARE_SHADES[..]] {
                let contrasts: Vec<f64> = shades.iter().map(|it| to_paper(*it, paper)).collect();
                assert!(contrasts.is_sorted(), "{paper:?} {contrasts:.2?}");
                assert!(contrasts.last().is_some_and(|last| 3.0 <= *last));
            }
            let none = to_paper(NO_COUNT, paper);
            assert!(
                none < to_paper(COUNT_SHADES[0], paper),
                "{paper:?} {none:.2}"
            );
        }
    }

    /// Failed calls stand on those that succeeded.
    #[test]
    fn failures_differ_from_successes_for_every_eye() {
        for paper in PAPERS {
            let apart = distance(Color::FAILED.on(paper), Color::ACCENT.on(paper));
            assert!(19.0 <= apart, "{paper:?}: {apart:.1}");
        }
    }

    /// A mail shows pictures on light paper also in dark mode, where they are dimmed.
    #[test]
    fn dimmed_pictures_can_be_read_on_a_dark_sheet() {
        let dimmed = |color: Color| {
            let (color, sheet) = (color.on(Paper::Light), Color::PAPER.on(Paper::Dark));
            let mix = |of: usize| {
                let part = u16::from(PICTURE_OPACITY_PERCENT);
                let sum = u16::from(color.0[of]) * part + u16::from(sheet.0[of]) * (100 - part);
                u8::try_from(sum / 100).unwrap()
            };
            Rgb([mix(0), mix(1), mix(2)])
        };
        let paper = dimmed(Color::PAPER);
        for text in [Color::INK, Color::MUTED] {
            assert!(4.5 <= contrast(dimmed(text), paper), "{text:?}");
        }
        for bar in SERIES.into_iter().chain([OTHER, BEFORE]) {
            let contrast = contrast(dimmed(bar), paper);
            assert!(3.0 <= contrast, "{bar:?}: {contrast:.2}");
        }
    }
}
