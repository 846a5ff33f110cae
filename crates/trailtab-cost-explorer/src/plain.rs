//! Answers without their request: what `aws ce get-cost-and-usage` prints.
//!
//! Such an answer says what it is grouped by, of which days it is and which metrics it has. It does not say which
//! filter was asked for, nor when. [`assemble`] joins pages and files to one [`PlainCut`] for each grouping, and never
//! adds two answers about the same days.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;

use crate::answer::{AnswerPage, CostAnswer, DimensionValue, ResultByTime};
use crate::forecast::{ForecastAnswer, ForecastPage, ForecastQuery};
use crate::query::{CostFilter, CostQuery, GroupKey, GroupType, QueryGranularity, TimePeriod};
use crate::settled::day_of;
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::period::DayRange;
use trailtab_core::time::Seconds;

/// Seconds of a day.
const DAY_SECONDS: Seconds = 24 * 3600;

/// A document of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum SavedDocument {
    /// An answer with its request, as `--save` writes it.
    Answer(CostAnswer),
    /// A forecast with its request, as `--save` writes it.
    Forecast(ForecastAnswer),
    /// A page as the AWS CLI prints it.
    Page(PrintedPage),
    /// JSON that is neither.
    Other,
}

/// A page as the AWS CLI prints it.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintedPage {
    /// `GroupDefinitions`: what amounts are grouped by; empty for totals.
    pub group_by: Vec<GroupKey>,
    /// The other members.
    pub page: AnswerPage,
}

/// The members of all documents. One type reads them all without a copy of the document.
#[derive(Deserialize)]
struct AnyDocument {
    request: Option<AnyRequest>,
    #[serde(default)]
    asked: Seconds,
    pages: Option<Vec<AnswerPage>>,
    forecast: Option<ForecastPage>,
    #[serde(rename = "GroupDefinitions", default)]
    group_definitions: Vec<GroupKey>,
    #[serde(rename = "ResultsByTime")]
    results_by_time: Option<Vec<ResultByTime>>,
    #[serde(rename = "DimensionValueAttributes", default)]
    dimension_value_attributes: Vec<DimensionValue>,
    #[serde(rename = "NextPageToken")]
    next_page_token: Option<String>,
}

/// The request of a saved answer. The two have no member in common that only one of them needs.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyRequest {
    Costs(CostQuery),
    Forecast(ForecastQuery),
}

impl AnyDocument {
    fn read(self) -> SavedDocument {
        let asked = self.asked;
        match (
            self.request,
            self.pages,
            self.forecast,
            self.results_by_time,
        ) {
            (Some(AnyRequest::Costs(request)), Some(pages), ..) => {
                SavedDocument::Answer(CostAnswer {
                    request,
                    asked,
                    pages,
                })
            }
            (Some(AnyRequest::Forecast(request)), _, Some(forecast), _) => {
                SavedDocument::Forecast(ForecastAnswer {
                    request,
                    asked,
                    forecast,
                })
            }
            (_, _, _, Some(results_by_time)) => SavedDocument::Page(PrintedPage {
                group_by: self.group_definitions,
                page: AnswerPage {
                    results_by_time,
                    dimension_value_attributes: self.dimension_value_attributes,
                    next_page_token: self.next_page_token.filter(|token| !token.is_empty()),
                },
            }),
            _ => SavedDocument::Other,
        }
    }
}

/// Reads the documents of a file: one, several after each other, or a list.
///
/// # Errors
///
/// If the file is not JSON, or has the members of an answer in another form, such as amounts by the hour.
pub fn documents(text: &[u8]) -> serde_json::Result<Vec<SavedDocument>> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let read: serde_json::Result<Vec<AnyDocument>> = match first {
        Some(b'[') => serde_json::from_slice(text),
        _ => serde_json::Deserializer::from_slice(text)
            .into_iter()
            .collect(),
    };
    Ok(read?.into_iter().map(AnyDocument::read).collect())
}

/// All answers with one grouping: the same money, cut once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainCut {
    /// The files that it is made of.
    pub files: Vec<String>,
    /// The metrics that all its amounts have.
    pub metrics: BTreeSet<CostMetric>,
    /// What its amounts are summed up over: days, or longer periods such as months. Sorted, without overlaps.
    pub blocks: Vec<TimePeriod>,
    /// Whether it holds usage alone; unknown if its filter is.
    pub is_usage: Option<bool>,
    /// The amounts with the request that they must come from, apart from its filter.
    pub answer: CostAnswer,
}

impl PlainCut {
    /// A cut of an answer with its request, unless its filter selects more than charge types.
    pub fn of_saved(answer: &CostAnswer) -> Option<PlainCut> {
        let is_usage = match &answer.request.filter {
            None => false,
            Some(CostFilter::Dimensions(values)) if values.key == "RECORD_TYPE" => {
                let mut types = values.values.iter();
                types
                    .all(|value| ChargeType::of(value) == ChargeType::Usage)
                    .then_some(true)?
            }
            Some(_) => return None,
        };
        let results = answer.pages.iter().flat_map(|page| &page.results_by_time);
        let blocks: BTreeSet<TimePeriod> = results.map(|result| result.time_period).collect();
        Some(PlainCut {
            files: Vec::new(),
            metrics: BTreeSet::from(answer.request.metrics),
            blocks: blocks.into_iter().collect(),
            is_usage: Some(is_usage),
            answer: answer.clone(),
        })
    }

    /// The first and the last day.
    pub fn days(&self) -> Option<DayRange> {
        let (first, last) = (self.blocks.first()?, self.blocks.last()?);
        Some(DayRange {
            from: first.days().from,
            through: last.days().through,
        })
    }

    /// Returns whether amounts are grouped by a dimension.
    pub fn is_by(&self, dimension: &str) -> bool {
        let groups = &self.answer.request.group_by;
        groups
            .iter()
            .any(|group| group.r#type == GroupType::Dimension && group.key == dimension)
    }

    /// What amounts are grouped by, in words.
    pub fn grouping(&self) -> String {
        grouping(&self.answer.request.group_by)
    }
}

/// What amounts are grouped by, in words: `by SERVICE and tag Owner`, or `in total`.
fn grouping(group_by: &[GroupKey]) -> String {
    let keys = group_by.iter().map(|group| match group.r#type {
        GroupType::Dimension => group.key.clone(),
        GroupType::Tag => format!("tag {}", group.key),
        GroupType::CostCategory => format!("cost category {}", group.key),
    });
    let keys: Vec<String> = keys.collect();
    match keys.is_empty() {
        true => "in total".to_owned(),
        false => format!("by {}", keys.join(" and ")),
    }
}

/// An answer of which no page is missing, as far as it is known.
#[derive(Debug, Clone)]
struct PrintedAnswer {
    files: Vec<String>,
    group_by: Vec<GroupKey>,
    results: Vec<ResultByTime>,
    attributes: Vec<DimensionValue>,
    /// Whether its last page names another one.
    is_open: bool,
}

impl PrintedAnswer {
    fn new(file: &str, group_by: Vec<GroupKey>) -> PrintedAnswer {
        PrintedAnswer {
            files: vec![file.to_owned()],
            group_by,
            results: Vec::new(),
            attributes: Vec::new(),
            is_open: true,
        }
    }

    fn add(&mut self, page: AnswerPage) {
        self.results.extend(page.results_by_time);
        self.attributes.extend(page.dimension_value_attributes);
        self.is_open = page.next_page_token.is_some();
    }

    /// Returns whether another answer may be the pages after this one: it goes on where this one ends, and repeats
    /// nothing.
    fn goes_on_with(&self, other: &PrintedAnswer) -> bool {
        let (Some(last), Some(first)) = (self.results.last(), other.results.first()) else {
            return false;
        };
        if self.group_by != other.group_by {
            return false;
        }
        if first.time_period != last.time_period {
            return first.time_period.start == last.time_period.end;
        }
        let known = self.results.iter().rev();
        let known = known.take_while(|result| result.time_period == last.time_period);
        let known: BTreeSet<&[String]> = known
            .flat_map(|result| &result.groups)
            .map(|group| &*group.keys)
            .collect();
        first
            .groups
            .iter()
            .all(|group| !known.contains(&*group.keys))
    }

    fn append(&mut self, other: PrintedAnswer) {
        self.files.extend(other.files);
        self.results.extend(other.results);
        self.attributes.extend(other.attributes);
        self.is_open = other.is_open;
    }

    /// Drops the last period, of which groups may be missing. Returns whether anything remains.
    fn drop_last_period(&mut self) -> bool {
        if let Some(last) = self.results.last().map(|result| result.time_period) {
            self.results.retain(|result| result.time_period != last);
        }
        !self.results.is_empty()
    }

    fn names(&self) -> String {
        self.files.join(" and ")
    }
}

/// The cuts of a set of files, and what is wrong with the files.
#[derive(Debug, Clone, Default)]
pub struct AssembledCuts {
    /// One for each grouping and each length of periods.
    pub cuts: Vec<PlainCut>,
    /// What is missing or uncertain, each with the file.
    pub problems: Vec<String>,
}

/// Joins the printed pages of files, in their order: pages of one answer, and answers about different days. Of two
/// answers about the same days one is left out.
pub fn assemble(files: Vec<(String, Vec<PrintedPage>)>) -> AssembledCuts {
    let mut assembled = AssembledCuts::default();
    let mut answers = Vec::new();
    for (file, pages) in files {
        answers.extend(answers_of(&file, pages));
    }
    let mut answers = continued(answers);
    for answer in answers.iter_mut().filter(|answer| answer.is_open) {
        let names = answer.names();
        let through = match answer.drop_last_period() {
            true => "only the periods before its last one are used",
            false => "nothing of it is used",
        };
        assembled.problems.push(format!(
            "{names} is incomplete: it ends with a NextPageToken and no file goes on with it, so {through}; ask for the \
             rest with --next-page-token, and keep it in another file beside this one"
        ));
    }
    let mut by_shape: BTreeMap<(Vec<GroupKey>, bool), Vec<PrintedAnswer>> = BTreeMap::new();
    for answer in answers
        .into_iter()
        .filter(|answer| !answer.results.is_empty())
    {
        let mut results = answer.results.iter();
        let is_daily = results.all(|result| result.time_period.days().len() == 1);
        let shape = (answer.group_by.clone(), is_daily);
        by_shape.entry(shape).or_default().push(answer);
    }
    for ((group_by, is_daily), answers) in by_shape {
        let cut = cut_of(group_by, is_daily, answers, &mut assembled.problems);
        assembled.cuts.extend(cut);
    }
    assembled
}

/// The answers of a file: a page without a token ends one.
fn answers_of(file: &str, pages: Vec<PrintedPage>) -> Vec<PrintedAnswer> {
    let mut answers: Vec<PrintedAnswer> = Vec::new();
    for PrintedPage { group_by, page } in pages {
        match answers.last_mut() {
            Some(last) if last.is_open && last.group_by == group_by => last.add(page),
            _ => {
                let mut answer = PrintedAnswer::new(file, group_by);
                answer.add(page);
                answers.push(answer);
            }
        }
    }
    answers
}

/// Joins answers that lack pages with those that go on with them.
fn continued(answers: Vec<PrintedAnswer>) -> Vec<PrintedAnswer> {
    let mut left: Vec<Option<PrintedAnswer>> = answers.into_iter().map(Some).collect();
    loop {
        let open = |answer: &Option<PrintedAnswer>| answer.as_ref().is_some_and(|it| it.is_open);
        let pair = (0..left.len())
            .filter(|at| open(&left[*at]))
            .find_map(|at| {
                let next = (0..left.len()).find(|next| {
                    let both = left[at].as_ref().zip(left[*next].as_ref());
                    *next != at && both.is_some_and(|(one, other)| one.goes_on_with(other))
                });
                Some((at, next?))
            });
        let Some((at, next)) = pair else { break };
        if let (Some(other), Some(answer)) = (left[next].take(), left[at].as_mut()) {
            answer.append(other);
        }
    }
    left.into_iter().flatten().collect()
}

/// Makes one cut of all answers with the same grouping. The answer that ends last is taken first.
fn cut_of(
    group_by: Vec<GroupKey>,
    is_daily: bool,
    mut answers: Vec<PrintedAnswer>,
    problems: &mut Vec<String>,
) -> Option<PlainCut> {
    let end = |answer: &PrintedAnswer| answer.results.iter().map(|it| it.time_period.end).max();
    // Of answers with the same end the one whose file is last by name.
    answers.reverse();
    answers.sort_by_key(|answer| std::cmp::Reverse(end(answer)));
    let mut by_block: BTreeMap<TimePeriod, Vec<ResultByTime>> = BTreeMap::new();
    let mut files: Vec<String> = Vec::new();
    let mut attributes = BTreeMap::new();
    for answer in answers {
        let names = answer.names();
        let mut theirs: BTreeMap<TimePeriod, Vec<ResultByTime>> = BTreeMap::new();
        for result in answer.results {
            theirs.entry(result.time_period).or_default().push(result);
        }
        let (mut is_used, mut differs) = (false, false);
        for (block, results) in theirs {
            match by_block.get(&block) {
                Some(known) => differs |= groups(known) != groups(&results),
                None if by_block.keys().any(|known| overlap(*known, block)) => differs = true,
                None => {
                    is_used = true;
                    by_block.insert(block, results);
                }
            }
        }
        if differs {
            problems.push(format!(
                "{} and {names} are both {} about the same days and differ: those of {names} are left out",
                files.join(" and "),
                grouping(&group_by),
            ));
        }
        if is_used {
            files.extend(answer.files);
            let values = answer.attributes.into_iter();
            attributes.extend(values.map(|value| (value.value.clone(), value)));
        }
    }
    let blocks: Vec<TimePeriod> = by_block.keys().copied().collect();
    let (first, last) = (blocks.first()?, blocks.last()?);
    let time_period = TimePeriod {
        start: first.start,
        end: last.end,
    };
    let results: Vec<ResultByTime> = by_block.into_values().flatten().collect();
    Some(PlainCut {
        files,
        metrics: metrics(&results),
        blocks,
        is_usage: None,
        answer: CostAnswer {
            request: CostQuery {
                time_period,
                granularity: match is_daily {
                    true => QueryGranularity::Daily,
                    false => QueryGranularity::Monthly,
                },
                metrics: [CostMetric::default()],
                filter: None,
                group_by,
            },
            asked: beginning(time_period.end),
            pages: vec![AnswerPage {
                results_by_time: results,
                dimension_value_attributes: attributes.into_values().collect(),
                next_page_token: None,
            }],
        },
    })
}

/// All groups of a period, in any order and on any pages.
fn groups(results: &[ResultByTime]) -> BTreeSet<(Vec<String>, String)> {
    let groups = results.iter().flat_map(|result| &result.groups);
    let totals = results.iter().map(|result| (Vec::new(), &result.total));
    let groups = groups.map(|group| (group.keys.to_vec(), &group.metrics));
    let amounts = groups.chain(totals);
    amounts
        .map(|(keys, amounts)| (keys, serde_json::to_string(amounts).unwrap_or_default()))
        .collect()
}

fn overlap(one: TimePeriod, other: TimePeriod) -> bool {
    one.start < other.end && other.start < one.end
}

/// The metrics that all amounts have. Quantities of usage are not money.
fn metrics(results: &[ResultByTime]) -> BTreeSet<CostMetric> {
    let grouped = results.iter().flat_map(|result| &result.groups);
    let amounts = grouped.map(|group| &group.metrics);
    let totals = results.iter().map(|result| &result.total);
    let amounts: Vec<_> = amounts
        .chain(totals)
        .filter(|amounts| !amounts.is_empty())
        .collect();
    let has = |metric: &CostMetric| {
        amounts
            .iter()
            .all(|amounts| amounts.get(metric.name()).is_some())
    };
    CostMetric::ALL.into_iter().filter(has).collect()
}

/// The time at which a day begins.
fn beginning(day: Date) -> Seconds {
    let epoch = day_of(0);
    let days = epoch.duration_until(day).as_hours() / 24;
    days.saturating_mul(DAY_SECONDS)
}

#[cfg(test)]
mod tests;
