#!/usr/bin/env python3
"""Writes daily bills as CSV (series, day, amount), for the backtest of month estimates.

    python3 benches/daily_bills.py synthetic [SEED] | cargo run -p trailtab-core --example backtest
    target/bench-venv/bin/python benches/daily_bills.py real DIRECTORY | cargo run -p trailtab-core --example backtest

`synthetic` makes bills of eight months, 20 of each shape in SHAPES; the same SEED makes the same bills. `real` reads the usage of the
Cost and Usage Report and the FOCUS export in DIRECTORY (as in ../shared/data/cost): in total, by account, and by service and account,
as far as a series comes to 1 USD. It needs duckdb.
"""
import csv
import datetime
import math
import random
import sys

FIRST = datetime.date(2026, 1, 1)
DAYS = [FIRST + datetime.timedelta(n) for n in range(243)]  # eight whole months
BILLS_OF_A_SHAPE = 20


def noise(dice, deviation):
    """A factor with mean 1."""
    return math.exp(dice.gauss(0, deviation) - deviation * deviation / 2)


def base(dice):
    return math.exp(dice.uniform(2, 8))


def steady(dice, deviation=0.05):
    level = base(dice)
    return [level * noise(dice, deviation) for _ in DAYS]


def noisy(dice):
    return steady(dice, 0.2)


def weekdays(dice):
    level, weekend = base(dice), dice.uniform(0.2, 0.7)
    return [level * (weekend if day.weekday() > 4 else 1) * noise(dice, 0.05) for day in DAYS]


def growth(dice, weekly=0.03):
    level = base(dice)
    return [level * (1 + weekly) ** (n / 7) * noise(dice, 0.05) for n in range(len(DAYS))]


def decline(dice):
    return growth(dice, -0.03)


def steps(dice):
    """A new level every 40 to 90 days."""
    level, change, days = base(dice), dice.randint(20, 80), []
    for n in range(len(DAYS)):
        if n == change:
            level *= dice.choice([0.5, 0.6, 0.75, 1.35, 1.6, 2.0])
            change = n + dice.randint(40, 90)
        days.append(level * noise(dice, 0.05))
    return days


def spikes(dice):
    """4 to 12 times as much on a day in 45."""
    level = base(dice)
    spike = lambda: dice.uniform(4, 12) if dice.random() < 1 / 45 else 1
    return [level * noise(dice, 0.05) * spike() for _ in DAYS]


def month_start(dice):
    """3 to 10 days' worth more on the first of each month."""
    level, job = base(dice), dice.uniform(3, 10)
    return [level * noise(dice, 0.05) * (1 + job * (day.day == 1)) for day in DAYS]


def weekly_job(dice):
    level, job, weekday = base(dice), dice.uniform(3, 8), dice.randrange(7)
    return [level * noise(dice, 0.05) * (1 + job * (day.weekday() == weekday)) for day in DAYS]


def drift(dice):
    """A level that wanders by 2 % a day."""
    level, days = base(dice), []
    for _ in DAYS:
        level *= noise(dice, 0.02)
        days.append(level * noise(dice, 0.03))
    return days


def back_and_forth(dice):
    """Two levels, each for some eight days."""
    levels, days = [base(dice)], []
    levels.append(levels[0] * dice.uniform(1.3, 2.5))
    for _ in DAYS:
        if dice.random() < 1 / 8:
            levels.reverse()
        days.append(levels[0] * noise(dice, 0.03))
    return days


def rare(dice):
    """Nothing on most days."""
    level, part = base(dice), dice.uniform(0.15, 0.5)
    return [level * noise(dice, 0.5) if dice.random() < part else 0 for _ in DAYS]


def projects(dice):
    """Something for 5 to 40 days, then nothing for 5 to 30."""
    days, start = [0.0] * len(DAYS), dice.randint(0, 30)
    while start < len(DAYS):
        end, level = start + dice.randint(5, 40), math.exp(dice.uniform(2, 5))
        for n in range(start, min(end, len(DAYS))):
            days[n] = level * noise(dice, 0.1)
        start = end + dice.randint(5, 30)
    return days


def organisation(dice):
    """6 to 25 services of these shapes, a few of which are most of the bill."""
    weights = {
        steady: 6, weekdays: 5, growth: 0.6, decline: 0.6, steps: 3, spikes: 2, month_start: 1, noisy: 2, weekly_job: 1,
        drift: 3, rare: 2, back_and_forth: 1, projects: 3,
    }
    days = [0.0] * len(DAYS)
    for _ in range(dice.randint(6, 25)):
        shape = dice.choices(list(weights), weights.values())[0](dice)
        scale = 10 * dice.paretovariate(1) / (sum(shape) / len(shape) or 1)
        days = [sum_ + amount * scale for sum_, amount in zip(days, shape)]
    return days


SHAPES = [
    steady, noisy, weekdays, growth, decline, steps, spikes, month_start, weekly_job, drift, back_and_forth, rare, projects,
    organisation,
]


def synthetic(seed):
    for shape in SHAPES:
        for number in range(BILLS_OF_A_SHAPE):
            dice = random.Random(f"{seed}/{shape.__name__}/{number}")
            for day, amount in zip(DAYS, shape(dice)):
                yield f"{shape.__name__.replace('_', ' ')}:{number}", day, f"{amount:.6f}"


def real(directory):
    import duckdb

    usage = {
        "Cost and Usage Report": f"""
            select line_item_usage_start_date::timestamp::date as day, line_item_usage_account_id as account,
                   line_item_product_code as service, line_item_unblended_cost as cost
            from '{directory}/cur_walabs/*.parquet' where line_item_line_item_type in ('Usage', 'DiscountedUsage')""",
        "FOCUS export": f"""
            select ChargePeriodStart::timestamp::date as day, SubAccountId as account, ServiceName as service, BilledCost::double as cost
            from read_csv('{directory}/focus_sample/focus_sample.csv', all_varchar = true)
            where ProviderName = 'AWS' and ChargeCategory = 'Usage'""",
    }
    cuts = {"total": "''", "account": "account", "service and account": "account || '/' || service"}
    for source, query in usage.items():
        for cut, key in cuts.items():
            rows = duckdb.sql(
                f"""with usage as ({query}), days as (select distinct day from usage),
                    keys as (select {key} as key from usage group by 1 having sum(cost) >= 1)
                    select keys.key, days.day, coalesce(sum(usage.cost), 0) from keys cross join days
                    left join usage on {key} = keys.key and usage.day = days.day group by all order by all"""
            ).fetchall()
            for name, day, cost in rows:
                yield f"{source}, {cut}:{name}", day, f"{cost:.9f}"


def main():
    what, *rest = sys.argv[1:] or [""]
    if what == "synthetic":
        rows = synthetic(rest[0] if rest else "1")
    elif what == "real" and rest:
        rows = real(rest[0])
    else:
        sys.exit(__doc__)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["series", "day", "amount"])
    out.writerows(rows)


if __name__ == "__main__":
    main()
