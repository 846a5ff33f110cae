//! Tests that each service takes the messages of every report, and that no name becomes markup.

use serde_json::Value;

use super::*;
use trailtab_core::cost::report::{CommitmentUse, sample};

const KINDS: [ChannelKind; 3] = [ChannelKind::Slack, ChannelKind::Teams, ChannelKind::Webhook];

fn samples() -> Vec<CostReport> {
    vec![
        sample::manager(),
        sample::individual(),
        sample::executive(),
        sample::hostile(),
        sample::large(),
        sample::nothing(),
    ]
}

fn of(report: &CostReport, kind: ChannelKind) -> Value {
    let bytes = message(report, kind, "finance", LetterOccasion::First).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// All texts of a message, in order.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// A report in which every name is the worst one.
fn with_names(mut report: CostReport, name: &str) -> CostReport {
    for account in &mut report.audience.accounts {
        account.name = name.to_owned();
    }
    for part in &mut report.parts {
        part.sentence = format!("{name} came to {name}.");
        let accounts = part.accounts.iter_mut().map(|account| &mut account.row);
        let rows = part.owners.iter_mut().chain(&mut part.services);
        for row in rows.chain(accounts) {
            row.label.name = name.to_owned();
        }
        let movers = &mut part.movers;
        let lists = [
            &mut movers.accounts,
            &mut movers.services,
            &mut movers.owners,
        ];
        for mover in lists.into_iter().flatten() {
            mover.label.name = name.to_owned();
            if let Some(account) = &mut mover.account {
                account.name = name.to_owned();
            }
        }
    }
    report.basis.problems = vec![name.to_owned(); 50];
    report.basis.notes = vec![name.to_owned(); 50];
    report
}

#[test]
fn messages_say_what_the_report_says() {
    let report = sample::manager();
    for kind in [ChannelKind::Slack, ChannelKind::Teams] {
        let message = of(&report, kind);
        let all = texts(&message).join("\n");
        for part in [
            "AWS cost of 4 accounts, 1–18 November 2026",
            "Usage",
            "19–20 November 2026 are still loading",
            "Expected for all of November",
            "unusual",
            "Change",
            "Largest changes",
            "Accounts",
            "Owners",
            "Services",
            "UnblendedCost of Cost Explorer",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
        let usage = &report.parts[0].usage;
        assert!(all.contains(&money::words(usage.settled, "USD")), "{all}");
    }
    let individual = texts(&of(&sample::individual(), ChannelKind::Slack)).join("\n");
    assert!(individual.contains("AWS usage of "), "{individual}");
    let correction = message(
        &report,
        ChannelKind::Slack,
        "finance",
        LetterOccasion::Correction,
    )
    .unwrap();
    let correction: Value = serde_json::from_slice(&correction).unwrap();
    let title = &correction["blocks"][0]["text"]["text"];
    assert!(title.as_str().unwrap().starts_with("Correction: AWS cost"));
}

#[test]
fn a_webhook_gets_the_report_itself() {
    let report = sample::manager();
    let message = of(&report, ChannelKind::Webhook);
    assert_eq!(message["report"], serde_json::to_value(&report).unwrap());
    assert_eq!(message["type"], "cost_report");
    assert_eq!(
        (&message["channel"], &message["is_correction"]),
        (&"finance".into(), &false.into())
    );
    assert_eq!(message["text"], report.sentences().join("\n"));
}

/// The limits of each service, restated.
#[test]
fn services_take_the_messages_of_every_report() {
    let longest = ["&".repeat(400), "名".repeat(400), "\"\\".repeat(200)];
    let worst = longest.iter().map(|name| with_names(sample::large(), name));
    for report in samples().into_iter().chain(worst) {
        let slack = of(&report, ChannelKind::Slack);
        let blocks = slack["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50 && slack["blocks"].to_string().chars().count() < 13_200);
        for block in blocks {
            let text = block["text"]["text"].as_str().unwrap_or("x");
            let most = if block["type"] == "header" { 150 } else { 3000 };
            assert!((1..=most).contains(&text.chars().count()), "{block}");
            for field in block["fields"].as_array().into_iter().flatten() {
                assert!(field["text"].as_str().unwrap().chars().count() <= 2000);
            }
            assert!(
                block["fields"]
                    .as_array()
                    .is_none_or(|fields| fields.len() <= 10)
            );
        }
        let teams = message(
            &report,
            ChannelKind::Teams,
            "finance",
            LetterOccasion::First,
        )
        .unwrap();
        assert!(teams.len() <= 20_000, "{}", teams.len());
    }
}

#[test]
fn names_are_no_markup_and_call_nobody() {
    let name = "<!channel> <https://evil.example|x> & `a` \u{202e}\n@here";
    let report = with_names(sample::manager(), name);
    let slack = of(&report, ChannelKind::Slack);
    for block in slack["blocks"].as_array().unwrap() {
        // A header is plain text.
        if block["type"] == "header" {
            assert_eq!(block["text"]["type"], "plain_text");
            continue;
        }
        for text in texts(block) {
            assert!(!text.contains(['<', '>', '`', '\u{202e}']), "{text}");
        }
        assert!(
            block["text"].is_null() || block["text"]["verbatim"] == true,
            "{block}"
        );
    }
    assert!(!slack["text"].as_str().unwrap().contains(['<', '>']));

    let teams = of(
        &with_names(sample::manager(), "[x](https://evil.example) **b**"),
        ChannelKind::Teams,
    );
    for element in teams["attachments"][0]["content"]["body"]
        .as_array()
        .unwrap()
    {
        match element["type"].as_str().unwrap() {
            "RichTextBlock" => {
                let runs = element["inlines"].as_array().unwrap();
                assert!(runs.iter().all(|run| run["type"] == "TextRun"));
            }
            "FactSet" => assert!(!element.to_string().contains("evil"), "{element}"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_message_tells_the_months_before_and_the_commitments() {
    let mut report = sample::executive();
    let part = &mut report.parts[0];
    let sentence = "Savings plans covered usage of $7.00.";
    part.commitments = Some(CommitmentUse {
        days: report.period.days,
        covered: Some(7.into()),
        used: None,
        unused: None,
        sentence: sentence.to_owned(),
    });
    let last = part.trend.last().unwrap();
    let (name, bill) = (
        last.month.from.strftime("%B %Y").to_string(),
        money::words(last.total, &part.currency),
    );
    for kind in [ChannelKind::Slack, ChannelKind::Teams] {
        let message = of(&report, kind);
        let said = texts(&message).join("\n");
        for part in ["The bill of the months before", &name, &bill, sentence] {
            assert!(said.contains(part), "{kind:?} {part}: {said}");
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let report = with_names(sample::large(), "name");
    for kind in [ChannelKind::Slack, ChannelKind::Teams] {
        let all = texts(&of(&report, kind)).join("\n");
        assert!(all.contains(" others: $"), "{all}");
        assert!(all.contains("and 46 more"), "{all}");
    }
}

#[test]
fn a_test_has_the_form_of_a_report() {
    for kind in KINDS {
        let bytes = test_message(kind, "finance", "Hello <!here>").unwrap();
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(texts(&message).join(" ").contains("Hello "), "{message}");
    }
}
