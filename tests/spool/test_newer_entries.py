"""A spool in which a later version has written: nothing of it is damage, and nothing of it is
moved.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import ScanId, new_scan_id
from spool.errors import NewerFormatError
from spool.layout import BOXES
from spool.spool import Spool
from stages.runtime import maintenance
from stages.runtime.logs import Log

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)
ID = new_scan_id("openscap", AT, "3f9c2a17")
NEWER = b"compliance-agent-spool 2 whatever comes after this\n\0\1"


def names_of(spool: Spool, scan_id: ScanId) -> list[Path]:
    """An entry of a scan in every box."""
    paths = [spool.outbox(box).path / spool.outbox(box).name(scan_id) for box in BOXES]
    return [path / "manifest" if path.parent.name == "raw" else path for path in paths]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for path in names_of(spool, ID):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(NEWER)
    return spool


@pytest.mark.parametrize("box", BOXES)
def test_an_entry_of_a_later_format_is_known_as_such_in_every_box(spool: Spool, box: str) -> None:
    outbox = spool.outbox(box)  # type: ignore[arg-type]
    with pytest.raises(NewerFormatError, match="of format 2"):
        outbox.check(outbox.name(ID))


@pytest.mark.parametrize(
    ("box", "content", "length"),
    [
        ("requests", NEWER, 2 << 20),
        ("reports", NEWER, 70 << 20),
        ("requests", b"compliance-agent-spool 2 without a line break", 0),
        ("reports", b"compliance-agent-spool 2 " + b"x" * 5000, 0),
    ],
    ids=["long request", "long report", "no line break", "long first line"],
)
def test_one_that_this_version_could_not_read_whole_is_not_damage(
    spool: Spool, box: str, content: bytes, length: int
) -> None:
    outbox = spool.outbox(box)  # type: ignore[arg-type]
    path = outbox.path / outbox.name(ID)
    with path.open("wb") as stream:
        stream.write(content)
        stream.truncate(max(length, len(content)))
    with pytest.raises(NewerFormatError, match=f"{path}: is of format 2"):
        outbox.check(outbox.name(ID))


def test_it_counts_as_there_for_what_waits(spool: Spool) -> None:
    assert [spool.pending(stage) for stage in ("scan", "parse", "ship")] == [[], [], []]
    assert spool.newest_scan_id() == ID


def test_its_owner_does_not_move_it_to_quarantine(spool: Spool) -> None:
    for reader, name in (("scan", f"{ID}.request"), ("parse", ID), ("ship", f"{ID}.report")):
        spool.state_store(reader).mark_damaged(name, "said a version in error")  # type: ignore[arg-type]
    for owner in ("trigger", "scan", "parse"):
        maintenance.DamageCheck(spool, owner, Log(owner)).run_once(AT)
    assert all(path.read_bytes() == NEWER for path in names_of(spool, ID))
    assert [spool.outbox(box).quarantined() for box in BOXES] == [[]] * len(BOXES)
