"""Alternatives to trailtab, each in its best reasonable form; compare.py runs and measures them.

    python rivals.py chdb|duckdb|duckdb-columns|duckdb-auto|orjson DIR
    python rivals.py matplotlib SUMMARY.json DIR CHARTS

The readers build the same five count tables from the same `.json.gz` files, in full, in the measured
process, and print as JSON how many records they read and how many rows each table has. The principal
is the role behind a session, else the ARN, else the service, else the account, which is simpler than
trailtab's rules. Only trailtab deduplicates and counts more than the five tables.
"""

import gc
import json
import re
import sys
import zlib
from pathlib import Path

TABLES = {
    "principal_api": ("principal", "api"),
    "region_api": ("region", "api"),
    "principal_ip": ("principal", "ip"),
    "principal_agent": ("principal", "agent"),
    "principal_error": ("principal", "error"),
}
COLUMNS = ("principal", "api", "region", "ip", "agent", "error")


# -- SQL: one statement for both engines; only the subquery that yields the records differs --

# The fields that the tables need; both parsers skip all others.
FIELDS = {
    "eventSource": str,
    "eventName": str,
    "awsRegion": str,
    "sourceIPAddress": str,
    "userAgent": str,
    "errorCode": str,
    "userIdentity": {
        "arn": str,
        "invokedBy": str,
        "accountId": str,
        "sessionContext": {"sessionIssuer": {"arn": str}},
    },
}


def sql_fields(kind, tuple_word, text_word):
    """Returns the type of `kind` in an engine's syntax."""
    if kind is str:
        return text_word
    inner = ", ".join(f"{name} {sql_fields(field, tuple_word, text_word)}" for name, field in kind.items())
    return f"{tuple_word}({inner})"


def five_tables(each_record):
    """Returns the SQL of the five tables, from a subquery that yields each record as column `r`.

    The files are read once. Grouping by all six columns first reduces the records to a few thousand
    rows for the grouping sets: in chDB that takes less CPU than grouping sets over the records, or five
    queries over a table in memory; in DuckDB it costs nothing.
    """
    sets = ", ".join(f"({left}, {right})" for left, right in TABLES.values())
    columns = ", ".join(COLUMNS)
    return f"""
        SELECT grouping({columns}) AS tables, {columns}, sum(n) AS count
        FROM (
            SELECT coalesce(nullif(r.userIdentity.sessionContext.sessionIssuer.arn, ''),
                            nullif(r.userIdentity.arn, ''), nullif(r.userIdentity.invokedBy, ''),
                            r.userIdentity.accountId, '') AS principal,
                   concat(r.eventSource, ':', r.eventName) AS api,
                   coalesce(r.awsRegion, '') AS region,
                   coalesce(r.sourceIPAddress, '') AS ip,
                   coalesce(r.userAgent, '') AS agent,
                   coalesce(r.errorCode, '') AS error,
                   count(*) AS n
            FROM ({each_record}) AS records
            GROUP BY ALL
        ) AS combinations
        GROUP BY GROUPING SETS ({sets})"""


def tables_of(rows):
    """Splits the rows of `five_tables` by table: a 0 bit in `tables` means that the column is part of it."""
    bits = {
        name: sum(1 << 5 - at for at, column in enumerate(COLUMNS) if column not in pair)
        for name, pair in TABLES.items()
    }
    tables = {bit: {} for bit in bits.values()}
    places = {bits[name]: [COLUMNS.index(column) + 1 for column in pair] for name, pair in TABLES.items()}
    for row in rows:
        left, right = places[row[0]]
        tables[row[0]][row[left], row[right]] = int(row[-1])
    return {name: tables[bit] for name, bit in bits.items()}


def chdb(folder):
    """JSONEachRow with a typed column: a file is one row, its records are an array of tuples.

    As fast as JSONAsString + JSONExtract if the text is plain String; both are a quarter faster than
    Nullable(String). max_threads, the read method and parallel parsing made no difference above noise.
    """
    import chdb as engine
    import orjson

    record = sql_fields(FIELDS, "Tuple", "String")
    source = f"file('{folder}/**/*.json.gz', 'JSONEachRow', 'Records Array({record})')"
    answer = engine.query(five_tables(f"SELECT arrayJoin(Records) AS r FROM {source}"), "JSONCompactEachRow")
    return tables_of(map(orjson.loads, answer.bytes().splitlines()))


def duckdb(folder):
    """read_json_objects, then from_json with a structure: half the CPU of read_json on many small files."""
    structure = json.dumps({"Records": [FIELDS]}, default=lambda _: "VARCHAR")
    source = f"read_json_objects('{folder}/**/*.json.gz', format = 'newline_delimited')"
    return duckdb_query(f"SELECT unnest(from_json(json, '{structure}').Records) AS r FROM {source}")


def duckdb_columns(folder):
    """read_json with explicit columns and no detection."""
    return duckdb_query(duckdb_read_json(folder, ", records = true"))


def duckdb_auto(folder):
    """read_json with explicit columns only: DuckDB then samples every file to detect records, which takes
    several times as long as reading."""
    return duckdb_query(duckdb_read_json(folder, ""))


def duckdb_events(folder, prefix):
    """Whole records of APIs that begin with a prefix, one per line, in order of time."""
    import duckdb as engine

    source = f"read_json_objects('{folder}/**/*.json.gz', format = 'newline_delimited')"
    each = f"SELECT unnest(json_extract(json, '$.Records[*]')) AS r FROM {source}"
    rows = f"SELECT r FROM ({each}) WHERE starts_with(r->>'eventName', '{prefix}') ORDER BY r->>'eventTime'"
    engine.execute(f"COPY ({rows}) TO '/dev/stdout' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01', ESCAPE '')")


def duckdb_read_json(folder, options):
    columns = f"{{'Records': '{sql_fields(FIELDS, 'STRUCT', 'VARCHAR')}[]'}}"
    source = f"read_json('{folder}/**/*.json.gz', columns = {columns}, format = 'newline_delimited'{options})"
    return f"SELECT unnest(Records) AS r FROM {source}"


def duckdb_query(each_record):
    import duckdb as engine

    return tables_of(engine.execute(five_tables(each_record)).fetchall())


# -- Python --


def orjson(folder):
    """The obvious loop: inflate in one call (gzip.open reads in pieces), orjson, dicts of pairs.

    The garbage collector is off: parsed JSON has no cycles.
    """
    from orjson import loads

    gc.disable()
    tables = {name: {} for name in TABLES}
    by_api, by_region, by_ip, by_agent, by_error = tables.values()
    for path in Path(folder).rglob("*.json.gz"):
        for record in loads(zlib.decompress(path.read_bytes(), 31))["Records"]:
            get = record.get
            identity = get("userIdentity") or {}
            issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
            principal = (
                issuer.get("arn") or identity.get("arn") or identity.get("invokedBy") or identity.get("accountId") or ""
            )
            api = f"{get('eventSource') or ''}:{get('eventName') or ''}"
            for table, pair in (
                (by_api, (principal, api)),
                (by_region, (get("awsRegion") or "", api)),
                (by_ip, (principal, get("sourceIPAddress") or "")),
                (by_agent, (principal, get("userAgent") or "")),
                (by_error, (principal, get("errorCode") or "")),
            ):
                table[pair] = table.get(pair, 0) + 1
    return tables


def matplotlib(summary, out, charts):
    """Draws the predecessor's horizontal bars: 16 x 8 inches, the 40 longest, labels cut at 85 characters.

    Uses the cheapest way: one reused figure with the Agg canvas, without pyplot and with fixed margins (a
    tight layout measures all text twice). Draws `charts` charts, evenly spaced over the whole set; 0 only
    loads the library.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 8))
    FigureCanvasAgg(figure)
    everything = list(charts_of(json.loads(Path(summary).read_text())))
    Path(out).mkdir(parents=True)
    for number in range(charts):
        name, counts = everything[number * len(everything) // charts]
        bars = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:40]
        figure.clear()
        axes = figure.add_axes((0.36, 0.06, 0.61, 0.89))
        axes.barh([label[:85] for label, _ in bars], [count for _, count in bars], color="#e4af00")
        axes.invert_yaxis()
        axes.set_title(name)
        figure.savefig(Path(out) / (re.sub(r"\W", "_", name) + ".png"))
    return {"charts": charts, "of": len(everything)}


def charts_of(summary):
    """Yields all charts: per section one summary, and one per principal or region."""
    for section, groups in summary.items():
        if section != "_metadata":
            yield f"{section}_summary", {group: sum(counts.values()) for group, counts in groups.items()}
            for group, counts in groups.items():
                yield f"{section}_{group}", counts


def main(rival, *args):
    if rival == "matplotlib":
        print(json.dumps(matplotlib(args[0], args[1], int(args[2]))))
        return
    if rival == "duckdb-events":
        duckdb_events(*args)
        return
    readers = {
        "chdb": chdb,
        "duckdb": duckdb,
        "duckdb-columns": duckdb_columns,
        "duckdb-auto": duckdb_auto,
        "orjson": orjson,
    }
    tables = readers[rival](*args)
    for pair in [pair for pair in tables["principal_error"] if not pair[1]]:
        del tables["principal_error"][pair]  # the table has no rows for calls without an error
    report = {name: [len(table), sum(table.values())] for name, table in tables.items()}
    print(json.dumps({"records": report["region_api"][1], "tables": report}))


if __name__ == "__main__":
    main(*sys.argv[1:])
