//! Tests which reports are due when, and restatements, on the demo's bill.

use std::collections::BTreeSet;

use super::answers::{AnswerCache, AnswerSource, RunAnswers};
use super::gather::GatheredCosts;
use super::history::{CurrencyTotal, FiguresBasis, MailedFigures};
use super::{CostRun, ReportPeriod, Wanted, earlier_mail, growth};
use crate::deliver::ledger::SendLedger;
use jiff::ToSpan as _;
use jiff::civil::Date;
use trailtab_core::cost::audience::{self, AccountDirectory};
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::recipient::{RecipientList, ReportDestination, ReportRecipient};
use trailtab_core::cost::report::sample_bill::{self, Bill};
use trailtab_core::cost::report::{Audience, AudienceKind, PeriodKind};
use trailtab_core::cost::settings::{CostSettings, DaySpan, MailFrequency};
use trailtab_core::time;
use trailtab_demo::bill;

const SETTINGS: &str = r#"
    users = ["maya.chen@example.com"]
    executives = ["cfo@example.com"]

    [managers]
    "head@example.com" = ["Sandbox", "Production"]

    [schedule]
    users = "monday"
    executives = "month"

    [[channels]]
    name = "platform"
    kind = "slack"
    url_secret = "slack-platform"
    accounts = ["Production"]
    schedule = "tuesday"
"#;

fn run(now: &str) -> CostRun {
    let now = time::parse(now.as_bytes()).unwrap();
    let answers = bill::answers(1, now);
    let named = bill::accounts().map(|(id, name)| (id.to_owned(), name.to_owned()));
    CostRun {
        settings: CostSettings::parse(SETTINGS.as_bytes()).unwrap(),
        answers: RunAnswers::new(AnswerSource::saved(answers), None, now).into(),
        directory: AccountDirectory::new(named.collect(), BTreeSet::new()),
        has_directory: true,
        by: Vec::new(),
        notes: Vec::new(),
        remarks: Vec::new(),
        now,
    }
}

fn due(now: &str) -> Vec<(String, PeriodKind)> {
    let run = run(now);
    let recipients = RecipientList::of(&run.settings, &run.directory);
    assert!(recipients.refused.is_empty());
    let due = run.due(&recipients.accepted).into_iter();
    due.map(|wanted| {
        (
            wanted.recipient.destination.to_string(),
            wanted.occasion.kind,
        )
    })
    .collect()
}

#[test]
fn reports_come_on_their_days() {
    use PeriodKind::{LastMonth, MonthToDate};
    let due = |now: &str| {
        let due = due(now);
        due.into_iter()
            .map(|(to, kind)| (to.split(['@', ' ']).next().unwrap().to_owned(), kind))
            .collect::<Vec<_>>()
    };
    let of = |all: &[(&str, PeriodKind)]| {
        all.iter()
            .map(|(to, kind)| ((*to).to_owned(), *kind))
            .collect::<Vec<_>>()
    };
    let closing = [
        ("cfo", LastMonth),
        ("head", LastMonth),
        ("maya.chen", LastMonth),
        ("platform", LastMonth),
    ];
    // The 1st, a Tuesday: the month has no days yet, and the previous one is far from final.
    assert_eq!(due("2026-09-01T06:00:00Z"), []);
    // The 3rd: no day of the month is settled.
    assert_eq!(due("2026-09-03T06:00:00Z"), []);
    assert_eq!(due("2026-09-04T06:00:00Z"), of(&[("head", MonthToDate)]));
    // The 5th, a Saturday: the closing reports, which do not wait for a weekday.
    let mut saturday = closing.to_vec();
    saturday.insert(2, ("head", MonthToDate));
    assert_eq!(due("2026-09-05T06:00:00Z"), of(&saturday));
    // The 7th, a Monday.
    let all = [
        ("cfo", LastMonth),
        ("head", LastMonth),
        ("head", MonthToDate),
        ("maya.chen", LastMonth),
        ("maya.chen", MonthToDate),
        ("platform", LastMonth),
    ];
    assert_eq!(due("2026-09-07T06:00:00Z"), of(&all));
    // To the end of the month, for corrections.
    assert_eq!(due("2026-09-28T06:00:00Z"), of(&all));
}

#[test]
fn a_closing_report_is_not_begun_late() {
    for (now, is_follow_up) in [
        ("2026-09-15T06:00:00Z", false),
        ("2026-09-16T06:00:00Z", true),
    ] {
        let run = run(now);
        let recipients = RecipientList::of(&run.settings, &run.directory);
        for wanted in run.due(&recipients.accepted) {
            let is_closing = wanted.occasion.kind == PeriodKind::LastMonth;
            assert_eq!(wanted.is_follow_up, is_closing && is_follow_up);
        }
        // A look at the invoice alone is not worth a paid request then.
        let mut run = self::run(now);
        run.settings.schedule.managers = MailFrequency::Month;
        run.settings.schedule.users = MailFrequency::Month;
        assert_eq!(run.is_anything_due(), !is_follow_up);
    }
}

#[test]
fn mails_can_be_about_the_last_days() {
    let mut run = run("2026-09-21T06:00:00Z");
    run.settings.days.managers = DaySpan::Last(7);
    let recipients = RecipientList::of(&run.settings, &run.directory);
    let due = run.due(&recipients.accepted);
    let head = due.iter().find(|wanted| {
        wanted.recipient.destination.name().starts_with("head")
            && wanted.occasion.kind == PeriodKind::Range
    });
    let days = head.unwrap().occasion.days;
    assert_eq!(days.label(), "12–18 September 2026");
    assert!(run.occasions().iter().any(|occasion| occasion.days == days));
}

/// The due reports with their recipients, and the costs that they are made from.
async fn ready(run: &mut CostRun) -> (Vec<Wanted>, GatheredCosts) {
    let recipients = RecipientList::of(&run.settings, &run.directory);
    let wanted = run.due(&recipients.accepted);
    let audiences: Vec<(&Audience, Option<&CostOwner>)> = wanted
        .iter()
        .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
        .collect();
    let occasions: Vec<ReportPeriod> = run.occasions();
    let need = run.need(&audiences, &occasions);
    let books = run.books(&need).await.unwrap();
    (wanted, books)
}

#[tokio::test]
async fn changed_figures_are_restated() {
    let mut run = run("2026-09-21T06:00:00Z");
    let (wanted, books) = ready(&mut run).await;
    let head = wanted
        .iter()
        .find(|wanted| {
            wanted.recipient.owner.is_none() && wanted.occasion.kind == PeriodKind::MonthToDate
        })
        .unwrap();
    let report = run.report(&books, &head.recipient.audience, None, head.occasion, &[]);
    let settled = report.period.settled().unwrap();
    let true_total = report.parts[0].usage.settled;
    let told = |amount: &str, currency: &str| MailedFigures {
        mailed: "2026-09-20".parse().unwrap(),
        days: settled,
        totals: vec![CurrencyTotal {
            currency: currency.to_owned(),
            amount: amount.parse().unwrap(),
        }],
        basis: FiguresBasis::SettledUsage,
        is_final: false,
        scope: String::new(),
        fingerprint: String::new(),
    };
    let said =
        |mailed: &MailedFigures| earlier_mail::restatements(&run, &books, &head.recipient, mailed);
    assert_eq!(said(&told(&true_total.to_string(), "USD")), []);
    let restated = said(&told("40.10", "USD"));
    assert_eq!(
        restated[0].sentence,
        "For 1–18 September 2026 you were told usage of $40.10 on 20 September 2026; it is $6,708.58 now."
    );
    assert_eq!((restated.len(), restated[0].is), (1, true_total));
    // A recipient who was mailed no amounts is told the current ones.
    let mut nothing = told("0", "USD");
    nothing.totals.clear();
    assert_eq!(said(&nothing).len(), 1);
    // Currencies are compared separately.
    let restated = said(&told("5", "CNY"));
    assert_eq!(restated.len(), 2);
}

#[tokio::test]
async fn a_report_is_the_same_in_any_order_and_another_with_other_amounts() {
    let mut run = run("2026-09-21T06:00:00Z");
    let (wanted, mut books) = ready(&mut run).await;
    let head = wanted
        .iter()
        .find(|wanted| wanted.recipient.owner.is_none())
        .unwrap();
    let audience = &head.recipient.audience;
    let print = |books: &GatheredCosts| {
        earlier_mail::fingerprint(&run.report(books, audience, None, head.occasion, &[]))
    };
    let before = print(&books);
    let lines = books.table.lines();
    let lines: Vec<_> = lines.map(|(key, line)| (key.clone(), *line)).collect();
    books.table = lines.iter().rev().cloned().collect();
    assert_eq!(print(&books), before);
    for (key, line) in lines {
        books.table.add(key, line);
    }
    assert_ne!(print(&books), before);
}

/// On each morning, a third of yesterday is there, and all of the days before.
#[tokio::test]
async fn what_runs_saw_tells_how_long_days_load() {
    let mut run = run("2026-09-21T06:00:00Z");
    let (_, mut books) = ready(&mut run).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = AnswerCache {
        place: SendLedger::Directory(folder.path().to_owned()),
        account: "111122223333".to_owned(),
        max_age: 0,
    };
    let metric = run.settings.metric;
    let first: Date = "2026-09-01".parse().unwrap();
    for number in 1..20 {
        let today = first.saturating_add(number.days());
        let mut bill = Bill::default();
        for back in 1..=number {
            let day = today.saturating_sub(back.days());
            let amount = if back == 1 { "3" } else { "10" };
            let owner = CostOwner::Untagged;
            bill.used(day, sample_bill::PRODUCTION, &owner, "Amazon S3", amount);
        }
        books.table = bill.table();
        growth::record(&cache, metric, today, &books).await.unwrap();
    }
    let lag = growth::load(&cache, metric).await.unwrap().observed_lag();
    let lag = lag.unwrap();
    assert_eq!(lag.lag_days, 1);
    assert!(lag.days_measured >= 10, "{}", lag.days_measured);
    // Another metric has a record of its own.
    let other = growth::load(&cache, CostMetric::AmortizedCost)
        .await
        .unwrap();
    assert_eq!(other.observed_lag(), None);
}

/// Ledgers keep scopes for months: with other hashes, figures that have changed since they were
/// mailed would no longer be corrected.
#[test]
fn scopes_have_the_same_hash_for_ever() {
    let mut run = run("2026-09-21T06:00:00Z");
    run.settings.owner.keys = ["Owner", "cost-category:Team"]
        .map(|key| key.parse().unwrap())
        .into();
    run.settings.owner.domain = Some("example.com".to_owned());
    let alias = ("asmith".to_owned(), "ann@example.com".to_owned());
    run.settings.owner.aliases.extend([alias]);
    let scope = |audience: Audience, owner: Option<CostOwner>| {
        let recipient = ReportRecipient {
            destination: ReportDestination::Mailbox("head@example.com".to_owned()),
            frequency: MailFrequency::Day,
            audience,
            owner,
            problems: Vec::new(),
        };
        let occasion = run.last_month();
        earlier_mail::scope(
            &run,
            &Wanted {
                recipient,
                occasion,
                is_scheduled: true,
                is_follow_up: false,
            },
        )
    };
    let manager = sample_bill::manager(&["111122223333", "222233334444"]);
    let ann = CostOwner::Named("ann".to_owned());
    for (scope, version_1, version_2) in [
        (
            scope(manager, None),
            "8aebd78bf38bfb3f21fe91eb5cd86705",
            "2:85e53fd8ee996251ae5ae7e82a22fc65036bb065a04343a64d7c26d4a983b48f",
        ),
        (
            scope(audience::executive(&run.directory), None),
            "6fea017849332d9df44ec316acda4958",
            "2:1679a1b6f8b313d571af96e9b5df4d23f628b83075ce97e03c44af0d6f94d44c",
        ),
        (
            scope(audience::individual(&ann), Some(ann)),
            "f2efa018f2ef715478e448c6bb98cf0c",
            "2:ae8c83f8e8e5cefb8a340dfb8503637c0b692f7fb12a59fcc3eb8c095c661b33",
        ),
    ] {
        assert_eq!(scope.as_str(), version_2);
        assert!(scope.matches(version_1));
    }
}

/// With other hashes, reports that were mailed already would be mailed again as corrections.
#[test]
fn contents_have_the_same_hash_for_ever() {
    let (mut bill, names) = (Bill::default(), sample_bill::names());
    let (day, account) = ("2026-11-02".parse().unwrap(), sample_bill::PRODUCTION);
    bill.used(
        day,
        account,
        &sample_bill::owner("ann"),
        "Amazon S3",
        "1.234",
    );
    bill.charged(day, Some(account), ChargeType::Tax, "0.125");
    let audience = sample_bill::manager(&[account]);
    let question = sample_bill::november(&names);
    let report = trailtab_core::cost::report::report(&bill.table(), &audience, None, &question);
    let content = earlier_mail::fingerprint(&report);
    let version_2 = "2:bfc6ce504aac8c489544733d95e4cb555ed577d7b145a5a6f4fbcedbd478db14";
    assert_eq!(content.as_str(), version_2);
    assert!(content.matches("dafb9b43c8ccc358617072c3b8998a97"));
}

#[tokio::test]
async fn a_budget_that_is_not_known_does_not_keep_a_report_back() {
    let mut run = run("2026-09-21T06:00:00Z");
    run.settings = CostSettings::parse(
        br#"
            executives = ["cfo@example.com"]

            [managers]
            "head@example.com" = ["Sandbox"]

            [[budgets]]
            amount = 100
            tag = "project"
            value = "apollo"
        "#,
    )
    .unwrap();
    let (wanted, books) = ready(&mut run).await;
    let left_out = |name: &str, kind: PeriodKind| {
        let is_meant = |wanted: &&Wanted| wanted.recipient.destination.name() == name;
        let wanted = wanted.iter().find(is_meant).unwrap();
        books.left_out_of(&wanted.recipient.audience, kind)
    };
    let told = left_out("cfo@example.com", PeriodKind::MonthToDate);
    assert_eq!(told.len(), 1);
    // The mail has no file names and no advice that its reader cannot follow.
    let short = "budgets: usage by the tag project could not be read";
    assert_eq!(told[0].short, short);
    assert!(
        told[0]
            .hint
            .starts_with(&format!("{short}: no saved answer"))
    );
    // Other reports have no budgets on tags.
    assert_eq!(left_out("cfo@example.com", PeriodKind::LastMonth), []);
    assert_eq!(left_out("head@example.com", PeriodKind::MonthToDate), []);
    let executive = wanted.iter().find(|wanted| {
        wanted.recipient.audience.kind == AudienceKind::Executive
            && wanted.occasion.kind == PeriodKind::MonthToDate
    });
    let executive = executive.unwrap();
    let audience = &executive.recipient.audience;
    let report = run.report(&books, audience, None, executive.occasion, &[]);
    // Problems beyond those that are told would keep the mail back.
    assert_eq!(report.basis.problems, [""; 0]);
    assert_eq!(report.parts[0].budgets[0].status.used, None);
}
