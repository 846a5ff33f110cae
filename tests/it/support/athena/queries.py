"""Athena's operations on queries and workgroups."""

import datetime
import json
import threading
import time
import uuid

from . import lint, results
from .catalog import DEFAULT_CATALOG
from .engine import Answer, Run
from .failures import QueryFailed, RequestRefused
from .faults import LIMIT_REASON
from .hive import parse_statement
from .s3 import split_url

MOST_QUERY_BYTES = 262_144
MOST_RESULT_ROWS = 1_000
MOST_REUSE_MINUTES = 10_080
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
# A poll waits so long for the engine, so that a test needs no pause between polls.
PATIENCE_SECONDS = 30


def invalid(message, **members):
    return RequestRefused("InvalidRequestException", message, **members)


class Query:
    def __init__(self, request, context, workgroup, polls, started):
        self.id = str(uuid.uuid4())
        self.request = request
        self.sql = request["QueryString"]
        self.context = context
        self.workgroup = workgroup
        self.polls = polls
        self.started = started
        self.began = time.monotonic()
        self.seconds = 0.0
        self.state = "QUEUED"
        self.reason = None
        self.error = None
        self.answer = None
        self.scanned = 0
        self.reused = False
        self.output = None
        self.manifest = None
        self.ended = None
        self.run = None
        words = self.sql.split(None, 1)
        first = words[0].upper().rstrip("(") if words else ""
        self.statement_type = "DDL" if first in ("CREATE", "DROP", "ALTER") else "DML"
        self.is_select = first in ("SELECT", "WITH", "")

    def reuse_key(self):
        return self.sql, self.context, self.workgroup, json.dumps(self.request.get("ResultConfiguration"))


class Queries:
    def __init__(self, catalog, s3, faults):
        self.catalog = catalog
        self.s3 = s3
        self.faults = faults
        self.changed = threading.Condition()
        self.queries = {}
        self.by_token = {}
        self.workgroups = {"primary": {"EnforceWorkGroupConfiguration": False}}

    # Operations.

    def start(self, request):
        sql = request.get("QueryString", "")
        if not sql.strip():
            raise invalid("QueryString must not be empty")
        if len(sql.encode()) > MOST_QUERY_BYTES:
            raise invalid(f"Query string length must be at most {MOST_QUERY_BYTES} bytes")
        workgroup = request.get("WorkGroup", "primary")
        if workgroup not in self.workgroups:
            raise invalid(f"WorkGroup {workgroup} is not found.")
        context = request.get("QueryExecutionContext", {})
        context = (
            context.get("Catalog", DEFAULT_CATALOG).lower(),
            context.get("Database", "").lower() or None,
        )
        age = request.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
        if not 0 <= age.get("MaxAgeInMinutes", 60) <= MOST_REUSE_MINUTES:
            raise invalid(f"MaxAgeInMinutes must be from 0 to {MOST_REUSE_MINUTES}")
        token = request.get("ClientRequestToken")
        if token is not None and not 32 <= len(token) <= 128:
            raise invalid("ClientRequestToken must have 32 to 128 characters")
        with self.changed:
            if token in self.by_token:
                known, identifier = self.by_token[token]
                if known != request:
                    raise invalid("Idempotent parameters do not match")
                return {"QueryExecutionId": identifier}
        place = self._output_place(request, workgroup)
        unload = self._parse(sql)
        query = Query(request, context, workgroup, self.faults.polls_of_next_query(), self.faults.now())
        if place is not None:
            ending = "" if unload else (".csv" if query.is_select else ".txt")
            query.output = place.rstrip("/") + "/" + query.id + ending
        with self.changed:
            self.queries[query.id] = query
            if token:
                self.by_token[token] = (request, query.id)
        threading.Thread(target=self._work, args=(query, unload, age), daemon=True).start()
        return {"QueryExecutionId": query.id}

    def get(self, request):
        query = self._query(request)
        with self.changed:
            for state in ("queued", "running"):
                if query.polls[state] > 0 and query.state not in TERMINAL:
                    query.polls[state] -= 1
                    query.state = state.upper()
                    self.changed.notify_all()
                    return {"QueryExecution": self._shown(query)}
            self.changed.wait_for(lambda: query.state in TERMINAL, PATIENCE_SECONDS)
            return {"QueryExecution": self._shown(query)}

    def stop(self, request):
        query = self._query(request)
        with self.changed:
            if query.state not in TERMINAL:
                self._end(query, "CANCELLED", "Query cancelled by user")
                if query.run:
                    query.run.stop()
        return {}

    def results(self, request):
        query = self._query(request)
        with self.changed:
            if query.state not in TERMINAL:
                raise invalid(f"Query has not yet finished. Current state: {query.state}")
            if query.state != "SUCCEEDED":
                raise invalid(f"Query did not finish successfully. Final query state: {query.state}")
        most = request.get("MaxResults", MOST_RESULT_ROWS)
        if not 1 <= most <= MOST_RESULT_ROWS:
            raise invalid(f"MaxResults is more than maximum allowed length {MOST_RESULT_ROWS}")
        answer = query.answer or Answer([], [])
        rows = [[name for name, _ in answer.columns]] if answer.columns else []
        rows += [[results.text(value) for value in row] for row in answer.rows]
        try:
            start = int(request.get("NextToken", "0"))
        except ValueError as error:
            raise invalid("NextToken is invalid") from error
        cell = lambda value: {} if value is None else {"VarCharValue": value}
        page = [{"Data": [cell(value) for value in row]} for row in rows[start : start + most]]
        columns = [
            {
                "CatalogName": "hive",
                "SchemaName": "",
                "TableName": "",
                "Name": name,
                "Label": name,
                "Type": results.athena_type(kind),
                "Nullable": "UNKNOWN",
                "CaseSensitive": results.athena_type(kind) == "varchar",
            }
            for name, kind in answer.columns
        ]
        more = {"NextToken": str(start + most)} if start + most < len(rows) else {}
        return {"UpdateCount": 0, "ResultSet": {"Rows": page, "ResultSetMetadata": {"ColumnInfo": columns}}} | more

    def workgroup(self, request):
        name = request.get("WorkGroup", "")
        if name not in self.workgroups:
            raise invalid(f"WorkGroup {name} is not found.")
        version = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
        settings = {"ResultConfiguration": {}, "EngineVersion": version} | self.workgroups[name]
        state = settings.pop("State", "ENABLED")
        return {"WorkGroup": {"Name": name, "State": state, "Configuration": settings, "CreationTime": 0}}

    # How a query runs.

    def _query(self, request):
        with self.changed:
            query = self.queries.get(request.get("QueryExecutionId"))
        if query is None:
            raise invalid(f"QueryExecution {request.get('QueryExecutionId')} was not found")
        return query

    def _output_place(self, request, workgroup):
        """Where the result goes; None if Athena keeps it."""
        settings = self.workgroups[workgroup]
        asked = request.get("ResultConfiguration", {}).get("OutputLocation")
        if settings.get("ManagedQueryResultsConfiguration", {}).get("Enabled"):
            if asked:
                raise invalid("OutputLocation must not be set: the workgroup has managed query results")
            return None
        held = settings.get("ResultConfiguration", {}).get("OutputLocation")
        place = held if settings.get("EnforceWorkGroupConfiguration") else asked or held
        if not place:
            raise invalid(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        return place

    @staticmethod
    def _parse(sql):
        """Refuses what is no SQL, as StartQueryExecution does; returns what an UNLOAD asks for."""
        words = sql.split(None, 1)
        if words[0].lower() in ("create", "drop", "alter"):
            if words[0].lower() != "alter":
                parse_statement(sql)
            return None
        unload = results.Unload(sql) if results.Unload.begins(sql) else None
        try:
            lint.parse(unload.query if unload else sql)
        except lint.Refused:
            # The engine says it.
            pass
        except lint.Malformed as error:
            raise invalid(str(error), AthenaErrorCode="MALFORMED_QUERY") from error
        return unload

    def _work(self, query, unload, age):
        fault, details = self.faults.of_next_query()
        run = query.run = Run(self.catalog, self.s3, self.faults.now())
        earlier = self._earlier(query, age) if query.is_select and age.get("Enabled") else None
        failure, began = None, time.monotonic()
        try:
            if earlier:
                query.answer, query.output, query.reused = earlier.answer, earlier.output, True
            elif unload:
                unload.refuse_full_place(self.s3)
                query.answer = run.query(unload.query, query.context)
            elif query.is_select:
                query.answer = run.query(query.sql, query.context)
            elif not self.catalog.run(query.sql, query.context):
                raise QueryFailed(f"FAILED: ParseException: the fake of the tests cannot run {query.sql[:80]!r}")
        except QueryFailed as error:
            failure = error
        except RequestRefused as error:
            failure = QueryFailed(f"FAILED: {error.message}")
        except Exception as error:  # noqa: BLE001: a fault of the fake has to be seen
            failure = QueryFailed(f"FAKE_FAULT: {type(error).__name__}: {error}", category=1)
        query.seconds = time.monotonic() - began
        query.scanned = run.scanned
        with self.changed:
            self.changed.wait_for(lambda: query.state in TERMINAL or not any(query.polls.values()))
            if query.state not in TERMINAL:
                self._finish(query, run, unload, failure, fault, details)
        run.close()

    def _finish(self, query, run, unload, failure, fault, details):
        cutoff = self.workgroups[query.workgroup].get("BytesScannedCutoffPerQuery")
        if fault == "limit" or cutoff is not None and query.scanned > cutoff:
            return self._end(query, "CANCELLED", LIMIT_REASON)
        if fault == "fail":
            query.scanned //= 2
            failure = QueryFailed(
                details["reason"],
                details.get("category", 1),
                details.get("type", 1),
                details.get("retryable", False),
            )
        try:
            if failure:
                raise failure
            if not query.reused:
                self._write(query, run, unload)
        except QueryFailed as error:
            query.error = {
                "ErrorCategory": error.category,
                "ErrorType": error.kind,
                "Retryable": error.retryable,
                "ErrorMessage": error.reason,
            }
            return self._end(query, "FAILED", error.reason)
        if fault == "lose" and query.output:
            self.s3.delete(*split_url(query.output))
        return self._end(query, "SUCCEEDED", None)

    def _write(self, query, run, unload):
        if unload:
            locations = unload.write(self.s3, run, query.answer, query.started)
            query.answer = None
            if query.output:
                query.manifest = query.output + "-manifest.csv"
                bucket, key = split_url(query.manifest)
                self.s3.put(bucket, key, "".join(location + "\n" for location in locations).encode())
        if query.output:
            bucket, key = split_url(query.output)
            if not unload:
                self.s3.put(bucket, key, results.csv(query.answer) if query.answer else b"")
            self.s3.put(bucket, key + ".metadata", b"metadata of the fake\n")

    def _end(self, query, state, reason):
        query.state, query.reason = state, reason
        query.ended = self.faults.now()
        self.changed.notify_all()

    def _earlier(self, query, age):
        """The last query whose result this one may take."""
        oldest = self.faults.now() - datetime.timedelta(minutes=age.get("MaxAgeInMinutes", 60))
        with self.changed:
            known = [
                other
                for other in self.queries.values()
                if other.reuse_key() == query.reuse_key()
                and other.state == "SUCCEEDED"
                and not other.reused
                and other.ended >= oldest
            ]
        return known[-1] if known else None

    def _shown(self, query):
        seconds = lambda when: when.replace(tzinfo=datetime.timezone.utc).timestamp()
        status = {"State": query.state, "SubmissionDateTime": seconds(query.started)}
        if query.ended:
            status["CompletionDateTime"] = seconds(query.ended)
        if query.reason:
            status["StateChangeReason"] = query.reason
        if query.error:
            status["AthenaError"] = query.error
        milliseconds = int(query.seconds * 1000)
        is_done = query.state in TERMINAL
        statistics = {
            "QueryQueueTimeInMillis": 1,
            "TotalExecutionTimeInMillis": milliseconds + 1,
            "ResultReuseInformation": {"ReusedPreviousResult": query.reused},
        }
        # Nothing is known of a query that has not begun.
        if query.state != "QUEUED":
            statistics["EngineExecutionTimeInMillis"] = milliseconds
            statistics["DataScannedInBytes"] = query.scanned if is_done else 0
        if query.manifest:
            statistics["DataManifestLocation"] = query.manifest
        shown = {
            "QueryExecutionId": query.id,
            "Query": query.sql,
            "StatementType": query.statement_type,
            "ResultConfiguration": {"OutputLocation": query.output} if query.output else {},
            "QueryExecutionContext": query.request.get("QueryExecutionContext", {}),
            "Status": status,
            "Statistics": statistics,
            "WorkGroup": query.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
        }
        if "ResultReuseConfiguration" in query.request:
            shown["ResultReuseConfiguration"] = query.request["ResultReuseConfiguration"]
        return shown
