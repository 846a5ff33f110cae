"""Measures how fast many small log files are read from a bucket on loopback, against listing them alone.

    cargo build --release
    rustc --edition 2024 -O benches/s3_server.rs -o target/s3_server
    python3 benches/s3.py [--objects 100000] [--regions 17] [--list-ms 0] [--get-ms 0] [--runs 3]

The server runs beside what is measured, on the same cores. It makes each object when it is asked for it, and waits
`--list-ms` and `--get-ms` before an answer. Listing alone is what a client without any other work can do: one
connection for each region, page after page, 16 at a time.
"""

import argparse
import http.client
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = 5
TOKEN = re.compile(rb"<NextContinuationToken>([^<]*)<")
KEY = re.compile(rb"<Key>")


class Server:
    """The loopback bucket."""

    def __init__(self, args, objects):
        words = [objects, args.regions, args.list_ms, args.get_ms]
        self.process = subprocess.Popen([args.server, *map(str, words)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def list_region(port, region):
    """Lists all keys of a region; returns how many there are."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    prefix = f"AWSLogs/111122223333/CloudTrail/eu-test-{region:03}/"
    keys, token = 0, ""
    while True:
        connection.request("GET", f"/bench?list-type=2&prefix={prefix.replace('/', '%2F')}{token}")
        body = connection.getresponse().read()
        keys += len(KEY.findall(body))
        found = TOKEN.search(body)
        if not found:
            return keys
        token = f"&continuation-token={found[1].decode()}"


def listing(port, args, objects):
    """Seconds that listing all keys takes."""
    start = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        keys = sum(pool.map(lambda region: list_region(port, region), range(1, args.regions + 1)))
    assert keys == objects, (keys, objects)
    return time.monotonic() - start


def environment(port):
    return os.environ | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run(command, port, directory):
    """Runs a program; returns its output, seconds and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    ended = subprocess.run(command, env=environment(port), cwd=directory, stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ended.stdout, seconds, cpu


def trailtab(port, args, objects):
    """Seconds and CPU seconds in which trailtab counts all records."""
    with tempfile.TemporaryDirectory() as directory:
        command = [args.trailtab, "activity", "s3://bench", "--no-output", "--format", "json", "--quiet"]
        out, seconds, cpu = run(command, port, directory)
    counts = json.loads(out)["trailtab"]["counts"]
    assert counts["counted"] == objects * RECORDS, counts
    return seconds, cpu


def median(rows):
    return [statistics.median(column) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=17)
    parser.add_argument("--list-ms", type=int, default=0)
    parser.add_argument("--get-ms", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--server", default=str(ROOT / "target/s3_server"))
    parser.add_argument("--trailtab", default=str(ROOT / "target/release/trailtab"))
    args = parser.parse_args()
    objects = args.objects // args.regions * args.regions
    with Server(args, objects) as server:
        rows = []
        for _ in range(args.runs):
            # In turns, so that noise hits both.
            rows.append((listing(server.port, args, objects), *trailtab(server.port, args, objects)))
    listed, seconds, cpu = median(rows)
    print(f"{objects} objects in {args.regions} regions, a page in {args.list_ms} ms, an object in {args.get_ms} ms")
    print(f"listing alone: {listed:.2f} s, {objects / listed:.0f} keys a second")
    print(f"trailtab: {seconds:.2f} s, {cpu:.2f} CPU s, {objects / seconds:.0f} objects a second, {seconds / listed:.1f} x")


if __name__ == "__main__":
    sys.exit(main())
