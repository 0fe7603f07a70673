"""The disk refuses: the work waits, nothing half done is left, and it goes on by itself."""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from spool.layout import STAGES, Stage
from tests.faults.left_over import await_nothing_left_over
from tests.faults.quick_agent import QuickAgent, a_quick_agent
from tests.pipeline.agent import until
from tests.torture.disk_faults import CHANGES, DiskFaults, Kind, disk_faults

pytestmark = pytest.mark.timeout(600)

PENDING = "the work stays pending"
_MOST_OPERATIONS = 120


def done(agent: QuickAgent, *scan_ids: ScanId) -> bool:
    return set(scan_ids) <= set(agent.spool.receipts.ids())


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("error", "kinds"), [(errno.ENOSPC, CHANGES), (errno.EIO, Kind.SYNC)], ids=["full", "sync"]
)
def test_an_error_at_any_file_operation_loses_and_doubles_nothing(
    agent: QuickAgent,
    server: Receiver,
    faults: DiskFaults,
    stage: Stage,
    error: int,
    kinds: Kind,
) -> None:
    agent.start(*(other for other in STAGES if other != stage))
    scan_ids: list[ScanId] = []
    for number in range(_MOST_OPERATIONS):
        if done(agent, *scan_ids):
            scan_ids.append(agent.request())
        log_before = len(agent.log(stage))
        faults.arm(error, kinds=kinds, after=number, times=1)
        agent.start_with(faults, stage)
        process = agent.processes[stage]

        def has_started(log_before: int = log_before) -> bool:
            return "stage started" in agent.log(stage)[log_before:]

        until(
            lambda: (
                process.poll() is not None  # noqa: B023
                or (has_started() and (faults.fired or done(agent, *scan_ids)))
            ),
            "an error, or all done",
        )
        # It ends with the exit code after which it is started again, or it works on.
        assert process.poll() in (None, 75), agent.log(stage)
        process.terminate()
        process.wait(timeout=60)
        if not faults.fired:
            break
    else:
        pytest.fail(f"more than {_MOST_OPERATIONS} operations at a start")
    assert number > 1
    faults.disarm()
    agent.start(stage)
    until(lambda: done(agent, *scan_ids), "all are done")
    await_nothing_left_over(agent)
    agent.stop()
    stored = [post["idempotency_key"] for post in server.posts() if post["status"] == 200]
    assert stored == sorted(stored)


def test_a_running_stage_logs_the_error_once_and_goes_on_by_itself(
    agent: QuickAgent, faults: DiskFaults
) -> None:
    agent.start("scan", "parse", "ship")
    agent.start_with(faults, "trigger")
    until(lambda: "stage started" in agent.log("trigger"), "it runs")
    faults.arm(errno.ENOSPC, kinds=Kind.CREATE | Kind.WRITE)
    scan_id = agent.request()
    # Its second failure is more than five seconds after the first.
    until(lambda: faults.fired > 1, "two tries")
    errors = [line for line in agent.log("trigger").splitlines() if "No space left" in line]
    texts = [line.partition(" error: ")[2] for line in errors]
    assert sorted(texts) == sorted(set(texts))
    assert agent.processes["trigger"].poll() is None
    faults.disarm()
    until(lambda: done(agent, scan_id), "the scan is received")
    assert "recovered" in agent.log("trigger")


def test_a_file_whose_sync_failed_is_thrown_away_and_written_anew(
    agent: QuickAgent, faults: DiskFaults
) -> None:
    """After a failed sync the kernel calls the pages clean: a second sync would prove nothing."""
    agent.start_with(faults, "trigger")
    until(lambda: "stage started" in agent.log("trigger"), "it runs")
    faults.arm(errno.EIO, kinds=Kind.CREATE | Kind.SYNC, after=1, times=1)
    scan_id = agent.request()
    until(lambda: faults.fired, "the sync of the new request fails")
    # The next operation of these kinds is the creation of another file.
    until(lambda: scan_id in agent.spool.requests.ids(), "the request is there")
    assert agent.spool.requests.read(scan_id).scan_id == scan_id
    assert "Input/output error" in agent.log("trigger")
    await_nothing_left_over(agent)


def test_a_quota_that_is_used_up_is_named(agent: QuickAgent, faults: DiskFaults) -> None:
    agent.start_with(faults, "trigger")
    until(lambda: "stage started" in agent.log("trigger"), "it runs")
    faults.arm(errno.EDQUOT, kinds=Kind.WRITE)
    scan_id = agent.request()
    until(lambda: "Disk quota exceeded" in agent.log("trigger"), "it is logged")
    assert "raise the quota" in agent.log("trigger")
    assert PENDING in agent.log("trigger")
    faults.disarm()
    until(lambda: scan_id in agent.spool.requests.ids(), "the request is there")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with few inodes."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    place = tmp_path / "disk"
    place.mkdir(mode=0o750)
    options = "size=24m,nr_inodes=300,mode=0750"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("can't mount a tmpfs here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def on_disk(agent: QuickAgent, disk: Path) -> None:
    agent.place = disk / "spool"
    agent.settings["spool"]["path"] = str(agent.place)
    agent.configure()
    agent.spool.prepare()


def test_without_free_inodes_the_work_waits_and_the_message_says_so(
    server: Receiver, disk: Path
) -> None:
    with a_quick_agent(server) as agent:
        on_disk(agent, disk)
        scan_id = agent.request()
        ballast = disk / "ballast"
        ballast.mkdir()
        with contextlib.suppress(OSError):
            for number in range(1000):
                (ballast / str(number)).touch()
        agent.start("trigger")
        until(lambda: "no free inodes left" in agent.log("trigger"), "the reason is logged")
        shutil.rmtree(ballast)
        agent.kill("trigger")
        agent.start()
        until(lambda: scan_id in agent.spool.receipts.ids(), "the scan is received")
        agent.stop()


def test_on_a_disk_that_became_read_only_nothing_dies_and_nothing_is_sent_twice(
    agent: QuickAgent, server: Receiver, faults: DiskFaults
) -> None:
    server.stop()
    agent.start_with(faults)
    scan_ids: list[ScanId] = []
    for _ in range(3):
        scan_ids.append(agent.request())
        until(lambda: agent.reported(scan_ids[-1]), "a report")
    faults.arm(errno.EROFS)
    server.start()
    until(lambda: "Read-only file system" in agent.log("ship"), "ship has met the disk")
    until(lambda: "check the disk and remount it" in agent.log("ship"), "with what to do")
    assert all(process.poll() is None for process in agent.processes.values()), agent.logs
    faults.disarm()
    until(lambda: done(agent, *scan_ids), "all receipts")
    agent.stop()
    stored = [post["idempotency_key"] for post in server.posts() if post["status"] == 200]
    assert stored == scan_ids


def test_a_reader_that_is_killed_three_times_leaves_a_failed_report_and_the_raw_entry(
    agent: QuickAgent,
) -> None:
    """As the kernel does when memory is short."""
    agent.start("trigger", "scan")
    scan_id = agent.request()
    until(lambda: scan_id in agent.spool.raw.scan_ids(), "a raw entry")
    (results,) = (agent.spool.raw.path / scan_id).glob("checks*")
    # Only the reader opens this file.
    with disk_faults(results, agent.home) as faults:
        faults.arm(-1, kinds=Kind.READ)
        agent.start_with(faults, "parse")
        until(lambda: agent.reported(scan_id), "a report")
        assert faults.fired == 3
        report = agent.report(scan_id)
        assert report.status == "failed"
        assert "the reader ended by signal 9, 3 times" in (report.error or "")
        faults.disarm()
        agent.run("replay", "parse", scan_id)
        until(
            lambda: agent.reported(scan_id) and agent.report(scan_id).status == "completed",
            "read again",
        )
        agent.kill_all()
