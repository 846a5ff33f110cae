"""The Glue Data Catalog: databases, tables and partitions."""

import threading
import time

from sqlglot import exp

from . import hive
from .failures import QueryFailed, RequestRefused

ACCOUNT = "111122223333"
DEFAULT_CATALOG = "awsdatacatalog"


class Catalog:
    def __init__(self):
        self.lock = threading.Lock()
        # Databases by (catalog, name), tables and partitions by (catalog, database, name).
        self.known_databases = {(DEFAULT_CATALOG, "default")}
        self.tables = {}
        self.partitions = {}

    def has_database(self, catalog, name):
        return (catalog, name) in self.known_databases

    def databases(self):
        return list(self.known_databases)

    def table(self, catalog, database, name):
        """The table and its partitions, or None."""
        with self.lock:
            key = (catalog, database, name)
            return (self.tables[key], list(self.partitions[key])) if key in self.tables else None

    def run(self, sql, context):
        """Runs a statement that changes the catalog; returns whether it was one."""
        added = hive.added_partitions(sql)
        if added:
            self._add_partitions(self._key(added[0], context), added[1])
            return True
        words = sql.strip().lower().split(None, 2)[:2]
        if not words or words[0] not in ("create", "drop"):
            return False
        tree = hive.parse_statement(sql)
        if isinstance(tree, exp.Create) and tree.kind.upper() in ("DATABASE", "SCHEMA"):
            key = (context[0], tree.this.name.lower())
            if key in self.known_databases and not tree.args.get("exists"):
                raise QueryFailed(f"FAILED: Execution Error, AlreadyExistsException: Database {key[1]} already exists")
            self.known_databases.add(key)
        elif isinstance(tree, exp.Create) and tree.kind.upper() == "TABLE" and "external" in words:
            self._create(tree, context)
        elif isinstance(tree, exp.Drop) and tree.kind.upper() == "TABLE":
            (node,) = tree.args.get("tables") or [tree.this]
            key = self._key([part.name for part in node.parts], context)
            with self.lock:
                if self.tables.pop(key, None) is None and not tree.args.get("exists"):
                    raise QueryFailed(f"FAILED: SemanticException [Error 10001]: Table not found {key[2]}", kind=1301)
                self.partitions.pop(key, None)
        else:
            return False
        return True

    def _key(self, parts, context):
        parts = [part.lower() for part in parts]
        return tuple([context[0], context[1] or "default", ""][: 3 - len(parts)] + parts)[:3]

    def _create(self, tree, context):
        node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        key = self._key([part.name for part in node.parts], context)
        table = hive.table_of(tree)
        with self.lock:
            if key[:2] not in self.known_databases:
                raise QueryFailed(f"FAILED: SemanticException [Error 10072]: Database does not exist: {key[1]}")
            if key in self.tables:
                if not tree.args.get("exists"):
                    reason = f"FAILED: Execution Error, AlreadyExistsException: Table {key[2]} already exists"
                    raise QueryFailed(reason)
                return
            now = int(time.time())
            self.tables[key] = table | {
                "Name": key[2],
                "DatabaseName": key[1],
                "CatalogId": ACCOUNT,
                "CreateTime": now,
                "UpdateTime": now,
                "Owner": "hadoop",
                "Retention": 0,
                "IsRegisteredWithLakeFormation": False,
            }
            self.partitions[key] = []

    def _add_partitions(self, key, partitions):
        with self.lock:
            if key not in self.tables:
                raise QueryFailed(f"FAILED: SemanticException [Error 10001]: Table not found {key[2]}", kind=1301)
            table = self.tables[key]
            names = [column["Name"] for column in table["PartitionKeys"]]
            for values, location in partitions:
                if set(values) != set(names):
                    raise QueryFailed(f"FAILED: SemanticException partition spec {values} needs the keys {names}")
                values = {name: values[name] for name in names}
                base = table["StorageDescriptor"]["Location"].rstrip("/")
                place = location or base + "/" + "/".join(f"{name}={value}" for name, value in values.items())
                if all(values != known for known, _ in self.partitions[key]):
                    self.partitions[key].append((values, place))

    # Glue.

    def _asked(self, request, name):
        catalog = request.get("CatalogId") or ACCOUNT
        catalog = DEFAULT_CATALOG if catalog.isdigit() else catalog.partition(":")[2].lower() or catalog.lower()
        database = request.get("DatabaseName", "").lower()
        if not self.has_database(catalog, database):
            raise RequestRefused("EntityNotFoundException", f"Database {database} not found.")
        found = self.table(catalog, database, name.lower())
        if found is None:
            raise RequestRefused("EntityNotFoundException", f"Entity Not Found: Table {name} not found.")
        return found

    def get_table(self, request):
        return {"Table": self._asked(request, request.get("Name", ""))[0]}

    def get_database(self, request):
        catalog = request.get("CatalogId") or ACCOUNT
        catalog = DEFAULT_CATALOG if catalog.isdigit() else catalog.partition(":")[2].lower() or catalog.lower()
        name = request.get("Name", "").lower()
        if not self.has_database(catalog, name):
            raise RequestRefused("EntityNotFoundException", f"Database {name} not found.")
        return {"Database": {"Name": name, "CatalogId": ACCOUNT, "CreateTime": 0}}

    def get_partitions(self, request):
        """All partitions, a hundred a page; the expression of the request is not judged."""
        table, partitions = self._asked(request, request.get("TableName", ""))
        start = int(request.get("NextToken") or 0)
        page = [
            {
                "Values": list(values.values()),
                "DatabaseName": table["DatabaseName"],
                "TableName": table["Name"],
                "StorageDescriptor": table["StorageDescriptor"] | {"Location": place},
            }
            for values, place in partitions[start : start + 100]
        ]
        more = {"NextToken": str(start + 100)} if start + 100 < len(partitions) else {}
        return {"Partitions": page} | more

    # Athena.

    def get_table_metadata(self, request):
        try:
            catalog = request.get("CatalogName", "").lower()
            asked = {"DatabaseName": request.get("DatabaseName", ""), "CatalogId": f":{catalog}"}
            table, _ = self._asked(asked, request.get("TableName", ""))
        except RequestRefused as refused:
            raise RequestRefused("MetadataException", refused.message) from refused
        storage = table["StorageDescriptor"]
        parameters = table["Parameters"] | {
            "location": storage["Location"],
            "inputformat": storage["InputFormat"],
            "outputformat": storage["OutputFormat"],
            "serde.serialization.lib": storage["SerdeInfo"]["SerializationLibrary"],
        }
        return {
            "TableMetadata": {
                "Name": table["Name"],
                "CreateTime": table["CreateTime"],
                "TableType": table["TableType"],
                "Columns": storage["Columns"],
                "PartitionKeys": table["PartitionKeys"],
                "Parameters": parameters,
            }
        }
