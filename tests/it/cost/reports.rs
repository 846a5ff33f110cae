//! Figures, to the last digit.

use jiff::ToSpan as _;
use serde_json::Value;

use super::{
    Lab, PAYER, account, adds_up, charges, config, day, first, is_usage, money, now, part,
    report_of, row, rows, today, total, truth,
};
use crate::support::aws::{Bill, Charge, World};
use crate::support::files_below;

#[test]
fn every_report_of_every_audience_comes_from_the_bill() {
    let charges = charges(4, 9, 1);
    let lab = Lab::organized(charges.clone());
    let executive = lab.report(&[]);
    assert_eq!(total(&executive), truth(&charges, |_| true));
    for (name, kinds) in [
        ("tax", &["Tax"][..]),
        ("credit", &["Credit"]),
        ("refund", &["Refund"]),
        ("support", &["Support"]),
        ("commitment", &["RIFee", "SavingsPlanNegation"]),
        ("discount", &["BundledDiscount"]),
        ("other", &["Out of cycle"]),
        ("usage", &["Usage"]),
    ] {
        let charge = rows(&part(&executive)["charges"])
            .iter()
            .find(|row| row["charge"] == name);
        let expected = truth(&charges, |charge| {
            kinds.contains(&charge.value("RECORD_TYPE").as_str())
        });
        assert_eq!(money(&charge.unwrap()["amount"]), expected, "{name}");
    }
    let is_of = |charge: &Charge, id: &str| charge.account.as_deref() == Some(id);
    for at in 0..4 {
        let id = account(at);
        let manager = lab.report(&["--account", &id]);
        assert_eq!(
            total(&manager),
            truth(&charges, |charge| is_of(charge, &id))
        );
        let owned = |name: Option<&str>| {
            let of_owner = |charge: &Charge| charge.tags.get("Owner").map(String::as_str) == name;
            truth(&charges, |charge| {
                is_of(charge, &id) && is_usage(charge) && of_owner(charge)
            })
        };
        for shown in rows(&part(&manager)["owners"]) {
            let name = shown["label"]["name"].as_str().unwrap();
            let expected = match shown["label"]["kind"].as_str() {
                Some("instances") => owned(Some("i-0123456789abcdef0")),
                Some("untagged") => owned(None),
                _ => owned(Some(name)),
            };
            assert_eq!(money(&shown["amount"]), expected, "{name}");
        }
        for shown in rows(&part(&manager)["services"]) {
            let name = shown["label"]["name"].as_str().unwrap();
            let of_service = |charge: &Charge| {
                is_of(charge, &id) && is_usage(charge) && charge.value("SERVICE") == name
            };
            assert_eq!(
                money(&shown["amount"]),
                truth(&charges, of_service),
                "{name}"
            );
        }
    }
    for owner in 2..9 {
        let name = format!("user{owner}@example.com");
        let own = lab.report(&["--owner", &name]);
        let of_owner = |charge: &Charge| charge.tags.get("Owner") == Some(&name);
        assert_eq!(total(&own), truth(&charges, of_owner), "{name}");
    }
    let nobodys = lab.report(&["--untagged"]);
    let untagged = |charge: &Charge| is_usage(charge) && charge.tags.is_empty();
    assert_eq!(total(&nobodys), truth(&charges, untagged));
}

#[test]
fn two_accounts_are_the_sum_of_each() {
    let charges = charges(3, 5, 2);
    let lab = Lab::organized(charges);
    let [one, other] = [0, 1].map(account);
    let both = lab.report(&["--account", &one, "--account", &other]);
    let each = [&one, &other].map(|id| total(&lab.report(&["--account", id])));
    assert_eq!(total(&both), each[0] + each[1]);
    assert_eq!(rows(&part(&both)["accounts"]).len(), 2);
}

#[test]
fn how_answers_are_cut_into_pages_does_not_matter() {
    let charges = charges(3, 7, 3);
    let world = |bill: Bill| {
        let members = super::members(&bill);
        World::new(now())
            .bill(PAYER, bill)
            .organization(PAYER, members)
    };
    let whole = Lab::organized(charges.clone());
    let figures = |lab: &Lab| {
        let mut report = lab.report(&["--account", &account(1), "--max-requests", "9999"]);
        report["basis"] = Value::Null;
        report
    };
    let expected = figures(&whole);
    for size in [1, 7, 50] {
        let lab = Lab::of(world(Bill::new(charges.clone()).page(size).empty_pages()));
        assert_eq!(figures(&lab), expected, "pages of {size}");
        assert_eq!(lab.server.violations(), [""; 0]);
    }
}

#[test]
fn change_is_against_the_days_before() {
    let lab = Lab::organized(charges(2, 4, 4));
    let bill = &lab.server.world().bills[PAYER];
    let before = bill.sum("UnblendedCost", |charge| charge.day < day(1));
    let report = lab.report(&[]);
    let total = &part(&report)["total"];
    assert_eq!(money(&total["before"]), before);
    let of_day = |number| bill.sum("UnblendedCost", |charge| charge.day == day(number));
    assert_eq!(money(&total["last_day"]), of_day(10));
    assert_eq!(money(&total["day_before"]), of_day(9));
    assert_eq!(report["period"]["data_through"], day(10).to_string());
}

#[test]
fn last_month_is_whole_and_what_is_estimated_is_marked() {
    let last = day(1).last_of_month();
    let charges = vec![
        Charge::new(day(1), PAYER, "EC2", "1").owner("a"),
        Charge::new(last, PAYER, "EC2", "2").owner("a"),
        Charge::new(last.tomorrow().unwrap(), PAYER, "EC2", "4").owner("a"),
    ];
    let lab = Lab::new(Bill::new(charges).estimated_from(last));
    let report = lab
        .cost(&["--last-month", "--format", "json"])
        .expect(0)
        .summary();
    adds_up(&report);
    assert_eq!(money(&part(&report)["total"]["amount"]), 3.into());
    assert_eq!(report["period"]["kind"], "last_month");
    assert_eq!(
        report["period"]["estimated"],
        serde_json::json!([last.to_string()])
    );
}

#[test]
fn the_month_so_far_leaves_today_out_unless_it_is_asked_for() {
    let today = today(now());
    let charges = vec![Charge::new(today, PAYER, "EC2", "3").owner("a")];
    let lab = Lab::new(Bill::new(charges));
    let report = lab
        .cost(&["--include-today", "--format", "json"])
        .expect(0)
        .summary();
    assert_eq!(money(&part(&report)["total"]["amount"]), 3.into());
    let asked = &lab.granted()[0].request.parameters["TimePeriod"];
    assert_eq!(asked["End"], today.tomorrow().unwrap().to_string());
    let first = today
        .first_of_month()
        .saturating_sub(jiff::Span::new().months(1));
    assert_eq!(asked["Start"], first.to_string());
    let finished = lab.cost(&["--format", "json"]);
    match today.day() {
        1 => assert!(finished.expect(2).err.contains("--last-month")),
        _ => assert!(!finished.expect(0).out.contains("\"amount\": \"3\"")),
    }
}

#[test]
fn metrics_are_what_cost_explorer_calls_them() {
    let metrics = [
        "UnblendedCost",
        "AmortizedCost",
        "NetUnblendedCost",
        "NetAmortizedCost",
        "BlendedCost",
    ];
    let mut charge = Charge::new(day(3), PAYER, "EC2", "0").owner("a");
    for (metric, amount) in metrics.into_iter().zip(["1", "2", "3", "4", "5"]) {
        charge = charge.metric(metric, amount);
    }
    let lab = Lab::new(Bill::new(vec![charge]));
    for (metric, amount) in metrics.into_iter().zip([1, 2, 3, 4, 5]) {
        let report = lab.report(&["--metric", metric]);
        assert_eq!(
            (total(&report), &report["metric"]),
            (amount.into(), &metric.into())
        );
    }
    assert_eq!(total(&lab.report(&[])), 1.into());
}

#[test]
fn currencies_are_never_added() {
    let charges = vec![
        Charge::new(day(2), PAYER, "EC2", "5").owner("a"),
        Charge::new(day(2), PAYER, "EC2", "7")
            .owner("a")
            .currency("CNY"),
    ];
    let lab = Lab::new(Bill::new(charges));
    let report = lab.report(&["--account", PAYER]);
    let parts = rows(&report["parts"]).iter();
    let parts = parts.map(|part| {
        (
            part["currency"].as_str().unwrap(),
            money(&part["total"]["amount"]),
        )
    });
    let mut parts: Vec<_> = parts.collect();
    parts.sort_unstable();
    assert_eq!(parts, [("CNY", 7.into()), ("USD", 5.into())]);
}

#[test]
fn several_keys_tell_the_owner_in_their_order() {
    let charge = |amount: &str| Charge::new(day(2), super::LAB, "EC2", amount);
    let charges = vec![
        charge("1").owner("ann").tag("Team", "blue"),
        charge("2").tag("Team", "blue"),
        charge("4").tag("Team", "ann"),
        charge("8").cost_category("Group", "x$y"),
        charge("16"),
    ];
    let lab = Lab::organized(charges);
    let keys = [
        "--owner-key",
        "Owner",
        "--owner-key",
        "Team",
        "--owner-key",
        "cost-category:Group",
    ];
    let report = lab.report(&[&["--account", super::LAB], &keys[..]].concat());
    let owners = &part(&report)["owners"];
    for (name, amount) in [("ann", 5), ("blue", 2), ("x$y", 8), ("(untagged)", 16)] {
        assert_eq!(money(&row(owners, name)["amount"]), amount.into(), "{name}");
    }
    let own = lab.report(&[&["--owner", "ann"], &keys[..]].concat());
    assert_eq!(total(&own), 5.into());
    let none = lab.report(&[&["--untagged"], &keys[..]].concat());
    assert_eq!(total(&none), 16.into());
}

/// Mails and saved answers contain confidential costs, so that only their owner can read the files.
#[test]
#[cfg(unix)]
fn mails_and_answers_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let lab = Lab::organized(charges(2, 3, 5));
    let settings = config(
        &[("ann@example.com", &["Account 200000000000"])],
        &["owner-1@example.com"],
    );
    for _ in 0..2 {
        lab.sandbox.write("config.json", settings.to_string());
        let (since, until) = (day(1).to_string(), day(10).to_string());
        let mut command = lab.sandbox.trailtab();
        command
            .envs(lab.server.environment(PAYER))
            .args(["cost", "--config", "config.json", "--send", "--dry-run"])
            .args(["--since", &since, "--until", &until])
            .args(["--output", "private/mails", "--cache", "private/cache"])
            .args(["--save", "private/answers"]);
        lab.sandbox.finish(command, b"");
    }
    let root = lab.sandbox.path("private");
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let mut folders = std::collections::BTreeSet::new();
    for path in files_below(&root) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let parents = path.ancestors().skip(1);
        folders.extend(
            parents
                .take_while(|path| *path != root)
                .map(ToOwned::to_owned),
        );
    }
    for folder in &folders {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for name in ["mails", "cache", "answers"] {
        assert!(folders.contains(&root.join(name)), "{folders:?}");
    }
    // The second dry run wrote mails of its own.
    let mails = lab.sandbox.files("private/mails");
    let numbered = mails.iter().filter(|name| name.contains("_2."));
    assert_eq!(numbered.count() * 2, mails.len(), "{mails:?}");
}

#[test]
fn a_whole_month_is_compared_with_the_one_before_however_it_was_typed() {
    let month = first();
    let mut charges = charges(2, 3, 5);
    charges.push(Charge {
        day: month.last_of_month(),
        ..charges[0].clone()
    });
    let lab = Lab::organized(charges);
    let (since, until) = (month.to_string(), month.last_of_month().to_string());
    let period = ["--format", "json", "--since", &since, "--until", &until];
    let report = report_of(&lab.cost(&period), 0);
    let before = day(0);
    assert_eq!(
        report["period"]["compared"]["from"],
        before.first_of_month().to_string()
    );
    assert_eq!(report["period"]["compared"]["through"], before.to_string());
}

#[test]
fn days_that_cost_explorer_has_no_more_are_compared_with_nothing() {
    let lab = Lab::organized(charges(2, 3, 5));
    let kept_from = today(now()).first_of_month().saturating_sub(13.months());
    let (since, until) = (
        kept_from.saturating_add(30.days()).to_string(),
        day(10).to_string(),
    );
    let period = ["--format", "json", "--since", &since, "--until", &until];
    let report = report_of(&lab.cost(&period), 0);
    assert_eq!(report["period"]["compared"], Value::Null);
    assert_eq!(part(&report)["total"]["before"], Value::Null);
    let notes = report["basis"]["notes"].as_array().unwrap();
    let is_said = |note: &Value| {
        note.as_str()
            .unwrap()
            .starts_with("There is no comparison with")
    };
    assert!(notes.iter().any(is_said), "{notes:?}");
}

#[test]
fn all_forms_tell_the_same() {
    let lab = Lab::organized(charges(2, 3, 5));
    let (since, until) = (day(1).to_string(), day(10).to_string());
    let period = ["--since", &since, "--until", &until, "--output", "out"];
    let page = lab.cost(&period).expect(0);
    assert!(page.err.contains("wrote out/cost.html\n"), "{}", page.err);
    let before = std::fs::read(lab.sandbox.path("out/cost.html")).unwrap();
    let again = lab.cost(&period).expect(0);
    assert!(
        again.err.contains("wrote out/cost_2.html\n"),
        "{}",
        again.err
    );
    assert_eq!(lab.sandbox.files("out").len(), 6);
    assert!(std::fs::read(lab.sandbox.path("out/cost.html")).unwrap() == before);
    assert!(
        !page.stdout.contains(&0x1b) && !page.out.contains('\u{202e}'),
        "{}",
        page.out
    );
    let read = |name: &str| std::fs::read(lab.sandbox.path(name)).unwrap();
    let report: Value = serde_json::from_slice(&read("out/cost.json")).unwrap();
    adds_up(&report);
    let csv = String::from_utf8(read("out/cost.csv")).unwrap();
    assert!(
        csv.contains(part(&report)["total"]["amount"].as_str().unwrap()),
        "{csv}"
    );
    let html = String::from_utf8(read("out/cost.html")).unwrap();
    assert!(
        !html.contains("<b>&"),
        "what a service is called is no HTML"
    );
}

#[test]
fn the_mails_of_a_run_are_those_of_its_settings() {
    let charges = charges(4, 8, 6);
    let lab = Lab::organized(charges);
    let [one, two] = [0, 1].map(account);
    let config = config(
        &[("m1@example.com", &[&one]), ("m2@example.com", &[&two])],
        &["user2@example.com", "nobody@example.com"],
    );
    // Nobody has seen one of the users.
    let sent = lab.send(&config, &["--format", "json"], 3).summary();
    let lines = rows(&sent);
    assert_eq!(lines.len(), 4, "{sent}");
    let mails = lab.sandbox.files("mails");
    let ends = |ending: &str| mails.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((ends(".eml"), ends(".html")), (3, 3), "{mails:?}");
}
