"""The cost of reading an archive again, and of a report over many hosts.

    python benchmarks/fleet_archive.py [--entries 500] [--scans 10000] [ARF]

Parsing: raw entries (of ARF, or of a small one of 40 rules) on one worker, on two, and in a plain
loop that calls the same reader in one child process and keeps nothing. Limits: two workers at least
1.7 times as fast as one; one worker at most 15 % slower than the loop; at most 250 MB for a worker.

Report: synthetic tables of 400 rules for each scan, of which every host has ten. Limits for 10,000
scans (4 million rows): 5 s and 500 MB; ten times the rows take at most about ten times as long.
"""

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from distributed import Client, LocalCluster

from fleet import parsing
from fleet.adding import fetched
from fleet.archive import Archive, HostIndex
from fleet.parse_chunk import ChunkDone, _report
from fleet.tables import ParsedScan, write_part
from schemas import codec
from schemas.archive import ArchivedHost
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.report import Profile, Report, RuleResult, RuleStatus, summarize
from spool import frame, raw_bundle
from spool.raw import Output
from spool.spool import Spool
from tests.scanners.openscap.scap_samples import Rule, arf

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
RULES = 400
SCANS_PER_HOST = 10
MEGABYTE = 1024 * 1024
_REPORT = """
import resource, sys, time
from datetime import UTC, datetime
from fleet import queries
from fleet.archive import Archive
from fleet.fleet_report import fleet_report
start = time.monotonic()
with queries.tables(Archive(sys.argv[1])) as connection:
    at = datetime(2026, 1, 6, tzinfo=UTC)
    report = fleet_report(connection, worse_since=at, silent_since=at)
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--entries", type=int, default=500)
    options.add_argument("--scans", type=int, default=10_000)
    options.add_argument("arf", nargs="?", type=Path)
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as directory:
        measure_parsing(Path(directory), args.entries, args.arf)
        for scans in (args.scans // 10, args.scans):
            measure_report(Path(directory), scans)


def measure_parsing(home: Path, entries: int, source: Path | None) -> None:
    content = arf([Rule(f"rule{at}") for at in range(40)]).encode()
    if source is not None:
        content = source.read_bytes()
    archive = filled(home / "parsing", entries, content)
    loop_s = plain_loop(archive)
    one_s, memory = on_workers(archive, 1)
    two_s, _ = on_workers(archive, 2)
    print(f"{entries} raw entries of {len(content) / MEGABYTE:.1f} MB")
    print(f"plain loop   {loop_s:7.1f} s")
    print(f"one worker   {one_s:7.1f} s   {one_s / loop_s - 1:+.0%} (limit +15 %)")
    print(f"two workers  {two_s:7.1f} s   {one_s / two_s:.2f} x one (limit 1.7)")
    print(f"memory of a worker {memory:.0f} MB (limit 250)")


def filled(place: Path, entries: int, content: bytes) -> Archive:
    """An archive of one host, written as `fleet add` writes it."""
    spool = Spool(place.with_name(f"{place.name}-spool"))
    spool.prepare()
    first = scan_id(0)
    draft = spool.raw.draft(first)
    (draft / "arf.xml").write_bytes(content)
    manifest = Manifest(
        scan_id=first,
        scanner="openscap",
        outcome="finished",
        started_at=FIRST,
        completed_at=FIRST,
        agent_version="1",
    )
    manifest = spool.raw.publish(manifest, (Output("arf", "arf.xml"),))
    archive = Archive(str(place))
    host = ArchivedHost(hostname="host")
    scans = []
    for number in range(entries):
        again = codec.replace(manifest, scan_id=scan_id(number))
        if number:
            shutil.copytree(spool.raw.path / first, spool.raw.path / again.scan_id)
            sealed = frame.seal("manifest", codec.encode(again))
            (spool.raw.path / again.scan_id / "manifest").write_bytes(sealed)
        found = raw_bundle.found_in_spool(spool, again.scan_id)
        for file in found.scan.files:
            target = f"{archive.scan_directory(host.key, again.scan_id)}/{file.name}"
            archive.upload(str(spool.raw.path / again.scan_id / file.name), target)
        scans.append(found.scan)
    archive.write_index(HostIndex(host=host, scans=tuple(scans)))
    return archive


def scan_id(number: int) -> ScanId:
    return ScanId(f"{FIRST + timedelta(seconds=number):%Y%m%dT%H%M%SZ}-openscap-3f9c2a17")


def plain_loop(archive: Archive) -> float:
    index = archive.index("host")
    assert index is not None
    start = time.monotonic()
    for scan in index.scans:
        with tempfile.TemporaryDirectory() as directory:
            spool = Spool(Path(directory))
            fetched(archive, "host", scan, spool)
            _report(spool, index.host, scan)
    return time.monotonic() - start


def on_workers(archive: Archive, workers: int) -> tuple[float, float]:
    """Seconds without the start of the cluster, and the largest memory of a worker in MB."""
    for name in ("tables", "reports"):
        shutil.rmtree(archive.path(name), ignore_errors=True)
    plan = parsing.plan(archive, parsing.Choice())
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(_import_all)
        start = time.monotonic()
        parsing.run(client, plan.chunks, _ignore)
        elapsed = time.monotonic() - start
        memory = max(client.run(_peak_memory).values())
    return elapsed, memory


def _import_all() -> None:
    import fleet.parse_chunk  # noqa: F401 - a worker of a cluster that runs has it


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ignore(_done: ChunkDone) -> None:
    return


def measure_report(home: Path, scans: int) -> None:
    archive = Archive(str(home / f"report-{scans}"))
    for number, part in enumerate(synthetic_parts(scans)):
        write_part(archive, "2026-01", f"part-{number}", part, ())
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, archive.url], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    print(f"report of {scans} scans  {seconds:6.2f} s  {megabytes:5.0f} MB (limits 5 s, 500 MB)")


def synthetic_parts(scans: int) -> Iterator[list[ParsedScan]]:
    statuses: tuple[RuleStatus, ...] = ("pass", "fail", "notapplicable")
    randomly = random.Random(1)
    part: list[ParsedScan] = []
    for number in range(scans):
        host, day = divmod(number, SCANS_PER_HOST)
        at = FIRST + timedelta(days=day, seconds=host % 80_000)
        chosen = randomly.choices(statuses, (60, 30, 10), k=RULES)
        results = tuple(
            RuleResult(
                rule_ref=f"xccdf_org.ssgproject.content_rule_{at_rule}",
                title=f"Ensure that rule {at_rule} is configured",
                status=status,
                severity="medium",
                section=f"{at_rule // 40}.{at_rule % 40}",
                finding="/etc/example: a is 1, expected 2" if status == "fail" else None,
            )
            for at_rule, status in enumerate(chosen)
        )
        report = Report(
            profile=Profile(name="CIS Level 1", type="openscap", id="cis_level1"),
            status="completed",
            started_at=at,
            completed_at=at,
            summary=summarize(results),
            results=results,
        )
        name = ScanId(f"{at:%Y%m%dT%H%M%SZ}-openscap-{host:08x}")
        part.append(ParsedScan(f"host{host}", name, "x", report))
        if len(part) == 100:
            yield part
            part = []
    if part:
        yield part


if __name__ == "__main__":
    main()
