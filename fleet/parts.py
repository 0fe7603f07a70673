"""The parts of an archive's tables: which there are, and which an interrupted run has left.

Promise: after `remove_leftovers` a scan is in one part at most, and has its rows in every table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sys import intern

import pyarrow as pa
import pyarrow.parquet as pq

from fleet.archive import Archive

TABLES = ("scans", "results", "evidence")
REPLACES = b"replaces"


@dataclass(frozen=True)
class KnownPart:
    """A part of the scans table: its name, its month, and its scans with what each was parsed."""

    month: str
    name: str
    scans: dict[tuple[str, str], str]
    replaces: str | None


def remove_part(archive: Archive, month: str, part: str) -> None:
    """The scans first: without them the rest counts as left over."""
    for table in TABLES:
        archive.remove(part_name(table, month, part))


def known_parts(archive: Archive) -> list[KnownPart]:
    """The parts of the scans table."""
    places = list(_parts(archive, "scans"))
    names = [part_name("scans", month, name) for month, name in places]
    contents = archive.read_many(names)
    return [
        _known_part(month, name, content)
        for (month, name), (_, content) in zip(places, contents, strict=True)
    ]


def remove_leftovers(archive: Archive, known: Sequence[KnownPart]) -> list[KnownPart]:
    """Remove what interrupted runs left; returns the parts that remain.

    Leftovers are: a part that another one replaces; one that lacks its rows in another table; and
    one of which another part has scans, too. The last two come of a worker that ended a chunk for a
    command which was killed, while the next command was at work. Their scans are parsed again.
    """
    replaced = {(part.month, part.replaces) for part in known}
    listed = {table: set(_parts(archive, table)) for table in ("results", "evidence")}
    remaining: list[KnownPart] = []
    taken: set[tuple[str, str]] = set()
    for part in known:
        place = (part.month, part.name)
        is_whole = all(place in places for places in listed.values())
        if place in replaced or not is_whole or not taken.isdisjoint(part.scans):
            remove_part(archive, part.month, part.name)
        else:
            remaining.append(part)
            taken.update(part.scans)
    names = {(part.month, part.name) for part in remaining}
    for table, places in listed.items():
        for month, name in sorted(places - names):
            archive.remove(part_name(table, month, name))
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
    # Few different hosts and digests for many scans: each is kept once.
    scans = {
        (intern(row["host"]), row["scan_id"]): intern(row["parsed_with"])
        for row in table.to_pylist()
    }
    metadata = table.schema.metadata or {}
    replaces = metadata.get(REPLACES, b"").decode() or None
    return KnownPart(month, name, scans, replaces)


def part_name(table: str, month: str, part: str) -> str:
    return f"tables/{table}/month={month}/{part}.parquet"
