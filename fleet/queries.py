"""Questions to the tables of an archive, answered by DuckDB.

The views are `scans`, `results` and `evidence`, each with the column `month`, and `newest`: the
newest completed scan of each host and profile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from fleet.archive import Archive
from fleet.errors import FleetError
from fleet.tables import TABLES

_MEMORY = "400MB"
_NEWEST = """
CREATE VIEW newest AS
SELECT * EXCLUDE (place) FROM (
    SELECT *, row_number() OVER (PARTITION BY host, scanner, profile ORDER BY scan_id DESC) AS place
    FROM scans WHERE status = 'completed'
) WHERE place = 1
"""


@contextmanager
def tables(archive: Archive) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection with the views. Raises FleetError where the archive has no tables."""
    if not archive.list("tables/scans"):
        raise FleetError(
            f"{archive.url}: has no tables yet: compliance-agent fleet parse {archive.url}"
        )
    with duckdb.connect(config={"memory_limit": _MEMORY}) as connection:
        connection.register_filesystem(archive.files)
        for name in TABLES:
            place = _url(archive, f"tables/{name}/*/*.parquet")
            found = connection.read_parquet(place, hive_partitioning=True, union_by_name=True)
            found.create_view(name)
        connection.execute(_NEWEST)
        yield connection


def rows(connection: "duckdb.DuckDBPyConnection", sql: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns. Raises FleetError."""
    try:
        found = connection.execute(sql, values or None)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error as error:
        raise FleetError(f"the query failed: {error}") from error


def _url(archive: Archive, name: str) -> str:
    path = archive.path(name)
    protocol = archive.files.protocol
    if isinstance(protocol, tuple | list):
        protocol = protocol[0]
    if protocol in ("file", "local"):
        return path
    return f"{protocol}://{path}"
