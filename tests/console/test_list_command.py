"""`list` fits a terminal, and names entries that cannot be read, as `status` and `verify` do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.ids import ScanId, new_scan_id
from schemas.manifest import Manifest
from schemas.request import Reason, Request
from spool.raw import Output
from spool.spool import Spool
from tests.console.program import agent
from tests.ship.ship_spool import report, scan_id

pytestmark = pytest.mark.slow

LONG = "CIS Debian GNU/Linux 12 Benchmark for Level 2 - Workstation, with a long title"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def manifest(scan: ScanId) -> Manifest:
    at = datetime.now(UTC)
    return Manifest(
        scan_id=scan,
        scanner="openscap",
        outcome="finished",
        started_at=at,
        completed_at=at,
        agent_version="1",
    )


def test_a_scan_is_one_line_of_at_most_80_columns(config: Path, spool: Spool) -> None:
    spool.reports.write(report(1, LONG))
    spool.reports.write(report(2, LONG, status="cancelled"))
    agent("scan", "--profile", LONG, config=config)
    lines = agent("list", config=config).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == [
        "scan",
        "requested",
        "profile",
        "result",
        "score",
        "applicable",
        "answer",
    ]
    assert lines[1].startswith("00000001  ")
    assert "..." in lines[1]
    assert "33.3" in lines[1]
    assert len(lines) == 5
    wide = agent("list", "--wide", config=config).stdout
    assert LONG in wide
    assert scan_id(1) in wide


def test_since_takes_spans_and_days(config: Path, spool: Spool) -> None:
    now = datetime.now(UTC)
    ids = [new_scan_id("openscap", now - timedelta(days=days)) for days in (30, 8, 3)]
    for one in ids:
        reason = Reason(source="operator", at=now)
        spool.commands.requests.write(Request(scan_id=one, scanner="openscap", reason=reason))

    def listed(*options: str) -> list[str]:
        rows = json.loads(agent("list", "--json", *options, config=config).stdout)
        return [row["scan_id"] for row in rows]

    assert listed() == ids
    assert listed("--since", "7d") == ids[2:]
    assert listed("--since", "2w") == ids[1:]
    assert listed("--until", "7d") == ids[:2]
    assert listed("--since", "yesterday") == []
    wrong = agent("list", "--since", "7 days", config=config, code=2).stderr
    assert "is not a time like" in wrong


@pytest.mark.parametrize("kind", ["newer", "damaged"])
def test_an_entry_that_cannot_be_read_is_named_by_every_command(
    kind: str, config: Path, spool: Spool
) -> None:
    spool.reports.write(report(1))
    spool.reports.write(report(2))
    path = spool.reports.path / f"{scan_id(2)}.report"
    content = path.read_bytes()
    path.write_bytes(content[:40])
    if kind == "newer":
        path.write_bytes(content.replace(b" 1 ", b" 2 ", 1))
    rows = json.loads(agent("list", "--json", config=config).stdout)
    assert [row["status"] for row in rows] == ["completed", None]
    assert str(path) in rows[1]["message"]
    assert "unreadable" in agent("list", config=config).stdout
    status = json.loads(agent("status", "--json", config=config).stdout)
    assert list(status[kind]) == [path.name]
    assert str(path) in status[kind][path.name]
    assert str(path) in agent("status", config=config).stdout
    done = json.loads(agent("verify", "--json", config=config, code=int(kind == "damaged")).stdout)
    assert [(found["kind"], found["path"]) for found in done] == [(kind, str(path))]


def test_raw_prints_the_scanners_own_file_unpacked(
    config: Path, spool: Spool, tmp_path: Path
) -> None:
    draft = spool.raw.draft(scan_id(1))
    (draft / "arf.xml").write_bytes(b"<arf/>")
    (draft / "stdout.log").write_bytes(b"pass\xff")
    spool.raw.publish(
        manifest(scan_id(1)), (Output("arf", "arf.xml"), Output("stdout", "stdout.log"))
    )
    assert agent("raw", "last", config=config).stdout == "<arf/>"
    target = tmp_path / "stdout.log"
    agent("raw", "0001", "--role", "stdout", "-o", str(target), config=config)
    assert target.read_bytes() == b"pass\xff"
    roles = json.loads(agent("raw", "last", "--json", config=config).stdout)
    assert [file["role"] for file in roles] == ["arf", "stdout"]
    wrong = agent("raw", "last", "--role", "none", config=config, code=1).stderr
    assert "no file with the role none; there are arf, stdout" in wrong
    spool.reports.write(report(2))
    assert "no raw entry is kept" in agent("raw", "last", config=config, code=1).stderr
