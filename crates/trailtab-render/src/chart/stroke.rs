//! Computes how much of each pixel a line covers.

use super::font::LEVELS;
use super::scene::SceneLine;

/// A segment of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct StrokePart {
    from: (f32, f32),
    to: (f32, f32),
    /// Half of the line's width.
    radius: f32,
}

/// Limit against lines that reach far outside the canvas; no chart needs as many dashes.
const MAX_DASHES: usize = 10_000;

/// Splits a line at its points and into its dashes.
pub(super) fn parts(line: &SceneLine) -> Vec<StrokePart> {
    let radius = f32::from(line.width) / 2.0;
    let float = |point: &(i32, i32)| (point.0 as f32, point.1 as f32);
    let points: Vec<(f32, f32)> = line.points.iter().map(float).collect();
    let whole = |from, to| StrokePart { from, to, radius };
    match points[..] {
        [] => Vec::new(),
        [point] => vec![whole(point, point)],
        _ if !line.dashed => points
            .windows(2)
            .map(|pair| whole(pair[0], pair[1]))
            .collect(),
        _ => dashes(&points, whole),
    }
}

fn dashes(
    points: &[(f32, f32)],
    whole: impl Fn((f32, f32), (f32, f32)) -> StrokePart,
) -> Vec<StrokePart> {
    let (dash, gap) = (f32::from(SceneLine::DASH.0), f32::from(SceneLine::DASH.1));
    let mut parts = Vec::new();
    // Position of the last point within a dash and its gap.
    let mut begun = 0.0;
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let at = |way: f32| {
            let share = if length == 0.0 { 0.0 } else { way / length };
            (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            )
        };
        let mut way = -begun;
        while way < length && parts.len() < MAX_DASHES {
            let end = (way + dash).min(length);
            if 0.0 < end {
                parts.push(whole(at(way.max(0.0)), at(end)));
            }
            way += dash + gap;
        }
        begun = (length - (way - dash - gap)).max(0.0);
    }
    parts
}

impl StrokePart {
    /// Left, top, width and height of the covered area.
    pub(super) fn bounds(&self) -> (i32, i32, i32, i32) {
        let edge = self.radius + 1.0;
        // Casting a float that is out of range saturates.
        let left = (self.from.0.min(self.to.0) - edge).floor() as i32;
        let right = (self.from.0.max(self.to.0) + edge).ceil() as i32;
        let top = (self.from.1.min(self.to.1) - edge).floor() as i32;
        let bottom = (self.from.1.max(self.to.1) + edge).ceil() as i32;
        (
            left,
            top,
            right.saturating_sub(left),
            bottom.saturating_sub(top),
        )
    }

    /// Coverage of the pixel in this column and row, from 0 to [`LEVELS`].
    pub(super) fn level(&self, column: f32, row: f32) -> u8 {
        let (x, y) = (column + 0.5 - self.from.0, row + 0.5 - self.from.1);
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let square = dx * dx + dy * dy;
        let share = if square == 0.0 {
            0.0
        } else {
            ((x * dx + y * dy) / square).clamp(0.0, 1.0)
        };
        let distance = (x - share * dx).hypot(y - share * dy);
        let covered = (self.radius + 0.5 - distance).clamp(0.0, 1.0);
        // From 0 to `LEVELS`.
        (covered * f32::from(LEVELS)).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::super::palette::Color;
    use super::*;

    #[test]
    fn dashes_go_round_corners() {
        let line = SceneLine {
            points: vec![(0, 0), (30, 0), (30, 30)],
            width: 4,
            fill: Color::INK,
            dashed: true,
        };
        let parts = parts(&line);
        let ways: Vec<_> = parts.iter().map(|part| (part.from, part.to)).collect();
        let expected = [
            ((0.0, 0.0), (12.0, 0.0)),
            ((24.0, 0.0), (30.0, 0.0)),
            ((30.0, 0.0), (30.0, 6.0)),
            ((30.0, 18.0), (30.0, 30.0)),
        ];
        assert_eq!(ways, expected);
    }

    #[test]
    fn endless_lines_end() {
        let line = SceneLine {
            points: vec![(i32::MIN, 0), (i32::MAX, 0), (0, i32::MIN)],
            width: 255,
            fill: Color::INK,
            dashed: true,
        };
        assert!(parts(&line).len() <= MAX_DASHES);
    }
}
