"""A stage is killed at one file operation after the other, until one start meets no kill."""

import signal

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from spool.layout import BOXES, STAGES, Stage
from tests.faults.left_over import await_nothing_left_over
from tests.faults.quick_agent import QuickAgent
from tests.pipeline.agent import until
from tests.torture.disk_faults import KILL, DiskFaults

pytestmark = pytest.mark.timeout(600)

_MOST_OPERATIONS = 120


def done(agent: QuickAgent, scan_ids: list[ScanId]) -> bool:
    return set(scan_ids) == set(agent.spool.receipts.ids())


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_any_file_operation_loses_and_doubles_nothing(
    agent: QuickAgent, server: Receiver, faults: DiskFaults, stage: Stage
) -> None:
    agent.start(*(other for other in STAGES if other != stage))
    scan_ids: list[ScanId] = []
    for number in range(_MOST_OPERATIONS):
        # One at a time: otherwise each start would have more to do than the one before.
        if done(agent, scan_ids):
            scan_ids.append(agent.request())
        starts = agent.log(stage).count("stage started")
        faults.arm(KILL, after=number, times=1)
        agent.start_with(faults, stage)
        process = agent.processes[stage]

        def is_at_rest(starts: int = starts) -> bool:
            return agent.log(stage).count("stage started") > starts and done(agent, scan_ids)

        until(lambda: process.poll() is not None or is_at_rest(), "a kill, or all done")  # noqa: B023
        process.terminate()
        if process.wait(timeout=60) == 0:
            break
        assert process.returncode == -signal.SIGKILL, agent.log(stage)
    else:
        pytest.fail(f"more than {_MOST_OPERATIONS} operations at a start")
    assert number > 5
    faults.disarm()
    agent.start(stage)
    await_nothing_left_over(agent)
    agent.stop()
    assert not any(agent.spool.outbox(box).quarantined() for box in BOXES)
    assert {agent.receipt(scan_id).answer for scan_id in scan_ids} <= {"accepted", "superseded"}
    stored = [post["idempotency_key"] for post in server.posts() if post["status"] == 200]
    assert stored == sorted(stored)
    accepted = {i for i in scan_ids if agent.receipt(i).answer == "accepted"}
    assert accepted == set(stored)


def test_a_kill_in_the_middle_of_a_move_to_quarantine_leaves_exactly_one_copy(
    agent: QuickAgent, faults: DiskFaults
) -> None:
    """The owner of a damaged report is killed at every operation of its move."""
    agent.start("trigger", "scan", "parse", "ship")
    scan_id = agent.request()
    until(lambda: done(agent, [scan_id]), "a receipt")
    agent.stop()
    box = agent.spool.reports
    name = box.name(scan_id)
    for number in range(_MOST_OPERATIONS):
        damage(agent, scan_id)
        before = len(box.quarantined())
        faults.arm(KILL, after=number, times=1)
        agent.start_with(faults, "parse")
        process = agent.processes["parse"]
        until(lambda: process.poll() is not None or is_whole(agent, scan_id), "an end")  # noqa: B023
        was_killed = process.poll() is not None
        agent.kill_all()
        copies = box.has(name) + len(box.quarantined()) - before
        if not was_killed:
            break
        assert copies == 1 or (copies == 2 and is_whole(agent, scan_id)), f"operation {number}"
        agent.start("parse")
        until(lambda: is_whole(agent, scan_id), "the report is made again")
        agent.kill_all()
        assert len(box.quarantined()) == before + 1, f"operation {number}"
    else:
        pytest.fail("never without a kill")
    faults.disarm()
    agent.start("parse", "ship")
    await_nothing_left_over(agent)
    agent.stop()
    reasons = list((agent.spool.root / "quarantine" / "reports").glob("*.reason"))
    assert len(reasons) == len(box.quarantined())


def damage(agent: QuickAgent, scan_id: ScanId) -> None:
    """A report is cut off, and its reader has marked it."""
    path = agent.spool.reports.path / agent.spool.reports.name(scan_id)
    path.write_bytes(path.read_bytes()[:-9])
    agent.spool.state_store("ship").mark_damaged(path.name, "cut off")


def is_whole(agent: QuickAgent, scan_id: ScanId) -> bool:
    box = agent.spool.reports
    if not box.has(box.name(scan_id)):
        return False
    return (box.path / box.name(scan_id)).read_bytes().endswith(b"}")
