"""What a durable entry costs beside the bare system calls.

    python benchmarks/durable.py [--reports 200] [--rules 200] [--directory DIR]

Reports are written to a spool, with encoding, digests and header; in turns, the same number of
bytes is written, synced and renamed with plain system calls. The ratio of the medians is at least
0.8.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas import codec
from schemas.ids import new_scan_id
from schemas.report import Profile, Report, RuleResult, summarize
from spool.spool import Spool

RATIO = 0.8
_START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--directory", help="where to write; on the disk that is to be measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.directory) as directory:
        root = Path(directory)
        spool = Spool(root / "spool")
        spool.claim("parse")
        bare = root / "bare"
        bare.mkdir()
        reports = [_report(number, args.rules) for number in range(args.reports)]
        content = codec.encode(reports[0])
        bare_s, spool_s = [], []
        for number, report in enumerate(reports):
            bare_s.append(_seconds(lambda: _write_bare(bare, str(number), content)))  # noqa: B023
            spool_s.append(_seconds(lambda: spool.reports.write(report)))  # noqa: B023
        spool.release()
    bare_us, spool_us = (statistics.median(times) * 1e6 for times in (bare_s, spool_s))
    ratio = bare_us / spool_us
    sys.stdout.write(
        f"{len(content)} bytes: bare {bare_us:.0f} us, entry {spool_us:.0f} us, "
        f"ratio {ratio:.2f} (at least {RATIO})\n"
    )
    return int(ratio < RATIO)


def _seconds(write: Callable[[], None]) -> float:
    start = time.perf_counter()
    write()
    return time.perf_counter() - start


def _write_bare(directory: Path, name: str, content: bytes) -> None:
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
