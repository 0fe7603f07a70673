"""How long the scan stage takes to choose the next scan.

python -m benchmarks.scan_queue

As many cancellations of other scans lie beside the requests; they have been read before, as the
stage reads each one once. Two cases: nothing has changed since the last choice, and another request
has arrived. Limits of both: 1, 2 and 10 ms of CPU time with 100, 500 and 2,000 scans waiting;
medians of 20 choices.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from schemas.ids import new_scan_id
from schemas.request import Cancellation, Reason, Request
from spool.layout import new_command_id
from spool.spool import Spool
from stages.scan.scan_queue import ScanQueue
from stages.scanners import registry

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)
LIMITS_MS = {100: 1.0, 500: 2.0, 2000: 10.0}
CHOICES = 20
SCANNER = registry.default().key
REASON = Reason(source="operator", at=AT)


def fill(spool: Spool, count: int, cancellations: int) -> None:
    """Requests that wait, and cancellations of scans that were answered long ago."""
    spool.prepare()
    for number in range(count):
        add_request(spool, number)
    for number in range(cancellations):
        other = new_scan_id(SCANNER, AT, f"{number + (1 << 24):08x}")
        cancellation = Cancellation(scan_ids=(other,), reason=REASON)
        spool.requests.cancellations.write(new_command_id(AT), cancellation)


def add_request(spool: Spool, number: int) -> None:
    scan_id = new_scan_id(SCANNER, AT, f"{number:08x}")
    spool.requests.write(Request(scan_id=scan_id, scanner=SCANNER, reason=REASON))


def settle() -> None:
    """A directory that changed within the last ticks of the clock is listed at every choice."""
    time.sleep(0.2)


def choices_ms(queue: ScanQueue, before_each: Callable[[int], None]) -> float:
    """The median time of one choice, in milliseconds."""
    queue.next()
    times = []
    for number in range(CHOICES):
        before_each(number)
        began = time.process_time()
        queue.next()
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    for count, limit_ms in LIMITS_MS.items():
        with tempfile.TemporaryDirectory() as directory:
            spool = Spool(Path(directory) / "spool")
            fill(spool, count, count)
            # A spool of its own: what this process writes itself needs no listing.
            queue = ScanQueue(Spool(spool.root))
            changed_ms = choices_ms(queue, lambda n: add_request(spool, count + n))  # noqa: B023
            settle()
            unchanged_ms = choices_ms(queue, lambda _: None)
        verdict = "ok" if max(changed_ms, unchanged_ms) <= limit_ms else "TOO SLOW"
        print(
            f"{count:5} waiting: {unchanged_ms:6.2f} ms, after a new request {changed_ms:6.2f} ms "
            f"(limit {limit_ms:.0f} ms) {verdict}"
        )


if __name__ == "__main__":
    main()
