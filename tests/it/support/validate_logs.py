"""Runs `aws cloudtrail validate-logs` of the AWS CLI on buckets that are held in memory.

Each line on standard input is a JSON object, and is answered by one line:

    {"trail", "bucket", "region", "since", "until", "keys", "objects"}
        `keys` is what `aws cloudtrail list-public-keys` gives in `PublicKeyList`; `objects` has, by
        bucket and key, {"body": base64, "metadata": {name: value}}
    {"code", "said"}
        the exit code, and what the command writes to standard error, line by line

The command's own code decides; only the clients of S3 and CloudTrail are replaced.
"""

import base64
import contextlib
import io
import json
import sys
from types import SimpleNamespace

from awscli.customizations.cloudtrail import validation


class Buckets:
    """Stands for S3, and for what gives out clients of it."""

    def __init__(self, objects):
        self.objects = objects

    def get_client(self, bucket):
        return self

    def get_object(self, Bucket, Key):
        stored = self.objects.get(Bucket, {}).get(Key)
        if stored is None:
            error = {"Error": {"Code": "NoSuchKey", "Message": "it does not exist"}}
            raise validation.ClientError(error, "GetObject")
        body = base64.b64decode(stored["body"])
        return {"Body": io.BytesIO(body), "Metadata": stored.get("metadata", {})}

    def get_paginator(self, operation):
        assert operation == "list_objects", operation
        return self

    def paginate(self, Bucket, Marker, Prefix):
        keys = sorted(self.objects.get(Bucket, {}))
        listed = [key for key in keys if key.startswith(Prefix) and key > Marker]
        return SimpleNamespace(search=lambda expression: iter(listed))


class Keys:
    """Stands for CloudTrail."""

    def __init__(self, keys):
        self.keys = keys

    def list_public_keys(self, StartTime, EndTime):
        def was_valid(key):
            begins, ends = key["ValidityStartTime"], key["ValidityEndTime"]
            return begins <= EndTime.timestamp() and StartTime.timestamp() <= ends

        return {"PublicKeyList": [key for key in self.keys if was_valid(key)]}


class ValidateLogs(validation.CloudTrailValidateLogs):
    def __init__(self, asked):
        super().__init__(session=None)
        self.asked = asked

    def setup_services(self, parsed_globals):
        self._source_region = parsed_globals.region
        self.s3_client_provider = Buckets(self.asked["objects"])
        self.cloudtrail_client = Keys(self.asked["keys"])
        self.organization_client = None


def answer(asked):
    arguments = SimpleNamespace(
        trail_arn=asked["trail"],
        s3_bucket=asked["bucket"],
        s3_prefix=None,
        account_id=None,
        start_time=asked["since"],
        end_time=asked["until"],
        verbose=False,
    )
    shared = SimpleNamespace(region=asked["region"], verify_ssl=True, endpoint_url=None)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            code = ValidateLogs(asked)._run_main(arguments, shared)
        except Exception as error:
            # The command prints it, and ends with 255.
            print(error, file=sys.stderr)
            code = 255
    lines = said.getvalue().splitlines()
    return {"code": code, "said": [line for line in lines if line.strip()]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
