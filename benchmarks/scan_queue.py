"""How long the scan stage takes to choose the next scan.

python -m benchmarks.scan_queue

As many cancellations of other scans lie beside the requests; they have been read before, as the
stage reads each one once. Limits: 1, 2 and 10 ms of CPU time with 100, 500 and 2,000 scans waiting;
medians of 20 choices.
"""

import statistics
import tempfile
import time
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


def fill(spool: Spool, count: int, cancellations: int) -> None:
    """Requests that wait, and cancellations of scans that were answered long ago."""
    spool.prepare()
    reason = Reason(source="operator", at=AT)
    scanner = registry.default().key
    for number in range(count):
        scan_id = new_scan_id(scanner, AT, f"{number:08x}")
        request = Request(scan_id=scan_id, scanner=scanner, reason=reason)
        spool.requests.write(request)
    for number in range(cancellations):
        other = new_scan_id(scanner, AT, f"{number + (1 << 24):08x}")
        cancellation = Cancellation(scan_ids=(other,), reason=reason)
        spool.requests.cancellations.write(new_command_id(AT), cancellation)


def choice_ms(spool: Spool) -> float:
    """The median time of one choice, in milliseconds."""
    queue = ScanQueue(spool)
    queue.next()
    times = []
    for _ in range(CHOICES):
        began = time.process_time()
        queue.next()
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    for count, limit_ms in LIMITS_MS.items():
        with tempfile.TemporaryDirectory() as directory:
            spool = Spool(Path(directory) / "spool")
            fill(spool, count, count)
            took_ms = choice_ms(spool)
        verdict = "ok" if took_ms <= limit_ms else "TOO SLOW"
        print(f"{count:5} waiting: {took_ms:6.2f} ms (limit {limit_ms:.0f} ms) {verdict}")


if __name__ == "__main__":
    main()
