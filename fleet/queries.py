"""Queries on the tables of an archive, by DuckDB.

The views are `scans`, `results` and `evidence`, each with the column `month`; `newest`, the newest
completed scan of each host and profile; and `failing`, the rules that fail in these, each with the
first of the scans in a row in which it fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from fleet.archive import Archive
from fleet.parts import TABLES
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_MEMORY = "400MB"
_NEWEST = """
CREATE VIEW newest AS
SELECT * EXCLUDE (place) FROM (
    SELECT *, row_number() OVER (PARTITION BY host, scanner, profile ORDER BY scan_id DESC) AS place
    FROM scans WHERE status = 'completed'
) WHERE place = 1
"""
# Scans are counted back from the newest one, so that one pass over the results is enough: a rule
# fails since the scan after the last one in which it did not fail.
_FAILING = """
CREATE VIEW failing AS
WITH numbered AS (
    SELECT host, scan_id, scanner, profile, completed_at,
           dense_rank() OVER (ORDER BY host, scanner, profile) AS series,
           row_number() OVER (PARTITION BY host, scanner, profile ORDER BY scan_id DESC) AS back
    FROM scans WHERE status = 'completed'
), since AS (
    SELECT n.series, r.rule_ref, any_value(r.title) AS title, any_value(r.severity) AS severity,
           min(n.back) FILTER (r.status IN ('fail', 'warn')) AS last_failure,
           max(n.back) FILTER (r.status IN ('fail', 'warn')) AS first_failure,
           min(n.back) FILTER (r.status NOT IN ('fail', 'warn')) AS last_success
    FROM results r JOIN numbered n ON r.host = n.host AND r.scan_id = n.scan_id
    GROUP BY n.series, r.rule_ref
    HAVING last_failure = 1
)
SELECT n.host, n.scanner, n.profile, since.rule_ref, since.title, since.severity,
       n.scan_id AS first_scan, n.completed_at AS failing_since
FROM since JOIN numbered n
ON n.series = since.series AND n.back = coalesce(last_success - 1, first_failure)
"""


@contextmanager
def tables(archive: Archive) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection with the views. Raises CommandError where the archive has no tables."""
    if not archive.list("tables/scans"):
        raise CommandError(
            f"{archive.url}: has no tables yet: compliance-agent fleet parse {archive.url}"
        )
    with duckdb.connect(config={"memory_limit": _MEMORY}) as connection:
        # DuckDB draws its progress bar on standard output.
        connection.execute("SET enable_progress_bar = false")
        connection.register_filesystem(archive.files)
        for name in TABLES:
            place = _url(archive, f"tables/{name}/*/*.parquet")
            found = connection.read_parquet(place, hive_partitioning=True, union_by_name=True)
            found.create_view(name)
        connection.execute(_NEWEST)
        connection.execute(_FAILING)
        yield connection


def rows(connection: "duckdb.DuckDBPyConnection", sql: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns. Raises CommandError."""
    columns, found = answer(connection, sql, **values)
    return [dict(zip(columns, row, strict=True)) for row in found]


def answer(
    connection: "duckdb.DuckDBPyConnection", sql: str, **values: Any
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns, and the rows. Raises CommandError."""
    try:
        found = connection.execute(sql, values or None)
        if found is None:
            raise CommandError("the query is empty", Exit.USAGE)
        columns = [column[0] for column in found.description or ()]
        return columns, found.fetchall()
    except duckdb.Error as error:
        raise CommandError(f"the query failed: {error}", Exit.USAGE) from error


def _url(archive: Archive, name: str) -> str:
    path = archive.path(name)
    protocol = archive.files.protocol
    if isinstance(protocol, tuple | list):
        protocol = protocol[0]
    if protocol in ("file", "local"):
        return path
    return f"{protocol}://{path}"
