"""What the durable entries of a scan cost beside the bare system calls.

    python benchmarks/durable.py [--scans 300] [--rules 200] [--directory DIR]

The request, the report and the receipt of a scan are written to a spool, with encoding, digests and
headers; in turns, and each first half of the time, the same bytes are written, synced and renamed
with plain system calls. As in the stages, an entry is made just before it is written. The ratio of
the sums of the medians is at least 0.8.

Beyond the bare calls an entry costs a few microseconds, its encoding and its SHA-256: the longer
the report, the lower the ratio. The bare files lie beside the boxes, because ext4 needs up to half
a millisecond to create a file where many were deleted in the last minute, such as those of an
earlier run.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from schemas import codec
from schemas.ids import new_scan_id
from schemas.receipt import Receipt
from schemas.report import Profile, Report, RuleResult, summarize
from schemas.request import Reason, Request
from spool.spool import Spool

RATIO = 0.8
_START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
Entry = Request | Report | Receipt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=300)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--directory", help="where to write; on the disk that is to be measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.directory) as directory:
        measured = list(_measure(Path(directory), args.scans, args.rules))
    for kind, length, bare_us, entry_us in measured:
        _show(f"{kind}, {length} bytes", bare_us, entry_us)
    bare_us = sum(bare_us for _, _, bare_us, _ in measured)
    entry_us = sum(entry_us for *_, entry_us in measured)
    _show(f"the entries of a scan (at least {RATIO})", bare_us, entry_us)
    return int(bare_us / entry_us < RATIO)


def _show(what: str, bare_us: float, entry_us: float) -> None:
    ratio = bare_us / entry_us
    sys.stdout.write(f"{what}: bare {bare_us:.0f} us, entry {entry_us:.0f} us, ratio {ratio:.2f}\n")


def _measure(root: Path, scans: int, rules: int) -> Iterator[tuple[str, int, float, float]]:
    """Of each kind: its name, its bytes, and the medians of a bare write and of an entry in
    microseconds.
    """
    spools = [Spool(root / "spool") for _ in range(3)]
    trigger, parse, ship = spools
    trigger.claim("trigger")
    parse.claim("parse")
    ship.claim("ship")
    bare = root / "spool" / "bare"
    bare.mkdir()
    kinds: list[tuple[str, Callable[[int], Entry], Callable[..., None]]] = [
        ("request", _request, trigger.requests.write),
        ("report", partial(_report, rules), parse.reports.write),
        ("receipt", _receipt, ship.receipts.write),
    ]
    for kind, make, write in kinds:
        content = codec.encode(make(0))
        bare_us: list[float] = []
        entry_us: list[float] = []
        turns: list[tuple[list[float], Callable[..., None]]] = [
            (bare_us, partial(_write_bare, bare, kind, content)),
            (entry_us, write),
        ]
        for number in range(scans):
            for times, write_one in turns:
                times.append(_us(write_one, make(number)))
            turns.reverse()
        yield kind, len(content), statistics.median(bare_us), statistics.median(entry_us)
    for spool in spools:
        spool.release()


def _us(write: Callable[..., None], entry: Entry) -> float:
    start = time.perf_counter()
    write(entry)
    return (time.perf_counter() - start) * 1e6


def _write_bare(directory: Path, kind: str, content: bytes, entry: Entry) -> None:
    temporary = f"{directory}/.{entry.scan_id}.{kind}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o640)
    os.write(handle, content)
    os.fsync(handle)
    os.close(handle)
    os.rename(temporary, f"{directory}/{entry.scan_id}.{kind}")  # noqa: PTH104 - the bare system call
    handle = os.open(directory, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _at(number: int) -> datetime:
    return _START + timedelta(minutes=number)


def _request(number: int) -> Request:
    return Request(
        scan_id=new_scan_id("openscap", _at(number)),
        scanner="openscap",
        profile="standard",
        reason=Reason(source="schedule", at=_at(number)),
    )


def _report(rules: int, number: int) -> Report:
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
        scan_id=new_scan_id("openscap", _at(number)),
        profile=Profile(name="Benchmark", type="openscap"),
        status="completed",
        started_at=_at(number),
        completed_at=_at(number),
        summary=summarize(results),
        results=results,
    )


def _receipt(number: int) -> Receipt:
    return Receipt(
        scan_id=new_scan_id("openscap", _at(number)),
        answer="accepted",
        at=_at(number),
        profile="Benchmark",
        scan_status="completed",
        destination="https://patchmon.example.com",
        status_code=200,
        attempts=1,
        sent_bytes=130_000,
    )


if __name__ == "__main__":
    sys.exit(main())
