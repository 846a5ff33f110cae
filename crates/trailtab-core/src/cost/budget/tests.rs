//! Tests of budgets: what settings mean, and how a month stands.

use jiff::civil::date;

use super::*;
use crate::cost::settings::CostSettings;

const NOVEMBER: DayRange = DayRange {
    from: date(2026, 11, 1),
    through: date(2026, 11, 30),
};

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn parse(text: &str) -> Result<Vec<BudgetRule>, String> {
    let settings = CostSettings::parse(text.as_bytes());
    settings.map(|settings| settings.budgets).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    })
}

#[test]
fn settings_name_what_a_budget_is_about() {
    let budgets = parse(
        r#"
            [[budgets]]
            amount = 12000

            [[budgets]]
            name = "Production"
            amount = "4500.50"
            account = "Production"

            [[budgets]]
            amount = 99.5
            currency = "CNY"
            owner = "ann@example.com"

            [[budgets]]
            amount = 300
            tag = "project"
            value = "apollo"
        "#,
    );
    let budgets = budgets.unwrap();
    let subjects: Vec<BudgetSubject<'_>> = budgets.iter().map(BudgetRule::subject).collect();
    let expected = [
        BudgetSubject::Bill,
        BudgetSubject::Account("Production"),
        BudgetSubject::Owner("ann@example.com"),
        BudgetSubject::Tag {
            key: "project",
            value: "apollo",
        },
    ];
    assert_eq!(subjects, expected);
    let amounts: Vec<Decimal> = budgets.iter().map(|budget| budget.amount).collect();
    assert_eq!(
        amounts,
        [usd("12000"), usd("4500.5"), usd("99.5"), usd("300")]
    );
    assert_eq!(
        (budgets[0].currency.as_str(), budgets[2].currency.as_str()),
        ("USD", "CNY")
    );
    let json = parse(r#"{"budgets": [{"amount": 12.25, "owner": "ann"}]}"#).unwrap();
    assert_eq!(
        (json[0].amount, json[0].name.as_deref()),
        (usd("12.25"), None)
    );
    assert_eq!(parse("").unwrap(), []);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (budget, part) in [
        ("", "amount"),
        (
            "amount = 0",
            "an amount above 0, such as 1200 or \"1200.50\"",
        ),
        ("amount = \"-3\"", "\"-3\" is not an amount above 0"),
        ("amount = \"1,200\"", "\"1,200\" is not an amount"),
        ("amount = 1\nlimit = 2", "limit"),
        (
            "amount = 1\nowner = \"a\"\naccount = \"b\"",
            "number 2 of budgets names an account and an owner",
        ),
        (
            "amount = 1\nname = \"x\"\nowner = \" \"",
            "number 2 of budgets (\"x\") has an empty account, owner, tag, value or name",
        ),
        (
            "amount = 1\ntag = \"a\"\nvalue = \"b\"\naccount = \"c\"",
            "number 2 of budgets names an account and a tag",
        ),
        ("amount = 1\ntag = \"a\"", "has a tag without a value"),
        ("amount = 1\nvalue = \"a\"", "or a value without a tag"),
        ("amount = 1\ntag = \"a\"\nvalue = \" \"", "has an empty"),
        ("amount = 1\nname = \"\"", "has an empty"),
        (
            "amount = 1\nname = \"a\\nb\"",
            "has a name that is not a line of at most 100 characters",
        ),
        (
            "amount = 1\ncurrency = \"usd\"",
            "has the currency \"usd\": write three capital letters",
        ),
    ] {
        let error = parse(&format!("[[budgets]]\namount = 7\n[[budgets]]\n{budget}")).unwrap_err();
        assert!(error.contains(part), "{budget}: {error}");
    }
    let many = "[[budgets]]\namount = 1\n".repeat(1001);
    assert!(
        parse(&many)
            .unwrap_err()
            .contains("there are 1001 budgets, and at most 1000")
    );
    assert_eq!(
        parse(&many["[[budgets]]\namount = 1\n".len()..])
            .unwrap()
            .len(),
        1000
    );
}

/// Ten settled days of 10, twenty expected ones of 10, and 60 of tax at the end of the month.
fn status(amount: &str) -> BudgetStatus {
    let ahead: Vec<EstimatedDay> = NOVEMBER
        .iter()
        .skip(10)
        .map(|day| EstimatedDay {
            day,
            amount: Decimal::TEN,
        })
        .collect();
    let estimate = Some(MonthEstimate {
        low: usd("340"),
        expected: usd("360"),
        high: usd("400"),
    });
    let figures = BudgetFigures {
        month: NOVEMBER,
        spent: &[Decimal::TEN; 10],
        estimate,
        ahead: &ahead,
    };
    BudgetStatus::of(usd(amount), &figures)
}

#[test]
fn a_budget_tells_when_it_is_passed() {
    let day = |day: i8| Some(date(2026, 11, day));
    for (amount, passed_on, will_pass_on, outlook) in [
        ("55", day(6), None, BudgetOutlook::Passed),
        ("60", day(7), None, BudgetOutlook::Passed),
        ("99.99", day(10), None, BudgetOutlook::Passed),
        // Exactly the amount does not pass it.
        ("100", None, day(11), BudgetOutlook::WillPass),
        ("200", None, day(21), BudgetOutlook::WillPass),
        ("299.99", None, day(30), BudgetOutlook::WillPass),
        // Tax alone passes it.
        ("350", None, day(30), BudgetOutlook::WillPass),
        ("360", None, None, BudgetOutlook::MayPass),
        ("400", None, None, BudgetOutlook::Within),
    ] {
        let status = status(amount);
        assert_eq!(
            (status.passed_on, status.will_pass_on),
            (passed_on, will_pass_on),
            "{amount}"
        );
        assert_eq!(status.outlook, outlook, "{amount}");
        assert_eq!(status.used, Some(usd("100")));
    }
    assert_eq!(status("400").used_share, Some(usd("0.25")));
    assert_eq!(status("300").used_share, Some(usd("0.3333")));
    assert_eq!(status("50").used_share, Some(usd("2")));
}

#[test]
fn a_refund_takes_a_budget_back_below_its_amount() {
    let spent = [50, 60, -40, 10, 30].map(Decimal::from);
    let of = |days: usize| {
        let figures = BudgetFigures {
            month: NOVEMBER,
            spent: &spent[..days],
            estimate: None,
            ahead: &[],
        };
        let status = BudgetStatus::of(usd("100"), &figures);
        (status.used, status.passed_on, status.outlook)
    };
    assert_eq!(
        of(2),
        (
            Some(usd("110")),
            Some(date(2026, 11, 2)),
            BudgetOutlook::Passed
        )
    );
    assert_eq!(of(4), (Some(usd("80")), None, BudgetOutlook::Unknown));
    assert_eq!(
        of(5),
        (
            Some(usd("110")),
            Some(date(2026, 11, 5)),
            BudgetOutlook::Passed
        )
    );
    assert_eq!(of(0), (Some(Decimal::ZERO), None, BudgetOutlook::Unknown));
}

#[test]
fn any_amounts_have_a_status() {
    let ahead = [EstimatedDay {
        day: date(2026, 11, 30),
        amount: Decimal::MAX,
    }];
    for spent in [Decimal::MAX, Decimal::MIN] {
        let figures = BudgetFigures {
            month: NOVEMBER,
            spent: &[spent; 40],
            estimate: Some(MonthEstimate {
                low: spent,
                expected: spent,
                high: spent,
            }),
            ahead: &ahead,
        };
        for amount in [
            "0.0000000000000000000000000001",
            "79228162514264337593543950335",
        ] {
            let status = BudgetStatus::of(usd(amount), &figures);
            assert_eq!(status.used, Some(spent));
        }
    }
}
