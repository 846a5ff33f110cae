"""Runs a query: tables of the catalog, objects in S3, DuckDB."""

import os
import random
import re
import tempfile

import duckdb
from sqlglot import exp

from . import lint, partitions
from .failures import FakeLimit, QueryFailed
from .functions import ATHENA_FUNCTIONS, COMPARED_FUNCTIONS
from .hive import duckdb_type, parse_type
from .rows import PATH_COLUMN, Loader
from .s3 import split_url

# Functions whose results differ between Trino and DuckDB.
MACROS = """
CREATE MACRO athena_json_scalar(document, path) AS CASE
    WHEN NOT json_valid(document) THEN NULL
    WHEN json_type(document, path) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL
    ELSE json_extract_string(document, path) END;
CREATE MACRO athena_split_part(text, delimiter, number) AS CASE
    WHEN number > len(string_split(text, delimiter)) THEN NULL
    ELSE split_part(text, delimiter, number) END;
CREATE MACRO athena_regexp_extract(text, pattern, number) AS CASE
    WHEN regexp_matches(text, pattern) THEN regexp_extract(text, pattern, number) END;
"""

UNNAMED = "athena_unnamed_"


class Answer:
    """What a query gave: columns as pairs of name and type of DuckDB, and rows."""

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = rows


class Run:
    """One run of a query; `scanned` is the number of bytes of the objects that were read, also after a failure."""

    def __init__(self, catalog, s3, now):
        self.catalog = catalog
        self.s3 = s3
        self.now = now
        self.connection = duckdb.connect()
        self.scanned = 0

    def stop(self):
        self.connection.interrupt()

    def close(self):
        self.connection.close()

    def query(self, sql, context):
        """The answer to a SELECT; `context` has the names of a catalog and a database. Raises QueryFailed."""
        try:
            tree = lint.parse(sql)
            _mark_unnamed(tree)
            uses = self._name_tables(sql, tree, context)
            schema, visible = {}, {}
            for name, (table, _) in uses.items():
                columns = table["StorageDescriptor"]["Columns"] + table["PartitionKeys"]
                visible[name] = [column["Name"] for column in columns]
                schema[name] = {
                    column["Name"]: exp.DataType.build(column["Type"], dialect="hive") for column in columns
                } | {PATH_COLUMN: exp.DataType.build("varchar")}
            typed = lint.check(sql, tree, schema, visible)
        except (lint.Malformed, lint.Refused) as error:
            raise QueryFailed(str(error)) from error
        unknown = lint.functions(sql) & ATHENA_FUNCTIONS - COMPARED_FUNCTIONS - lint.WORDS_BEFORE_BRACKETS
        if unknown:
            raise FakeLimit(f"functions of DuckDB that were not compared with Trino's: {', '.join(sorted(unknown))}")
        self.connection.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false;")
        self.connection.execute(MACROS)
        with tempfile.TemporaryDirectory() as folder:
            loader = Loader(self.connection, self.s3, folder)
            try:
                for name, (table, manual) in uses.items():
                    loader.load(name, table, self._objects(table, manual, _conditions(typed, name, table)))
            finally:
                self.scanned = loader.scanned
            return self._answer(sql, typed)

    def _name_tables(self, sql, tree, context):
        """Gives each use of a table a name of its own; returns the tables and their partitions by these names."""
        named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
        uses = {}
        for node in list(tree.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier):
                raise FakeLimit(f"{node.sql('athena')} as a table")
            if not node.db and node.name.lower() in named:
                continue
            catalog = (node.catalog or context[0] or "awsdatacatalog").lower()
            database = (node.db or context[1] or "default").lower()
            place = lint.place_of(sql, node)
            if not self.catalog.has_database(catalog, database):
                raise QueryFailed(f"SCHEMA_NOT_FOUND: {place}: Schema '{database}' does not exist", kind=1301)
            found = self.catalog.table(catalog, database, node.name.lower())
            if found is None:
                table = f"{catalog}.{database}.{node.name.lower()}"
                raise QueryFailed(f"TABLE_NOT_FOUND: {place}: Table '{table}' does not exist", kind=1301)
            name = f"used_table_{len(uses)}"
            uses[name] = found
            alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower(), quoted=True))
            new = exp.Table(this=exp.to_identifier(name), alias=alias)
            new.set("joins", node.args.get("joins"))
            node.replace(new)
        # `database.table.column` names a use by its alias alone.
        for column in tree.find_all(exp.Column):
            for _, database in self.catalog.databases():
                if column.args.get("db") is not None and column.db.lower() == database:
                    column.set("db", None)
                    column.set("catalog", None)
        return uses

    def _objects(self, table, manual, conditions):
        types = {key["Name"]: duckdb_type(parse_type(key["Type"])) for key in table["PartitionKeys"]}

        def accepts(keys, rows):
            usable = [condition for condition in conditions if _column_names(condition) <= set(keys)]
            if not rows or not usable:
                return rows
            cursor = self.connection.cursor()
            # One array for each column: inserting rows one by one takes a millisecond each.
            cells = ", ".join(f'CAST(unnest(?::VARCHAR[]) AS {types[key]}) AS "{key}"' for key in keys)
            arrays = [[row[at] for row in rows] for at in range(len(keys))]
            cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE partition_values AS SELECT unnest(?::BIGINT[]) AS row_place, {cells}",
                [list(range(len(rows))), *arrays],
            )
            where = " AND ".join(f"({condition.sql('duckdb')})" for condition in usable)
            kept = cursor.execute(f"SELECT row_place FROM partition_values WHERE {where} ORDER BY 1").fetchall()
            cursor.close()
            return [rows[at] for (at,) in kept]

        def injected(key):
            values = None
            for condition in conditions:
                found = _static_values(condition, key)
                if found is not None:
                    values = found if values is None else [value for value in values if value in found]
            return values

        by_bucket = {}
        for values, location in partitions.select(table, manual, self.now, injected, accepts):
            bucket, prefix = split_url(location)
            by_bucket.setdefault(bucket, {}).setdefault(prefix, []).append(values)
        objects = []
        for bucket, by_prefix in by_bucket.items():
            # One listing for all, since a projection makes thousands of places.
            for key, size in self.s3.list(bucket, os.path.commonprefix(list(by_prefix))):
                ends = [at + 1 for at, letter in enumerate(key) if letter == "/"]
                for prefix in [key[:end] for end in [0, *ends] if key[:end] in by_prefix]:
                    hidden = any(part.startswith(("_", ".")) for part in key[len(prefix) :].split("/"))
                    if size and not hidden:
                        objects += [(values, bucket, key) for values in by_prefix[prefix]]
        return objects

    def _answer(self, sql, typed):
        statement = typed.copy().transform(_as_duckdb)
        names = [
            f"_col{at}" if name.startswith(UNNAMED) else name for at, name in enumerate(statement.named_selects)
        ]
        try:
            result = self.connection.execute(statement.sql("duckdb"))
            columns = [(name.lower(), str(column[1])) for name, column in zip(names, result.description)]
            rows = result.fetchall()
            # Athena promises no order where none is asked for.
            if not statement.args.get("order"):
                random.Random(sql).shuffle(rows)
            return Answer(columns, rows)
        except duckdb.InterruptException as error:
            raise QueryFailed("Query was stopped") from error
        except duckdb.BinderException as error:
            reason = str(error).splitlines()[0]
            if "GROUP BY" in reason:
                code = "EXPRESSION_NOT_AGGREGATE"
            else:
                code = "TYPE_MISMATCH" if "type" in reason.lower() else "SYNTAX_ERROR"
            raise QueryFailed(f"{code}: line 1:1: {reason}") from error
        except duckdb.ConversionException as error:
            raise QueryFailed(f"INVALID_CAST_ARGUMENT: {str(error).splitlines()[0]}") from error
        except duckdb.Error as error:
            raise FakeLimit(f"{error}\n{statement.sql('duckdb')}") from error


def _mark_unnamed(tree):
    """Names the columns of a result that have no name: Athena calls them `_col` and their number."""
    select = tree.find(exp.Select) if not isinstance(tree, exp.SetOperation) else tree.left.find(exp.Select)
    for at, item in enumerate(select.expressions if select else []):
        if not isinstance(item, (exp.Alias, exp.Column, exp.Dot, exp.Star)):
            item.replace(exp.alias_(item.copy(), f"{UNNAMED}{at}"))


def _as_duckdb(node):
    """The expression of DuckDB with the meaning that a node has in Athena, where sqlglot's translation has not."""
    if isinstance(node, exp.JSONExtractScalar):
        path = node.expression
        path = path if isinstance(path, exp.Literal) else exp.Literal.string(_json_path(path))
        return exp.func("athena_json_scalar", node.this, path)
    if isinstance(node, exp.SplitPart):
        return exp.func("athena_split_part", node.this, node.args["delimiter"], node.args["part_index"])
    if isinstance(node, exp.RegexpExtract):
        group = node.args.get("group") or exp.Literal.number(0)
        return exp.func("athena_regexp_extract", node.this, node.expression, group)
    if isinstance(node, exp.RegexpReplace):
        replacement = node.args.get("replacement")
        if isinstance(replacement, exp.Literal):
            node.set("replacement", exp.Literal.string(re.sub(r"\$(\d)", r"\\\1", replacement.name)))
        return node
    # NULL among the arguments gives NULL; DuckDB leaves it out.
    if isinstance(node, (exp.Greatest, exp.Least)):
        parts = [node.this, *node.expressions]
        name = "greatest" if isinstance(node, exp.Greatest) else "least"
        missing = exp.or_(*[exp.Is(this=part.copy(), expression=exp.null()) for part in parts])
        return exp.Case(ifs=[exp.If(this=exp.not_(missing), true=exp.Anonymous(this=name, expressions=parts))])
    # DuckDB gives NULL where there is no value, Athena zero.
    if isinstance(node, exp.CountIf):
        return exp.Count(this=exp.Case(ifs=[exp.If(this=node.this, true=exp.Literal.number(1))]))
    # DuckDB's arg_max leaves out rows without a value.
    if isinstance(node, exp.ArgMax):
        return exp.func("arg_max_null", node.this, node.expression)
    if isinstance(node, exp.ArgMin):
        return exp.func("arg_min_null", node.this, node.expression)
    return node


def _json_path(path):
    out = "$"
    for part in path.expressions:
        if isinstance(part, exp.JSONPathKey):
            out += '."' + str(part.this) + '"'
        elif isinstance(part, exp.JSONPathSubscript):
            out += f"[{part.this}]"
        elif not isinstance(part, exp.JSONPathRoot):
            raise FakeLimit(f"the JSON path {path.sql('athena')}")
    return out


def _column_names(condition):
    return {column.name.lower() for column in condition.find_all(exp.Column)}


def _conditions(typed, name, table):
    """The terms of the WHERE clause over a table that name nothing but its partition keys, without their qualifier."""
    keys = {key["Name"] for key in table["PartitionKeys"]}
    node = next(node for node in typed.find_all(exp.Table) if node.name == name)
    select = node.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    found = []
    for term in where.this.flatten() if where and isinstance(where.this, exp.And) else [where.this] if where else []:
        term = term.unnest()
        columns = list(term.find_all(exp.Column))
        if not columns or term.find(exp.Query):
            continue
        if all(column.table == node.alias_or_name and column.name.lower() in keys for column in columns):
            term = term.copy()
            for column in term.find_all(exp.Column):
                column.set("table", None)
                column.this.set("quoted", True)
            found.append(term)
    return found


def _static_values(condition, key):
    """The texts that a condition `key = 'x'` or `key IN ('x', 'y')` names; None if it is no such condition."""
    if isinstance(condition, exp.EQ):
        sides = [condition.left, condition.right]
        column = next((side for side in sides if isinstance(side, exp.Column)), None)
        values = [side for side in sides if side is not column]
    elif isinstance(condition, exp.In) and condition.expressions:
        column, values = condition.this, condition.expressions
    else:
        return None
    if not isinstance(column, exp.Column) or column.name.lower() != key:
        return None
    if not all(isinstance(value, exp.Literal) for value in values):
        return None
    return list(dict.fromkeys(value.name for value in values))
