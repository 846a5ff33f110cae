"""Compares trailtab with the physical limit and with its alternatives in one run.

    python3 benches/compare.py [--quick] [--only read,memory,plot] …  > target/bench/report.md

Prints Markdown on stdout and progress on stderr. Every program reads the same files from the page cache; the
runs are interleaved (A B C A B C …), so that other load on the machine affects all of them equally. A ratio
is the median of the ratios of the rounds. Machines differ: quote the ratios, never the seconds.

Needs Python 3.11, cargo and a release build of trailtab. Creates a virtual environment (requirements.txt)
and, under --dir, corpora, and keeps both for the next run; delete a corpus to regenerate it.
"""

import argparse
import dataclasses
import itertools
import json
import os
import platform
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCHES = Path(__file__).resolve().parent
PROJECT = BENCHES.parent
# The crates of the Rust programs beside trailtab, those of Cargo.lock in the same versions.
RUST_DEPENDENCIES = {
    "inflate": {"libdeflater": '"=1.26.1"'},
    "typed": {
        "foldhash": '"=0.2.0"',
        "libdeflater": '"=1.26.1"',
        "serde": '{ version = "=1.0.229", features = ["derive"] }',
        "serde_json": '"=1.0.154"',
        "sonic-rs": '"=0.5.10"',
    },
}

READERS = {  # program -> name in the report
    "inflate": "inflate only, libdeflate, one thread: the floor",
    "trailtab": "trailtab activity",
    "trailtab-1": "trailtab activity, one core",
    "sonic-rs": "typed sonic-rs, one thread, no deduplication",
    "serde_json": "typed serde_json, one thread, no deduplication",
    "chdb": "chDB",
    "duckdb": "DuckDB read_json_objects + from_json",
    "duckdb-columns": "DuckDB read_json, columns, records = true",
    "duckdb-auto": "DuckDB read_json, columns only",
    "orjson": "Python loop, zlib + orjson",
}
# duckdb-auto is by far the slowest and runs only on request: it measures sampling more than reading.
DEFAULT_READERS = [name for name in READERS if name != "duckdb-auto"]

# (numerator, denominator, figure, comparison, goal)
READ_GOALS = [
    ("trailtab", "inflate", "cpu", "<=", 1.8),
    ("chdb", "trailtab", "cpu", ">=", 5),
    ("duckdb", "trailtab", "cpu", ">=", 30),
    ("duckdb-columns", "trailtab", "cpu", ">=", 30),
    ("duckdb-auto", "trailtab", "cpu", ">=", 30),
    ("orjson", "trailtab", "cpu", ">=", 8),
    ("trailtab-1", "trailtab", "wall", ">=", 1.9),
]
MEMORY_MIB, MEMORY_BYTES_PER_ID = 100, 32
PLOT_CPU_SECONDS = 6

PRINCIPALS, REGIONS = 188, 18  # 4 charts per principal, 1 per region, 5 summaries: 775
CHARTS = 775


@dataclasses.dataclass
class Run:
    """The resources that a process and its children used."""

    cpu: float
    wall: float
    mib: float
    code: int
    text: str


def main():
    options = parse()
    options.dir.mkdir(parents=True, exist_ok=True)
    options.has_binary = os.access(options.binary, os.X_OK)
    print_machine(options)
    failed = False
    for part in options.only:
        try:
            {"read": read, "events": events, "memory": memory, "plot": plot}[part](options)
        except Failed as error:
            failed = True
            print(f"\nFAILED: {error}", flush=True)
    sys.exit(failed)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", type=commas, default=["read", "memory", "plot"], help="parts: read,events,memory,plot")
    add(
        "--quick",
        action="store_true",
        help="small corpora and two runs: shows that it works, measures nothing",
    )
    add("--binary", type=Path, default=PROJECT / "target/release/trailtab")
    add("--data", type=Path, default=PROJECT / "../shared/data", help="folder of the real records")
    add("--dir", type=Path, default=PROJECT / "target/bench", help="folder for the corpora")
    add("--corpora", type=commas, default=["real", "demo", "tiny"])
    add("--readers", type=commas, default=DEFAULT_READERS, help=f"of {','.join(READERS)}")
    add("--runs", type=int, default=5)
    add("--copies", type=int, default=40, help="of the real records, in real and tiny")
    add("--demo-events", type=int, default=300_000)
    add("--memory-records", type=int, default=2_000_000)
    add("--charts", type=int, default=20, help="that matplotlib draws, scaled up to the whole set")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.copies, options.charts = 2, 4, 4
        options.demo_events, options.memory_records = 20_000, 100_000
    for given, known in (
        (options.only, ["read", "events", "memory", "plot"]),
        (options.corpora, list(CORPORA)),
        (options.readers, list(READERS)),
    ):
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    options.dir, options.binary, options.data = (path.resolve() for path in (options.dir, options.binary, options.data))
    return options


def commas(text):
    return text.split(",")


# -- the parts --


def read(options):
    """Measures reading of log files: every program on every corpus."""
    readers = [name for name in options.readers if options.has_binary or not name.startswith("trailtab")]
    commands = {name: reader_command(name, options) for name in readers}
    for name in options.corpora:
        try:
            corpus, facts = CORPORA[name](options)
        except Skipped as reason:
            print(f"\n## Reading: {name}\n\nskipped: {reason}")
            continue
        print(f"\n## Reading: {name}\n\n{describe(facts)}, median of {options.runs} runs\n")
        out = options.dir / "out"
        rounds = interleave({name: command(corpus, out) for name, command in commands.items()}, options.runs, out)
        print_runs(rounds, facts["records"])
        print_goals(rounds, READ_GOALS)
        print_agreement(rounds, facts)


# Programs that print whole records in order of time, and what is filtered: the deletions, or every record.
EVENT_READERS = {
    "trailtab": "trailtab events --format raw",
    "trailtab-jsonl": "trailtab events --format jsonl",
    "duckdb": "DuckDB 2.0, read_json_objects, ORDER BY",
    "jq": "zcat, jq and sort",
}
EVENT_QUESTIONS = {"deletions, in order of time": "Delete", "all records, in order of time": ""}


def events(options):
    """Measures filtering and sorting: whole records, in order of time."""
    if not options.has_binary:
        print(f"\n## Events\n\nskipped: no {options.binary}")
        return
    corpus, facts = demo_corpus(options)
    out = options.dir / "out"
    for question, prefix in EVENT_QUESTIONS.items():
        pattern = f"--event-name '{prefix}*'" if prefix else ""
        shell = {
            "trailtab": f"'{options.binary}' events '{corpus}' --quiet {pattern} --format raw",
            "trailtab-jsonl": f"'{options.binary}' events '{corpus}' --quiet {pattern} --format jsonl",
            "duckdb": f"'{venv_python()}' '{BENCHES}/rivals.py' duckdb-events '{corpus}' '{prefix}'",
        }
        if shutil.which("jq") and prefix:
            wanted = f'select(.eventName | startswith("{prefix}"))'
            shell["jq"] = (
                f"find '{corpus}' -name '*.json.gz' -print0 | xargs -0 zcat"
                f" | jq -r '.Records[] | {wanted} | .eventTime + \"\\t\" + tojson' | LC_ALL=C sort | cut -f 2-"
            )
        # Counting lines costs little, and shows whether all agree.
        count = " | grep -c -e eventTime -e event_time"
        commands = {name: ["bash", "-c", command + count] for name, command in shell.items()}
        rounds = interleave(commands, options.runs, out)
        print(f"\n## Events: {question}\n\n{describe(facts)}, median of {options.runs} runs\n")
        print_runs(rounds, facts["records"], EVENT_READERS)
        print()
        for name, runs in rounds.items():
            print(f"* {EVENT_READERS[name]}: {runs[-1].text} lines with a time")


def memory(options):
    """Measures trailtab's peak memory on a long log: a fixed part and a few bytes per eventID."""
    print("\n## Memory\n")
    if not options.has_binary:
        print(f"skipped: no {options.binary}")
        return
    one_copy = real_corpus(options, "real", 1)[1]["records"]
    corpus, facts = real_corpus(options, "real", -(-options.memory_records // one_copy))
    out = options.dir / "out"
    [run] = interleave({"trailtab": reader_command("trailtab", options)(corpus, out)}, 1, out)["trailtab"]
    limit = MEMORY_MIB + MEMORY_BYTES_PER_ID * facts["distinct_ids"] / 2**20
    print(f"{describe(facts)}, {facts['distinct_ids']:,} eventIDs\n")
    print_table(
        ["trailtab peak MiB", f"goal: {MEMORY_MIB} MiB + {MEMORY_BYTES_PER_ID} B an eventID", ""],
        [[mebibytes(run.mib), f"<= {limit:.0f}", verdict(run.mib <= limit)]],
    )


def plot(options):
    """Measures charts: the whole set by trailtab, a part by matplotlib, scaled up."""
    summary = options.dir / "plot-summary.json"
    summary.write_text(json.dumps(made_summary(), indent=2, sort_keys=True))
    out = options.dir / "out"
    rival = [venv_python(), BENCHES / "rivals.py", "matplotlib", summary, out]
    commands = {"load": [*rival, 0], "matplotlib": [*rival, options.charts]}
    if options.has_binary:
        commands["trailtab"] = [options.binary, "plot", summary, "--output", out]
    rounds = interleave(commands, options.runs, out)
    print(f"\n## Charts\n\n{CHARTS} charts of {PRINCIPALS} principals, median of {options.runs} runs\n")
    scale = CHARTS / options.charts
    scaled = [load.cpu + (draw.cpu - load.cpu) * scale for load, draw in zip(rounds["load"], rounds["matplotlib"])]
    rows = [
        [
            f"matplotlib, {options.charts} charts drawn, SCALED to {CHARTS}",
            number(statistics.median(scaled)),
            "",
            "1",
            "",
            "",
        ]
    ]
    if options.has_binary:
        ours = [run.cpu for run in rounds["trailtab"]]
        ratio = statistics.median(theirs / mine for theirs, mine in zip(scaled, ours))
        cpu, wall = statistics.median(ours), statistics.median(run.wall for run in rounds["trailtab"])
        pictures = max(map(int, re.findall(r"(\d+) (?:png|svg)", rounds["trailtab"][-1].text)), default=0)
        good = verdict(cpu < PLOT_CPU_SECONDS and pictures >= CHARTS)
        rows.append(
            [
                "trailtab plot",
                number(cpu),
                number(wall),
                f"1/{ratio:.1f}",
                f"< {PLOT_CPU_SECONDS} CPU s",
                good,
            ]
        )
    print_table(["program", "CPU s", "wall s", "ratio", "goal", ""], rows)
    print()
    for name, runs in rounds.items():
        if name != "load":
            print(f"* {name} wrote {runs[-1].text}")
    if not options.has_binary:
        print(f"* trailtab: skipped, no {options.binary}")


# -- running --


def reader_command(name, options):
    """Returns a function (corpus, out) -> command line of a reader."""
    if name == "inflate":
        inflate = rust_binary(options, "inflate")
        return lambda corpus, out: [inflate, corpus]
    if name in ("serde_json", "sonic-rs"):
        typed = rust_binary(options, "typed")
        return lambda corpus, out: [typed, name, corpus]
    if name in ("trailtab", "trailtab-1"):
        pin = ["taskset", "-c", "0"] if name == "trailtab-1" else []
        return lambda corpus, out: [*pin, options.binary, "activity", corpus, "--output", out, "--quiet"]
    python = venv_python()
    return lambda corpus, out: [python, BENCHES / "rivals.py", name, corpus]


def interleave(commands, runs, out):
    """Runs every command `runs` times in turn.

    An unmeasured run of the first command fills the page cache. `out` does not exist before each run; its contents
    are summed up in the run's text and removed.
    """
    rounds = {name: [] for name in commands}
    for turn in range(-1, runs):
        for name, command in list(commands.items())[: 1 if turn < 0 else None]:
            shutil.rmtree(out, ignore_errors=True)
            print(f"run {turn + 1}/{runs}: {name}", file=sys.stderr)
            run = measure(command)
            if out.is_dir():
                run.text = written(out) or run.text
            if turn >= 0:
                rounds[name].append(run)
    shutil.rmtree(out, ignore_errors=True)
    return rounds


class Failed(Exception):
    """A program failed."""


def measure(command):
    """Runs a command to its end. Exit code 3 is no failure: trailtab's result is partial."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # Popen did not reap it
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode not in (0, 3):
            words = " ".join(map(str, command))
            raise Failed(f"`{words}`, exit code {process.returncode}: {stderr.read().decode().strip()[-300:]}")
        text = stdout.read().decode().strip()
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, process.returncode, text)


def written(out):
    """Sums up a program's output: the counts of trailtab's summary, or the number and size of pictures."""
    for path in out.rglob("*.json"):
        regions = json.loads(path.read_text()).get("api_calls_by_region")
        if regions:
            pairs = sum(len(counts) for counts in regions.values())
            return json.dumps({"counted": sum(sum(counts.values()) for counts in regions.values()), "pairs": pairs})
    pictures = [path for path in out.rglob("*") if path.suffix in (".png", ".svg")]
    if pictures:
        kinds = [f"{sum(path.suffix == kind for path in pictures)} {kind[1:]}" for kind in (".png", ".svg")]
        return f"{', '.join(kinds)}, {sum(path.stat().st_size for path in pictures) / 1e6:.1f} MB"
    return None


# -- corpora: each function returns a folder of .json.gz files and its manifest --


class Skipped(Exception):
    """A corpus is not available."""


def real_corpus(options, name, copies, *per_file):
    folder = options.dir / f"{name}-{copies}"
    make_once(folder, [sys.executable, BENCHES / "corpora.py", "make", options.data, folder, copies, *per_file])
    return folder, json.loads(manifest(folder).read_text())


def demo_corpus(options):
    if not options.has_binary:
        raise Skipped(f"no {options.binary}")
    folder = options.dir / f"demo-{options.demo_events}"
    demo = [options.binary, "demo", "--events", options.demo_events, "--output", folder]
    try:
        make_once(folder, demo, [sys.executable, BENCHES / "corpora.py", "scan", folder])
    except subprocess.CalledProcessError as error:
        raise Skipped(f"`{' '.join(map(str, error.cmd))}` failed") from error
    facts = json.loads(manifest(folder).read_text())
    return Path(facts["root"]), facts


CORPORA = {
    "real": lambda options: real_corpus(options, "real", options.copies),
    "demo": demo_corpus,
    "tiny": lambda options: real_corpus(options, "tiny", options.copies, 8),
}


def make_once(folder, *commands):
    """Runs the commands that generate a corpus, unless its manifest, which is written last, exists."""
    if manifest(folder).exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    print(f"making {folder}", file=sys.stderr)
    for command in commands:
        subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)


def manifest(folder):
    return folder.with_name(folder.name + ".json")


def made_summary():
    """Returns a deterministic summary in the predecessor's format.

    Its charts have 26 bars on average; a third of them have the full 40.
    """
    dice = random.Random(775)
    apis = [f"{service}.amazonaws.com:{verb}{noun}"
            for service in ("ec2", "s3", "iam", "sts", "kms", "lambda", "logs", "rds", "sns", "sqs", "ssm", "ecs")
            for verb in ("Describe", "List", "Get", "Create", "Delete", "Update")
            for noun in ("Instances", "Policies", "Functions", "Resources")]  # fmt: skip
    addresses = [f"198.51.{n // 256}.{n % 256}" for n in range(400)]
    agents = [
        f"aws-sdk-{n}/1.{n}.0 os/linux lang/python#3.{n % 14} md/Botocore#1.{n} cfg/retry-mode#standard"
        for n in range(80)
    ]
    errors = [
        f"{api.split(':')[0]}:{code}"
        for api in apis[::24]
        for code in ("AccessDenied", "ThrottlingException", "NotFound")
    ]
    principals = [
        f"123456789012:{kind}/team-{n:03}-service"
        for n, kind in zip(range(PRINCIPALS), itertools.cycle(["role", "role", "user"]))
    ]
    regions = [
        f"{area}-{side}-{n}" for area in ("us", "eu", "ap") for side in ("east", "west", "south") for n in (1, 2)
    ]

    def section(groups, things, mean):
        def counts():
            size = min(len(things), 3 + int(dice.expovariate(1 / mean)))
            return {thing: 1 + int(dice.lognormvariate(5, 1.5)) for thing in dice.sample(things, size)}

        return {group: counts() for group in groups}

    return {
        "_metadata": {
            "account_id": "123456789012",
            "account_principal": "123456789012:user/bench",
            "activity_type": "ALL",
            "cloudtrail_data_analyzed": {
                "from_timestamp": "20260101000000",
                "to_timestamp": "20260115000000",
            },
            "invocation": "compare.py",
            "regions_enabled": regions,
            "regions_failed": {},
            "run_timestamp": "20260115000000",
        },
        "api_calls_by_principal": section(principals, apis, 60),
        "api_calls_by_region": section(regions, apis, 150),
        "error_codes_by_principal": section(principals, errors, 20),
        "ip_addresses_by_principal": section(principals, addresses, 60),
        "user_agents_by_principal": section(principals, agents, 30),
    }


# -- tools, built if missing --


def venv_python():
    """Returns the Python of a virtual environment with requirements.txt installed."""
    venv, wanted = PROJECT / "target/bench-venv", BENCHES / "requirements.txt"
    stamp = venv / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        print(f"making {venv}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", "--requirement", wanted], check=True, stdout=sys.stderr)
        shutil.copy(wanted, stamp)
    return venv / "bin/python"


def rust_binary(options, name):
    """Builds NAME.rs as a separate package: as a bench of trailtab it would rebuild half of the SDK."""
    folder = options.dir / name
    folder.mkdir(exist_ok=True)
    dependencies = "".join(f"{crate} = {version}\n" for crate, version in RUST_DEPENDENCIES[name].items())
    (folder / "Cargo.toml").write_text(
        f'[package]\nname = "{name}"\nedition = "2024"\n[workspace]\n'
        f'[[bin]]\nname = "{name}"\npath = "{BENCHES / name}.rs"\n'
        f"[dependencies]\n{dependencies}"
    )
    target = folder / "target"
    build = [
        "cargo",
        "build",
        "--quiet",
        "--release",
        "--target-dir",
        target,
        "--manifest-path",
        folder / "Cargo.toml",
    ]
    subprocess.run(build, check=True)
    return target / "release" / name


# -- printing --


def print_machine(options):
    facts = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    model = next((value.strip() for key, _, value in facts if key.startswith("model name")), "unknown")
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    version = "absent"
    if options.has_binary:
        version = subprocess.run([options.binary, "--version"], capture_output=True, text=True).stdout.strip()
    crates = ", ".join(f"{name} {version}" for name, version in RUST_DEPENDENCIES["inflate"].items())
    pins = ", ".join((BENCHES / "requirements.txt").read_text().split())
    machine = f"{len(os.sched_getaffinity(0))} cores of {model}, load {load}"
    print(f"# trailtab compared\n\n{machine}, Python {platform.python_version()}")
    print(f"\ntrailtab: {version}; {pins}; {crates}", flush=True)


def describe(facts):
    sizes = f"{facts['raw_bytes'] / 1e6:,.0f} MB of JSON, {facts['gzip_bytes'] / 1e6:,.0f} MB gzip"
    return f"{facts['records']:,} records, {facts['files']:,} files, {sizes}"


def print_runs(rounds, records, names=READERS):
    rows = []
    for name, runs in rounds.items():
        cpu, wall, mib = (statistics.median(getattr(run, figure) for run in runs) for figure in ("cpu", "wall", "mib"))
        ours = f"{paired(rounds, name, 'trailtab', 'cpu'):.2f}" if "trailtab" in rounds else "n/a"
        rows.append([names[name], number(cpu), number(wall), mebibytes(mib), f"{records / cpu / 1000:,.0f}", ours])
    print_table(["program", "CPU s", "wall s", "peak MiB", "thousand records per CPU s", "CPU against trailtab"], rows)


def print_goals(rounds, goals):
    rows = []
    for over, under, figure, sign, goal in goals:
        if over in rounds and under in rounds:
            ratio = paired(rounds, over, under, figure)
            good = ratio <= goal if sign == "<=" else ratio >= goal
            rows.append(
                [
                    f"{READERS[over]} ÷ {READERS[under]}, {figure}",
                    f"{ratio:.2f}",
                    f"{sign} {goal}",
                    verdict(good),
                ]
            )
    if rows:
        print()
        print_table(["ratio", "measured", "goal", ""], rows)


def print_agreement(rounds, facts):
    """Prints how many records each program read, and whether the tables are equal."""
    answers = {name: json.loads(runs[-1].text) for name, runs in rounds.items() if runs[-1].text.startswith("{")}
    rivals = {name: answer for name, answer in answers.items() if "tables" in answer}
    tables = {json.dumps(answer["tables"]) for answer in rivals.values()}
    expected = facts["distinct_ids"] + facts["without_id"]
    print(f"\n* records: {facts['records']:,} in the files, {expected:,} without duplicates")
    for name, answer in answers.items():
        count, wanted = (answer["records"], facts["records"]) if name in rivals else (answer["counted"], expected)
        code = rounds[name][-1].code
        remarks = ["DIFFERS"] * (count != wanted) + [f"exit code {code}"] * (code != 0)
        print(f"* {', '.join([f'{name}: {count:,} records', *remarks])}")
    for name in rounds:
        if name not in answers and name != "inflate":
            print(f"* {name}: gave no count (DIFFERS)")
    if rivals:
        agree = "agree" if len(tables) == 1 else f"DIFFER: {' '.join(sorted(tables))}"
        print(f"* the five tables of {', '.join(rivals)} {agree}")
        pairs = next(iter(rivals.values()))["tables"]["region_api"][0]
        for name, answer in answers.items():
            if name not in rivals:  # may be slightly fewer: some documented examples share an eventID
                print(f"* {name}: {answer['pairs']:,} pairs of region and API against their {pairs:,}")
    sys.stdout.flush()


def print_table(head, rows):
    for row in [head, ["---"] * len(head), *rows]:
        print(f"| {' | '.join(row)} |")


def paired(rounds, over, under, figure):
    return statistics.median(
        getattr(one, figure) / getattr(other, figure) for one, other in zip(rounds[over], rounds[under])
    )


def number(seconds):
    return f"{seconds:.2f}" if seconds < 20 else f"{seconds:.0f}"


def mebibytes(peak):
    """Formats a peak. On Linux a child inherits its parent's peak, so a peak below ours is unknown."""
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"<= {floor:.0f}" if peak <= floor else f"{peak:.0f}"


def verdict(good):
    return "ok" if good else "MISSED"


if __name__ == "__main__":
    main()
