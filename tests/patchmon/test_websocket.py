"""The link alone, at a quick pace, against servers that behave in every way but the right one."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.sync.server import ServerConnection

from schemas.codec import replace
from schemas.records import Record
from schemas.settings import ServerSettings
from stages.patchmon.capabilities import IntegrationStatus
from stages.patchmon.commands import Invalid, Message, Scan, Wanted, understand
from stages.patchmon.credentials import Credentials
from stages.patchmon.host_reporter import HostReporter
from stages.patchmon.link_pace import LinkPace
from stages.patchmon.server_access import ServerAccess
from stages.patchmon.websocket import Link
from stages.runtime.logs import Log
from stages.scanners import registry
from tests.patchmon.scripted_server import ScriptedServer, reply
from tests.patchmon.servers import (
    accept,
    black_hole,
    commands_once,
    head_of,
    listen,
    raw,
    serving,
    upgrade,
)
from tests.pipeline.agent import until

pytestmark = pytest.mark.slow

QUICK = LinkPace(
    connect_s=0.5,
    open_s=1.0,
    ping_every_s=0.1,
    pong_within_s=0.2,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    after_loss_s=0.02,
    stood_s=0.5,
)
SOON_SLOW = replace(QUICK, first_wait_s=0.001, longest_wait_s=60)
"""Waits of up to 2 ms, 4 ms, and so on: after a dozen failures they are of seconds."""
SECRET = "k" * 64
READY = IntegrationStatus(
    integration="compliance",
    enabled=True,
    status="ready",
    message="ready",
    components={},
    scanner_info={},
    capabilities={},
)


class News(Record, frozen=True, kw_only=True):
    n: int


@dataclass
class Listener:
    """What a link has reported."""

    log: StringIO = field(default_factory=StringIO)
    got: list[Message] = field(default_factory=list)
    connections: list[bool] = field(default_factory=list)
    news: deque[News] = field(default_factory=deque)
    sent_at: list[float] = field(default_factory=list)

    def next(self) -> News | None:
        if not self.news:
            return None
        self.sent_at.append(time.monotonic())
        return self.news.popleft()

    def take(self, text: str | bytes) -> None:
        self.got.append(understand(text, registry.scanners(), {}))

    @property
    def scans(self) -> list[Scan]:
        return [message for message in self.got if isinstance(message, Scan)]


def a_link(url: str, on_event: Listener, pace: LinkPace = QUICK, **settings: Any) -> Link:
    return Link(
        ServerAccess(
            ServerSettings(url=url, **settings), Credentials("patchmon_0123456789abcdef", SECRET)
        ),
        on_event.take,
        lambda: on_event.connections.append(True),
        on_event.next,
        Log("trigger", stream=on_event.log),
        pace,
    )


@contextlib.contextmanager
def linked(url: str, pace: LinkPace = QUICK, **settings: Any) -> Iterator[tuple[Link, Listener]]:
    on_event = Listener()
    link = a_link(url, on_event, pace, **settings)
    try:
        yield link, on_event
        assert link.is_alive
        assert SECRET not in on_event.log.getvalue()
    finally:
        link.close()


def test_a_peer_that_goes_silent_is_given_up_and_tried_again() -> None:
    with raw(upgrade) as (url, count), linked(url) as (_, on_event):
        until(lambda: len(count) >= 3, "connected again and again", 30)
        assert len(on_event.connections) >= 2
        assert "the server did not answer a ping in time" in on_event.log.getvalue()


def test_the_limit_of_silence_is_90_seconds() -> None:
    assert LinkPace().ping_every_s + LinkPace().pong_within_s == 90


def test_a_server_that_never_answers_the_upgrade_delays_nothing_else() -> None:
    with raw(head_of) as (url, count), linked(url) as (link, _):
        until(lambda: len(count) >= 2, "tried again", 30)
        assert "not connected" in link.state


def test_a_server_that_does_not_speak_http_is_reported_as_such() -> None:
    with (
        raw(lambda connection: connection.sendall(b"220 mail\r\n" * 1000)) as (url, count),
        linked(url) as (link, _),
    ):
        until(
            lambda: len(count) >= 6 and "not connected" in link.state, "tried again and again", 20
        )


def test_a_server_that_refuses_and_comes_up_later_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with linked(f"http://127.0.0.1:{port}") as (link, on_event):
        until(lambda: "refused" in link.state, "refused", 30)
        with serving(commands_once, port):
            until(lambda: on_event.scans, "a command", 30)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, "no", "check api.id and the API key"),
        (403, '{"error": "Host not allowed", "code": "host_mismatch"}', "CORS_ORIGIN"),
        (403, "<h1>blocked</h1>", "the server refuses this host"),
        (302, "no", "a redirect: set server.url"),
        (503, "no", "the server answered 503"),
        (200, "no", "the server answered 200"),
    ],
)
def test_every_refusal_is_reported_and_tried_again_for_ever(
    status: int, body: str, message: str
) -> None:
    tries: list[int] = []

    def answer(connection: ServerConnection, request: Any) -> Any:
        tries.append(1)
        if len(tries) > 5:
            return None
        response = connection.respond(HTTPStatus(status), body)
        if status == 302:
            response.headers["Location"] = "ws://127.0.0.1:1/"
        return response

    with serving(commands_once, process_request=answer) as url, linked(url) as (_, on_event):
        until(lambda: on_event.scans, "a command in the end", 30)
        assert message in on_event.log.getvalue()


@pytest.mark.parametrize("location", ["/ws/", "{url}/ws/", "ws:{rest}/ws/"])
def test_a_redirect_within_the_origin_is_followed_with_the_credentials(location: str) -> None:
    """A proxy that adds a slash, for instance; it names the address over HTTP."""
    asked: list[tuple[str, str | None]] = []

    def answer(connection: ServerConnection, request: Any) -> Any:
        asked.append((request.path, request.headers.get("X-API-KEY")))
        if request.path == "/ws/":
            return None
        response = connection.respond(HTTPStatus(307), "")
        url = f"http://{request.headers['Host']}"
        response.headers["Location"] = location.format(url=url, rest=url.removeprefix("http:"))
        return response

    with serving(commands_once, process_request=answer) as url, linked(url) as (_, on_event):
        until(lambda: on_event.scans, "a command", 30)
    assert asked[:2] == [("/api/v1/agents/ws", SECRET), ("/ws/", SECRET)]


def test_the_websocket_follows_three_redirects_and_no_more() -> None:
    paths: list[str] = []

    def answer(connection: ServerConnection, request: Any) -> Any:
        paths.append(request.path)
        response = connection.respond(HTTPStatus(302), "")
        response.headers["Location"] = f"/{len(paths)}"
        return response

    def attempts() -> list[int]:
        return [n for n, path in enumerate(paths) if path == "/api/v1/agents/ws"]

    with serving(commands_once, process_request=answer) as url, linked(url) as (link, _):
        until(lambda: len(attempts()) > 1, "two attempts", 30)
        until(lambda: "a redirect: set server.url" in link.state, "the reason", 30)
        assert attempts()[1] - attempts()[0] == 4


def test_the_websocket_follows_no_redirect_to_another_origin() -> None:
    with raw(lambda connection: None) as (other, connections):

        def answer(connection: ServerConnection, request: Any) -> Any:
            response = connection.respond(HTTPStatus(302), "")
            response.headers["Location"] = f"{other}/api/v1/agents/ws"
            return response

        with serving(commands_once, process_request=answer) as url, linked(url) as (link, _):
            until(lambda: "a redirect: set server.url" in link.state, "the reason", 30)
        assert connections == []


def test_after_a_silent_address_the_websocket_tries_the_next_one(two_addresses: None) -> None:
    with serving(commands_once) as url:
        port = int(url.rpartition(":")[2])
        with (
            black_hole("127.0.0.2", port),
            linked(f"http://server.test:{port}", replace(QUICK, open_s=20.0)) as (_, on_event),
        ):
            until(lambda: on_event.scans, "a command", 30)


def test_a_hundred_restarts_of_the_server_are_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with linked(f"http://127.0.0.1:{port}", SOON_SLOW) as (_, on_event):
        for n in range(100):
            with serving(commands_once, port):
                until(lambda n=n: len(on_event.scans) > n, f"command {n}", 10)  # type: ignore[misc]


@pytest.mark.parametrize(
    "message",
    [
        "null",
        "7",
        '"x"',
        "[[[",
        b"\x00\xff",
        {"type": 7},
        {"type": "compliance_trigger", "profile": ["cis"]},
        {"type": "compliance_trigger", "profile": "cis", "request_id": 7},
        {"type": "compliance_scan", "profile_type": 3},
        {"type": "compliance_scan", "profile_id": {"$gt": ""}},
        {"type": "settings_update", "compliance_scan_interval": "weekly"},
        {"type": "apply_config", "config": "on"},
    ],
)
def test_messages_of_wrong_types_ask_for_nothing_and_end_nothing(message: Any) -> None:
    def behave(connection: ServerConnection) -> None:
        connection.send(json.dumps(message) if isinstance(message, dict) else message)
        commands_once(connection)

    with serving(behave) as url, linked(url) as (_, on_event):
        wanted = Scan((Wanted("openscap", "cis"),), "r")
        until(lambda: wanted in on_event.scans, "the command after it", 30)
        assert all(scan.refusal for scan in on_event.scans if scan != wanted)
        assert len(on_event.connections) == 1


@pytest.mark.parametrize(("length", "is_taken"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_a_message_of_more_than_64_kib_ends_the_connection(length: int, is_taken: bool) -> None:
    def behave(connection: ServerConnection) -> None:
        connection.send("x" * length)
        listen(connection)

    with serving(behave) as url, linked(url) as (_, on_event):
        if is_taken:
            until(lambda: any(isinstance(m, Invalid) for m in on_event.got), "taken", 30)
        else:
            until(lambda: len(on_event.connections) >= 2, "connected anew", 30)
            assert on_event.got == []


def test_a_socks_proxy_in_the_environment_is_reported_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "no_proxy", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5://user:geheim@127.0.0.1:1")
    with linked("http://agent.invalid") as (link, on_event):
        until(lambda: link.state != "not connected yet", "the reason", 30)
        until(lambda: "not connected:" in link.state, "the reason", 30)
        assert "geheim" not in on_event.log.getvalue()


def test_a_proxy_is_used_with_its_password_and_the_password_is_in_no_log() -> None:
    seen: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        seen.append(head_of(connection))
        connection.sendall(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        )

    with raw(proxy) as (url, _):
        proxy_url = url.replace("//", "//user:geheim@")
        with linked("http://agent.invalid", proxy=proxy_url) as (link, on_event):
            until(lambda: "407" in link.state, "the reason", 30)
            assert "set server.proxy" in link.state
            assert seen[0].startswith(b"CONNECT agent.invalid:80 ")
            assert b"Proxy-Authorization" in seen[0]
            assert "geheim" not in on_event.log.getvalue()


def test_certificates_are_checked_and_read_anew_for_every_connection(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "ca.pem"
    with (
        serving(commands_once, ssl=context) as url,
        linked(url.replace("http", "https"), ca_file=str(trusted)) as (link, on_event),
    ):
        until(lambda: "server.ca_file" in link.state, "no such file", 30)
        other.cert_pem.write_to_path(str(trusted))
        until(lambda: "not trusted" in link.state, "another authority", 30)
        assert on_event.got == []
        authority.cert_pem.write_to_path(str(trusted))
        until(lambda: on_event.scans, "a command", 30)


def test_a_proxy_that_can_t_reach_the_server_does_not_refuse_it() -> None:
    def proxy(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with (
        raw(proxy) as (url, count),
        linked("http://agent.invalid", SOON_SLOW, proxy=url) as (link, _),
    ):
        until(lambda: len(count) > 50, "again and again", 30)
        assert "the proxy can't reach the server (502)" in link.state


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_requires_a_client_certificate_is_explained(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    authority, trusted = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    context.minimum_version = context.maximum_version = version

    def secured(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    with (
        raw(secured) as (url, _),
        linked(url.replace("http", "https"), ca_file=str(trusted)) as (link, _),
    ):
        until(lambda: "server.client_certificate" in link.state, "explained", 30)


def test_a_peer_that_accepts_and_closes_has_not_refused() -> None:
    """A balancer without a server behind it, for instance."""

    def close(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    with raw(close) as (url, count), linked(url, SOON_SLOW) as (link, _):
        until(lambda: len(count) > 50, "again and again", 30)
        assert link.state == "not connected: the connection was cut off"


@contextlib.contextmanager
def reporting(url: str) -> Iterator[tuple[HostReporter, StringIO]]:
    log = StringIO()
    access = ServerAccess(ServerSettings(url=url), Credentials("patchmon_1", "k" * 64))
    reporter = HostReporter(
        access,
        registry.scanners(),
        Log("trigger", stream=log),
        QUICK.longest_backoff_s,
        lambda _: None,
    )
    try:
        yield reporter, log
    finally:
        reporter.close()


def test_capabilities_are_sent_until_the_server_has_them() -> None:
    bodies: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        head = head_of(connection)
        if head.startswith(b"POST"):
            bodies.append(head)
            status = b"401 No" if len(bodies) < 3 else b"200 OK"
            connection.sendall(
                b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )

    with raw(answer) as (url, _), reporting(url) as (reporter, log):
        reporter.report(READY)
        until(lambda: len(bodies) >= 3, "delivered", 20)
        assert b"/api/v1/hosts/integration-status" in bodies[0]
        assert log.getvalue().count("capabilities: no usable answer") == 1


def test_a_login_page_in_the_place_of_the_server_takes_no_capabilities(
    server: ScriptedServer,
) -> None:
    server.answer(reply(200, "<html>Sign in</html>", "text/html"), reply(200, {"message": "ok"}))
    with reporting(server.url) as (reporter, log):
        reporter.report(READY)
        until(lambda: len(server.requests) >= 2, "sent again", 20)
        assert "this is not an answer of a PatchMon server" in log.getvalue()


@pytest.mark.parametrize("status", [429, 503])
def test_no_report_of_the_host_goes_before_the_time_that_the_server_names(
    server: ScriptedServer, status: int
) -> None:
    server.answer(reply(status, {"error": "too many requests"}, Retry_After="2"))
    with reporting(server.url) as (reporter, log):
        reporter.report(READY)
        until(lambda: "capabilities: no usable answer" in log.getvalue(), "refused", 20)
        reporter.read_integrations()
        reporter.report(replace(READY, status="error"))
        until(lambda: len(server.requests) >= 3, "both were sent", 20)
    first, second, *_ = server.requests
    assert second.at - first.at >= 2
    assert len(server.requests) == 3


def for_three_seconds(url: str) -> None:
    started = time.monotonic()
    with linked(url, SOON_SLOW):
        until(lambda: time.monotonic() - started > 3, "three seconds", 5)


def test_a_server_that_closes_at_once_is_tried_less_and_less_often() -> None:
    count: list[int] = []

    def close(connection: ServerConnection) -> None:
        count.append(1)
        connection.close()

    with serving(close) as url:
        for_three_seconds(url)
    assert 5 < len(count) < 25


def test_a_connection_that_is_cut_again_and_again_is_tried_less_and_less_often() -> None:
    def cut(connection: socket.socket) -> None:
        upgrade(connection)
        connection.shutdown(socket.SHUT_RDWR)

    with raw(cut) as (url, count):
        for_three_seconds(url)
    # On a loaded machine three seconds are too short for the hundred quick ones.
    assert 20 < len(count) < 125


def test_after_connections_that_stood_the_back_off_begins_anew() -> None:
    count: list[int] = []

    def close(connection: ServerConnection) -> None:
        count.append(1)
        connection.close()

    with serving(close) as url, linked(url, replace(SOON_SLOW, stood_s=0)):
        until(lambda: len(count) > 50, "again and again", 30)


def test_progress_keeps_its_pace_and_does_not_wait_for_a_slow_post() -> None:
    posts: list[int] = []
    got: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        head = head_of(connection)
        if head.startswith(b"POST"):
            posts.append(1)
            return
        accept(connection, head)
        while piece := connection.recv(4096):
            got.append(piece)

    pace = replace(QUICK, ping_every_s=30.0, between_messages_s=0.2)
    with (
        raw(behave) as (url, _),
        reporting(url) as (reporter, _),
        linked(url, pace) as (link, on_event),
    ):
        reporter.report(READY)
        until(
            lambda: posts and on_event.connections,
            "connected, and a post that waits for its answer",
            10,
        )
        for n in range(8):
            on_event.news.append(News(n=n))
            link.notify()
        until(
            lambda: len(on_event.sent_at) == 8 and len(got) >= 8,
            "all sent while the post waits",
            10,
        )
    assert min(after - before for before, after in pairwise(on_event.sent_at)) >= 0.2


def test_a_link_that_is_closed_while_it_connects_leaves_no_connection() -> None:
    closing, ended = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> None:
        head = head_of(connection)
        started.set()
        closing.wait(10)
        accept(connection, head)
        connection.settimeout(5)
        while connection.recv(4096):
            pass
        ended.set()

    started = threading.Event()
    on_event = Listener()
    with raw(slow) as (url, _):
        link = a_link(url, on_event)
        assert started.wait(10)
        link.close()
        closing.set()
        assert ended.wait(5)
        assert on_event.connections == []
