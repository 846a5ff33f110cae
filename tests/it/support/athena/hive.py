"""Hive's types, as Glue writes them, and Hive's statements, as Athena takes them."""

import re

import sqlglot
from sqlglot import exp

from .failures import QueryFailed, RequestRefused

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "smallint": "SMALLINT",
    "tinyint": "TINYINT",
    "double": "DOUBLE",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "binary": "BLOB",
}


def parse_type(text):
    """A type as a tree: a name, `("struct", [(name, type)])`, `("array", type)` or `("map", key, value)`."""
    tree, rest = _parse(text.replace(" ", "").lower())
    if rest:
        raise ValueError(f"the type {text!r} is not understood from {rest!r} on")
    return tree


def _parse(text):
    for kind in ("struct", "array", "map"):
        if text.startswith(kind + "<"):
            text = text[len(kind) + 1 :]
            parts = []
            while True:
                name = None
                if kind == "struct":
                    name, _, text = text.partition(":")
                part, text = _parse(text)
                parts.append((name.strip("`"), part) if kind == "struct" else part)
                if text.startswith(">"):
                    break
                if not text.startswith(","):
                    raise ValueError(f"the type {text!r} is not understood")
                text = text[1:]
            return ((kind, parts) if kind == "struct" else (kind, *parts)), text[1:]
    name = re.match(r"[a-z]+(\(\d+(,\d+)?\))?", text)
    if not name:
        raise ValueError(f"the type {text!r} is not understood")
    return name[0], text[name.end() :]


def duckdb_type(tree):
    """The type of DuckDB that holds a Hive type."""
    if isinstance(tree, str):
        if tree.startswith("decimal"):
            return tree.upper()
        if tree.startswith(("varchar", "char")):
            return "VARCHAR"
        if tree not in DUCKDB_TYPES:
            raise ValueError(f"the type {tree!r} is unknown")
        return DUCKDB_TYPES[tree]
    if tree[0] == "struct":
        return "STRUCT(" + ", ".join(f'"{name}" {duckdb_type(part)}' for name, part in tree[1]) + ")"
    if tree[0] == "array":
        return duckdb_type(tree[1]) + "[]"
    return f"MAP({duckdb_type(tree[1])}, {duckdb_type(tree[2])})"


def _columns(definitions):
    columns = []
    for column in definitions:
        if not isinstance(column, exp.ColumnDef) or column.args.get("kind") is None:
            raise RequestRefused("InvalidRequestException", f"a column without a type: {column.sql()}")
        kind = column.args["kind"].sql("hive").lower().replace(" ", "").replace("`", "")
        duckdb_type(parse_type(kind))
        columns.append({"Name": column.name.lower(), "Type": kind})
    return columns


def parse_statement(sql):
    """A statement that changes the catalog, by sqlglot."""
    try:
        (tree,) = sqlglot.parse(sql.strip().rstrip(";"), read="athena")
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RequestRefused(
            "InvalidRequestException", f"line 1:1: {reason}", AthenaErrorCode="MALFORMED_QUERY"
        ) from error
    return tree


def table_of(create):
    """The table of `CREATE EXTERNAL TABLE` in the form of Glue, without its database."""
    schema = create.this
    if not isinstance(schema, exp.Schema):
        raise RequestRefused("InvalidRequestException", "a table without columns")
    table = {
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {"EXTERNAL": "TRUE"},
        "StorageDescriptor": {
            "Columns": _columns(schema.expressions),
            "Location": "",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1"},
            },
            "StoredAsSubDirectories": False,
        },
    }
    storage = table["StorageDescriptor"]
    for part in create.args["properties"].expressions if create.args.get("properties") else []:
        if isinstance(part, exp.PartitionedByProperty):
            table["PartitionKeys"] = _columns(part.this.expressions)
        elif isinstance(part, exp.RowFormatSerdeProperty):
            storage["SerdeInfo"]["SerializationLibrary"] = part.this.name
            for pair in part.args.get("serde_properties").expressions if part.args.get("serde_properties") else []:
                storage["SerdeInfo"]["Parameters"][pair.this.name] = pair.args["value"].name
        elif isinstance(part, exp.FileFormatProperty):
            if isinstance(part.this, exp.InputOutputFormat):
                storage["InputFormat"] = part.this.args["input_format"].name
                storage["OutputFormat"] = part.this.args["output_format"].name
            elif part.this.name.upper() == "PARQUET":
                parquet = "org.apache.hadoop.hive.ql.io.parquet"
                storage["InputFormat"] = f"{parquet}.MapredParquetInputFormat"
                storage["OutputFormat"] = f"{parquet}.MapredParquetOutputFormat"
                storage["SerdeInfo"]["SerializationLibrary"] = f"{parquet}.serde.ParquetHiveSerDe"
        elif isinstance(part, exp.LocationProperty):
            storage["Location"] = part.this.name
        elif isinstance(part, exp.SerdeProperties):
            for pair in part.expressions:
                storage["SerdeInfo"]["Parameters"][pair.this.name] = pair.args["value"].name
        elif type(part) is exp.Property:
            table["Parameters"][part.this.name] = part.args["value"].name
    if not storage["Location"]:
        raise QueryFailed("FAILED: SemanticException an external table needs a LOCATION")
    return table


def added_partitions(sql):
    """The table, and the values by key and the location of each partition, of `ALTER TABLE … ADD PARTITION`.

    None for any other statement.
    """
    head = re.match(r"(?is)\s*ALTER\s+TABLE\s+(\S+)\s+ADD\s+(?:IF\s+NOT\s+EXISTS\s+)?(?=PARTITION)", sql)
    if not head:
        return None
    found = []
    part = r"(?is)PARTITION\s*\(([^)]*)\)(?:\s*LOCATION\s*'([^']*)')?"
    for values, location in re.findall(part, sql[head.end() :]):
        pairs = re.findall(r"([\w`]+)\s*=\s*'?([^',]*)'?", values)
        found.append(({key.strip("`").lower(): value.strip() for key, value in pairs}, location or None))
    return head[1].replace("`", "").replace('"', "").lower().split("."), found
