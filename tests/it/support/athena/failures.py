"""How requests are refused and how queries fail."""


class RequestRefused(Exception):
    """An answer with an error: its type, its message, and more members of its body."""

    def __init__(self, kind, message, **members):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.members = members


class QueryFailed(Exception):
    """What a query that failed says in StateChangeReason and AthenaError.

    `category` is 1 for the system, 2 for the user, 3 for others; `kind` is a number of Athena's error type reference.
    """

    def __init__(self, reason, category=2, kind=1006, retryable=False):
        super().__init__(reason)
        self.reason = reason
        self.category = category
        self.kind = kind
        self.retryable = retryable


class FakeLimit(QueryFailed):
    """The statement may be valid for Athena, but this fake cannot run it."""

    def __init__(self, what):
        super().__init__(f"FAKE_LIMIT: the fake of the tests cannot run this statement: {what}", category=3)
