"""The rows in the objects of a table, by its input format and SerDe."""

import gzip
import json
import pathlib
import zlib

from .failures import FakeLimit, QueryFailed
from .hive import duckdb_type, parse_type

CLOUDTRAIL_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
CLOUDTRAIL_SERDES = (
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "com.amazon.emr.hive.serde.CloudTrailSerde",
    "org.openx.data.jsonserde.JsonSerDe",
)
JSON_SERDES = CLOUDTRAIL_SERDES[:1] + CLOUDTRAIL_SERDES[2:]
PATH_COLUMN = "$path"


class Number(str):
    """A number of JSON, as it was written."""


def _broken(url, what):
    return QueryFailed(f"HIVE_CURSOR_ERROR: {what} (path: {url})", kind=1001)


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else _json(value)


def _json(value):
    """JSON with numbers as they were read."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        members = (json.dumps(name, ensure_ascii=False) + ":" + _json(part) for name, part in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def fit(value, tree):
    """A value of JSON in the form of a column's type; raises ValueError if it has none."""
    if value is None:
        return None
    if isinstance(tree, str):
        if tree == "string" or tree.startswith(("varchar", "char")):
            return _text(value)
        if tree == "boolean" and isinstance(value, bool):
            return value
        if isinstance(value, (bool, dict, list)):
            raise ValueError(f"{_text(value)[:80]} is no {tree}")
        if tree in ("int", "integer", "bigint", "smallint", "tinyint"):
            return int(value)
        if tree in ("double", "float"):
            return float(value)
        return str(value)
    if tree[0] == "struct":
        if not isinstance(value, dict):
            raise ValueError(f"{_text(value)[:80]} is no struct")
        lower = {name.lower(): part for name, part in value.items()}
        return {name: fit(lower.get(name), part) for name, part in tree[1]}
    if tree[0] == "array":
        if not isinstance(value, list):
            raise ValueError(f"{_text(value)[:80]} is no array")
        return [fit(part, tree[1]) for part in value]
    if not isinstance(value, dict):
        raise ValueError(f"{_text(value)[:80]} is no map")
    return {name: fit(part, tree[2]) for name, part in value.items()}


def _load(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def _records(url, key, body, is_cloudtrail):
    """The JSON objects of an object in S3."""
    if key.endswith(".gz"):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise _broken(url, f"incorrect header check or truncated stream: {error}") from error
    try:
        if is_cloudtrail:
            document = _load(body) if body.strip() else {"Records": []}
            records = document.get("Records") if isinstance(document, dict) else None
            if not isinstance(records, list):
                raise ValueError("there is no list Records")
        else:
            records = [_load(line) for line in body.split(b"\n") if line.strip()]
        if not all(isinstance(record, dict) for record in records):
            raise ValueError("a row is no object")
        return records
    except (ValueError, RecursionError) as error:
        raise _broken(url, f"Row is not a valid JSON Object - JSONException: {error}") from error


def _quoted(text):
    return '"' + text.replace('"', '""') + '"'


class Loader:
    """Makes tables of DuckDB of objects in S3, and adds up the bytes of these."""

    def __init__(self, connection, s3, folder):
        self.connection = connection
        self.s3 = s3
        self.folder = pathlib.Path(folder)
        self.scanned = 0
        self.files = 0

    def load(self, name, table, objects):
        """Makes the table `name` of objects: tuples of the partition's values, bucket and key."""
        storage = table["StorageDescriptor"]
        columns = [(column["Name"], parse_type(column["Type"])) for column in storage["Columns"]]
        keys = [(key["Name"], parse_type(key["Type"])) for key in table["PartitionKeys"]]
        types = [f"{_quoted(column)} {duckdb_type(tree)}" for column, tree in columns + keys]
        types.append(f"{_quoted(PATH_COLUMN)} VARCHAR")
        self.connection.execute(f"CREATE TABLE {name} ({', '.join(types)})")
        serde = storage["SerdeInfo"]["SerializationLibrary"]
        if storage["InputFormat"].endswith("MapredParquetInputFormat"):
            self._load_parquet(name, columns, keys, objects)
        elif storage["InputFormat"] == CLOUDTRAIL_INPUT and serde in CLOUDTRAIL_SERDES:
            self._load_json(name, columns, keys, objects, True)
        elif storage["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat" and serde in JSON_SERDES:
            self._load_json(name, columns, keys, objects, False)
        else:
            raise FakeLimit(f"tables with {storage['InputFormat']} and {serde}")

    def _fetch(self, bucket, key):
        body = self.s3.get(bucket, key)
        if body is None:
            raise QueryFailed(
                f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://{bucket}/{key}: NoSuchKey", kind=1001
            )
        self.scanned += len(body)
        return body

    def _new_file(self, ending):
        self.files += 1
        return self.folder / f"{self.files}.{ending}"

    def _load_json(self, name, columns, keys, objects, is_cloudtrail):
        file, rows = self._new_file("json"), 0
        with file.open("w") as out:
            for values, bucket, key in objects:
                url = f"s3://{bucket}/{key}"
                keys_of_row = {name: fit(values[name], tree) for name, tree in keys}
                for record in _records(url, key, self._fetch(bucket, key), is_cloudtrail):
                    lower = {member.lower(): value for member, value in record.items()}
                    try:
                        row = {column: fit(lower.get(column), tree) for column, tree in columns}
                    except ValueError as error:
                        raise QueryFailed(
                            f"HIVE_BAD_DATA: Error parsing field value: {error} (path: {url})", kind=1001
                        ) from error
                    row |= keys_of_row
                    row[PATH_COLUMN] = url
                    out.write(json.dumps(row) + "\n")
                    rows += 1
        if rows:
            types = {column: duckdb_type(tree) for column, tree in columns + keys} | {PATH_COLUMN: "VARCHAR"}
            types = ", ".join("'" + column.replace("'", "''") + f"': '{kind}'" for column, kind in types.items())
            self.connection.execute(
                f"INSERT INTO {name} BY NAME SELECT * FROM read_json(?, format='newline_delimited', "
                f"columns={{{types}}}, maximum_object_size=268435456)",
                [str(file)],
            )
        file.unlink()

    def _load_parquet(self, name, columns, keys, objects):
        for values, bucket, key in objects:
            file = self._new_file("parquet")
            file.write_bytes(self._fetch(bucket, key))
            held = self.connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
            held = {column[0].lower(): column[0] for column in held}
            cells = []
            for column, tree in columns:
                cell = _quoted(held[column]) if column in held else "NULL"
                cells.append(f"CAST({cell} AS {duckdb_type(tree)})")
            cells += [f"CAST(? AS {duckdb_type(tree)})" for _, tree in keys]
            arguments = [values[column] for column, _ in keys] + [f"s3://{bucket}/{key}", str(file)]
            self.connection.execute(
                f"INSERT INTO {name} SELECT {', '.join(cells + ['?'])} FROM read_parquet(?)", arguments
            )
            file.unlink()
