#!/usr/bin/env python3
"""Compares the CPU time per chart of cost mails with that of matplotlib drawing the predecessor's charts.

    cargo build --release && python3 benches/cost.py

Both run on this machine, one after the other. The time of trailtab is that of the whole program: reading answers,
reports, HTML, MIME and charts. The time of matplotlib is that of drawing data in memory, without imports. Needs
matplotlib, preferably in target/bench-venv.
"""
import datetime
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("TRAILTAB", ROOT / "target/release/trailtab"))
ACCOUNTS = ["Management", "Security", "Production", "Staging", "Development", "Sandbox"]
MANAGERS = 20


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*words, check=True):
    before = children()
    subprocess.run([PROGRAM, "--quiet", *words], check=check, stdout=subprocess.DEVNULL)
    return children() - before


def ours(folder):
    config = folder / "config.json"
    managers = {f"head{n}@example.com": ACCOUNTS for n in range(MANAGERS)}
    config.write_text(json.dumps({"managers": managers, "users": []}))
    mails = folder / "mails"
    spent = run(
        "cost", "--offline", folder / "demo/bill", "--config", config, "--since", "2026-09-01",
        "--send", "--dry-run", "--output", mails, "--ledger", folder / "ledger",
    )
    charts = sum(path.read_bytes().count(b"Content-Type: image/png") for path in mails.glob("*.eml"))
    return spent, charts


def theirs(report, charts):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plot

    rows = []
    for part in report["parts"]:
        for account in part["accounts"]:
            rows += [account["owners"], account["services"]]
        rows += [part["owners"], part["services"]]
    before = sum(os.times()[:2])
    with tempfile.TemporaryDirectory() as folder:
        for n in range(charts):
            figure = plot.figure(figsize=(8, 5))
            bottom = None
            for row in rows[n % len(rows)]:
                heights = [float(amount) for amount in row["daily"]]
                bottom = bottom or [0.0] * len(heights)
                plot.bar(range(len(heights)), heights, bottom=bottom, label=row["label"]["name"])
                bottom = [low + high for low, high in zip(bottom, heights)]
            plot.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), fontsize=6)
            figure.savefig(f"{folder}/{n}.png", dpi=200, bbox_inches="tight")
            plot.close(figure)
    return sum(os.times()[:2]) - before


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run("demo", "--output", folder / "demo")
        spent, charts = ours(folder)
        page = ["cost", "--offline", folder / "demo/bill", "--format", "json"]
        for account in ACCOUNTS:
            page += ["--account", account]
        report = json.loads(subprocess.run([PROGRAM, *page], check=True, capture_output=True).stdout)
    few = min(charts, 40)
    rival = theirs(report, few)
    own, other = spent / charts * 1000, rival / few * 1000
    print(datetime.date.today())
    print(f"trailtab: {charts} charts in {MANAGERS} mails, {own:.1f} ms of CPU a chart, all else included")
    print(f"matplotlib: {few} charts, {other:.0f} ms of CPU a chart; {other / own:.0f} times as much")


if __name__ == "__main__":
    sys.exit(main())
