"""Damage, foreign files and wrong permissions: reported clearly, and the rest goes on."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from schemas.manifest import Manifest
from spool.layout import STAGES
from spool.raw import Output
from spool.spool import Spool
from stages.console.command_writer import now
from stages.runtime.exits import Exit
from tests.pipeline.agent import Agent, an_agent, until

SCAN_ID = ScanId("20261123T060301Z-openscap-3f9c2a17")


def raw_entry(spool: Spool, scan_id: ScanId, results: bytes, arf: bytes | None = None) -> None:
    """A raw entry as the scan stage would have written it."""
    spool.prepare()
    draft = spool.raw.draft(scan_id)
    outputs = [Output("xccdf-results", "results.xml")]
    (draft / "results.xml").write_bytes(results)
    if arf is not None:
        (draft / "arf.xml").write_bytes(arf)
        outputs.append(Output("arf", "arf.xml"))
    at = now()
    manifest = Manifest(
        scan_id=scan_id,
        scanner="openscap",
        outcome="finished",
        started_at=at,
        completed_at=at,
        agent_version="1",
    )
    spool.raw.publish(manifest, tuple(outputs))


HOSTILE = {
    "empty": b"",
    "no xml": b"once upon a time",
    "truncated": b"<?xml version='1.0'?>"
    b"<Benchmark xmlns='http://checklists.nist.gov/xccdf/1.2'><TestResult>",
    "another root": b"<html><body>captive portal</body></html>",
    "entity bomb": b"<!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'><!ENTITY c '&a;&a;&a;&a;&a;&a;&a;'>]>"
    b"<Benchmark xmlns='http://checklists.nist.gov/xccdf/1.2'>&c;</Benchmark>",
    "external entity": b"<!DOCTYPE b [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    b"<Benchmark xmlns='http://checklists.nist.gov/xccdf/1.2'>&x;</Benchmark>",
    "10,000 deep": b"<Benchmark xmlns='http://checklists.nist.gov/xccdf/1.2'>"
    + b"<Group>" * 10_000,
    "nul bytes": b"\0" * 4096,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_results_that_cannot_be_read_are_a_failed_scan_with_the_reason(
    agent: Agent, server: Receiver, name: str
) -> None:
    raw_entry(agent.spool, SCAN_ID, HOSTILE[name])
    agent.start("parse", "ship")
    until(lambda: agent.received(SCAN_ID), "a receipt")
    report = agent.report(SCAN_ID)
    assert report.status == "failed"
    assert report.error
    assert "\n" not in report.error
    assert "root:" not in str(report)
    assert len(server.posts()) == 1


@pytest.mark.oscap
def test_a_flipped_bit_is_logged_and_quarantined_and_the_rest_goes_on(agent: Agent) -> None:
    scan_id = agent.ask()
    agent.start("trigger", "scan")
    until(lambda: scan_id in agent.spool.raw.scan_ids(), "a raw entry")
    path = agent.spool.raw.path / scan_id / "results.xml.zst"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "damaged" in agent.run("verify", code=1)
    agent.start("parse", "ship")
    other = agent.ask()
    until(lambda: agent.received(scan_id) and agent.received(other), "receipts")
    assert "SHA-256 differs" in (agent.report(scan_id).error or "")
    assert agent.report(other).status == "completed"
    until(lambda: agent.spool.raw.quarantined(), "quarantine")
    until(lambda: scan_id not in agent.spool.raw.names(), "the entry is taken away")
    time_of_raw = agent.spool.raw.names()
    assert other in time_of_raw, "and it is not scanned again"


@pytest.mark.oscap
def test_a_damaged_report_is_parsed_again_from_its_raw_entry(agent: Agent) -> None:
    scan_id = agent.ask()
    agent.start("trigger", "scan", "parse")
    until(lambda: agent.reported(scan_id), "a report")
    path = agent.spool.reports.path / f"{scan_id}.report"
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    agent.start("ship")
    until(lambda: agent.received(scan_id), "a receipt")
    assert agent.receipt(scan_id).answer == "accepted"
    assert path.read_bytes() == whole
    assert agent.spool.reports.quarantined()


def test_a_damaged_request_is_a_failed_scan(agent: Agent) -> None:
    agent.spool.prepare()
    (agent.spool.requests.path / f"{SCAN_ID}.request").write_bytes(b"\0" * 100)
    agent.start()
    until(lambda: agent.received(SCAN_ID), "a receipt")
    assert "the request is damaged" in (agent.report(SCAN_ID).error or "")


@pytest.mark.oscap
def test_foreign_files_and_symlinks_stop_nothing(agent: Agent) -> None:
    agent.spool.prepare()
    for box in ("requests", "raw", "reports", "receipts"):
        (agent.spool.root / box / "README").write_text("mine")
        (agent.spool.root / box / "20261123T060301Z-openscap-00000000").symlink_to("/etc")
    for box, kind in (("requests", "request"), ("reports", "report"), ("receipts", "receipt")):
        (agent.spool.root / box / f"20261123T060302Z-openscap-00000000.{kind}").symlink_to(
            "/etc/passwd"
        )
    agent.start()
    scan_id = agent.ask()
    until(lambda: agent.received(scan_id), "a receipt")
    assert agent.receipt(scan_id).answer == "accepted"
    assert (agent.spool.root / "raw" / "README").read_text() == "mine"
    assert "README" in agent.run("verify", code=1)


@pytest.mark.oscap
def test_names_like_scan_ids_with_impossible_dates_are_foreign_and_stop_nothing(
    agent: Agent,
) -> None:
    agent.spool.prepare()
    for name in ("99999999T999999Z-openscap-00000000", "20260231T000000Z-openscap-00000000"):
        (agent.spool.raw.path / name).mkdir()
        for box, kind in (("requests", "request"), ("reports", "report"), ("receipts", "receipt")):
            (agent.spool.root / box / f"{name}.{kind}").write_text("mine")
    agent.start()
    scan_id = agent.ask("all_pass")
    until(lambda: agent.received(scan_id), "a receipt")
    assert {process.poll() for process in agent.processes.values()} == {None}
    findings = json.loads(agent.run("verify", "--json", code=0))
    assert len([finding for finding in findings if finding["kind"] == "foreign"]) == 8


@pytest.mark.parametrize("stage", STAGES)
def test_a_second_instance_exits_at_once_with_the_reason(agent: Agent, stage: str) -> None:
    agent.start(stage)  # type: ignore[arg-type]
    until(lambda: agent.spool.is_running(stage), "it runs")  # type: ignore[arg-type]
    before = time.monotonic()
    second = subprocess.run(
        [
            sys.executable,
            "-m",
            "stages.console.main",
            "stage",
            stage,
            "--config",
            str(agent.config),
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 4, second.stderr
    assert f"another {stage} stage is running" in second.stderr
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(("box", "mode"), [("requests", 0o777), ("state/trigger", 0o755)])
def test_wrong_permissions_are_refused_with_the_command_that_corrects_them(
    agent: Agent, box: str, mode: int
) -> None:
    agent.spool.prepare()
    path = agent.spool.root / box
    path.chmod(mode)
    agent.start("trigger")
    assert agent.processes["trigger"].wait(timeout=20) == 3
    assert f"chmod 0750 {path}" in agent.log("trigger")


@pytest.mark.oscap
def test_a_full_disk_is_logged_and_nothing_is_lost(server: Receiver, small_disk: Path) -> None:
    with an_agent(server) as agent:
        agent.settings["spool"] = {
            "path": str(small_disk / "spool"),
            "check_every_s": 0.5,
            "min_free_mib": 4,
        }
        agent.configure()
        spool = Spool(small_disk / "spool")
        agent.start()
        until(
            lambda: all("stage started" in agent.log(stage) for stage in STAGES), "all stages run"
        )
        agent.stop()
        scan_id = _ask(agent, spool)
        ballast = small_disk / "ballast"
        with ballast.open("wb") as stream:
            try:
                while True:
                    stream.write(bytes(64 * 1024))
                    stream.flush()
            except OSError:
                pass
        agent.start()
        until(
            lambda: "No space left" in agent.logs or "MiB free" in agent.logs,
            "the full disk is logged",
        )
        ballast.unlink()
        until(lambda: scan_id in spool.receipts.ids(), "a receipt after there is room again")
        agent.stop()
    (post,) = [post for post in server.posts() if post["status"] == 200]
    assert post["idempotency_key"] == scan_id


def test_a_read_only_disk_is_the_first_line_of_status_and_its_exit_code(small_disk: Path) -> None:
    with an_agent() as agent:
        agent.settings["spool"] = {"path": str(small_disk / "spool"), "check_every_s": 0.5}
        agent.configure()
        agent.start("trigger")
        until(lambda: "stage started" in agent.log("trigger"), "it runs")
        # The kernel refuses this while files are open for writing.
        agent.stop()
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        status = agent.run("status", code=Exit.UNUSABLE)
        assert status.startswith(f"trouble: {small_disk}/spool: the file system is read-only")
        assert (
            "read-only" in json.loads(agent.run("status", "--json", code=Exit.UNUSABLE))["trouble"]
        )
        agent.start("trigger")
        assert agent.processes["trigger"].wait(timeout=60) == Exit.UNAVAILABLE
        assert "Read-only file system; the file system has gone read-only" in agent.log("trigger")
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        agent.run("status", code=Exit.OK)


def _ask(agent: Agent, spool: Spool) -> ScanId:
    message = json.loads(agent.run("scan", "--json"))
    assert message["scan_id"] in spool.commands.requests.ids()
    return ScanId(message["scan_id"])
