"""The power is cut: what was visible before is there afterwards, whole, and the work goes on."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from spool.layout import BOXES, STAGES, Stage
from tests.faults.left_over import await_nothing_left_over
from tests.faults.quick_agent import QuickAgent, a_quick_agent
from tests.pipeline.agent import until
from tests.torture.disks import LoopImage, NoImageError, loop_image

pytestmark = pytest.mark.timeout(600)

_CUTS = 5


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopImage]:
    try:
        with loop_image(tmp_path) as disk:
            yield disk
    except NoImageError as error:
        pytest.skip(str(error))


@pytest.fixture
def agent(server: Receiver, disk: LoopImage) -> Iterator[QuickAgent]:
    with a_quick_agent(server) as agent:
        agent.place = disk.root / "spool"
        agent.settings["spool"]["path"] = str(agent.place)
        agent.configure()
        agent.spool.prepare()
        yield agent
        agent.kill_all()


def cut(agent: QuickAgent, disk: LoopImage) -> None:
    """Everything on this host ends, and the disk has what had reached it."""
    disk.cut_power()
    agent.kill_all()
    disk.restore_power()


def entries(agent: QuickAgent) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for box in BOXES:
        outbox = agent.spool.outbox(box)
        found.update((box, name) for name in outbox.names())
        outbox.close()
    return found


def test_no_request_is_lost_and_no_entry_is_torn_whenever_the_power_is_cut(
    agent: QuickAgent, server: Receiver, disk: LoopImage
) -> None:
    moments = random.Random(9)
    scan_ids: list[ScanId] = []
    for _ in range(_CUTS):
        agent.start()
        for _ in range(3):
            scan_ids.append(agent.request())
            # Not waiting for a condition: any moment is tried.
            time.sleep(moments.uniform(0, 0.8))
        cut(agent, disk)
        assert set(scan_ids) == set(agent.spool.commands.requests.ids())
        agent.run("verify")
    agent.start()
    until(lambda: set(scan_ids) <= set(agent.spool.receipts.ids()), "all are done")
    await_nothing_left_over(agent)
    assert not any(agent.spool.outbox(box).quarantined() for box in BOXES)
    agent.stop()
    stored = [post["idempotency_key"] for post in server.posts() if post["status"] == 200]
    assert stored == sorted(stored)


@pytest.mark.parametrize("last", STAGES)
def test_an_entry_that_its_neighbour_was_called_for_is_on_the_disk(
    agent: QuickAgent, disk: LoopImage, last: Stage
) -> None:
    """Each stage in turn is the last that runs: its entry is cut off as soon as it is logged."""
    logged = {
        "trigger": "command copied",
        "scan": "scan finished",
        "parse": "report written",
        "ship": "report accepted",
    }
    agent.start(*STAGES[: STAGES.index(last) + 1])
    scan_id = agent.request()
    until(lambda: logged[last] in agent.log(last), "the entry is logged")
    if last == "scan":
        # Logged before the entry is written.
        until(lambda: scan_id in agent.spool.raw.scan_ids(), "the entry is there")
        until(lambda: not (agent.spool.root / "state" / "scan" / "running").exists(), "and done")
    before = entries(agent)
    cut(agent, disk)
    assert entries(agent) == before
    agent.run("verify")
