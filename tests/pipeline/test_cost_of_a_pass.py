"""The cost of one pass of each stage beside 10,000 entries: in operations, not in seconds.

Entries that a pass must not open are empty files here: their names are all that it may look at.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.ids import ScanId, new_scan_id
from schemas.request import Reason
from spool.errors import SpoolError
from spool.layout import Stage
from spool.spool import Spool
from stages.parse.stage import ParseStage
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.heap import Heap
from stages.runtime.logs import Log
from stages.runtime.main_loop import MainLoop, StageHandler
from stages.runtime.process import Process
from stages.scan.stage import ScanStage
from stages.scanners.settings import check_settings
from stages.ship.stage import ShipStage
from stages.trigger.request_writer import RequestWriter
from stages.trigger.stage import TriggerStage
from tests.pipeline.agent import until

START = datetime(2026, 6, 1, tzinfo=UTC)
ENTRIES = 10_000
SCANS = [
    new_scan_id("openscap", START + timedelta(seconds=number), f"{number:08x}")
    for number in range(ENTRIES)
]


class _Counter:
    """Counts opens and listings of this thread: other tests' servers and clusters have threads.

    One for all tests, because audit hooks can't be removed.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] | None = None
        self._thread = threading.get_ident()
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, _: tuple[object, ...]) -> None:
        if self.counts is None or threading.get_ident() != self._thread:
            return
        if event in ("open", "os.listdir", "os.scandir"):
            self.counts["opens" if event == "open" else "listings"] += 1

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        counts = Counter[str]()
        before = _bytes_read()
        self.counts = counts
        try:
            yield counts
        finally:
            self.counts = None
            counts["bytes"] = _bytes_read() - before


def _bytes_read() -> int:
    """What this thread has read with read(2) and its like, the reading of this figure included."""
    line = Path("/proc/thread-self/io").read_text().splitlines()[0]
    return int(line.partition("rchar: ")[2])


COUNTER = _Counter()


def a_process(stage: Stage, root: Path) -> Process:
    values = {
        "spool": {"path": str(root / "spool"), "min_free_mib": 1024 * 1024},
        "runtime_dir": str(root / "run"),
    }
    settings, problems = check_settings(values)
    assert problems == []
    spool = Spool(root / "spool")
    spool.claim(stage)
    return Process(stage, settings, None, spool, Log(stage, "error"), NoDoorbell())


def fill(directory: Path, suffix: str, scans: list[ScanId]) -> None:
    for scan_id in scans:
        (directory / f"{scan_id}{suffix}").touch()


class OnePass:
    """A stage in its main loop, which ends after each pass instead of waiting."""

    def __init__(self, process: Process, handler: StageHandler) -> None:
        self._process = process
        self._run_once = handler.run_once
        handler.run_once = self._run_once_and_stop  # type: ignore[method-assign]
        self._loop = MainLoop(process, handler, None, Heap())

    def count(self) -> Counter[str]:
        self._process.stopping = False
        with COUNTER.counting() as counts:
            self._loop.run()
        return counts

    def _run_once_and_stop(self) -> None:
        self._run_once()
        self._process.stop()


def trigger_stage(root: Path) -> tuple[Process, StageHandler]:
    """Every command has been copied."""
    process = a_process("trigger", root)
    fill(process.spool.commands.path, ".request", SCANS)
    fill(process.spool.requests.path, ".request", SCANS)
    return process, TriggerStage(process)


def parse_stage(root: Path) -> tuple[Process, StageHandler]:
    """Every raw entry has its report."""
    process = a_process("parse", root)
    for scan_id in SCANS:
        (process.spool.raw.path / scan_id).mkdir()
    fill(process.spool.reports.path, ".report", SCANS)
    return process, ParseStage(process)


def ship_stage(root: Path) -> tuple[Process, StageHandler]:
    """Every report has its receipt."""
    process = a_process("ship", root)
    fill(process.spool.reports.path, ".report", SCANS)
    fill(process.spool.receipts.path, ".receipt", SCANS)
    return process, ShipStage(process)


STAGES_AT_REST: dict[Stage, Callable[[Path], tuple[Process, StageHandler]]] = {
    "trigger": trigger_stage,
    "parse": parse_stage,
    "ship": ship_stage,
}


@pytest.mark.parametrize("stage", STAGES_AT_REST)
def test_a_pass_at_which_nothing_has_changed_opens_no_entry(stage: Stage, tmp_path: Path) -> None:
    process, handler = STAGES_AT_REST[stage](tmp_path)
    loop = OnePass(process, handler)
    # What changed within the last tick of the clock is listed once more.
    until(lambda: loop.count()["listings"] == 0, "the listings are kept")
    counts = loop.count()
    handler.close()
    process.spool.release()
    # Trigger reads what the scan stage has detected.
    assert counts["listings"] == 0
    assert counts["opens"] <= 3
    assert counts["bytes"] <= 256


def test_a_scan_that_waits_for_space_costs_no_look_at_the_other_requests(tmp_path: Path) -> None:
    """10,000 requests wait, and there is no space for a scan: the first request alone is read."""
    process = a_process("scan", tmp_path)
    writer = RequestWriter(process)
    writer.write(writer.make("openscap", None, Reason(source="operator", at=START)))
    fill(process.spool.requests.path, ".request", SCANS[1:])
    handler = ScanStage(process)
    for _ in range(2):
        with pytest.raises(SpoolError, match="a scan needs"):
            handler.run_once()
    with COUNTER.counting() as counts, pytest.raises(SpoolError, match="a scan needs"):
        handler.run_once()
    handler.close()
    process.spool.release()
    assert counts["listings"] <= 1
    assert counts["opens"] <= 3
    assert counts["bytes"] <= 1024


def test_a_parser_chooses_among_10000_raw_entries_by_their_names(tmp_path: Path) -> None:
    process = a_process("parse", tmp_path)
    for scan_id in SCANS:
        (process.spool.raw.path / scan_id).mkdir()
    handler = ParseStage(process)
    # It stops before the first is read: what is counted is the choice.
    process.stopping = True
    with COUNTER.counting() as counts:
        handler.run_once()
    process.spool.release()
    assert counts["listings"] <= 3
    assert counts["opens"] <= 3
