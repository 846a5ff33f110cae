"""A fake of Amazon Athena and of AWS Glue's catalog on loopback; its engine is DuckDB.

Usage: athena_server.py S3_ENDPOINT

It takes AWS JSON 1.1: StartQueryExecution, GetQueryExecution, StopQueryExecution, GetQueryResults, GetWorkGroup and
GetTableMetadata of Athena; GetTable, GetDatabase and GetPartitions of Glue. The objects of tables and results are in
the S3 server at S3_ENDPOINT. Signatures are not checked.

Tests plan faults and settings with POST /_control and a JSON object whose `action` is one of

    throttle, deny, break    refuse the next `count` calls of `operation`, such as `AmazonAthena.GetQueryExecution`;
                             without `count` all of them, without `operation` those of all operations
    expire                   the same for credentials that have expired
    queued, running          the next queries answer so many `polls` with this state
    fail                     the next query fails half way, with `reason`, `category`, `type` and `retryable`
    limit                    the next query is cancelled as a workgroup's limit of bytes does
    lose                     the result of the next query is deleted after its success
    now                      the `time` that the service sees
    workgroup                a workgroup with `name` and the members of WorkGroupConfiguration in `configuration`
    run                      run the DDL statement `sql` in `database` of `catalog`

and ask with GET /_control/calls (operation and request of each call) and GET /_control/statements (each SQL text that
was started). The port is printed when all is ready; it ends with its standard input.
"""

import http.server
import json
import sys
import threading

from athena.catalog import DEFAULT_CATALOG, Catalog
from athena.failures import QueryFailed, RequestRefused
from athena.faults import Faults
from athena.queries import Queries
from athena.s3 import S3

catalog = Catalog()
faults = Faults()
queries = Queries(catalog, S3(sys.argv[1]), faults)

OPERATIONS = {
    "AmazonAthena.StartQueryExecution": queries.start,
    "AmazonAthena.GetQueryExecution": queries.get,
    "AmazonAthena.StopQueryExecution": queries.stop,
    "AmazonAthena.GetQueryResults": queries.results,
    "AmazonAthena.GetWorkGroup": queries.workgroup,
    "AmazonAthena.GetTableMetadata": catalog.get_table_metadata,
    "AWSGlue.GetTable": catalog.get_table,
    "AWSGlue.GetDatabase": catalog.get_database,
    "AWSGlue.GetPartitions": catalog.get_partitions,
}


def control(request):
    if faults.plan(request):
        return
    action = request.get("action")
    if action == "workgroup":
        queries.workgroups[request["name"]] = request["configuration"]
    elif action == "run":
        context = (request.get("catalog", DEFAULT_CATALOG).lower(), request.get("database", "").lower() or None)
        if not catalog.run(request["sql"], context):
            raise QueryFailed(f"this is no statement that changes the catalog: {request['sql'][:80]!r}")
    else:
        raise QueryFailed(f"the action {action!r} is unknown")


def is_signed_for(headers, operation):
    service = {"AmazonAthena": "athena", "AWSGlue": "glue"}.get(operation.partition(".")[0])
    return f"/{service}/aws4_request" in headers.get("Authorization", "")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value, headers=()):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/_control/calls":
            self.answer(200, faults.calls)
        elif self.path == "/_control/statements":
            starts = [call for call in faults.calls if call["operation"].endswith(".StartQueryExecution")]
            self.answer(200, [call["request"].get("QueryString") for call in starts])
        else:
            self.answer(404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            request = json.loads(body)
        except ValueError:
            return self.answer(400, {"__type": "SerializationException"})
        if self.path == "/_control":
            try:
                control(request)
            except (QueryFailed, RequestRefused, KeyError) as error:
                return self.answer(400, {"message": str(error)})
            return self.answer(200, {})
        operation = self.headers.get("X-Amz-Target", "")
        faults.record(operation, request)
        try:
            if not is_signed_for(self.headers, operation):
                raise RequestRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
            faults.refuse(operation)
            if operation not in OPERATIONS:
                raise RequestRefused("UnknownOperationException", f"the fake has no operation {operation}")
            answer = OPERATIONS[operation](request)
        except RequestRefused as refused:
            members = dict(refused.members)
            status = members.pop("status", 400)
            body = {"__type": refused.kind, "message": refused.message} | members
            return self.answer(status, body, [("x-amzn-ErrorType", refused.kind)])
        return self.answer(200, answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
