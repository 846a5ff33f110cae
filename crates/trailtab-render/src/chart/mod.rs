//! Renders charts as SVG text and PNG bytes.
//!
//! A chart ([`BarChart`], [`TimelineChart`], [`HeatMap`], [`CalendarChart`]; in mails [`StackChart`] and
//! [`CumulativeChart`]) lays itself out as a [`ChartScene`] of rectangles, lines and text. Both formats are made from
//! the scene, so they look the same.
//!
//! Names may be attacker-controlled: no input may panic, leave the canvas, or become markup.
//!
//! Lengths are pixels, with the origin at the top left and `y` growing downward.

mod axis;
mod bars;
mod bucket;
mod calendar;
mod cumulative;
mod font;
mod heatmap;
mod palette;
mod png;
mod scale;
mod scene;
mod sheet;
mod stack;
mod stroke;
mod svg;
mod timeline;

pub use self::bars::BarChart;
pub use self::calendar::{CalendarChart, CalendarRow};
pub use self::cumulative::CumulativeChart;
pub use self::heatmap::HeatMap;
pub use self::palette::PICTURE_OPACITY_PERCENT;
pub use self::scene::ChartScene;
pub use self::sheet::MAIL_WIDTH;
pub use self::stack::{StackChart, StackRow};
pub use self::timeline::{TimelineChart, TimelineHour};
