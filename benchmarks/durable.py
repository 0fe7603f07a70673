"""What a durable entry costs beside the bare system calls.

    python benchmarks/durable.py [--reports 400] [--rules 200] [--directory DIR]

Reports are written to a spool, with encoding, digests and header; in turns, and each first half of
the time, the same bytes are written, synced and renamed with plain system calls. As in the stage, a
report is made just before it is written. The ratio of the medians is at least 0.8.

What an entry costs beyond the bare calls is nearly all encoding and SHA-256, which are measured
alone, too: the faster the disk, the lower the ratio.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from schemas import codec
from schemas.ids import new_scan_id
from schemas.report import Profile, Report, RuleResult, report_header, summarize
from spool import frame
from spool.spool import Spool

RATIO = 0.8
_START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=400)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--directory", help="where to write; on the disk that is to be measured")
    args = parser.parse_args()
    content = codec.encode(_report(0, args.rules))
    with tempfile.TemporaryDirectory(dir=args.directory) as directory:
        bare_us, entry_us = _measure(Path(directory), args.reports, args.rules, content)
    seal_us = statistics.median(
        _us(partial(_seal, _report(number, args.rules))) for number in range(args.reports)
    )
    ratio = bare_us / entry_us
    sys.stdout.write(
        f"{len(content)} bytes: bare {bare_us:.0f} us, entry {entry_us:.0f} us "
        f"(encoding and digests alone {seal_us:.0f} us), ratio {ratio:.2f} (at least {RATIO})\n"
    )
    return int(ratio < RATIO)


def _measure(root: Path, reports: int, rules: int, content: bytes) -> tuple[float, float]:
    """The medians of a bare write and of an entry, in microseconds."""
    spool = Spool(root / "spool")
    spool.claim("parse")
    bare = root / "bare"
    bare.mkdir()
    bare_us: list[float] = []
    entry_us: list[float] = []
    for number in range(reports):
        turns: list[tuple[list[float], Callable[[Report], None]]] = [
            (bare_us, partial(_write_bare, bare, content)),
            (entry_us, spool.reports.write),
        ]
        if number % 2:
            turns.reverse()
        for times, write in turns:
            times.append(_us(partial(write, _report(number, rules))))
    spool.release()
    return statistics.median(bare_us), statistics.median(entry_us)


def _seal(report: Report) -> None:
    payload = codec.encode(report)
    frame.opening("report", payload, codec.encode(report_header(report)))


def _us(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e6


def _write_bare(directory: Path, content: bytes, report: Report) -> None:
    name = f"{report.scan_id}.report"
    temporary = f"{directory}/{name}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o640)
    os.write(handle, content)
    os.fsync(handle)
    os.close(handle)
    os.rename(temporary, f"{directory}/{name}")  # noqa: PTH104 - the bare system call
    handle = os.open(directory, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _report(number: int, rules: int) -> Report:
    at = _START + timedelta(minutes=number)
    results = tuple(
        RuleResult(
            rule_ref=f"xccdf_org.example_rule_{rule}",
            title=f"Rule {rule}",
            status="fail",
            severity="medium",
            description="What the rule is for. " * 15,
        )
        for rule in range(rules)
    )
    return Report(
        scan_id=new_scan_id("openscap", at),
        profile=Profile(name="Benchmark", type="openscap"),
        status="completed",
        started_at=at,
        completed_at=at,
        summary=summarize(results),
        results=results,
    )


if __name__ == "__main__":
    sys.exit(main())
