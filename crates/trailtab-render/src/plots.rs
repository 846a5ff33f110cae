//! Lists and lays out the charts of a summary: the predecessor's charts in its folders, and two over time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::chart::{BarChart, ChartScene, HeatMap, TimelineChart, TimelineHour};
use super::escape;
use super::page::counted;
use trailtab_core::activity::summary::{Extension, NestedCounts, Summary};

/// A chart and its path.
pub struct PlannedChart<'s> {
    /// Relative to the folder of plots, without file extension.
    pub path: PathBuf,
    kind: ChartKind<'s>,
}

enum ChartKind<'s> {
    Bars {
        title: String,
        subtitle: String,
        axis: &'static str,
        counts: BTreeMap<&'s str, u64>,
    },
    OverTime(&'s Extension),
    HourAndWeekday(&'s Extension),
}

/// A section of the predecessor's result.
struct ChartSection<'s> {
    name: &'static str,
    title: &'static str,
    /// Axis title of a single key's chart.
    axis: &'static str,
    /// Axis title of the summary chart: calls, or distinct items.
    summary_axis: &'static str,
    sums: bool,
    counts: &'s NestedCounts,
}

fn sections(summary: &Summary) -> [ChartSection<'_>; 5] {
    let section = |name, title, summary_axis, counts| ChartSection {
        name,
        title,
        axis: "calls",
        summary_axis,
        sums: summary_axis == "calls",
        counts,
    };
    [
        section(
            "api_calls_by_principal",
            "API calls",
            "calls",
            &summary.api_calls_by_principal,
        ),
        section(
            "api_calls_by_region",
            "API calls",
            "calls",
            &summary.api_calls_by_region,
        ),
        section(
            "error_codes_by_principal",
            "Error codes",
            "distinct error codes",
            &summary.error_codes_by_principal,
        ),
        section(
            "ip_addresses_by_principal",
            "IP addresses",
            "distinct IP addresses",
            &summary.ip_addresses_by_principal,
        ),
        section(
            "user_agents_by_principal",
            "User agents",
            "distinct user agents",
            &summary.user_agents_by_principal,
        ),
    ]
}

/// Lists the charts of a summary.
pub fn plots(summary: &Summary) -> Vec<PlannedChart<'_>> {
    let mut plots = Vec::new();
    let span = span(summary);
    let sections = sections(summary);
    // Named across sections, so that a principal's charts have the same name in all folders.
    let keys: BTreeSet<&String> = sections
        .iter()
        .flat_map(|section| section.counts.keys())
        .collect();
    let names = file_names(keys.into_iter());
    for section in &sections {
        let by = if section.name.ends_with("region") {
            "region"
        } else {
            "principal"
        };
        let totals = section.counts.iter().map(|(key, items)| {
            let total = if section.sums {
                items.values().sum()
            } else {
                items.len() as u64
            };
            (key.as_str(), total)
        });
        plots.push(PlannedChart {
            path: format!("{}_summary", section.name).into(),
            kind: ChartKind::Bars {
                title: format!("{} by {by}", section.title),
                subtitle: span.clone(),
                axis: section.summary_axis,
                counts: totals.collect(),
            },
        });
        for (key, items) in section.counts {
            let total: u64 = items.values().sum();
            plots.push(PlannedChart {
                path: PathBuf::from(section.name).join(&names[key.as_str()]),
                kind: ChartKind::Bars {
                    title: format!("{} of {key}", section.title),
                    subtitle: format!("{}, {span}", counted(total, "call")),
                    axis: section.axis,
                    counts: items
                        .iter()
                        .map(|(item, count)| (item.as_str(), *count))
                        .collect(),
                },
            });
        }
    }
    if let Some(extension) = &summary.trailtab {
        plots.push(PlannedChart {
            path: "calls_over_time".into(),
            kind: ChartKind::OverTime(extension),
        });
        plots.push(PlannedChart {
            path: "calls_by_hour_and_weekday".into(),
            kind: ChartKind::HourAndWeekday(extension),
        });
    }
    plots
}

/// The time that the summary covers.
fn span(summary: &Summary) -> String {
    let analyzed = &summary.metadata.cloudtrail_data_analyzed;
    let day = |time: &str| match (time.get(..4), time.get(4..6), time.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => "?".to_owned(),
    };
    format!(
        "{} to {} UTC",
        day(&analyzed.from_timestamp),
        day(&analyzed.to_timestamp)
    )
}

/// Gives each key a unique file name. If keys differ only in case, which some file systems ignore, or in characters
/// that file names cannot hold, the key's checksum is appended.
fn file_names<'k>(keys: impl Iterator<Item = &'k String>) -> HashMap<&'k str, String> {
    let names: Vec<(&str, String)> = keys
        .map(|key| (key.as_str(), escape::file_name(key)))
        .collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for (_, name) in &names {
        *uses.entry(name.to_ascii_lowercase()).or_default() += 1;
    }
    let mut taken = BTreeSet::new();
    let mut unique = HashMap::new();
    for (key, name) in names {
        let mut name = match uses[&name.to_ascii_lowercase()] {
            1 => name,
            _ => format!("{name}~{:08x}", libdeflater::crc32(key.as_bytes())),
        };
        while !taken.insert(name.to_ascii_lowercase()) {
            name.push('~');
        }
        unique.insert(key, name);
    }
    unique
}

impl PlannedChart<'_> {
    /// Lays the chart out.
    pub fn scene(&self) -> ChartScene {
        match &self.kind {
            ChartKind::Bars {
                title,
                subtitle,
                axis,
                counts,
            } => {
                let mut rows: Vec<(&str, u64)> =
                    counts.iter().map(|(name, count)| (*name, *count)).collect();
                rows.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
                BarChart {
                    title,
                    subtitle,
                    axis,
                    rows: &rows,
                    more: 0,
                }
                .scene()
            }
            ChartKind::OverTime(extension) => over_time(extension),
            ChartKind::HourAndWeekday(extension) => hour_and_weekday(extension),
        }
    }
}

fn over_time(extension: &Extension) -> ChartScene {
    let hours = extension.calls_per_hour.iter();
    let hours = hours.map(|(hour, calls)| TimelineHour {
        start: hour.start(),
        total: calls.calls,
        failed: calls.failed,
    });
    let hours: Vec<TimelineHour> = hours.collect();
    TimelineChart {
        title: "Calls over time",
        subtitle: "",
        unit: "calls",
        hours: &hours,
    }
    .scene()
}

fn hour_and_weekday(extension: &Extension) -> ChartScene {
    let mut counts = [[0_u64; 24]; 7];
    for (hour, calls) in &extension.calls_per_hour {
        counts[hour.weekday()][hour.of_day()] += calls.calls;
    }
    let title = "Calls by hour and weekday";
    HeatMap {
        title,
        subtitle: "",
        unit: "calls",
        counts: &counts,
    }
    .scene()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_collide_stay_apart() {
        let keys = ["a/b", "a:b", "A/B", "c"].map(str::to_owned);
        let names = file_names(keys.iter());
        let distinct: BTreeSet<String> = names
            .values()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        assert_eq!(distinct.len(), 4, "{names:?}");
        assert_eq!(names["c"], "c");
        assert_eq!(file_names(keys.iter()), names);
    }

    #[test]
    fn calls_fall_on_their_weekday() {
        let mut extension = Extension::default();
        // Monday, 2026-09-07T08.
        let at = trailtab_core::time::UtcHour::of(1_788_768_000);
        let hour = trailtab_core::activity::summary::Hour {
            calls: 5,
            failed: 1,
        };
        extension.calls_per_hour.insert(at, hour);
        let svg = hour_and_weekday(&extension).to_svg();
        assert!(svg.contains("Monday 08:00") || svg.contains("Mon"), "{svg}");
    }
}
