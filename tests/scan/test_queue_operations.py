"""Choosing the next scan costs listings, not readings, however many wait."""

import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.scan_queue import fill
from spool.spool import Spool
from stages.scan.scan_queue import ScanQueue

COUNTS: Counter[str] = Counter()


THREAD = threading.get_ident()


def count(event: str, _: tuple[object, ...]) -> None:
    """What other threads of the test runner open does not count."""
    if event in ("open", "os.listdir") and threading.get_ident() == THREAD:
        COUNTS[event] += 1


sys.addaudithook(count)


def cost_of_a_choice(directory: Path, waiting: int) -> tuple[int, int]:
    """Listings and opens of one choice, after a first one."""
    spool = Spool(directory / f"spool-{waiting}")
    fill(spool, waiting, cancellations=waiting)
    queue = ScanQueue(spool)
    assert queue.next() is not None
    COUNTS.clear()
    queue.next()
    return COUNTS["os.listdir"], COUNTS["open"]


@pytest.mark.slow
def test_a_choice_among_a_thousand_opens_nothing_and_lists_each_directory_once_at_most(
    tmp_path: Path,
) -> None:
    listings, opens = cost_of_a_choice(tmp_path, 1000)
    assert listings <= 5
    # Boxes that changed a moment ago are opened once more; none of the thousand entries is.
    assert opens <= 10
