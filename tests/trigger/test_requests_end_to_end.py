"""Requests through the real stages: killed, cancelled, repeated."""

import contextlib
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.report import Report
from schemas.request import Request
from schemas.schedule import ScheduleState
from spool.spool import Spool
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.slow

PREFIX = "xccdf_io.github.compliance-agent.every-result_profile_"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


def requested(agent: Agent) -> list[Request]:
    box = agent.spool.requests
    if not box.path.exists():
        return []
    return [box.read(i) for i in box.ids()]


def reports(agent: Agent) -> list[Report]:
    return [agent.report(ScanId(i)) for i in agent.spool.reports.ids()]


def test_commands_become_one_request_each_whenever_the_stage_is_killed() -> None:
    moments = random.Random(11)
    with an_agent() as agent:
        agent.start("trigger")
        commands = []
        for n in range(12):
            file = agent.home / f"{n}.json"
            file.write_text(json.dumps({"request_id": f"ticket-{n}"}))
            commands += [agent.ask(), agent.run("scan", "--request", str(file)).strip()]
            pause = time.monotonic() + moments.uniform(0, 1.3)
            until(lambda pause=pause: time.monotonic() >= pause, "a moment", 5)  # type: ignore[misc]
            agent.kill("trigger")
            agent.start("trigger")
        until(lambda: len(requested(agent)) >= 24, "all taken", 60)
        tickets = sorted(r.reason.request_id for r in requested(agent) if r.reason.request_id)
        assert tickets == sorted(f"ticket-{n}" for n in range(12))
        assert sorted(r.scan_id for r in requested(agent)) == sorted(commands)


def test_a_request_that_cannot_be_read_is_a_failed_scan_with_the_reason(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        scan_id = agent.ask()
        damaged = ScanId("20260601T000000Z-openscap-0000000a")
        (agent.spool.commands.path / f"{damaged}.request").write_bytes(b"")
        until(lambda: agent.received(damaged) and agent.received(scan_id), "both are done")
        report = agent.report(damaged)
        assert report.status == "failed"
        assert "the request can't be read" in (report.error or "")
        assert agent.receipt(damaged).answer == "accepted"


@pytest.mark.oscap
def test_the_servers_cancel_ends_what_runs_and_waits_and_arrives_as_cancelled(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        for profile in ("waits", "slower"):
            server.send_command(
                {"type": "compliance_trigger", "profile": PREFIX + profile, "request_id": profile}
            )
        until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "a scan runs")
        until(lambda: len(requested(agent)) == 2, "both are requested")
        started = time.monotonic()
        server.send_command({"type": "compliance_scan_cancel"})
        until(lambda: not (agent.spool.root / "state" / "scan" / "running").exists(), "ended", 15)
        assert time.monotonic() - started < 15
        until(lambda: len(server.posts()) == 2, "both arrive", 30)
        assert {report.status for report in reports(agent)} == {"cancelled"}
        assert all(
            (report.error or "").startswith("cancelled by the server") for report in reports(agent)
        )
        assert {reason.request_id for report in reports(agent) for reason in report.reasons} == {
            "waits",
            "slower",
        }
        until(
            lambda: [p["phase"] for p in server.progress()].count("cancelled") == 2,
            "reported over the socket",
            15,
        )


@pytest.mark.oscap
def test_a_request_right_after_a_cancel_is_scanned(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        command = {"type": "compliance_trigger", "profile": PREFIX + "slow", "request_id": "first"}
        server.send_command(command)
        until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "the scan runs")
        server.send_command({"type": "compliance_scan_cancel"})
        server.send_command({**command, "request_id": "second"})
        until(lambda: len(agent.spool.receipts.ids()) == 2, "receipts", 90)
        by_id = {report.reasons[0].request_id: report.status for report in reports(agent)}
        assert by_id == {"first": "cancelled", "second": "completed"}


def test_commands_that_come_while_the_disk_is_full_are_entries_once_there_is_room(
    server: Receiver, small_disk: Path
) -> None:
    with an_agent(server) as agent:
        agent.settings["spool"] = {"path": str(small_disk / "spool"), "check_every_s": 0.5}
        agent.configure()
        agent.start("trigger")
        until(server.online, "connected")
        ballast = small_disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(64 * 1024))
        for n in range(3):
            server.send_command(
                {"type": "compliance_trigger", "profile": "cis", "request_id": f"r-{n}"}
            )
        until(lambda: "No space left" in agent.log("trigger"), "the full disk is logged")
        assert server.online(), "the connection does not suffer"
        ballast.unlink()
        box = Spool(small_disk / "spool").requests
        until(lambda: len(box.ids()) >= 3, "all three")
        read = [box.read(i) for i in box.ids()]
        assert sorted(r.reason.request_id or "" for r in read) == ["r-0", "r-1", "r-2"]
        agent.stop()


@pytest.mark.oscap
def test_a_scan_that_never_ran_is_filed_under_the_profile_that_was_requested(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        agent.settings["compliance"]["docker_bench"] = {"enabled": False}
        agent.configure()
        agent.start("trigger")
        until(server.online, "connected")
        for profile in (PREFIX + "slow", "no-such-profile", None):
            server.send_command(
                {"type": "compliance_trigger", "profile": profile, "request_id": profile}
            )
        until(lambda: len(requested(agent)) == 3, "all are requested")
        server.send_command({"type": "compliance_scan_cancel"})
        server.send_command({"type": "compliance_trigger", "profile": "no-such-profile"})
        server.send_command({"type": "compliance_trigger", "profile": "docker-bench"})
        until(lambda: len(requested(agent)) == 5, "all are requested")
        agent.start("scan", "parse", "ship")
        until(lambda: len(agent.spool.receipts.ids()) == 5, "all have a receipt", 60)
        found = sorted((report.status, report.profile.name) for report in reports(agent))
        assert found == [
            ("cancelled", "Every Result"),
            ("cancelled", "Slow"),
            ("cancelled", "no-such-profile"),
            ("failed", "CIS Docker"),
            ("failed", "no-such-profile"),
        ]


def test_due_times_are_shown_while_no_stage_runs() -> None:
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * * 0"
        agent.configure()
        agent.spool.prepare()
        status = json.loads(agent.run("status", "--json"))
        assert [due["scanner"] for due in status["trigger"]["next_due"]] == ["openscap"]
        assert "(0 3 * * 0 " in agent.run("status")


def test_after_the_greatest_id_no_scan_is_requested_and_the_entry_is_named() -> None:
    """Under a name that is not a scan id, a request would be lost without a trace."""
    greatest = ScanId("99981231T235959Z-openscap-ffffffff")
    with an_agent() as agent:
        spool = agent.spool
        spool.prepare()
        at = datetime.now(UTC)
        spool.receipts.write(Receipt(scan_id=greatest, answer="accepted", at=at))
        refused = json.loads(agent.run("scan", "--json", code=3))
        assert str(greatest) in refused["error"]
        assert spool.commands.names() == []

        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * * *"
        agent.settings["compliance"]["schedules"] = {
            "time_zone": "UTC",
            "splay_s": 0,
            "catch_up_after_s": 0,
        }
        agent.configure()
        missed = ScheduleState(schedule="0 3 * * *", time_zone="UTC", until=at - timedelta(days=1))
        spool.state_store("trigger").write("schedule-openscap", missed)
        agent.start("trigger")
        until(lambda: str(greatest) in agent.log("trigger"), "the reason in the log")
        assert str(greatest) in agent.run("status", code=3)
        assert spool.requests.names() == []

        (spool.receipts.path / f"{greatest}.receipt").unlink()
        until(lambda: spool.requests.ids(), "the missed scan")
