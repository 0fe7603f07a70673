"""The real stage and its server beside single commands: floods, changing capabilities."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from receiver import Policy, Receiver
from schemas.capabilities import Detected, DetectedScanner
from schemas.codec import replace
from tests.pipeline.agent import an_agent, until

FOUND = Detected(at=datetime(2026, 6, 1, tzinfo=UTC))
MISSING = DetectedScanner(installed=False, ready=False, problems=("oscap is missing",))


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


@pytest.mark.slow
def test_capabilities_are_sent_when_and_only_when_they_change_even_if_the_event_is_lost(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        agent.spool.prepare()
        state_store = agent.spool.state_store("scan")
        state_store.write("detected", FOUND)
        agent.start("trigger")
        until(server.online, "connected")

        def reported_messages() -> list[str]:
            return [status["message"] for status in server.integration_statuses()]

        until(reported_messages, "reported at the start")
        for n in range(3):
            state_store.write("detected", replace(FOUND, at=FOUND.at + timedelta(hours=n)))
        state_store.write("detected", replace(FOUND, scanners={"openscap": MISSING}))
        until(
            lambda: "OpenSCAP can't run: oscap is missing" in reported_messages(), "reported again"
        )
        assert set(reported_messages()) == {"ready", "OpenSCAP can't run: oscap is missing"}
        assert reported_messages().count("ready") <= 2, (
            "at the start and at the connection, not at every detection"
        )


@pytest.mark.slow
def test_at_the_start_ping_and_description_are_sent_once(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.spool.prepare()
        agent.spool.state_store("scan").write("detected", FOUND)
        agent.start("trigger")
        until(server.online, "connected")
        until(server.host_updates, "described")
        # The requests of one kind follow each other: what was to be sent before would be there.
        until(server.integration_statuses, "capabilities")
        assert (len(server.pings()), len(server.host_updates())) == (1, 1)


def test_a_flood_of_commands_is_carried_out_in_order_and_other_work_goes_on(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        for n in range(300):
            server.send_command(
                {"type": "compliance_trigger", "profile": "p", "request_id": f"{n:03}"}
            )
        command = agent.ask()
        until(lambda: len(agent.spool.requests.ids()) == 301, "all of them")
        assert command in agent.spool.requests.ids()
        until(lambda: "request_id=299" in agent.log("trigger"), "the last one logged")
        log = agent.log("trigger")
        assert (
            log.index("request_id=000") < log.index("request_id=150") < log.index("request_id=299")
        )
        server.send_command({"type": "compliance_scan_cancel"})
        until(lambda: agent.spool.requests.cancellations.ids(), "a cancellation")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_requests_beyond_the_limit_of_a_day_get_a_common_answer(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        for n in range(1010):
            server.send_command({"type": "compliance_trigger", "profile": f"profile-{n}"})
        until(lambda: len(agent.spool.requests.ids()) == 1001, "all, and one answer", 240)
        newest = agent.spool.requests.read(max(agent.spool.requests.ids()))
        assert newest.refusal is not None
        assert newest.refusal.reason.startswith("too many requests: ")
        assert agent.log("trigger").count("server command refused") == 1
