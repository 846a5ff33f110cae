//! The forecast of AWS itself, beside our estimate.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{LAB, Lab, PAYER, members, money, part, report_of, rows};
use crate::support::aws::{Bill, Charge, Entry, FORECAST, Fault, World};
use crate::support::{Finished, files_below};

/// The time of all runs: the 21st, so that days from 1 to 18 are settled.
const NOW: &str = "2026-11-21T06:00:00Z";
const TODAY: Date = date(2026, 11, 21);

/// $3 a day of usage in one account and $1 in the other one since a day, and a tax of $7 on the 1st of November.
fn lab_since(first: Date) -> Lab {
    lab_where(first, |world| world)
}

fn lab_where(first: Date, adapt: impl Fn(World) -> World) -> Lab {
    let days = first.series(1.day()).take_while(|day| *day < TODAY);
    let usage = days.flat_map(|day| {
        let other = Charge::new(day, LAB, "EC2 - Other", "1");
        [Charge::new(day, PAYER, "EC2 - Other", "3"), other]
    });
    let tax = Charge::new(date(2026, 11, 1), PAYER, "Tax", "7").kind("Tax");
    let bill = Bill::new(usage.chain([tax]).collect());
    let members = members(&bill);
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let world = World::new(now.as_second()).bill(PAYER, bill);
    Lab::of(adapt(world.organization(PAYER, members)))
}

fn lab() -> Lab {
    lab_since(date(2026, 9, 1))
}

fn run(lab: &Lab, args: &[&str]) -> Finished {
    run_at(lab, NOW, args)
}

fn run_at(lab: &Lab, now: &str, args: &[&str]) -> Finished {
    let mut command = lab.command();
    command.env("TRAILTAB_NOW", now).args(args);
    lab.sandbox.finish(command, b"")
}

fn report(lab: &Lab, args: &[&str], code: i32) -> Value {
    let ended = run(lab, &[&["--no-cache", "--format", "json"], args].concat());
    report_of(&ended, code)
}

fn asked(lab: &Lab) -> Vec<Entry> {
    lab.server.granted(FORECAST)
}

fn forecast(report: &Value) -> &Value {
    &part(report)["aws_forecast"]
}

#[test]
fn a_forecast_stands_beside_our_estimate_and_takes_one_request() {
    let lab = lab();
    let plain = report(&lab, &[], 0);
    assert_eq!((forecast(&plain), asked(&lab).len()), (&Value::Null, 0));
    let told = report(&lab, &["--aws-forecast", "--save", "saved"], 0);
    assert_eq!(asked(&lab).len(), 1);
    let figures = &forecast(&told)["figures"];
    // 20 days of $4 and the tax, and ten days of the mean of the thirty days before.
    let mean = Decimal::from(87) + Decimal::from(10 * (30 * 4 + 7)) / Decimal::from(30);
    assert_eq!(money(&figures["mean"]).round_dp(6), mean.round_dp(6));
    let days = json!({"from": "2026-11-01", "through": "2026-11-30"});
    assert_eq!(
        (&figures["days"], &figures["interval"]["percent"]),
        (&days, &json!(80))
    );
    let sentence = "AWS's own forecast for all of November: a bill of $129.33 (80 % prediction interval: $116 to $143).";
    assert_eq!(forecast(&told)["sentence"], sentence);
    // Our own estimate is the same with and without it.
    assert_eq!(part(&told)["outlook"], part(&plain)["outlook"]);
    assert_ne!(part(&plain)["outlook"], Value::Null);
    let sent = &asked(&lab)[0].request.parameters;
    let expected = json!({
        "TimePeriod": {"Start": "2026-11-21", "End": "2026-12-01"},
        "Metric": "UNBLENDED_COST", "Granularity": "MONTHLY", "PredictionIntervalLevel": 80,
    });
    assert_eq!(*sent, expected);
    let plan = run(&lab, &["--no-cache", "--aws-forecast", "--plan"])
        .expect(0)
        .err;
    assert!(
        plan.contains("1  $ 0.01  AWS's own forecast of the month"),
        "{plan}"
    );
    let page = run(&lab, &["--offline", "saved", "--aws-forecast"])
        .expect(0)
        .out;
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(sentence), "{page}");
    let offline = report(&lab, &["--offline", "saved", "--aws-forecast"], 0);
    assert_eq!(forecast(&offline), forecast(&told));
    assert_eq!(asked(&lab).len(), 1);
}

#[test]
fn a_forecast_has_the_metric_and_the_accounts_of_its_report() {
    let lab = lab();
    let args = [
        "--aws-forecast",
        "--account",
        LAB,
        "--metric",
        "NetAmortizedCost",
    ];
    let told = report(&lab, &args, 0);
    let sent = asked(&lab).remove(0).request.parameters;
    let filter = json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [LAB]}});
    assert_eq!(
        (&sent["Filter"], &sent["Metric"]),
        (&filter, &json!("NET_AMORTIZED_COST"))
    );
    assert_eq!(money(&forecast(&told)["figures"]["mean"]), 30.into());
    // What belongs to a person is no filter of a forecast.
    lab.sandbox
        .write("config.json", json!({"aws_forecast": true}).to_string());
    let args = ["--config", "config.json", "--untagged"];
    assert_eq!(forecast(&report(&lab, &args, 0)), &Value::Null);
    assert_eq!(asked(&lab).len(), 1);
}

#[test]
fn a_forecast_is_kept_for_some_hours() {
    let lab = lab();
    // A run counts the seconds that it takes, so another one at the same time would find an answer of the future.
    let later = "2026-11-21T06:10:00Z";
    let args = ["--cache", "kept", "--aws-forecast", "--max-age", "0"];
    for now in [NOW, later] {
        run_at(&lab, now, &args[..3]).expect(0);
    }
    assert_eq!(asked(&lab).len(), 1);
    run_at(&lab, later, &args).expect(0);
    assert_eq!(asked(&lab).len(), 2);
    // Of another account.
    run(
        &lab,
        &["--cache", "kept", "--aws-forecast", "--account", LAB],
    )
    .expect(0);
    assert_eq!(asked(&lab).len(), 3);
}

/// What the report says of a forecast that there is not: the figures, the sentence and the problems.
fn missing(lab: &Lab, args: &[&str], code: i32) -> (String, String) {
    let told = report(lab, &[&["--aws-forecast"], args].concat(), code);
    assert_eq!(forecast(&told)["figures"], Value::Null);
    assert_ne!(part(&told)["total"]["amount"], "0");
    let sentence = forecast(&told)["sentence"].as_str().unwrap().to_owned();
    (
        sentence,
        rows(&told["basis"]["problems"])
            .iter()
            .map(Value::to_string)
            .collect(),
    )
}

#[test]
fn a_missing_forecast_is_said_and_costs_no_other_figure() {
    let unread = "AWS's own forecast could not be read.";
    let is_forecast = |request: &crate::support::aws::Request| request.action == FORECAST;
    for (lab, args, part) in [
        (
            lab_where(date(2026, 9, 1), |world| world.deny(PAYER, FORECAST)),
            &[][..],
            "Cost Explorer refuses ce:GetCostForecast",
        ),
        (lab(), &["--max-requests", "5"], "--max-requests"),
    ] {
        let (sentence, problems) = missing(&lab, args, 3);
        assert_eq!(sentence, unread);
        assert!(problems.contains(part), "{problems}");
    }
    for (fault, part) in [
        (
            Fault::error(400, "ValidationException", "no"),
            "rejects the query (ce:GetCostForecast): ValidationException: no",
        ),
        (
            Fault::Bare(r#"{"ForecastResultsByTime":[]}"#),
            "a forecast without a total",
        ),
        (
            Fault::Bare(r#"{"Total":{"Amount":"1","Unit":"USD"},"ForecastResultsByTime":[]}"#),
            "has 0 months instead of one",
        ),
    ] {
        let lab = lab();
        lab.server.fail(1, fault, is_forecast);
        let (sentence, problems) = missing(&lab, &[], 3);
        assert_eq!(sentence, unread);
        assert!(problems.contains(part), "{problems}");
    }
    // Nothing can be done about an account that is new.
    let (sentence, problems) = missing(&lab_since(date(2026, 11, 1)), &[], 0);
    let said = "AWS has no forecast of the bill: it knows these costs for too short a time.";
    assert_eq!((&*sentence, &*problems), (said, ""));
    // Saved answers may lack it.
    let lab = lab();
    report(&lab, &["--save", "saved"], 0);
    let (sentence, problems) = missing(&lab, &["--offline", "saved"], 3);
    assert_eq!(sentence, unread);
    assert!(
        problems.contains("no saved answer has the forecast of AWS"),
        "{problems}"
    );
}

/// Settings with an executive, three managers of two sets of accounts, and one who gets closing reports alone.
fn settings() -> Value {
    json!({
        "aws_forecast": true,
        "executives": ["cfo@example.com"],
        "managers": {
            "one@example.com": [LAB], "two@example.com": [LAB], "both@example.com": [LAB, PAYER],
        },
        "channels": [{
            "name": "late", "kind": "webhook", "url_secret": "late", "accounts": [PAYER], "schedule": "month",
        }],
        "users": ["ann@example.com"],
        "mail": {"from": "costs@example.com"},
    })
}

#[test]
fn mails_share_the_forecasts_of_the_same_accounts() {
    let lab = lab();
    lab.sandbox.write("config.json", settings().to_string());
    let send = [
        "--no-cache",
        "--config",
        "config.json",
        "--send",
        "--dry-run",
        "--output",
        "mails",
    ];
    let plan = run(&lab, &[&send[..], &["--plan"]].concat()).expect(0).err;
    assert!(
        plan.contains("3  $ 0.03  AWS's own forecast of the month"),
        "{plan}"
    );
    let ended = run(&lab, &send);
    assert_eq!(asked(&lab).len(), 3, "{}\n{}", ended.out, ended.err);
    let mails = files_below(&lab.sandbox.path("mails")).into_iter();
    let html = mails.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
    let html = html.map(|path| std::fs::read_to_string(path).unwrap());
    let with_forecast = html.filter(|html| html.contains("AWS's own forecast for all of November"));
    assert_eq!(with_forecast.count(), 4);
}

#[test]
fn a_check_asks_for_a_forecast_only_if_it_is_chosen() {
    let lab = lab_where(date(2026, 9, 1), |world| world.deny(PAYER, FORECAST));
    let check = |settings: &Value| {
        lab.sandbox.write("config.json", settings.to_string());
        run(&lab, &["check", "--config", "config.json"]).out
    };
    let chosen = check(&settings());
    assert!(
        chosen.contains("BAD       aws_forecast: Cost Explorer refuses ce:GetCostForecast"),
        "{chosen}"
    );
    let mut without = settings();
    without["aws_forecast"] = false.into();
    assert!(!check(&without).contains("GetCostForecast"));
    let lab = self::lab();
    lab.sandbox.write("config.json", settings().to_string());
    let good = run(&lab, &["check", "--config", "config.json"]).out;
    assert!(
        good.contains(
            "good      aws_forecast: AWS's own forecast for all of November: a bill of $129.33"
        ),
        "{good}"
    );
    assert!(good.contains("This check made 3 paid requests."), "{good}");
    assert_eq!(asked(&lab).len(), 1);
}
