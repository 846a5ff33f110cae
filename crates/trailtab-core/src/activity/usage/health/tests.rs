//! The health of a function, judged from what CloudWatch tells.

use rust_decimal::Decimal;

use super::*;

fn stack() -> UsageStack {
    UsageStack {
        name: "trailtab".to_owned(),
        function: "trailtab-Function-1".to_owned(),
        queue: "trailtab-DeadLetters-1".to_owned(),
        namespace: "API-COUNT".to_owned(),
        memory_megabytes: 128,
        is_arm: false,
        is_emf: false,
    }
}

/// A day in which all is well: a figure of each kind.
fn well() -> HealthReadings {
    let figures = HealthFigure::ALL.map(|figure| {
        let count = match figure {
            HealthFigure::Received => 1000,
            HealthFigure::Published => 990,
            HealthFigure::Skipped => 10,
            HealthFigure::Chunks => 40,
            HealthFigure::Retries => 2,
            HealthFigure::Invocations => 400,
            HealthFigure::Milliseconds => 80_000,
            _ => 0,
        };
        (figure, count)
    });
    HealthReadings {
        figures: figures.into_iter().collect(),
        metrics: Some(719),
        failures: Vec::new(),
    }
}

fn judge(readings: &HealthReadings) -> FunctionHealth {
    let range = TimeRange {
        from: 1_000_000_800,
        until: 1_000_087_200,
    };
    let run = HealthRun {
        version: "1.0.0",
        invocation: "trailtab usage health trailtab".to_owned(),
        now: range.until,
        region: "eu-west-1".to_owned(),
    };
    FunctionHealth::of(&stack(), range, readings, run)
}

#[test]
fn a_day_in_which_all_is_well_has_no_findings() {
    let health = judge(&well());
    assert_eq!((health.findings, health.events.lost), (vec![], Some(0)));
}

#[test]
fn each_kind_of_loss_is_a_finding() {
    for (figure, finding) in [
        (HealthFigure::Refused, HealthFinding::Lost(3)),
        (HealthFigure::Unsent, HealthFinding::Lost(3)),
        (HealthFigure::Unreadable, HealthFinding::Lost(3)),
        (HealthFigure::Unconfirmed, HealthFinding::Unconfirmed(3)),
        (HealthFigure::DeadLetters, HealthFinding::DeadLetters(3)),
        (
            HealthFigure::DeadLetterErrors,
            HealthFinding::DeadLetterErrors(3),
        ),
    ] {
        let mut readings = well();
        readings.figures.insert(figure, 3);
        if HealthFigure::OUTCOMES.contains(&figure) {
            readings.figures.insert(HealthFigure::Received, 1003);
        }
        assert_eq!(judge(&readings).findings, [finding], "{figure:?}");
    }
}

#[test]
fn errors_and_throttles_that_lambda_repeats_are_no_loss() {
    let mut readings = well();
    readings.figures.insert(HealthFigure::Errors, 7);
    readings.figures.insert(HealthFigure::Throttles, 7);
    let health = judge(&readings);
    assert!(health.is_well());
    assert_eq!(health.deliveries.errors, Some(7));
}

/// They are not received before their repetition, which counts them.
#[test]
fn events_that_are_put_off_are_no_loss() {
    let mut readings = well();
    readings.figures.insert(HealthFigure::Deferred, 7);
    let health = judge(&readings);
    assert!(health.is_well());
    assert_eq!(health.events.deferred, Some(7));
}

#[test]
fn missing_data_are_named_and_never_zero() {
    let mut readings = well();
    for figure in [
        HealthFigure::Unreadable,
        HealthFigure::Invocations,
        HealthFigure::Throttles,
        HealthFigure::DeadLetters,
    ] {
        readings.figures.remove(&figure);
    }
    readings.metrics = None;
    let health = judge(&readings);
    let silent = HealthFinding::NoData(vec!["EventsUnreadable", "Invocations"]);
    assert_eq!(health.findings, [silent]);
    assert_eq!((health.events.unreadable, health.events.lost), (None, None));
    assert_eq!(health.deliveries.throttled, None);
    let spent = &health.spent;
    assert_eq!(
        (spent.metrics, spent.lambda_usd, spent.usd),
        (None, None, None)
    );
}

#[test]
fn known_losses_are_told_beside_missing_data() {
    let mut readings = well();
    readings.figures.remove(&HealthFigure::Unreadable);
    readings.figures.insert(HealthFigure::Unsent, 5);
    let findings = judge(&readings).findings;
    assert!(findings.contains(&HealthFinding::Lost(5)), "{findings:?}");
}

#[test]
fn outcomes_that_do_not_add_up_are_a_finding() {
    let mut readings = well();
    readings.figures.insert(HealthFigure::Received, 1001);
    let (received, told) = (1001, 1000);
    let findings = judge(&readings).findings;
    assert_eq!(findings, [HealthFinding::Unbalanced { received, told }]);
}

#[test]
fn spending_is_priced_for_the_range() {
    let spent = judge(&well()).spent;
    // 719 of calls and eleven of health: a day of 730 metrics, of a month of 730 hours.
    assert_eq!(spent.metrics, Some(730));
    assert_eq!(spent.metrics_usd, Some(Decimal::new(72, 1)));
    assert_eq!(spent.requests, Some(42));
    assert_eq!(spent.requests_usd, Some(Decimal::new(42, 5)));
    assert_eq!(spent.gigabyte_seconds, Some(Decimal::from(10)));
    // 400 requests at $0.20 and 10 GB-seconds at $16.6667, for a million each.
    assert_eq!(spent.lambda_usd, Some(Decimal::new(246_667, 9)));
    assert_eq!(spent.usd, Some(Decimal::new(7_200_666_667, 9)));
    let emf = UsageStack {
        is_emf: true,
        ..stack()
    };
    let range = TimeRange { from: 0, until: 60 };
    assert_eq!(HealthCost::of(&emf, range, &well()).requests, Some(0));
}
