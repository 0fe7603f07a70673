"""Four real stages, and two servers that the settings name in turn."""

from collections.abc import Iterator

import pytest

from receiver import Policy, Receiver, generate_credentials
from schemas.command import Hold
from schemas.ids import ScanId, new_scan_id
from schemas.request import Reason, Request
from stages.console.command_writer import now
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.oscap


@pytest.fixture
def servers() -> Iterator[tuple[Receiver, Receiver]]:
    """Both know this host."""
    policy = Policy(hosts=(generate_credentials(),), posts_per_minute=10_000)
    with Receiver(policy) as first, Receiver(policy) as second:
        yield first, second


def scan(agent: Agent, scan_id: ScanId, profile: str | None = None, *, held: bool = False) -> None:
    """Request a scan, whose report is not shipped where it is held, and wait for the report."""
    at = now()
    commands = agent.spool.commands
    if held:
        commands.holds.write(Hold(scan_id=scan_id, at=at))
    reason = Reason(source="operator", at=at)
    commands.requests.write(
        Request(scan_id=scan_id, scanner="openscap", profile=profile, reason=reason)
    )
    until(lambda: agent.reported(scan_id), f"a report of {scan_id}")


def use(agent: Agent, server: Receiver) -> None:
    """Name another server in the settings, and wait until they are in force."""
    before = agent.log("ship").count("settings applied")
    agent.configure(server={"url": server.url})
    until(lambda: agent.log("ship").count("settings applied") > before, "the new settings")


def delivered(agent: Agent, scan_id: ScanId) -> tuple[str, str | None]:
    """What became of a scan, and the server that its receipt names."""
    until(lambda: agent.received(scan_id), f"a receipt for {scan_id}")
    receipt = agent.receipt(scan_id)
    return receipt.answer, receipt.destination


def stored(server: Receiver) -> list[str]:
    """The scans that a server took, in the order of their arrival."""
    return [post["idempotency_key"] for post in server.posts() if post["status"] == 200]


def test_what_waits_goes_to_the_server_that_the_settings_name_now(
    servers: tuple[Receiver, Receiver],
) -> None:
    first, second = servers
    at = now()
    oldest, older, newer, other_profile = (
        new_scan_id("openscap", at, f"0000000{number}") for number in range(4)
    )
    with an_agent(first) as agent:
        agent.spool.prepare()
        agent.start()
        scan(agent, oldest, held=True)
        scan(agent, older, held=True)
        scan(agent, newer)
        assert delivered(agent, newer) == ("accepted", first.url)

        # The first server is away: what waits goes to the second one as soon as it is named.
        first.stop()
        scan(agent, other_profile, "all_pass")
        assert not agent.received(other_profile)
        use(agent, second)
        assert delivered(agent, other_profile) == ("accepted", second.url)
        # What the first server took does not supersede anything at the second one.
        agent.run("release", older)
        assert delivered(agent, older) == ("accepted", second.url)

        # At the first one it does: the receipts name their server.
        first.start()
        use(agent, first)
        agent.run("release", oldest)
        assert delivered(agent, oldest)[0] == "superseded"
        agent.stop()
    assert stored(first) == [newer]
    assert stored(second) == [other_profile, older]
