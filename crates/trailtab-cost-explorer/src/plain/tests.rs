//! Tests how printed pages and files become cuts.

use std::slice::from_ref;

use serde_json::{Value, json};

use super::*;

/// A page by SERVICE with an amount for each (day, service).
fn page(amounts: &[(&str, &str, &str)], token: Option<&str>) -> Value {
    let results = amounts.chunk_by(|one, other| one.0 == other.0);
    let results = results.map(|groups| {
        let day: Date = groups[0].0.parse().unwrap();
        let groups = groups.iter().map(|(_, service, amount)| {
            let amount = json!({"Amount": amount, "Unit": "USD"});
            json!({"Keys": [service], "Metrics": {"UnblendedCost": amount}})
        });
        json!({
            "TimePeriod": {"Start": day.to_string(), "End": day.tomorrow().unwrap().to_string()},
            "Total": {}, "Groups": groups.collect::<Vec<_>>(), "Estimated": true,
        })
    });
    let mut page = json!({
        "GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "ResultsByTime": results.collect::<Vec<_>>(),
        "DimensionValueAttributes": [],
    });
    if let Some(token) = token {
        page["NextPageToken"] = token.into();
    }
    page
}

fn assembled(files: &[(&str, &[Value])]) -> AssembledCuts {
    let read = |(name, pages): &(&str, &[Value])| {
        let text: String = pages.iter().map(Value::to_string).collect();
        let pages = documents(text.as_bytes()).unwrap().into_iter();
        let pages = pages.map(|document| match document {
            SavedDocument::Page(page) => page,
            other => panic!("{other:?}"),
        });
        ((*name).to_owned(), pages.collect())
    };
    assemble(files.iter().map(read).collect())
}

/// All amounts of the only cut, as `day service amount`.
fn amounts(assembled: &AssembledCuts) -> Vec<String> {
    let [cut] = assembled.cuts.as_slice() else {
        panic!("{assembled:?}");
    };
    let pages = cut.answer.pages.iter();
    let results = pages.flat_map(|page| &page.results_by_time);
    let groups = results.flat_map(|result| result.groups.iter().map(move |group| (result, group)));
    let mut amounts: Vec<String> = groups
        .map(|(result, group)| {
            let amount = group.metrics.get("UnblendedCost").unwrap();
            let day = result.time_period.start;
            format!("{day} {} {}", group.keys[0], amount.amount)
        })
        .collect();
    amounts.sort();
    amounts
}

const ONE: (&str, &str, &str) = ("2026-11-01", "S3", "1");
const TWO: (&str, &str, &str) = ("2026-11-01", "EC2", "2");
const THREE: (&str, &str, &str) = ("2026-11-02", "EC2", "4");

#[test]
fn an_answer_says_what_it_is_grouped_by() {
    let cuts = assembled(&[("a.json", &[page(&[ONE, TWO, THREE], None)])]);
    assert_eq!(cuts.problems, [""; 0]);
    let cut = &cuts.cuts[0];
    assert!(cut.is_by("SERVICE") && !cut.is_by("LINKED_ACCOUNT"));
    assert_eq!(cut.grouping(), "by SERVICE");
    assert_eq!(cut.metrics, BTreeSet::from([CostMetric::UnblendedCost]));
    assert_eq!(cut.days().unwrap().label(), "1–2 November 2026");
    assert_eq!(day_of(cut.answer.asked).to_string(), "2026-11-03");
    assert_eq!(cut.answer.request.granularity, QueryGranularity::Daily);
}

#[test]
fn pages_are_one_answer_in_one_file_or_in_several() {
    let first = page(&[ONE], Some("next"));
    let second = page(&[TWO, THREE], None);
    let whole = amounts(&assembled(&[("a", &[page(&[ONE, TWO, THREE], None)])]));
    for files in [
        &[("a", &[first.clone(), second.clone()][..])][..],
        &[("a", from_ref(&first)), ("b", from_ref(&second))],
        &[("b", from_ref(&second)), ("z", from_ref(&first))],
    ] {
        let cuts = assembled(files);
        assert_eq!(cuts.problems, [""; 0]);
        assert_eq!(amounts(&cuts), whole);
    }
    let list = json!([first, second]).to_string();
    assert_eq!(documents(list.as_bytes()).unwrap().len(), 2);
}

#[test]
fn what_a_missing_page_may_have_is_not_taken_for_zero() {
    let cuts = assembled(&[("a.json", &[page(&[ONE, TWO, THREE], Some("next"))])]);
    assert_eq!(amounts(&cuts), ["2026-11-01 EC2 2", "2026-11-01 S3 1"]);
    assert!(
        cuts.problems[0].starts_with("a.json is incomplete"),
        "{:?}",
        cuts.problems
    );
    let nothing = assembled(&[("a.json", &[page(&[ONE], Some("next"))])]);
    assert!(nothing.cuts.is_empty());
    assert!(
        nothing.problems[0].contains("nothing of it"),
        "{:?}",
        nothing.problems
    );
}

#[test]
fn the_same_days_are_never_added_twice() {
    let older = ("2026-11-01", "EC2", "1.5");
    let newest = page(&[ONE, TWO, THREE], None);
    let twice = assembled(&[("a", from_ref(&newest)), ("b", from_ref(&newest))]);
    assert_eq!((amounts(&twice).len(), twice.problems.len()), (3, 0));
    let cuts = assembled(&[("a", &[page(&[ONE, older], None)]), ("b", &[newest])]);
    assert!(amounts(&cuts).contains(&"2026-11-01 EC2 2".to_owned()));
    assert_eq!(amounts(&cuts).len(), 3);
    assert_eq!(
        cuts.problems,
        ["b and a are both by SERVICE about the same days and differ: those of a are left out"]
    );
    // Other days are joined.
    let cuts = assembled(&[
        ("a", &[page(&[THREE], None)]),
        ("b", &[page(&[ONE, TWO], None)]),
    ]);
    assert_eq!((amounts(&cuts).len(), cuts.problems.len()), (3, 0));
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let other = documents(b"{\"Dimensions\": {\"Key\": \"SERVICE\"}} ").unwrap();
    assert_eq!(other, [SavedDocument::Other]);
    assert!(documents(b"RESULTSBYTIME\tFalse").is_err());
    let hour = json!({"ResultsByTime": [{"TimePeriod": {
        "Start": "2026-11-01T00:00:00Z", "End": "2026-11-01T01:00:00Z"}}]});
    assert!(documents(hour.to_string().as_bytes()).is_err());
    assert_eq!(documents(b"  ").unwrap(), []);
}

#[test]
fn a_saved_answer_is_a_cut_if_its_filter_is_of_charge_types() {
    let of = |filter: Value| {
        let answer = json!({
            "request": {
                "TimePeriod": {"Start": "2026-11-01", "End": "2026-11-02"}, "Granularity": "DAILY",
                "Metrics": ["UnblendedCost"], "Filter": filter,
            },
            "asked": 0, "pages": [],
        });
        let answer: CostAnswer = serde_json::from_value(answer).unwrap();
        PlainCut::of_saved(&answer).map(|cut| cut.is_usage)
    };
    let types =
        |values: &[&str]| of(json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": values}}));
    assert_eq!(of(Value::Null), Some(Some(false)));
    assert_eq!(types(&["Usage", "DiscountedUsage"]), Some(Some(true)));
    assert_eq!(types(&["Usage", "Tax"]), None);
    assert_eq!(of(json!({"Tags": {"Key": "Owner", "Values": ["a"]}})), None);
}
