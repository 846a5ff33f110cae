//! The two weeks of the demo, and the working hours of each kind of principal.
//!
//! A time is in seconds since 2026-09-01T00:00:00Z and must lie in that September, so no calendar arithmetic is needed.

use super::text;

pub(super) const HOUR: u32 = 3_600;
pub(super) const DAY: u32 = 24 * HOUR;
/// Monday, 2026-09-07T00:00:00Z: the earliest event time.
pub(super) const START: u32 = 6 * DAY;
/// Monday, 2026-09-21T00:00:00Z: the end of event times, exclusive.
pub(super) const END: u32 = START + 14 * DAY;
/// Seconds of a delivery slot: CloudTrail cuts files at multiples of five minutes.
pub(super) const SLOT: u32 = 300;
pub(super) const HOURS: usize = 14 * 24;

/// Writes `2026-09-17T01:12:08Z`.
pub(super) fn timestamp(out: &mut Vec<u8>, time: u32) {
    out.extend_from_slice(b"2026-09-");
    text::decimal(out, u64::from(time / DAY + 1), 2);
    for (mark, value) in [
        (b'T', time % DAY / HOUR),
        (b':', time % HOUR / 60),
        (b':', time % 60),
    ] {
        out.push(mark);
        text::decimal(out, u64::from(value), 2);
    }
    out.push(b'Z');
}

/// Day of the month, hour, minute and second, for file names.
pub(super) fn parts(time: u32) -> (u32, u32, u32, u32) {
    (
        time / DAY + 1,
        time % DAY / HOUR,
        time % HOUR / 60,
        time % 60,
    )
}

/// The time of a day of that September.
pub(super) const fn at(day: u32, hour: u32, minute: u32, second: u32) -> u32 {
    (day - 1) * DAY + hour * HOUR + minute * 60 + second
}

/// The distribution of a principal's activity over the hours of the two weeks.
#[derive(Clone, Copy)]
pub(super) enum Rhythm {
    /// Office hours in central Europe, UTC+2 that month.
    Europe,
    /// Office hours on the American east coast, UTC-4; the first Monday is Labor Day.
    EastCoast,
    /// Office hours on the American west coast, UTC-7; the first Monday is Labor Day.
    WestCoast,
    /// Office hours in India, UTC+5:30 rounded to UTC+5.
    India,
    /// Builds and deployments: European and American office hours, and the nightly build.
    Builds,
    /// A nightly batch, mostly from 01:00 to 05:00 UTC.
    Night,
    /// A sweep every six hours, with little activity in between.
    Sweep,
    /// Customers of a shop, busiest in the evening.
    Customers,
    /// The same activity in every hour.
    Steady,
}

impl Rhythm {
    /// The weight of an hour, counted from [`START`].
    pub(super) fn weight(self, hour: usize) -> u32 {
        let of_day = hour % 24;
        match self {
            Rhythm::Europe => office(hour as i32 + 2),
            Rhythm::EastCoast => american(hour as i32 - 4),
            Rhythm::WestCoast => american(hour as i32 - 7),
            Rhythm::India => office(hour as i32 + 5),
            Rhythm::Builds => {
                let nightly = if of_day == 22 { 60 } else { 2 };
                office(hour as i32 + 2) + office(hour as i32 - 4) / 2 + nightly
            }
            Rhythm::Night => [1, 70, 100, 80, 30].get(of_day).copied().unwrap_or(1),
            Rhythm::Sweep => [100, 30, 6, 5, 5, 6][of_day % 6],
            Rhythm::Customers => CUSTOMERS[(of_day + 2) % 24],
            Rhythm::Steady => 50,
        }
    }
}

/// Weights of an office day by local hour.
const OFFICE: [u32; 24] = [
    0, 0, 0, 0, 0, 1, 3, 14, 48, 88, 100, 94, 52, 66, 92, 100, 84, 52, 22, 10, 8, 6, 3, 1,
];

/// Weights of a shop's customers by local hour.
const CUSTOMERS: [u32; 24] = [
    22, 14, 10, 8, 8, 10, 18, 32, 44, 52, 58, 62, 66, 62, 58, 58, 62, 70, 82, 94, 100, 92, 66, 40,
];

fn office(local_hour: i32) -> u32 {
    let weekend = local_hour.div_euclid(24).rem_euclid(7) >= 5;
    let weight = OFFICE[local_hour.rem_euclid(24) as usize];
    if weekend { weight / 14 } else { weight }
}

fn american(local_hour: i32) -> u32 {
    let labor_day = local_hour.div_euclid(24) == 0;
    if labor_day {
        office(local_hour) / 20
    } else {
        office(local_hour)
    }
}
