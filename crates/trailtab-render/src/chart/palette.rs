//! Colours of charts with many series.

use super::scene::Color;

/// Colours of stacked bars, largest series first. Neighbours differ in lightness and hue, also under the colour vision
/// deficiencies that the tests simulate.
pub(super) const SERIES: [Color; 10] = [
    Color([0x0a, 0x2f, 0x95]),
    Color([0x04, 0x9f, 0x88]),
    Color([0x4e, 0x3f, 0x17]),
    Color([0xc6, 0x6b, 0xb9]),
    Color([0x8f, 0x9b, 0x11]),
    Color([0x8b, 0x00, 0x49]),
    Color([0xa2, 0x70, 0xe4]),
    Color([0xd2, 0x28, 0x57]),
    Color([0x6f, 0x00, 0x5f]),
    Color([0x00, 0x74, 0x00]),
];

/// Colour of the sum of all other series.
pub(super) const OTHER: Color = Color([0xb4, 0xbc, 0xc6]);

/// Colour of the earlier period in a comparison.
pub(super) const BEFORE: Color = Color([0x8a, 0x94, 0xa0]);

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

    fn linear(color: Color) -> [f64; 3] {
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
    fn distance(a: Color, b: Color) -> f64 {
        let seen = |eye: &Matrix, color| lab(times(eye, linear(color)));
        let apart = |(_, eye): &(&str, Matrix)| {
            let pairs = seen(eye, a).into_iter().zip(seen(eye, b));
            pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        EYES.iter().map(apart).fold(f64::INFINITY, f64::min)
    }

    fn all() -> Vec<Color> {
        SERIES.into_iter().chain([OTHER]).collect()
    }

    #[test]
    fn neighbours_differ_for_every_eye() {
        for pair in all().windows(2) {
            let apart = distance(pair[0], pair[1]);
            assert!(38.0 <= apart, "{pair:?}: {apart:.1}");
        }
        // Any colour may be next to the sum of the others.
        for color in SERIES {
            let apart = distance(color, OTHER);
            assert!(19.0 <= apart, "{color:?}: {apart:.1}");
        }
    }

    #[test]
    fn any_two_can_be_told_apart() {
        let colors = all();
        for (at, a) in colors.iter().enumerate() {
            for b in &colors[..at] {
                let apart = distance(*a, *b);
                assert!(19.0 <= apart, "{a:?} {b:?}: {apart:.1}");
            }
        }
    }

    #[test]
    fn all_stand_out_against_the_paper() {
        let luminance = |color| times(&[[0.2126729, 0.7151522, 0.0721750]; 3], linear(color))[0];
        let contrast = |color| 1.05 / (luminance(color) + 0.05);
        // WCAG requires 3:1 for graphics.
        assert!(SERIES.into_iter().all(|color| 3.0 <= contrast(color)));
    }
}
