"""A fake of Amazon Athena and of Glue's catalog, whose engine is DuckDB: see athena_server.py."""
