"""What a look costs with 10,000 reports waiting: in operations, not in seconds."""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from spool.entries import seal_report
from tests.patchmon.scripted_server import ScriptedServer, reply
from tests.ship.ship_spool import Ship, report, scan_id, with_settings

pytestmark = pytest.mark.slow

WAITING = 10_000


class Operations:
    """Files opened and directories listed by this thread while it counts."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.listed = 0
        self._counts = False
        self._thread = threading.get_ident()
        sys.addaudithook(self._on_event)

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.opened.clear()
        self.listed = 0
        self._counts = True
        try:
            yield
        finally:
            self._counts = False

    def of(self, kind: str) -> int:
        """How often entries of this kind were opened."""
        return sum(count for name, count in self.opened.items() if name.endswith(f".{kind}"))

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._counts or threading.get_ident() != self._thread:
            return
        if event == "open":
            self.opened[os.fsdecode(args[0]) if isinstance(args[0], str | bytes) else ""] += 1
        elif event in ("os.listdir", "os.scandir"):
            self.listed += 1


@pytest.fixture(scope="module")
def operations() -> Operations:
    return Operations()


def fill(reports: Path, count: int) -> None:
    """Small reports, written without the durability that a stage gives them."""
    template = report(0, results=())
    for number in range(count):
        sealed = seal_report(codec.replace(template, scan_id=scan_id(number)))
        (reports / f"{scan_id(number)}.report").write_bytes(sealed)
    # A directory that has just changed is listed again: it may change once more within a tick of
    # its clock.
    os.utime(reports, (0, 0))


def test_a_look_costs_the_same_whatever_waits(
    ship: Ship, server: ScriptedServer, operations: Operations
) -> None:
    fill(ship.spool.reports.path, WAITING)
    os.utime(ship.spool.receipts.path, (0, 0))
    server.answer(reply(503, Retry_After="600"))
    with operations.counted():
        ship.stage.run_once()
    # The head of each report once, and one of them whole; the next one whole while the first is
    # under way.
    assert operations.of("report") <= WAITING + 2
    assert operations.listed <= 12

    with operations.counted():
        ship.stage.run_once()
    assert operations.of("report") == 0
    assert operations.listed <= 6
    assert sum(operations.opened.values()) <= 12

    # Each of these is accepted: read once, and a receipt for it.
    with_settings(ship, server.url, delivery={"per_minute": 21})
    with operations.counted():
        ship.run_once()
    sent = len(server.requests) - 1
    assert sent == 20
    assert operations.of("report") <= sent + 2
    assert sum(operations.opened.values()) <= 20 * sent
