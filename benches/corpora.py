"""Generates the corpora that compare.py reads: copies of real records in CloudTrail's file format.

    python corpora.py make DATA OUT COPIES [PER_FILE]
    python corpora.py scan OUT

`make` writes the files of OUT and its manifest, OUT.json. `scan` writes the manifest of existing files.
DATA is the folder with the real records. Each copy of a record gets its own eventID, derived from the
copy's number, so that deduplication has real work; duplicates within a copy stay duplicates; nothing
else changes. Without PER_FILE a copy keeps the files of the real folder and their records; with it,
every file holds that many records.

Runs as a separate process to keep compare.py small: the peak RSS reported for a child is never less
than that of its parent at the fork.
"""

import datetime
import gzip
import hashlib
import json
import os
import shutil
import sys
import zlib
from pathlib import Path

# Not CloudTrail's format: cribl is another product's envelope, and otrf has no eventTime.
LEFT_OUT = {"cribl", "otrf"}
MARK = "\0eventID\0"  # occurs in no record
MARK_BYTES = json.dumps(MARK).encode()


def documents(path):
    """Yields the JSON documents of a log file: a single one, or one per line."""
    body = path.read_bytes()
    if path.suffix == ".gz":
        body = gzip.decompress(body)
    try:
        yield json.loads(body)
    except ValueError:
        yield from map(json.loads, body.splitlines())


def records(node):
    """Yields the CloudTrail events in a document; digests and Insights events have no eventName."""
    if isinstance(node, list):
        for item in node:
            yield from records(item)
    elif isinstance(node, dict):
        if "eventName" in node and "eventSource" in node:
            yield node
        else:
            yield from records(node.get("Records") or node.get("detail"))


def real_files(data):
    """Returns the real records as a list per file, without empty files."""
    paths = sorted(
        path
        for path in (data / "cloudtrail").rglob("*")
        if path.suffix in {".json", ".jsonl", ".gz"} and path.relative_to(data).parts[1] not in LEFT_OUT
    )
    files = ([record for document in documents(path) for record in records(document)] for path in paths)
    return [file for file in files if file]


def template(file):
    """Returns the eventIDs of a file, and its text split at them."""
    ids = [record["eventID"] for record in file if record.get("eventID")]
    marked = [record | {"eventID": MARK} if record.get("eventID") else record for record in file]
    body = json.dumps({"Records": marked}, separators=(",", ":"), ensure_ascii=False)
    pieces = body.encode().split(MARK_BYTES)
    assert len(pieces) == len(ids) + 1
    return ids, pieces


def fresh_id(event_id, copy):
    """Returns the quoted eventID that replaces `event_id` in this copy."""
    digest = hashlib.md5(f"{copy} {event_id}".encode()).hexdigest()
    return f'"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"'.encode()


def fill(ids, pieces, copy):
    """Returns the text of a file in this copy."""
    return pieces[0] + b"".join(fresh_id(i, copy) + piece for i, piece in zip(ids, pieces[1:]))


def regroup(files, per_file):
    everything = [record for file in files for record in file]
    return [everything[at : at + per_file] for at in range(0, len(everything), per_file)]


def write(files, out, copies):
    """Writes the copies in the layout of a trail's bucket, one day per copy, and the manifest last."""
    templates = [template(file) for file in files]
    raw = packed = 0
    for copy in range(copies):
        day = datetime.date(2020, 1, 1) + datetime.timedelta(days=copy)
        folder = out / f"AWSLogs/111122223333/CloudTrail/us-east-1/{day:%Y/%m/%d}"
        folder.mkdir(parents=True)
        for number, (ids, pieces) in enumerate(templates):
            body = fill(ids, pieces, copy)
            # Level 6, one member, no name or time in the header: like CloudTrail's files, and reproducible.
            pressed = zlib.compress(body, level=6, wbits=31)
            minute = f"{number // 60 % 24:02}{number % 60:02}"
            name = f"111122223333_CloudTrail_us-east-1_{day:%Y%m%d}T{minute}Z_{copy:08}{number:08}.json.gz"
            (folder / name).write_bytes(pressed)
            raw, packed = raw + len(body), packed + len(pressed)
    ids = [i for ids, _ in templates for i in ids]
    total = sum(len(file) for file in files)
    manifest = {
        "records": total * copies,
        "distinct_ids": len(set(ids)) * copies,
        "without_id": (total - len(ids)) * copies,
        "files": len(files) * copies,
        "raw_bytes": raw,
        "gzip_bytes": packed,
    }
    write_manifest(out, manifest)


def write_manifest(out, manifest):
    out.with_name(out.name + ".json").write_text(json.dumps(manifest))


def make(data, out, copies, per_file=None):
    files = real_files(Path(data))
    if per_file:
        files = regroup(files, int(per_file))
    write(files, Path(out), int(copies))


def scan(out):
    """Counts the contents of the CloudTrail files below `out`; `root` in the manifest is their common folder."""
    out = Path(out)
    # Removes digests and Insights events: the comparison is of log files only.
    for sibling in [path for path in out.rglob("CloudTrail-*") if path.is_dir()]:
        shutil.rmtree(sibling)
    paths = [path for path in out.rglob("*.json.gz") if "CloudTrail" in str(path.relative_to(out))]
    if not paths:
        sys.exit(f"no CloudTrail/…/*.json.gz below {out}")
    ids, read, raw = set(), 0, 0
    for path in paths:
        body = gzip.decompress(path.read_bytes())
        file = list(records(json.loads(body)))
        ids.update(record.get("eventID") or (path, at) for at, record in enumerate(file))
        read, raw = read + len(file), raw + len(body)
    without_id = sum(isinstance(i, tuple) for i in ids)
    manifest = {
        "records": read,
        "distinct_ids": len(ids) - without_id,
        "without_id": without_id,
        "files": len(paths),
        "raw_bytes": raw,
        "gzip_bytes": sum(path.stat().st_size for path in paths),
        "root": os.path.commonpath([path.parent for path in paths]),
    }
    write_manifest(out, manifest)


if __name__ == "__main__":
    {"make": make, "scan": scan}[sys.argv[1]](*sys.argv[2:])
