"""Results as Athena writes them to S3.

Source: Amazon Athena User Guide, "Work with query results and recent queries" and "UNLOAD".
"""

import datetime
import decimal
import gzip
import json
import pathlib
import re
import tempfile
import uuid

from .failures import QueryFailed, RequestRefused
from .s3 import split_url

TYPES = [
    (r"VARCHAR|JSON", "varchar"),
    (r"BIGINT|UBIGINT|HUGEINT", "bigint"),
    (r"INTEGER|UINTEGER", "integer"),
    (r"BOOLEAN", "boolean"),
    (r"DOUBLE", "double"),
    (r"FLOAT", "float"),
    (r"DECIMAL.*", "decimal"),
    (r"TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
    (r"TIMESTAMP.*", "timestamp"),
    (r"DATE", "date"),
    (r".*\]", "array"),
    (r"STRUCT.*", "row"),
    (r"MAP.*", "map"),
]


def athena_type(duckdb_type):
    """The type of a column as GetQueryResults names it."""
    return next((name for pattern, name in TYPES if re.fullmatch(pattern, duckdb_type)), "varchar")


def text(value):
    """A value as Athena writes it; None for NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, datetime.datetime):
        zone = " UTC" if value.tzinfo else ""
        value = value.astimezone(datetime.timezone.utc) if value.tzinfo else value
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03}{zone}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_part(part) for part in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_part(part)}" for name, part in value.items()) + "}"
    if isinstance(value, (bytes, bytearray)):
        return value.hex(" ")
    return str(value)


def _part(value):
    return "null" if value is None else text(value)


def _double(value):
    """A number as Java writes it: `1.0E7` from ten millions on."""
    if value in (float("inf"), float("-inf")):
        return ("-" if value < 0 else "") + "Infinity"
    if value != value:
        return "NaN"
    if value and not 1e-3 <= abs(value) < 1e7:
        mantissa, _, exponent = f"{decimal.Decimal(repr(value)):E}".partition("E")
        mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa
        return (mantissa if re.search(r"\.\d", mantissa) else mantissa.rstrip(".") + ".0") + f"E{int(exponent)}"
    return repr(value)


def csv(answer):
    """The result object of a query: all values in quotes, NULL as an empty cell without them."""
    rows = [[name for name, _ in answer.columns]] + [[text(value) for value in row] for row in answer.rows]
    quoted = lambda cell: "" if cell is None else '"' + cell.replace('"', '""') + '"'
    return "".join(",".join(map(quoted, row)) + "\n" for row in rows).encode()


class Unload:
    """An UNLOAD statement: its query, place, and format."""

    FORMATS = ("PARQUET", "JSON", "TEXTFILE", "ORC", "AVRO")

    def __init__(self, sql):
        head = re.match(r"(?is)\s*UNLOAD\s*\(", sql)
        tail = re.search(r"(?is)\)\s*TO\s*'(s3://[^']+)'\s*(?:WITH\s*\((.*)\))?\s*;?\s*$", sql)
        if not head or not tail:
            raise RequestRefused(
                "InvalidRequestException",
                "line 1:1: mismatched input 'UNLOAD'. Expecting: UNLOAD (query) TO 's3://…' WITH (format = '…')",
                AthenaErrorCode="MALFORMED_QUERY",
            )
        # Spaces keep the places of the statement.
        self.query = " " * head.end() + sql[head.end() : tail.start()]
        self.location = tail[1]
        self.options = {
            name.lower(): value for name, value in re.findall(r"(\w+)\s*=\s*'([^']*)'", tail[2] or "")
        }
        form = self.options.get("format", "").upper()
        if form not in self.FORMATS:
            raise RequestRefused("InvalidRequestException", f"line 1:1: UNLOAD needs a format of {self.FORMATS}")
        if form not in ("JSON", "PARQUET"):
            raise RequestRefused("InvalidRequestException", f"the fake of the tests writes no {form}")
        self.format = form
        if not self.location.endswith("/"):
            self.location += "/"

    @staticmethod
    def begins(sql):
        return re.match(r"(?is)\s*UNLOAD\b", sql) is not None

    def refuse_full_place(self, s3):
        bucket, prefix = split_url(self.location)
        if s3.list(bucket, prefix):
            raise QueryFailed(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {self.location}", kind=1301
            )

    def write(self, s3, run, answer, started):
        """Writes two objects or more, and returns their locations.

        The first leaves members without a value out and the others write null: readers must take both.
        """
        names = [name for name, _ in answer.columns]
        if len(set(names)) != len(names):
            raise QueryFailed("DUPLICATE_COLUMN_NAME: line 1:1: a column name is there twice")
        half = (len(answer.rows) + 1) // 2
        locations = []
        for at, rows in enumerate([answer.rows[:half], answer.rows[half:]]):
            ending = {"JSON": ".gz" if self._is_gzip() else "", "PARQUET": ".gz"}[self.format]
            name = f"{started.strftime('%Y%m%d_%H%M%S')}_{at:05}_fakes_{uuid.uuid4()}{ending}"
            if self.format == "JSON":
                lines = "".join(json.dumps(_row(names, row, at == 0)) + "\n" for row in rows)
                body = gzip.compress(lines.encode()) if self._is_gzip() else lines.encode()
            else:
                body = _parquet(run.connection, answer.columns, rows)
            bucket, prefix = split_url(self.location)
            s3.put(bucket, prefix + name, body)
            locations.append(self.location + name)
        return locations

    def _is_gzip(self):
        # GZIP is the default of UNLOAD.
        return self.options.get("compression", "GZIP").upper() == "GZIP"


def _row(names, row, leaves_out):
    pairs = {name: _json(value) for name, value in zip(names, row)}
    return {name: value for name, value in pairs.items() if value is not None or not leaves_out}


def _json(value):
    if isinstance(value, dict):
        return {str(name): _json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return text(value)


def _parquet(connection, columns, rows):
    names = [name for name, _ in columns]
    types = ", ".join("'" + name.replace("'", "''") + "': '" + kind + "'" for name, kind in columns)
    with tempfile.TemporaryDirectory() as folder:
        lines, parquet = (pathlib.Path(folder) / f"part.{ending}" for ending in ("json", "parquet"))
        # A line more than there are rows, since read_json takes no empty file.
        lines.write_text("".join(json.dumps(_row(names, row, False)) + "\n" for row in [*rows, [None] * len(names)]))
        connection.execute(
            f"COPY (SELECT * FROM read_json('{lines}', format='newline_delimited', columns={{{types}}}, "
            f"maximum_object_size=268435456) LIMIT {len(rows)}) TO '{parquet}' (FORMAT parquet, COMPRESSION gzip)"
        )
        return parquet.read_bytes()
