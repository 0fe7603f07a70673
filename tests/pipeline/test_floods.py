"""A flood of refused requests of one source does not hold up a scan of another."""

from datetime import UTC, datetime

from schemas.ids import new_scan_id
from schemas.request import Reason, Refusal, Request
from tests.pipeline.agent import Agent, an_agent, until

FLOOD = 1500
TOO_MANY = Refusal(reason="too many", cause="too-many-requests")


def refused_by_the_server(agent: Agent, count: int) -> None:
    """Requests as trigger writes them where the server may request no more scans."""
    at = datetime.now(UTC)
    reason = Reason(source="server", at=at)
    box = agent.spool.requests
    for number in range(count):
        scan_id = new_scan_id("openscap", at, f"{number:08x}")
        box.write(Request(scan_id=scan_id, scanner="openscap", reason=reason, refusal=TOO_MANY))


def test_an_operators_scan_is_reported_while_the_refused_still_wait() -> None:
    with an_agent() as agent:
        agent.spool.prepare()
        refused_by_the_server(agent, FLOOD)
        agent.start("trigger", "scan", "parse")
        scan_id = agent.ask()
        until(lambda: agent.reported(scan_id), "the operator's scan is reported", limit_s=120)
        assert agent.report(scan_id).status == "completed"
        assert len(agent.spool.reports.ids()) < FLOOD / 2
