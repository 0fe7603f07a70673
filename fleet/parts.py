"""The parts of an archive's tables, and the leftovers of interrupted runs.

Promise: after `remove_leftovers` a scan is in one part at most, and has its rows in every table.
"""

from collections.abc import Iterator, Sequence
from sys import intern

import pyarrow as pa
import pyarrow.parquet as pq

from fleet.archive import Archive
from schemas.records import Struct

TABLES = ("scans", "results", "evidence")
REPLACES = b"replaces"


class KnownPart(Struct, frozen=True):
    """A part of the scans table."""

    month: str
    name: str
    scans: dict[tuple[str, str], str]
    """Host and scan id to the digest of what the scan was parsed with."""
    replaces: str | None

    @property
    def place(self) -> tuple[str, str]:
        return self.month, self.name


def remove_part(archive: Archive, month: str, part: str) -> None:
    """Remove a part from all tables; without its scans, removed first, the rest is a leftover."""
    for table in TABLES:
        archive.remove(part_name(table, month, part))


def known_parts(archive: Archive) -> list[KnownPart]:
    """The parts of the scans table."""
    places = list(_parts(archive, "scans"))
    names = [part_name("scans", month, name) for month, name in places]
    found = []
    for (month, name), (_, content) in zip(places, archive.read_many(names), strict=True):
        found.append(_known_part(month, name, content))
    return found


def remove_leftovers(archive: Archive, known: Sequence[KnownPart]) -> list[KnownPart]:
    """Remove what interrupted runs left; returns the parts that remain.

    Leftovers are: a part that another one replaces; one that lacks its rows in another table; and
    one whose scans are partly in another part, too. The last two are from a worker that finished a
    chunk of a killed command while the next command ran. Their scans are parsed again.
    """
    results = set(_parts(archive, "results"))
    evidence = set(_parts(archive, "evidence"))
    replaced = {(part.month, part.replaces) for part in known}
    whole = (results & evidence) - replaced
    remaining: list[KnownPart] = []
    taken: set[tuple[str, str]] = set()
    for part in known:
        if part.place in whole and taken.isdisjoint(part.scans):
            remaining.append(part)
            taken.update(part.scans)
        else:
            remove_part(archive, part.month, part.name)
    kept = {part.place for part in remaining}
    for month, name in sorted(results - kept):
        archive.remove(part_name("results", month, name))
    for month, name in sorted(evidence - kept):
        archive.remove(part_name("evidence", month, name))
    return remaining


def _parts(archive: Archive, table: str) -> Iterator[tuple[str, str]]:
    """Month and name of each part."""
    for directory in archive.list(f"tables/{table}"):
        month = directory.rpartition("month=")[2]
        for path in archive.list(f"tables/{table}/month={month}"):
            name = path.rpartition("/")[2]
            if name.endswith(".parquet"):
                yield month, name.removesuffix(".parquet")


def _known_part(month: str, name: str, content: bytes) -> KnownPart:
    # Without pyarrow's own file systems and threads: they may abort the process at its end.
    columns = ["host", "scan_id", "parsed_with"]
    table = pq.read_table(pa.BufferReader(content), columns=columns, use_threads=False)
    scans: dict[tuple[str, str], str] = {}
    for row in table.to_pylist():
        # Many scans have few different hosts and digests: each text is kept once.
        scans[intern(row["host"]), row["scan_id"]] = intern(row["parsed_with"])
    metadata = table.schema.metadata or {}
    replaces = metadata.get(REPLACES, b"").decode() or None
    return KnownPart(month, name, scans, replaces)


def part_name(table: str, month: str, part: str) -> str:
    return f"tables/{table}/month={month}/{part}.parquet"
