"""Fakes the two services that a usage function calls, on loopback, for benches/usage.py.

Lambda's runtime API hands out deliveries and records when each was answered. CloudWatch accepts PutMetricData in
every protocol that an SDK may choose (query, JSON, CBOR), keeps the bodies, and decodes them only on request, so
that decoding does not compete with the measured process.
"""

import collections
import contextlib
import datetime
import gzip
import http.server
import itertools
import json
import queue
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

INVOCATION_SECONDS = 60  # time limit of an invocation
PUT = "PutMetricData"


class Lambda:
    """The runtime API for one process and one invocation at a time."""

    def __init__(self):
        self.deliveries = queue.Queue()
        self.reports = queue.Queue()  # (time, "next", "response", "error" or "init", body)
        self.numbers = itertools.count(1)

    def get(self, path, headers, body):
        self.reports.put((time.perf_counter(), "next", b""))
        delivery = self.deliveries.get()
        if delivery is None:  # the process was killed
            return None
        deadline = int((time.time() + INVOCATION_SECONDS) * 1000)
        number = next(self.numbers)
        return 200, delivery, {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-4000-8000-{number:012}",
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:usage",
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }  # fmt: skip

    def post(self, path, headers, body):
        what = "init" if path.endswith("/init/error") else path.rpartition("/")[2]
        self.reports.put((time.perf_counter(), what, body))
        return 202, b'{"status":"OK"}', {"Content-Type": "application/json"}


class CloudWatch:
    """Accepts PutMetricData."""

    def __init__(self):
        self.requests = []  # (path, headers, body), in order

    def post(self, path, headers, body):
        self.requests.append((path, headers, body))
        kind = headers.get("Content-Type", "")
        if "cbor" in kind:
            return 200, b"\xa0", {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        if "json" in kind:
            return 200, b"{}", {"Content-Type": kind}
        answer = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
        return 200, f"<{PUT}Response>{answer}</{PUT}Response>".encode(), {"Content-Type": "text/xml"}

    get = post

    def bytes(self):
        return sum(len(body) for _, _, body in self.requests)

    def sums(self):
        """Returns the calls of each (minute, API, region, source)."""
        sums = collections.Counter()
        for path, headers, body in self.requests:
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for name, dimensions, when, value in data(path, headers, body):
                minute = int(when) // 60
                sums[minute, name, dimensions["awsRegion"], dimensions["eventSource"]] += value
        return sums


class Authority:
    """An authority for certificates, the certificate of the server that it signed, and a bundle that trusts it."""

    SYSTEM_BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        authority, server, self.bundle = (folder / name for name in ["authority.pem", "server.pem", "bundle.pem"])
        # Named like one of Amazon's authorities, which a function trusts first.
        certificate(authority, "/C=US/O=Amazon/CN=Benchmark", ["basicConstraints=critical,CA:TRUE"])
        signer = ["-CA", authority, "-CAkey", authority]
        certificate(server, "/CN=Server", ["basicConstraints=CA:FALSE", "subjectAltName=IP:127.0.0.1"], signer)
        system = next(Path(name) for name in self.SYSTEM_BUNDLES if Path(name).exists())
        self.bundle.write_text(system.read_text() + authority.read_text().partition("-----BEGIN PRIVATE")[0])
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(server)


def certificate(path, subject, extensions, signer=()):
    """Writes a new certificate and, after it, its key."""
    key, made = path.with_suffix(".key"), path.with_suffix(".crt")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", subject, *signer]
    command += [word for extension in extensions for word in ["-addext", extension]]
    subprocess.run([*command, "-keyout", key, "-out", made], check=True, capture_output=True)
    path.write_text(made.read_text() + key.read_text())


@contextlib.contextmanager
def serve(service, authority=None):
    """Runs a service on a free port of loopback, over TLS if there is an authority, and yields host:port."""
    server = Server(("127.0.0.1", 0), handler(service))
    if authority:
        # The handshake is part of a connection's first read, in the connection's own thread.
        wrap = authority.context.wrap_socket
        server.socket = wrap(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # the predecessor opens all its connections at once


def handler(service):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # one write per response, not per header

        def answer(self, method):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = method(self.path, self.headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, body, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(service.get)

        def do_POST(self):
            self.answer(service.post)

        def log_message(self, *_):
            pass

        def handle(self):
            # The process is killed after its work, with connections open.
            with contextlib.suppress(ConnectionError):
                super().handle()

    return Handler


# -- the protocols: each yields (metric name, dimensions, seconds since 1970, value) --


def data(path, headers, body):
    kind = headers.get("Content-Type", "")
    if "cbor" in kind:
        assert path.endswith(f"/operation/{PUT}"), path
        yield from members(Cbor(body).item())
    elif "json" in kind:
        assert headers["X-Amz-Target"].endswith(f".{PUT}"), headers["X-Amz-Target"]
        yield from members(json.loads(body))
    else:
        yield from query(body)


def members(request):
    for datum in request["MetricData"]:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in datum["Dimensions"]}
        yield datum["MetricName"], dimensions, seconds(datum["Timestamp"]), datum["Value"]


def query(body):
    fields = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
    assert fields["Action"] == PUT, fields["Action"]
    for number in itertools.count(1):
        datum = f"MetricData.member.{number}"
        if f"{datum}.MetricName" not in fields:
            return
        dimensions = {}
        for at in itertools.count(1):
            dimension = f"{datum}.Dimensions.member.{at}"
            if f"{dimension}.Name" not in fields:
                break
            dimensions[fields[f"{dimension}.Name"]] = fields[f"{dimension}.Value"]
        yield (
            fields[f"{datum}.MetricName"],
            dimensions,
            seconds(fields[f"{datum}.Timestamp"]),
            float(fields[f"{datum}.Value"]),
        )


def seconds(when):
    if isinstance(when, str):
        return datetime.datetime.fromisoformat(when).timestamp()
    return when


class Cbor:
    """Reads one item of CBOR, as far as SDKs use it, without a dependency."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, size):
        self.at += size
        return self.body[self.at - size : self.at]

    def item(self):
        first = self.take(1)[0]
        major, minor = first >> 5, first & 31
        if major == 7:
            return self.simple(minor)
        count = None if minor == 31 else minor if minor < 24 else int.from_bytes(self.take(1 << minor - 24))
        match major:
            case 0:
                return count
            case 1:
                return -1 - count
            case 2:
                return self.take(count)
            case 3:
                return self.take(count).decode() if count is not None else "".join(self.items(None))
            case 4:
                return list(self.items(count))
            case 5:
                return dict(self.pairs(count))
            case 6:
                return self.item()  # the only tag in use is 1: seconds since 1970

    def simple(self, minor):
        forms = {25: ">e", 26: ">f", 27: ">d"}
        if minor in forms:
            return struct.unpack(forms[minor], self.take(1 << minor - 24))[0]
        return {20: False, 21: True, 22: None, 23: None}[minor]

    def more(self, count):
        """Yields once per following item: `count` times, or until the break code."""
        if count is not None:
            yield from range(count)
            return
        while self.body[self.at] != 0xFF:
            yield
        self.at += 1

    def items(self, count):
        for _ in self.more(count):
            yield self.item()

    def pairs(self, count):
        for _ in self.more(count):
            yield self.item(), self.item()
