"""Parsing an archive on a cluster: the bytes of the hosts, once, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from fleet import adding, parsing, queries
from fleet.archive import Archive
from fleet.cluster import cluster
from fleet.parse_chunk import ChunkDone, parse_chunk, report_name
from fleet.parts import TABLES
from schemas import codec
from schemas.ids import ScanId
from schemas.waiver import Waiver
from stages.runtime.command_error import CommandError
from tests.fleet.hosts import FIRST, HostSpool, scan_id
from tests.pipeline.agent import until
from tests.scanners.openscap.scap_samples import Rule, arf, run_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("fleet")]
MakeHost = Callable[[str], HostSpool]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def add(archive: Archive, source: HostSpool, **host: Any) -> None:
    path = source.directory.parent / f"{source.name}-{len(list(source.directory.parent.iterdir()))}"
    adding.add(archive, str(source.bundle(path.with_suffix(".tar"), source.host(**host))))


def parse(
    client: Client,
    archive: Archive,
    choice: parsing.ParseChoice | None = None,
    chunk_scans: int = 2,
) -> parsing.ParseOutcome:
    plan = parsing.plan(archive, choice or parsing.ParseChoice(), chunk_scans)
    return parsing.run(client, plan.chunks, lambda _done: None)


def rows(archive: Archive, sql: str) -> list[dict[str, Any]]:
    with queries.tables(archive) as connection:
        return queries.rows(connection, sql)


def test_the_reports_have_the_same_bytes_as_on_their_hosts(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    waiver = Waiver(
        rule="rule1", reason="old", approved_by="Ann", expires=date(2030, 1, 1), host="web1"
    )
    expected: dict[tuple[str, ScanId], bytes] = {}
    for name in ("web1", "web2"):
        source = host(name)
        for day in (0, 1, 5):
            scan = source.scan(day, "pass", "fail", "notapplicable")
            entry = source.parse(scan, (waiver,))
            expected[source.host().key, scan] = entry.read_bytes()
        add(archive, source, waivers=(waiver,))
    outcome = parse(client, archive)
    assert (outcome.parsed, outcome.unreadable) == (6, {})
    for (key, scan), content in expected.items():
        assert archive.read(report_name(key, scan)) == content
    assert rows(archive, "SELECT host, waived FROM newest ORDER BY host") == [
        {"host": host("web1").host().key, "waived": 1},
        {"host": host("web2").host().key, "waived": 0},
    ]


def test_the_rules_that_an_ended_scan_had_done_are_in_its_report_as_on_its_host(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    source = host("web1")
    scan = source.ended(0, "rule0", "rule1")
    entry = source.parse(scan).read_bytes()
    add(archive, source)
    parse(client, archive)
    assert b"rule1" in entry
    assert archive.read(report_name(source.host().key, scan)) == entry
    assert rows(archive, "SELECT status, failed FROM scans") == [{"status": "failed", "failed": 0}]


def test_the_tables_say_what_the_reports_say(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    source = host("web1")
    for day in range(4):
        scan = source.scan(day, *["pass"] * day, "fail", "error")
        source.parse(scan)
        source.deliver(scan)
    add(archive, source)
    parse(client, archive)
    for day in range(4):
        report = source.spool.reports.read(scan_id(day))
        (scan_row,) = rows(archive, f"SELECT * FROM scans WHERE scan_id = '{scan_id(day)}'")
        assert scan_row["status"] == "completed"
        assert scan_row["answer"] == "accepted"
        for name in ("total_rules", "passed", "failed", "errors", "score", "applicable_score"):
            assert scan_row[name] == getattr(report.summary, name), name
        results = rows(
            archive,
            "SELECT rule_ref, status, finding FROM results LEFT JOIN evidence "
            "USING (host, scan_id, number, rule_ref) "
            f"WHERE scan_id = '{scan_id(day)}' ORDER BY number",
        )
        assert results == [
            {"rule_ref": each.rule_ref, "status": each.status, "finding": each.finding}
            for each in report.results
        ]


def test_what_is_done_is_not_done_again(client: Client, archive: Archive, host: MakeHost) -> None:
    source = host("web1")
    for day in range(3):
        source.scan(day, "fail")
    add(archive, source)
    assert parse(client, archive).parsed == 3
    assert parse(client, archive).parsed == 0
    source.scan(3, "pass")
    add(archive, source)
    assert parse(client, archive).parsed == 1
    assert rows(archive, "SELECT count(*) AS n FROM scans") == [{"n": 4}]


def test_other_waivers_replace_the_rows_of_their_host_alone(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    for name in ("web1", "web2"):
        source = host(name)
        source.scan(0, "fail")
        add(archive, source)
    parse(client, archive)
    waiver = Waiver(rule="rule0", reason="old", approved_by="Ann", expires=date(2030, 1, 1))
    source.scan(1, "fail")
    add(archive, source, waivers=(waiver,))
    # The scan of web1 is in the same part, and is not parsed again.
    assert parse(client, archive).parsed == 2
    found = rows(archive, "SELECT host, scan_id, failed, waived FROM scans ORDER BY host, scan_id")
    assert [(row["failed"], row["waived"]) for row in found] == [(1, 0), (0, 1), (0, 1)]
    assert rows(archive, "SELECT count(*) AS n FROM results") == [{"n": 3}]


def copy_part(archive: Archive, tables: Sequence[str], name: str) -> None:
    """Lay down a part again under another name."""
    for table in tables:
        (part,) = archive.list(f"tables/{table}/month=2026-10")
        archive.write(f"tables/{table}/month=2026-10/{name}.parquet", Path(part).read_bytes())


@pytest.mark.parametrize("tables", [TABLES, ("scans",), ("results", "evidence")])
def test_a_part_that_a_worker_of_a_killed_command_has_left_counts_nothing_twice(
    client: Client, archive: Archive, host: MakeHost, tables: Sequence[str]
) -> None:
    source = host("web1")
    for number in range(2):
        source.scan(0, "fail", number=number)
    add(archive, source)
    parse(client, archive)
    copy_part(archive, tables, "zzz")
    assert parsing.plan(archive, parsing.ParseChoice()).scans == 0
    assert rows(archive, "SELECT count(*) AS n FROM scans") == [{"n": 2}]
    assert rows(archive, "SELECT count(*) AS n FROM results") == [{"n": 2}]


def test_scans_whose_rows_are_missing_in_a_table_are_parsed_again(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    source = host("web1")
    source.scan(0, "fail")
    add(archive, source)
    parse(client, archive)
    (part,) = archive.list("tables/results/month=2026-10")
    Path(part).unlink()
    assert parse(client, archive).parsed == 1
    assert rows(archive, "SELECT count(*) AS n FROM results") == [{"n": 1}]


def test_a_worker_with_another_version_parses_nothing(archive: Archive, host: MakeHost) -> None:
    source = host("web1")
    source.scan(0, "fail")
    add(archive, source)
    (chunk,) = parsing.plan(archive, parsing.ParseChoice()).chunks
    with pytest.raises(CommandError, match="install the same"):
        parse_chunk(codec.encode(codec.replace(chunk, agent_version="0.0.1")))


def test_an_archive_on_a_local_disk_has_one_writer(archive: Archive) -> None:
    other = Archive(archive.url)
    with archive.locked(), pytest.raises(CommandError, match="another command"), other.locked():
        raise AssertionError("two writers")
    with other.locked():
        pass


def test_a_bad_entry_is_a_row_with_its_reason_and_stops_nothing(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    source = host("web1")
    source.scan(0, "pass")
    source.raw(scan_id(1), b"once upon a time")
    source.raw(scan_id(2), b"")
    source.raw(scan_id(3), b"<html><body>404 not found</body></html>")
    source.scan(4, "pass")
    source.scan(5, "pass")
    manifest = source.spool.raw.path / scan_id(5) / "manifest"
    fields = manifest.read_bytes().split(b" ", 2)
    manifest.write_bytes(b" ".join([fields[0], b"2", fields[2]]))
    add(archive, source)
    stored = Path(archive.path(archive.scan_directory(source.host().key, scan_id(4))))
    next(stored.glob("*.zst")).write_bytes(b"rotten")
    outcome = parse(client, archive)
    assert outcome.parsed == 6
    assert set(outcome.unreadable) == {
        f"{source.host().key} {scan_id(4)}",
        f"{source.host().key} {scan_id(5)}",
    }
    found = rows(archive, "SELECT status, error, unreadable FROM scans ORDER BY scan_id")
    statuses = [row["status"] for row in found]
    assert statuses == ["completed", "failed", "failed", "failed", None, None]
    assert "not XML" in found[1]["error"]
    assert "in its manifest" in found[4]["unreadable"]
    assert "newer" in found[5]["unreadable"]


def test_a_scan_that_was_repaired_is_read_again(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    source = host("web1")
    source.scan(0, "pass")
    source.scan(1, "pass")
    add(archive, source)
    stored = Path(archive.path(archive.scan_directory(source.host().key, scan_id(1))))
    next(stored.glob("*.zst")).write_bytes(b"rotten")
    assert len(parse(client, archive).unreadable) == 1
    add(archive, source)
    again = parse(client, archive)
    assert (again.parsed, again.unreadable) == (1, {})
    assert parsing.plan(archive, parsing.ParseChoice()).up_to_date == 2


def test_large_scans_make_small_chunks(
    archive: Archive, host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = host("web1")
    for number in range(5):
        source.scan(0, "pass", number=number)
    add(archive, source)
    index = archive.index(source.host().key)
    assert index is not None
    largest = max(sum(file.bytes for file in scan.raw_files) for scan in index.scans)
    monkeypatch.setattr(parsing, "CHUNK_BYTES", 2 * largest)
    plan = parsing.plan(archive, parsing.ParseChoice())
    assert [len(chunk.scans) for chunk in plan.chunks] == [2, 2, 1]


def test_hosts_in_other_time_zones_have_the_same_bytes_here(
    client: Client, archive: Archive, host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [Rule("rule0", "fail")]
    # As scanners before oscap 1.3 write times: without a zone.
    run = run_of(rules, start="2026-10-30T06:00:00", end="2026-10-30T06:00:09")
    expected: dict[str, bytes] = {}
    for name, zone in (("web1", "America/New_York"), ("web2", "Asia/Tokyo")):
        source = host(name)
        source.raw(scan_id(0), arf(rules, run=run).encode())
        with monkeypatch.context() as there:
            there.setenv("TZ", zone)
            time.tzset()
            expected[source.host().key] = source.parse(scan_id(0)).read_bytes()
        time.tzset()
        add(archive, source)
    parse(client, archive)
    for key, entry in expected.items():
        assert archive.read(report_name(key, scan_id(0))) == entry
    (times,) = rows(archive, "SELECT DISTINCT started_at, completed_at FROM scans")
    assert times["started_at"] == FIRST


def test_only_the_chosen_scans_are_parsed(client: Client, archive: Archive, host: MakeHost) -> None:
    source = host("web1")
    for day in (0, 3):
        source.parse(source.scan(day, "pass"))
    add(archive, source)
    other = parsing.ParseChoice(profile="no such profile")
    assert parsing.plan(archive, other).scans == 0
    at = parsing.ParseChoice(since=source.spool.raw.manifest(scan_id(3)).started_at)
    assert parsing.plan(archive, at).scans == 1


def chunks_of(archive: Archive, host: MakeHost, scans: int) -> parsing.ParsePlan:
    source = host("web1")
    for number in range(scans):
        source.scan(0, *["pass", "fail"] * 20, number=number)
    add(archive, source)
    return parsing.plan(archive, parsing.ParseChoice(), 2)


def assert_whole(archive: Archive, scans: int) -> None:
    assert rows(archive, "SELECT count(*) AS n, count(DISTINCT scan_id) AS d FROM scans") == [
        {"n": scans, "d": scans}
    ]
    assert rows(archive, "SELECT count(*) AS n FROM results") == [{"n": scans * 40}]


def test_a_worker_that_is_killed_costs_nothing(
    client: Client, archive: Archive, host: MakeHost
) -> None:
    plan = chunks_of(archive, host, 20)
    killed: list[int] = []

    def kill_one(_done: ChunkDone) -> None:
        if not killed:
            pids = client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    outcome = parsing.run(client, plan.chunks, kill_one)
    assert killed
    assert outcome.parsed == 20
    assert_whole(archive, 20)
    until(lambda: len(client.scheduler_info()["workers"]) == 2, "the cluster has its worker again")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A scheduler and two workers, as they are started by hand."""
    address_file = tmp_path / "scheduler.json"
    python = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen([*python, *options, "--scheduler-file", str(address_file)])]
    until(address_file.exists, "the scheduler listens")
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1"]
    worker += ["--scheduler-file", str(address_file), "--no-dashboard", "--no-nanny"]
    for _ in range(2):
        processes.append(subprocess.Popen(worker))

    address = ""

    def is_known() -> bool:
        nonlocal address
        try:
            address = json.loads(address_file.read_text())["address"]
        except ValueError:
            return False
        return True

    until(is_known, "the scheduler has an address")
    yield address, processes
    for process in processes:
        process.kill()
        process.wait()


def test_a_scheduler_that_is_killed_is_an_error_and_the_next_run_goes_on(
    client: Client,
    scheduler: tuple[str, list["subprocess.Popen[bytes]"]],
    archive: Archive,
    host: MakeHost,
) -> None:
    address, processes = scheduler
    plan = chunks_of(archive, host, 20)

    def kill_scheduler(_done: ChunkDone) -> None:
        processes[0].kill()

    with (
        pytest.raises(CommandError, match="run the command again"),
        cluster(address, 0) as other,
    ):
        parsing.run(other, plan.chunks, kill_scheduler)
    rest = parsing.plan(archive, parsing.ParseChoice(), 2)
    assert 0 < rest.scans < 20
    parsing.run(client, rest.chunks, lambda _done: None)
    assert_whole(archive, 20)


def test_a_client_that_is_killed_leaves_work_that_the_next_one_ends(
    client: Client, archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    chunks_of(archive, host, 30)
    command = [sys.executable, "-m", "stages.console.main", "fleet", "parse", archive.url]
    process = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.DEVNULL)
    until(lambda: archive.list("reports"), "the first report is written", 120)
    process.kill()
    process.wait()
    rest = parsing.plan(archive, parsing.ParseChoice(), 7)
    parsing.run(client, rest.chunks, lambda _done: None)
    assert_whole(archive, 30)


def test_no_scheduler_is_one_line(archive: Archive) -> None:
    with (
        pytest.raises(CommandError, match="no scheduler answers"),
        cluster("tcp://127.0.0.1:9", 0),
    ):
        raise AssertionError("connected")
