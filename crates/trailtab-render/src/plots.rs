//! Lists and lays out the charts of a summary: the predecessor's charts in its folders, and two over time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use super::chart::{BarChart, ChartScene, HeatMap, TimelineChart, TimelineHour};
use super::escape;
use super::page::counted;
use trailtab_core::activity::summary::{Extension, FoldedTable, NestedCounts, Summary};

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
        /// Further items that the summary does not list.
        more: u64,
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

/// The charts of a summary.
pub struct PlannedCharts<'s> {
    /// The charts to be drawn.
    pub charts: Vec<PlannedChart<'s>>,
    /// How many others there are.
    pub left_out: usize,
}

/// Lists the charts of a summary. If there are more than `max_charts`, those of principals and regions with fewer calls
/// are left out, never those of the whole summary.
pub fn plots(summary: &Summary, max_charts: usize) -> PlannedCharts<'_> {
    let mut plots = Vec::new();
    let span = span(summary);
    let sections = sections(summary);
    let of_all = sections.len() + summary.trailtab.iter().len() * 2;
    let (drawn, left_out) = drawn_keys(&sections, max_charts.saturating_sub(of_all));
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
        let folded = section.folded(summary);
        let folded_of = |key: &str| folded.and_then(|table| table.by_name.get(key).copied());
        let totals = section.counts.iter().map(|(key, items)| {
            let more = folded_of(key).unwrap_or_default();
            let total = if section.sums {
                items.values().sum::<u64>() + more.calls
            } else {
                items.len() as u64 + more.rows
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
                more: folded.map_or(0, |table| table.names_not_listed),
            },
        });
        let keys = section.counts.iter();
        for (key, items) in keys.filter(|(key, _)| drawn.contains(key.as_str())) {
            let more = folded_of(key).unwrap_or_default();
            let total = items.values().sum::<u64>() + more.calls;
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
                    more: more.rows,
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
    PlannedCharts {
        charts: plots,
        left_out,
    }
}

/// The principals and regions with the most calls whose charts are together at most `max_charts`, and how many charts
/// the others have.
fn drawn_keys<'s>(
    sections: &[ChartSection<'s>; 5],
    max_charts: usize,
) -> (HashSet<&'s str>, usize) {
    // By key: its most calls in a section, and its charts.
    let mut keys: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for section in sections {
        for (key, items) in section.counts {
            let of_key = keys.entry(key).or_default();
            of_key.0 = of_key.0.max(items.values().sum());
            of_key.1 += 1;
        }
    }
    let mut keys: Vec<(&str, (u64, usize))> = keys.into_iter().collect();
    // Stable, so that keys with as many calls stay in the order of their names.
    keys.sort_by_key(|(_, (calls, _))| Reverse(*calls));
    let mut room = max_charts;
    let fitting = keys.iter().take_while(|(_, (_, charts))| {
        let left = room.checked_sub(*charts);
        room = left.unwrap_or_default();
        left.is_some()
    });
    let drawn: HashSet<&str> = fitting.map(|(key, _)| *key).collect();
    let left_out = keys.iter().skip(drawn.len());
    let left_out = left_out.map(|(_, (_, charts))| charts).sum();
    (drawn, left_out)
}

impl ChartSection<'_> {
    /// What the summary does not list.
    fn folded<'s>(&self, summary: &'s Summary) -> Option<&'s FoldedTable> {
        let folded = summary.trailtab.as_ref()?.folded.as_ref()?;
        folded.tables.get(self.name)
    }
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
                more,
            } => {
                let mut rows: Vec<(&str, u64)> =
                    counts.iter().map(|(name, count)| (*name, *count)).collect();
                rows.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
                BarChart {
                    title,
                    subtitle,
                    axis,
                    rows: &rows,
                    more: *more,
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
