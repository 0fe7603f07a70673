"""The real stages and the server: outages, wrong keys, other servers, and answers that are none."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from receiver import Policy, Receiver
from receiver.front import FrontAnswer
from stages.patchmon import server_access
from tests.pipeline.agent import Agent, an_agent, until


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


def status(agent: Agent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(agent.run("status", "--json"))
    return found


def connection(agent: Agent) -> str:
    return str(status(agent)["trigger"]["connection"])


def test_a_database_that_is_down_is_not_taken_for_a_wrong_key(server: Receiver) -> None:
    with an_agent(server) as agent:
        server.database_is_down = True
        agent.start("trigger")
        until(lambda: "can't check the key: HTTP 500" in agent.log("trigger"), "it is named")
        assert "check api.id" not in agent.log("trigger")
        server.database_is_down = False
        until(server.online, "connected soon after", 15)


def test_a_regenerated_key_is_named_and_the_new_one_is_used(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        new = server.hosts.regenerate(server.credentials.id)
        server.stop()
        server.start()
        until(lambda: "the server answered 401: check api.id" in agent.log("trigger"), "named")
        agent.configure(api={"id": new.id, "key": new.key})
        until(server.online, "connected with the new key")


def test_after_a_long_outage_the_agent_is_back_within_seconds(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        server.stop()
        # Long enough for a back-off that doubles to have grown over the limit.
        until(lambda: agent.log("trigger").count("not connected") >= 1, "it is noticed")
        time.sleep(20)
        server.start()
        back = time.monotonic()
        until(server.online, "connected again", 30)
        # 5 s, and what a loaded machine needs.
        assert time.monotonic() - back < 12


@pytest.mark.oscap
def test_what_waited_is_delivered_soon_after_an_outage(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        server.stop()
        scan_id = agent.ask()

        def failures() -> int:
            delivery = status(agent)["delivery"]
            return 0 if delivery is None else int(delivery["failures"])

        until(lambda: failures() >= 4, "the back-off has grown")
        server.start()
        until(lambda: agent.received(scan_id), "delivered", 30)
        assert "server reached again" in agent.log("ship")


def test_the_host_check_of_the_server_is_named() -> None:
    with (
        Receiver(Policy(allowed_hosts=frozenset({"patchmon"}))) as server,
        an_agent(server) as agent,
    ):
        agent.start("trigger")
        until(lambda: "CORS_ORIGIN" in agent.log("trigger"), "it is named")
        until(lambda: "CORS_ORIGIN" in connection(agent), "status shows it")


def test_status_never_shows_the_state_of_another_server(server: Receiver) -> None:
    policy = Policy(compliance_mode="disabled")
    with Receiver(policy) as first, an_agent(first) as agent:
        agent.spool.prepare()
        agent.start("trigger", "ship")
        until(first.online, "connected")
        until(lambda: status(agent)["set_by_server"]["mode"] == "disabled", "set")
        until(lambda: connection(agent) == "connected", "connected")
        agent.stop()
        agent.configure(
            server={"url": server.url},
            api={"id": server.credentials.id, "key": server.credentials.key},
        )
        shown = status(agent)
        assert shown["server"] == server.url
        assert shown["delivery"] is None
        assert shown["set_by_server"]["mode"] is None
        assert connection(agent) != "connected"
        agent.start("trigger")
        until(server.online, "connected to the other")
        until(lambda: status(agent)["set_by_server"]["mode"] == "enabled", "its own mode")


def test_a_key_file_that_everyone_can_read_is_named_and_nothing_is_sent(server: Receiver) -> None:
    with an_agent(server) as agent:
        key = agent.home / "key"
        key.write_text(server.credentials.key)
        key.chmod(0o644)
        agent.configure(api={"id": server.credentials.id, "key_file": str(key)})
        agent.start("trigger", "ship")
        until(lambda: agent.spool.state_store("trigger").path.joinpath("trigger").exists(), "state")
        until(lambda: "everyone can read" in connection(agent), "status shows it")
        assert f"chmod 640 {key}" in agent.run("config", "check", code=None)
        assert not server.online()
        key.chmod(0o600)
        until(server.online, "connected")


UNREADABLE = [b"<html>Sign in</html>", b"x" * 100_000_000, b'{"compliance_mode": 7}']


@pytest.mark.oscap
@pytest.mark.parametrize("body", UNREADABLE)
def test_settings_of_the_server_that_can_t_be_read_are_named_and_delay_nothing(
    server: Receiver, body: bytes
) -> None:
    server.front[server_access.INTEGRATIONS] = FrontAnswer(body=body)
    with an_agent(server) as agent:
        agent.start()
        until(lambda: "the server's settings: no usable answer" in agent.log("trigger"), "named")
        scan_id = agent.ask()
        until(lambda: agent.received(scan_id), "a scan is delivered meanwhile")
        assert len(server.scans()) == 1
        assert server.integration_statuses() == [], "compliance may be off at the server"
        del server.front[server_access.INTEGRATIONS]
        until(server.integration_statuses, "reported once they can be read", 90)


@pytest.mark.parametrize(
    "bad", [FrontAnswer(delay_s=3600), FrontAnswer(body=b"<html>Sign in</html>")]
)
def test_pings_that_are_answered_slowly_or_with_a_page_delay_nothing_else(
    server: Receiver, bad: FrontAnswer
) -> None:
    server.front[server_access.PING] = bad
    with an_agent(server) as agent:
        agent.start("scan", "trigger")
        until(server.integration_statuses, "capabilities", 30)
        assert server.host_state() == "pending"
        until(lambda: "the ping: no usable answer" in agent.log("trigger"), "named", 90)
        assert agent.log("trigger").count("the ping: no usable answer") == 1
        del server.front[server_access.PING]
        until(lambda: server.host_state() == "active", "alive", 90)
