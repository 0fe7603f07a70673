"""`import` beside running stages: parse takes the reports in, ship delivers them."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from schemas.bundle import Bundle
from schemas.ids import ScanId
from spool import bundle
from spool.entries import seal_report
from tests.pipeline.agent import Agent, an_agent, until
from tests.ship.ship_spool import START, report, rules, scan_id


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Receiver(Policy(), database=tmp_path / "receiver.db") as server, an_agent(server) as agent:
        agent.start("parse", "ship")
        until(lambda: agent.spool.is_running("parse"), "the parse stage")
        until(lambda: agent.spool.is_running("ship"), "the ship stage")
        yield agent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A bundle of another host, with two reports."""
    # Large enough that the index can be read where the end is missing.
    results = rules(1000, 500)
    entries = {scan_id(number): seal_report(report(number, results=results)) for number in (1, 2)}
    return bundle_file(tmp_path / "reports", entries)


def bundle_file(file: Path, entries: Mapping[ScanId, bytes]) -> Path:
    index = Bundle(
        origin="0" * 64,
        hostname="offsite",
        exported_at=START,
        agent_version="1",
        reports=tuple(bundle.listed(one, entry) for one, entry in entries.items()),
    )
    with file.open("wb") as target:
        bundle.write(target, index, entries.values())
    return file


def test_imported_reports_are_delivered(agent: Agent, file: Path) -> None:
    assert "2 reports of offsite imported" in agent.run("import", str(file), "--as-this-host")
    until(lambda: len(agent.spool.receipts.ids()) == 2, "two receipts")
    assert agent.spool.commands.imports.ids() == []
    assert agent.spool.commands.bundle_ids() == []


def test_imported_reports_of_another_host_are_held_until_they_are_released(
    agent: Agent, file: Path
) -> None:
    imported = json.loads(agent.run("import", str(file), "--json"))
    assert imported["held"] == imported["outcome"]["taken"] == [scan_id(1), scan_id(2)]
    assert agent.spool.receipts.ids() == []
    agent.run("release", "--all")
    until(lambda: len(agent.spool.receipts.ids()) == 2, "two receipts")


def test_a_bundle_that_is_cut_short_leaves_no_report_and_no_hold(agent: Agent, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-8])
    imported = json.loads(agent.run("import", str(file), "--json", code=1))
    assert "cut short" in imported["outcome"]["error"]
    assert agent.spool.reports.ids() == []
    assert agent.spool.commands.names() == []
    assert "cut short" in agent.run("status")


def test_an_import_that_is_interrupted_before_it_was_given_holds_nothing(
    agent: Agent, tmp_path: Path
) -> None:
    entries = {scan_id(number): seal_report(report(number)) for number in range(1, 3001)}
    file = bundle_file(tmp_path / "many", entries)
    command = [sys.executable, "-m", agent.module, "import", str(file)]
    with subprocess.Popen([*command, "--config", str(agent.config)]) as process:
        until(lambda: list(agent.spool.commands.path.glob(".*.hold.tmp")), "the first hold")
        process.send_signal(signal.SIGINT)
    assert process.returncode != 0
    assert agent.spool.commands.names() == []
    assert agent.spool.reports.names() == []


def test_an_import_that_was_interrupted_is_carried_out_after_the_restart(
    agent: Agent, file: Path
) -> None:
    agent.kill("parse")
    imported = json.loads(agent.run("import", str(file), "--as-this-host", "--json"))
    assert imported["outcome"] is None
    assert json.loads(agent.run("status", "--json"))["imports_pending"] == 1
    agent.start("parse")
    until(lambda: len(agent.spool.receipts.ids()) == 2, "two receipts")
    assert agent.spool.pending_imports() == []
