"""Four real stages on a spool in which a later version has written, and the way back to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from spool.entries import seal_report
from spool.layout import BOXES, STAGES
from tests.pipeline.agent import Agent, an_agent, until
from tests.ship.ship_spool import report, scan_id

pytestmark = pytest.mark.slow

NEWER = b"compliance-agent-spool 2 whatever comes after this\n\0\1"
COMMAND = "20261123T060301Z-3f9c2a17"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Receiver(Policy(), database=tmp_path / "receiver.db") as server, an_agent(server) as agent:
        yield agent


def entries(agent: Agent) -> list[Path]:
    """An entry of another scan in every box, and commands of every kind."""
    spool = agent.spool
    commands = [f"{scan_id(7)}.hold"]
    commands += [f"{COMMAND}.{kind}" for kind in ("cancel", "replay", "retry", "import")]
    return [
        spool.commands.path / f"{scan_id(1)}.request",
        spool.requests.path / f"{scan_id(2)}.request",
        spool.raw.path / scan_id(3) / "manifest",
        spool.reports.path / f"{scan_id(4)}.report",
        spool.receipts.path / f"{scan_id(5)}.receipt",
        spool.reports.path / "20261123T060301Z-00000001.imported",
        *(spool.commands.path / name for name in commands),
    ]


def write_newer(agent: Agent) -> None:
    agent.spool.prepare()
    for path in entries(agent):
        path.parent.mkdir(mode=0o750, exist_ok=True)
        path.write_bytes(NEWER)
        path.chmod(0o640)


def newer(agent: Agent) -> set[str]:
    return set(json.loads(agent.run("status", "--json"))["newer"])


def test_entries_of_a_later_version_stay_in_every_box_and_are_named(agent: Agent) -> None:
    write_newer(agent)
    agent.start()
    named = {
        f"{scan_id(1)}.request",
        f"{scan_id(2)}.request",
        scan_id(3),
        f"{scan_id(4)}.report",
        f"{COMMAND}.import",
    }
    until(lambda: newer(agent) >= named, "the names of the entries in the status")
    assert all(path.read_bytes() == NEWER for path in entries(agent))
    assert [agent.spool.outbox(box).quarantined() for box in BOXES] == [[]] * len(BOXES)
    assert agent.spool.receipts.ids() == [scan_id(5)]
    found = json.loads(agent.run("verify", "--json"))
    assert {finding["kind"] for finding in found} == {"newer"}
    assert {Path(finding["path"]).name for finding in found} >= named
    for stage in STAGES:
        assert agent.spool.is_running(stage)


def test_what_stayed_is_delivered_when_the_version_that_reads_it_is_back(agent: Agent) -> None:
    write_newer(agent)
    agent.start("ship")
    name = f"{scan_id(4)}.report"
    until(lambda: name in newer(agent), "the name of the report in the status")
    agent.kill("ship")
    # As if this version could read the format from now on.
    (agent.spool.reports.path / name).write_bytes(seal_report(report(4)))
    agent.start("ship")
    until(lambda: agent.received(scan_id(4)), "a receipt")
    assert name not in newer(agent)
