"""Objects of an S3 server on loopback, with path style and without signatures."""

import http.client
import threading
import urllib.parse
import xml.etree.ElementTree as xml

from .failures import QueryFailed


def split_url(url):
    """The bucket and the key of `s3://BUCKET/KEY`."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("s3", "s3a", "s3n"):
        raise QueryFailed(f"INVALID_PROPERTY: {url!r} is no location in S3")
    bucket, _, key = rest.partition("/")
    return bucket, key


class S3:
    """A client; each thread has a connection of its own."""

    def __init__(self, endpoint):
        self.address = urllib.parse.urlsplit(endpoint).netloc
        self.local = threading.local()

    def send(self, method, path, query="", body=None):
        target = urllib.parse.quote(path) + (f"?{query}" if query else "")
        connection = getattr(self.local, "connection", None) or http.client.HTTPConnection(self.address)
        self.local.connection = connection
        for is_last in (False, True):
            try:
                connection.request(method, target, body)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                # The server closes a connection after some requests.
                connection.close()
                if is_last:
                    raise

    def get(self, bucket, key):
        """The bytes of an object; None if it is absent."""
        status, body = self.send("GET", f"/{bucket}/{key}")
        return body if status == 200 else None

    def put(self, bucket, key, body):
        status, answer = self.send("PUT", f"/{bucket}/{key}", body=body)
        if status != 200:
            raise QueryFailed(
                f"Access denied when writing output to url: s3://{bucket}/{key}. Please ensure you are allowed to "
                f"access the S3 bucket: {answer.decode(errors='replace')[:200]}",
                kind=1301,
            )

    def delete(self, bucket, key):
        self.send("DELETE", f"/{bucket}/{key}")

    def list(self, bucket, prefix):
        """The keys and sizes of all objects whose key begins with `prefix`, in order."""
        token, objects = None, []
        while True:
            query = {"list-type": "2", "prefix": prefix}
            if token:
                query["continuation-token"] = token
            status, body = self.send("GET", f"/{bucket}", urllib.parse.urlencode(query))
            if status != 200:
                raise QueryFailed(
                    f"HIVE_METASTORE_ERROR: Failed to list s3://{bucket}/{prefix} (Service: Amazon S3; "
                    f"Status Code: {status}; {body.decode(errors='replace')[:200]})",
                    kind=1301,
                )
            root = xml.fromstring(body)
            space = root.tag.partition("}")[0] + "}" if "}" in root.tag else ""
            for item in root.findall(f"{space}Contents"):
                objects.append((item.findtext(f"{space}Key"), int(item.findtext(f"{space}Size"))))
            token = root.findtext(f"{space}NextContinuationToken")
            if not token:
                return objects
