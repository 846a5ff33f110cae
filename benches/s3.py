"""Measures how fast many small log files are read from a bucket on loopback, against listing them alone.

    cargo build --release
    rustc --edition 2024 -O benches/s3_server.rs -o target/s3_server
    python3 benches/s3.py [--objects 100000] [--regions 17] [--list-ms 0] [--get-ms 0] [--runs 3] [--tls]

The server runs beside what is measured, on the same cores. It makes each object when it is asked for it, and waits
`--list-ms` and `--get-ms` before an answer. Listing alone is what a client without any other work can do: one
connection for each region, page after page, 16 at a time. Several programs (`--trailtab`) are measured in turns.

With `--tls`, a front of two Python processes stands before the server. It takes more CPU than trailtab, so seconds over TLS
are those of the front; the CPU seconds are trailtab's.
"""

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import usage_aws

ROOT = Path(__file__).resolve().parent.parent
RECORDS = 5
LENGTH = re.compile(rb"Content-Length: (\d+)")
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


class TlsFront:
    """TLS before the server, in processes that take connections from one socket."""

    PROCESSES = 2

    def __init__(self, port, folder):
        self.authority = usage_aws.Authority(folder)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.behind = port
        fork = multiprocessing.get_context("fork")
        self.processes = [fork.Process(target=self.serve, daemon=True) for _ in range(self.PROCESSES)]
        for process in self.processes:
            process.start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with (
                self.authority.context.wrap_socket(connection, server_side=True) as client,
                socket.create_connection(("127.0.0.1", self.behind)) as server,
            ):
                while request := client.recv(1 << 16):
                    server.sendall(request)
                    is_head = request.startswith(b"HEAD")
                    answer = server.recv(1 << 16)
                    head, _, body = answer.partition(b"\r\n\r\n")
                    missing = 0 if is_head else int(LENGTH.search(head)[1]) - len(body)
                    while missing > 0:
                        more = server.recv(1 << 16)
                        missing -= len(more)
                        answer += more
                    client.sendall(answer)
        except OSError:
            pass  # The client goes away at its end.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()


class Place:
    """Where the bucket is served."""

    def __init__(self, port, authority=None):
        self.port, self.authority = port, authority

    def connect(self):
        if not self.authority:
            return http.client.HTTPConnection("127.0.0.1", self.port)
        context = ssl.create_default_context(cafile=self.authority.bundle)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context)

    def environment(self):
        scheme = "https" if self.authority else "http"
        trusted = {"SSL_CERT_FILE": str(self.authority.bundle)} if self.authority else {}
        return os.environ | trusted | {
            "AWS_ENDPOINT_URL": f"{scheme}://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip


def list_region(place, region):
    """Lists all keys of a region; returns how many there are."""
    connection = place.connect()
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


def listing(place, args, objects):
    """Seconds that listing all keys takes."""
    start = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        keys = sum(pool.map(lambda region: list_region(place, region), range(1, args.regions + 1)))
    assert keys == objects, (keys, objects)
    return time.monotonic() - start


def run(command, place, directory):
    """Runs a program; returns its output, seconds and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    ended = subprocess.run(command, env=place.environment(), cwd=directory, stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ended.stdout, seconds, cpu


def trailtab(program, place, objects):
    """Seconds and CPU seconds in which trailtab counts all records."""
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "activity", "s3://bench", "--no-output", "--format", "json", "--quiet"]
        out, seconds, cpu = run(command, place, directory)
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
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--trailtab", action="append", help="a program, or several; target/release/trailtab by default")
    args = parser.parse_args()
    programs = args.trailtab or [str(ROOT / "target/release/trailtab")]
    objects = args.objects // args.regions * args.regions
    with contextlib.ExitStack() as stack:
        place = Place(stack.enter_context(Server(args, objects)).port)
        if args.tls:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            front = stack.enter_context(TlsFront(place.port, folder))
            place = Place(front.listener.getsockname()[1], front.authority)
        listings, rows = [], {program: [] for program in programs}
        for _ in range(args.runs):
            # In turns, so that noise hits all.
            listings.append(listing(place, args, objects))
            for program in programs:
                rows[program].append(trailtab(program, place, objects))
    listed = statistics.median(listings)
    protocol = "HTTPS" if args.tls else "HTTP"
    load = os.getloadavg()[0]
    print(f"{objects} objects in {args.regions} regions over {protocol}, load {load:.1f}")
    print(f"a page in {args.list_ms} ms, an object in {args.get_ms} ms")
    print(f"listing alone: {listed:.2f} s, {objects / listed:.0f} keys a second")
    for program, measured in rows.items():
        seconds, cpu = median(measured)
        least = min(cpu for _, cpu in measured)
        print(f"{program}: {seconds:.2f} s, {objects / seconds:.0f} objects a second, {seconds / listed:.1f} x; CPU")
        print(f"  {cpu:.2f} s, {cpu / objects * 1e6:.0f} µs an object; least {least / objects * 1e6:.0f} µs")


if __name__ == "__main__":
    sys.exit(main())
