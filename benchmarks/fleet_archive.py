"""The cost of reading an archive again, and of a report over many hosts.

    python -m benchmarks.fleet_archive [--entries 500] [--rules 400] [--scans 10000] [ARF]

Parsing: raw entries (of ARF, or of a synthetic one with that many rules, about as large as a real
one of a CIS profile is without the guide) on one worker, on two, and in a plain loop that calls the
same reader in one child process and keeps nothing. Limits: two workers at least 1.7 times as fast
as one; one worker at most 15 % slower than the loop; at most 250 MB for a worker. Two workers need
two processors: on a machine with other work the figures prove nothing.

Report: synthetic tables of 400 rules for each scan, of which every host has ten. Limits for 10,000
scans (4 million rows): 5 s and 500 MB; ten times the rows take at most ten times as long.

Exits with 1 where a limit is not kept.
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
from hashlib import sha256
from pathlib import Path

from distributed import Client, LocalCluster

from fleet import parsing
from fleet.archive import Archive, HostIndex
from fleet.parse_chunk import ArchiveReader, ChunkDone
from fleet.tables import ParsedScan, write_part
from schemas import codec
from schemas.archive import ArchivedHost
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.report import Profile, Report, RuleResult, RuleStatus, summarize
from spool import frame, raw_bundle
from spool.raw import Output
from spool.spool import Spool
from tests.scanners.openscap.scap_samples import Rule, Test, arf

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


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--entries", type=int, default=500)
    options.add_argument("--rules", type=int, default=RULES)
    options.add_argument("--scans", type=int, default=10_000)
    options.add_argument("arf", nargs="?", type=Path)
    args = options.parse_args()
    content = args.arf.read_bytes() if args.arf else synthetic_arf(args.rules)
    with tempfile.TemporaryDirectory(prefix="fleet-") as directory:
        home = Path(directory)
        kept = measure_parsing(home, args.entries, content)
        kept += measure_reports(home, args.scans)
    return 0 if all(kept) else 1


def measure_parsing(home: Path, entries: int, content: bytes) -> list[bool]:
    archive = filled(home / "parsing", entries, content)
    stored = sum(path.stat().st_size for path in Path(archive.path("host=host")).rglob("*.zst"))
    print(f"{entries} raw entries of {len(content) / MEGABYTE:.1f} MB, ", end="")
    print(f"{stored / entries / MEGABYTE:.2f} MB as they are kept")
    loop_s = plain_loop(archive)
    each_ms = 1000 * loop_s / entries
    print(f"plain loop          {loop_s:7.1f} s  {each_ms:.1f} ms for each")
    one_s, memory = on_workers(archive, 1)
    two_s, memory_of_two = on_workers(archive, 2)
    overhead, speed = one_s / loop_s - 1, one_s / two_s
    memory = max(memory, memory_of_two)
    return [
        verdict(
            f"one worker          {one_s:7.1f} s  {overhead:+.0%}, limit +15 %", overhead <= 0.15
        ),
        verdict(f"two workers         {two_s:7.1f} s  {speed:.2f} x one, limit 1.7", speed >= 1.7),
        verdict(f"memory of a worker  {memory:7.0f} MB  limit 250 MB", memory <= 250),
    ]


def verdict(text: str, good: bool) -> bool:
    print(f"{text:60} {'ok' if good else 'TOO SLOW'}")
    return good


def synthetic_arf(rules: int) -> bytes:
    """Rules with texts, and two tests each with what was found on the host."""
    return arf([synthetic_rule(number) for number in range(rules)]).encode()


def synthetic_rule(number: int) -> Rule:
    result = ("pass", "fail", "pass", "pass", "notapplicable")[number % 5]
    tests = []
    if result != "notapplicable":
        tests = [synthetic_test(f"/etc/example/{number}-{test}.conf", result) for test in range(2)]
    text = f"<h:p>The setting {number} must have the value that the policy asks for.</h:p>" * 20
    body = f"<description>{text}</description><rationale>{text}</rationale>"
    return Rule(f"rule{number}", result, tests, body=body)


def synthetic_test(path: str, result: str) -> Test:
    found = "true" if result == "pass" else "false"
    fields = (
        f"<filepath>{path}</filepath><path>/etc/example</path><pattern>^a=(.*)$</pattern>"
        '<instance datatype="int">{line}</instance><text>a={line} # {digest}</text>'
        "<subexpression>{line}</subexpression>"
    )
    items = [
        (found, fields.format(line=line, digest=sha256(f"{path} {line}".encode()).hexdigest()))
        for line in range(3)
    ]
    return Test(
        "textfilecontent54",
        f"<filepath>{path}</filepath><pattern operation='pattern match'>^a=(.*)$</pattern>"
        '<instance datatype="int" operation="greater than or equal">1</instance>',
        "<subexpression operation='equals'>1</subexpression>",
        items,
        result=found,
    )


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
    with tempfile.TemporaryDirectory() as directory:
        reader = ArchiveReader(archive, {"host": index.host}, Path(directory))
        for scan in index.scans:
            reader.report("host", scan)
    return time.monotonic() - start


def on_workers(archive: Archive, workers: int) -> tuple[float, float]:
    """Seconds without the start of the cluster, and the largest memory of a worker in MB."""
    for name in ("tables", "reports"):
        shutil.rmtree(archive.path(name), ignore_errors=True)
    plan = parsing.plan(archive, parsing.ParseChoice())
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


def measure_reports(home: Path, scans: int) -> list[bool]:
    few_s, _ = report_cost(home, scans // 10)
    many_s, megabytes = report_cost(home, scans)
    growth = many_s / few_s
    return [
        verdict(f"report              {many_s:7.2f} s  {scans} scans, limit 5 s", many_s <= 5),
        verdict(f"memory of a report  {megabytes:7.0f} MB  limit 500 MB", megabytes <= 500),
        verdict(f"growth              {growth:7.1f} x  for 10 x the scans, limit 10", growth <= 10),
    ]


def report_cost(home: Path, scans: int) -> tuple[float, float]:
    """Seconds and MB of a report, in a process of its own."""
    archive = Archive(str(home / f"report-{scans}"))
    for number, part in enumerate(synthetic_parts(scans)):
        write_part(archive, "2026-01", f"part-{number}", part)
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, archive.url], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


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
    sys.exit(main())
