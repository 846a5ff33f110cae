"""What tests make go wrong, over POST /_control; and what they ask about, over GET /_control/…."""

import datetime
import threading

from .failures import RequestRefused

# The reason of AWS for a query that its workgroup's limit of bytes stopped.
LIMIT_REASON = "Query cancelled! : Bytes scanned limit was exceeded"


class Faults:
    """Faults that are still to come, and all calls so far."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = []
        # Lists of [operation or None, number of calls left or None, what makes the error for an operation].
        self.refusals = []
        # Each entry is what becomes of one query: ("fail", {…}), ("limit", {}) or ("lose", {}).
        self.of_queries = []
        self.polls = {"queued": 0, "running": 0}
        self.time = None

    def now(self):
        """What the service takes for the time, in UTC and without a time zone."""
        return self.time or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)

    def record(self, operation, request):
        with self.lock:
            self.calls.append({"operation": operation, "request": request})

    def refuse(self, operation):
        """Raises what tests planned for a call."""
        with self.lock:
            for refusal in self.refusals:
                name, left, make = refusal
                if name not in (None, operation) or left == 0:
                    continue
                if left is not None:
                    refusal[1] -= 1
                raise make(operation)

    def of_next_query(self):
        with self.lock:
            return self.of_queries.pop(0) if self.of_queries else (None, {})

    def polls_of_next_query(self):
        with self.lock:
            return dict(self.polls)

    def plan(self, request):
        """Takes one request of a test; returns whether it was one of these."""
        action, operation, count = (request.get(name) for name in ("action", "operation", "count"))
        refusal = {"throttle": _throttled, "deny": _denied, "expire": _expired, "break": _broken}.get(action)
        with self.lock:
            if refusal:
                self.refusals.append([operation, count, refusal])
            elif action in ("queued", "running"):
                self.polls[action] = request["polls"]
            elif action in ("fail", "limit", "lose"):
                self.of_queries.append((action, request))
            elif action == "now":
                time = datetime.datetime.fromisoformat(request["time"].replace("Z", "+00:00"))
                self.time = time.astimezone(datetime.timezone.utc).replace(tzinfo=None)
            else:
                return False
        return True


def _throttled(operation):
    if operation.startswith("AWSGlue."):
        return RequestRefused("ThrottlingException", "Rate exceeded")
    return RequestRefused("TooManyRequestsException", "Rate exceeded")


def _denied(operation):
    service, _, name = operation.partition(".")
    service = {"AmazonAthena": "athena", "AWSGlue": "glue"}[service]
    return RequestRefused(
        "AccessDeniedException",
        f"User: arn:aws:iam::111122223333:user/tester is not authorized to perform: {service}:{name} because no "
        f"identity-based policy allows the {service}:{name} action",
    )


def _expired(_):
    return RequestRefused("ExpiredTokenException", "The security token included in the request is expired")


def _broken(_):
    return RequestRefused("InternalServerException", "Internal service error", status=500)
