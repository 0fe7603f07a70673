"""The real trigger stage and the commands of good and bad servers."""

import contextlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from receiver import Policy, Receiver
from schemas.request import Request
from stages.patchmon.credentials import Credentials
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.slow


@dataclass
class Wild:
    """A WebSocket server that does to each connection what the test chooses."""

    behave: Callable[[ServerConnection], None]
    connections: int = 0
    url: str = ""
    credentials: Credentials = field(
        default_factory=lambda: Credentials("patchmon_0123456789abcdef", "k" * 64)
    )
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        request = connection.request
        assert request is not None
        self.headers.append({k.lower(): v for k, v in request.headers.raw_items()})
        with contextlib.suppress(ConnectionClosed, OSError):
            self.behave(connection)


@contextlib.contextmanager
def wild(
    behave: Callable[[ServerConnection], None], tls: ssl.SSLContext | None = None
) -> Iterator[Wild]:
    server = Wild(behave)
    with serve(
        server.handle, "127.0.0.1", 0, ssl=tls, ping_interval=None, close_timeout=0.2
    ) as on_event:
        thread = threading.Thread(target=on_event.serve_forever, daemon=True)
        thread.start()
        scheme = "https" if tls else "http"
        server.url = f"{scheme}://127.0.0.1:{on_event.socket.getsockname()[1]}"
        yield server
        on_event.shutdown()
        thread.join()


def listen(connection: ServerConnection) -> None:
    for _ in connection:
        pass


def requests_of(agent: Agent) -> list[Request]:
    box = agent.spool.requests
    if not box.path.exists():
        return []
    return [box.read(i) for i in box.ids()]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


def test_a_command_becomes_a_request_that_carries_its_request_id(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        assert server.send_command(
            {"type": "compliance_trigger", "profile": "cis", "request_id": "r-1"}
        )
        until(lambda: requests_of(agent), "a request")
        (request,) = requests_of(agent)
        assert (request.scanner, request.profile) == ("openscap", "cis")
        assert (request.reason.source, request.reason.request_id) == ("server", "r-1")


def test_both_scanners_are_requested_at_once(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        server.send_command({"type": "compliance_scan", "profile_type": "all", "profile_id": None})
        until(lambda: len(requests_of(agent)) == 2, "two requests")
        assert {request.scanner for request in requests_of(agent)} == {"openscap", "docker-bench"}


def test_cancel_names_every_pending_scan(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        server.send_command(
            {"type": "compliance_scan", "profile_type": "openscap", "profile_id": "one"}
        )
        server.send_command({"type": "compliance_scan_cancel"})
        server.send_command(
            {"type": "compliance_scan", "profile_type": "openscap", "profile_id": "two"}
        )
        until(lambda: len(requests_of(agent)) == 2, "two requests")
        (cancel_id,) = agent.spool.requests.cancellations.ids()
        cancellation = agent.spool.requests.cancellations.read(cancel_id)
        (one,) = [request for request in requests_of(agent) if request.profile == "one"]
        assert cancellation.scan_ids == (one.scan_id,)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        ({"profile_type": "openscap", "enable_remediation": True}, "remediation not allowed: "),
        ({"profile_type": "openscap", "profile_id": "../x"}, "malformed request: "),
    ],
)
def test_a_refused_trigger_becomes_a_request_with_the_reason(
    server: Receiver, command: dict[str, Any], refusal: str
) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        server.send_command({"type": "compliance_scan", **command})
        until(lambda: requests_of(agent), "a request")
        (request,) = requests_of(agent)
        assert request.refusal is not None
        assert request.refusal.reason.startswith(refusal)


@pytest.mark.parametrize(
    "command",
    [
        {"type": "remediate_rule", "rule_id": "xccdf_org.ssgproject.content_rule_x"},
        {"type": "install_scanner"},
        {"type": "upgrade_ssg"},
    ],
)
def test_what_changes_the_host_is_answered_by_an_integration_status_with_the_reason(
    server: Receiver, command: dict[str, Any]
) -> None:
    with an_agent(server) as agent:
        agent.start("scan", "trigger")
        until(server.integration_statuses, "capabilities")
        server.send_command(command)
        until(lambda: "refused" in server.status_message(), "the reason arrives")
        status = server.integration_statuses()[-1]
        assert status["message"].startswith(command["type"] + " refused: ")
        assert status["scanner_info"]["mismatch_warning"].startswith(command["type"])
        assert ("install_events" in status) == (command["type"] != "remediate_rule")
        assert requests_of(agent) == []


def test_what_the_server_has_set_is_read_before_anything_is_reported_and_shown() -> None:
    policy = Policy(compliance_mode="disabled", scanners_off=frozenset({"docker-bench"}))
    with Receiver(policy) as server, an_agent(server) as agent:
        agent.start("scan", "trigger")
        until(server.integration_statuses, "capabilities")
        assert [status["enabled"] for status in server.integration_statuses()] == [False]
        found = json.loads(agent.run("status", "--json"))["set_by_server"]
        assert found["mode"] == "disabled"
        assert found["scanners"] == {"openscap": True, "docker-bench": False}
        assert "disabled, Docker Bench off, since " in agent.run("status")


def test_the_host_is_shown_alive_at_every_connection(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("scan", "trigger")
        until(lambda: server.pings() and server.host_updates(), "alive, and described")
        (update,) = server.host_updates()
        assert update["sections"] == ["hostname"]
        assert update["hostname"] == socket.gethostname()
        assert "packages" not in update
        pings = len(server.pings())
        server.stop()
        server.start()
        until(lambda: len(server.pings()) > pings, "alive again")


def test_where_another_agent_reports_the_host_this_one_does_not(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.configure(server={"url": server.url, "report_host": False})
        agent.start("scan", "trigger")
        until(server.integration_statuses, "capabilities")
        assert server.pings() == server.host_updates() == []


def test_buttons_for_patchmons_own_agent_are_logged_once(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        until(server.online, "connected")
        for _ in range(3):
            server.send_command({"type": "report_now"})
        server.send_command({"type": "compliance_trigger", "profile": "after"})
        until(lambda: requests_of(agent), "the command after them")
        assert agent.log("trigger").count("it is for PatchMon's agent") == 1


@pytest.mark.oscap
@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ({"profile_id": "no_such_profile"}, "unknown profile"),
        ({"profile_id": "a b"}, "malformed request"),
        ({"enable_remediation": True}, "remediation not allowed"),
    ],
)
def test_a_trigger_that_can_not_be_carried_out_is_a_failed_scan_at_the_server(
    server: Receiver, command: dict[str, Any], cause: str
) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        server.send_command({"type": "compliance_scan", "profile_type": "openscap", **command})
        until(server.scans, "a failed scan", 90)
        (scan,) = server.scans()
        assert (scan["status"], scan["profile_name"]) == ("failed", "OpenSCAP Scan")
        assert scan["error"].startswith(cause)
        assert scan["error"].index("; profile ") <= 24


@pytest.mark.oscap
def test_missing_content_is_the_first_thing_that_the_server_shows_of_a_failed_scan(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        agent.settings["compliance"]["openscap"]["content"] = "/nowhere/x-ds.xml"
        agent.configure()
        agent.start()
        until(server.online, "connected")
        server.send_command({"type": "compliance_scan", "profile_type": "openscap"})
        until(server.scans, "a failed scan", 90)
        (scan,) = server.scans()
        assert scan["error"].startswith("content missing; profile ")
        assert scan["error"].endswith("/nowhere/x-ds.xml: there is no such file")


def test_what_the_server_sets_is_kept_over_a_restart_and_never_in_the_settings_file(
    server: Receiver,
) -> None:
    with an_agent(server) as agent:
        before = agent.config.read_bytes()
        agent.start("trigger")
        until(lambda: "docker-bench on" in agent.log("trigger"), "what the server has set is read")
        server.send_command({"type": "settings_update", "compliance_scan_interval": 60})
        server.send_command(
            {"type": "apply_config", "config": {"compliance": {"docker_bench_enabled": False}}}
        )
        note = agent.spool.root / "state" / "trigger" / "trigger"

        def next_due() -> list[Any]:
            return list(json.loads(note.read_text())["next_due"])

        until(lambda: note.exists() and len(next_due()) == 1, "docker bench is off")
        until(lambda: "every 60 min" in note.read_text(), "the interval is in force")
        agent.kill("trigger")
        agent.start("trigger")
        until(lambda: "connected" in agent.log("trigger"), "connected again")
        until(lambda: len(next_due()) == 1, "docker bench stays off")
        assert agent.config.read_bytes() == before


def test_capabilities_arrive_at_connect_and_on_request(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("scan", "trigger")
        until(server.integration_statuses, "capabilities", 30)
        status = server.integration_statuses()[-1]
        assert status["integration"] == "compliance"
        assert status["components"].get("openscap") == "ready"
        before = len(server.integration_statuses())
        until(server.online, "connected")
        server.send_command({"type": "refresh_integration_status"})
        until(lambda: len(server.integration_statuses()) > before, "capabilities again")


def test_capabilities_on_request_are_those_of_now(server: Receiver) -> None:
    """A daemon that hangs leaves no trace in the file system; neither does this script."""
    with an_agent(server) as agent:
        docker = agent.home / "docker"
        docker.write_text("#!/bin/sh\necho 27.0.1\n")
        docker.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.bind(str(agent.home / "s"))
            daemon.listen()
            agent.settings["compliance"]["docker_bench"] = {"socket": str(agent.home / "s")}
            agent.configure()
            agent.environment = {"PATH": f"{agent.home}:{os.environ['PATH']}"}
            agent.start("scan", "trigger")

            def component() -> str | None:
                statuses = server.integration_statuses()
                return statuses[-1]["components"].get("docker-bench") if statuses else None

            until(lambda: component() == "ready", "docker answers")
            docker.write_text("#!/bin/sh\nexit 1\n")
            server.send_command({"type": "refresh_integration_status"})
            until(lambda: component() is None, "docker answers no more")


@pytest.mark.oscap
def test_progress_of_a_scan_comes_back_over_the_same_socket(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start()
        until(server.online, "connected")
        profile = "xccdf_io.github.compliance-agent.every-result_profile_slow"
        server.send_command(
            {"type": "compliance_scan", "profile_type": "openscap", "profile_id": profile}
        )
        until(
            lambda: any(p["phase"] in ("completed", "failed") for p in server.progress()),
            "the end",
            90,
        )
        phases = [p["phase"] for p in server.progress()]
        assert phases[-1] == "completed"
        assert "evaluating" in phases
        (scan,) = server.scans()
        assert scan["status"] == "completed"


def test_invalid_messages_cost_no_restart_and_no_memory() -> None:
    def flood(connection: ServerConnection) -> None:
        for n in range(10_000):
            connection.send(json.dumps({"type": "report_now", "n": n}) if n % 2 else "{" * 50)
        connection.send(json.dumps({"type": "compliance_trigger", "profile": "after"}))
        listen(connection)

    with wild(lambda c: listen(c)) as quiet, an_agent(quiet) as agent:
        agent.start("trigger")
        until(lambda: quiet.connections, "connected")
        until(lambda: "connected" in agent.log("trigger"), "connected")
        before = _memory_kib(agent.processes["trigger"].pid)
        quiet.behave = flood
        with wild(flood) as flooding:
            agent.configure(server={"url": flooding.url})
            until(lambda: requests_of(agent), "the command after the flood")
            grown = _memory_kib(agent.processes["trigger"].pid) - before
            assert grown < 5 * 1024
            assert agent.processes["trigger"].poll() is None
            assert flooding.connections == 1
            assert "server messages refused" in agent.log("trigger")


def _closes_at_once(connection: ServerConnection) -> None:
    connection.close()


def _a_mebibyte(connection: ServerConnection) -> None:
    connection.send("x" * (1 << 20))
    listen(connection)


def _half_closes(connection: ServerConnection) -> None:
    connection.socket.shutdown(socket.SHUT_WR)
    time.sleep(0.2)


def _binary(connection: ServerConnection) -> None:
    connection.send(os.urandom(1000))
    connection.close()


@pytest.mark.parametrize("misbehave", [_closes_at_once, _a_mebibyte, _half_closes, _binary])
def test_the_agent_connects_again_after_anything_that_a_server_does(
    misbehave: Callable[[ServerConnection], None],
) -> None:
    def behave(connection: ServerConnection) -> None:
        if misbehaving.connections <= 2:
            misbehave(connection)
        else:
            connection.send(json.dumps({"type": "compliance_trigger", "profile": "after"}))
            listen(connection)

    with wild(behave) as misbehaving, an_agent(misbehaving) as agent:
        agent.start("trigger")
        until(lambda: requests_of(agent), "a command in the end")
        assert agent.processes["trigger"].poll() is None


def test_the_credentials_are_in_the_headers_and_in_no_log() -> None:
    with wild(listen) as server, an_agent(server) as agent:
        agent.start("trigger")
        until(lambda: server.headers, "connected")
        assert server.headers[0]["x-api-id"] == server.credentials.id
        assert server.headers[0]["x-api-key"] == server.credentials.key
        assert server.credentials.key not in agent.log("trigger")


def test_wrong_credentials_are_logged_and_tried_again(server: Receiver) -> None:
    with an_agent(server) as agent:
        right = dict(agent.settings["api"])
        agent.configure(api={**right, "key": "0" * 64})
        agent.start("trigger")
        until(lambda: "check api.id and the API key" in agent.log("trigger"), "it is logged")
        agent.configure(api=right)
        until(server.online, "connected with the right ones")


def test_an_agent_follows_a_server_that_restarts_again_and_again(server: Receiver) -> None:
    with an_agent(server) as agent:
        agent.start("trigger")
        for _ in range(10):
            until(server.online, "connected")
            server.stop()
            server.start()
        until(server.online, "connected")
        assert agent.processes["trigger"].poll() is None


def test_a_redirect_is_not_followed_with_the_credentials() -> None:
    from http import HTTPStatus

    with wild(listen) as elsewhere:

        def redirect(connection: ServerConnection, request: Any) -> Any:
            response = connection.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = elsewhere.url.replace("http", "ws") + "/api/v1/agents/ws"
            return response

        with serve(listen, "127.0.0.1", 0, process_request=redirect) as on_event:
            threading.Thread(target=on_event.serve_forever, daemon=True).start()
            here = Wild(listen, url=f"http://127.0.0.1:{on_event.socket.getsockname()[1]}")
            with an_agent(here) as agent:
                agent.start("trigger")
                until(lambda: "a redirect: set server.url" in agent.log("trigger"), "it is logged")
                assert elsewhere.connections == 0
            on_event.shutdown()


def _memory_kib(pid: int) -> int:
    from pathlib import Path

    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
