//! Tests of reading answers: what is missing, months, and amounts.

use super::*;

#[test]
fn what_was_asked_for_and_is_missing_is_never_zero() {
    let answer = |group: serde_json::Value| -> CostAnswer {
        let days = serde_json::json!({"Start": "2026-11-02", "End": "2026-11-03"});
        let by_account = serde_json::json!([{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}]);
        serde_json::from_value(serde_json::json!({
            "request": {
                "TimePeriod": days, "Granularity": "DAILY", "Metrics": ["UnblendedCost"],
                "GroupBy": by_account,
            },
            "asked": 0,
            "pages": [{"ResultsByTime": [{"TimePeriod": days, "Groups": [group]}]}],
        }))
        .unwrap()
    };
    let error = |group| {
        let read = LineReader::default().charges(&answer(group));
        read.unwrap_err().to_string()
    };
    let amount = serde_json::json!({"Amount": "1", "Unit": "USD"});
    assert_eq!(
        error(serde_json::json!({"Keys": [], "Metrics": {"UnblendedCost": amount}})),
        "Cost Explorer's answer for 2026-11-02 has a group with 0 keys instead of 1"
    );
    assert_eq!(
        error(serde_json::json!({"Keys": ["111122223333"], "Metrics": {"BlendedCost": amount}})),
        "Cost Explorer's answer for 2026-11-02 has no UnblendedCost, which was requested"
    );
}

#[test]
fn only_whole_months_are_months() {
    let result = |start: &str, end: &str, amount: &str| {
        serde_json::json!({
            "TimePeriod": {"Start": start, "End": end},
            "Groups": [{
                "Keys": ["Tax"],
                "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
            }],
            "Estimated": start > "2026-09-01",
        })
    };
    let answer: CostAnswer = serde_json::from_value(serde_json::json!({
        "request": {
            "TimePeriod": {"Start": "2026-08-10", "End": "2026-11-01"},
            "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "DIMENSION", "Key": "RECORD_TYPE"}],
        },
        "asked": 0,
        "pages": [{"ResultsByTime": [
            result("2026-08-10", "2026-09-01", "1"),
            result("2026-09-01", "2026-10-01", "2"),
            result("2026-10-01", "2026-11-01", "3"),
        ]}],
    }))
    .unwrap();
    let read = months_of(&answer).unwrap();
    let months = read.months.iter().map(Date::to_string);
    assert_eq!(months.collect::<Vec<_>>(), ["2026-09-01", "2026-10-01"]);
    let lines = read.table.lines();
    let lines = lines.map(|(key, line)| (key.day.to_string(), key.charge, line.estimated));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            ("2026-08-31".to_owned(), ChargeType::Tax, false),
            ("2026-09-30".to_owned(), ChargeType::Tax, false),
            ("2026-10-31".to_owned(), ChargeType::Tax, true),
        ]
    );
}

#[test]
fn amounts_keep_all_their_digits() {
    for (text, expected) in [
        ("12.5", Some("12.5")),
        ("0.0000000282", Some("0.0000000282")),
        ("-5", Some("-5")),
        ("1.5E-7", Some("0.00000015")),
        ("1000000000000000", Some("1000000000000000")),
        ("1000000000000001", None),
        ("79228162514264337593543950335", None),
        ("1e30", None),
        ("", None),
        ("NaN", None),
        ("1,5", None),
    ] {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(amount(text), expected, "{text}");
    }
}

#[test]
fn usage_by_a_tag_has_its_values_and_none_where_the_tag_is_absent() {
    let days = serde_json::json!({"Start": "2026-11-02", "End": "2026-11-03"});
    let group = |key: &str, amount: &str| {
        serde_json::json!({
            "Keys": [key],
            "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
        })
    };
    let groups = [
        group("project$", "1"),
        group("project$apollo", "2.5"),
        // A value may contain the key and the separator.
        group("project$project$x", "4"),
    ];
    let answer: CostAnswer = serde_json::from_value(serde_json::json!({
        "request": {
            "TimePeriod": days, "Granularity": "DAILY", "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "TAG", "Key": "project"}],
        },
        "asked": 0,
        "pages": [{"ResultsByTime": [{"TimePeriod": days, "Groups": groups}]}],
    }))
    .unwrap();
    let table = tag_of(&answer, "project").unwrap();
    let lines: Vec<(Option<&str>, String)> = table
        .lines()
        .map(|(key, line)| (key.value.as_deref(), line.amount.to_string()))
        .collect();
    let expected = [
        (None, "1".to_owned()),
        (Some("apollo"), "2.5".to_owned()),
        (Some("project$x"), "4".to_owned()),
    ];
    assert_eq!(lines, expected);
}
