"""One request over real sockets: every fault of the network, and what must never be sent."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import ServerSettings
from stages.process.credentials import Credentials
from stages.ship.outcome import Accepted, Outcome, Paused, Refused, Temporary
from stages.ship.transport import Transport
from tests.ship.scripted_server import (
    ACCEPTED,
    Answer,
    Early,
    ScriptedServer,
    accepted,
    raw,
    reply,
    reset,
    serving,
    silence,
    trickle,
    until,
)

KEY = "secret-key-0123456789"
BODY = b'{"scan_id": "x"}'
LONG = b"x" * 8_000_000


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


def post(
    url: str, body: bytes = BODY, *, progress_s: float = 5, connect_s: float = 5, **settings: Any
) -> Outcome:
    transport = Transport(ServerSettings(url=url, **settings), connect_s=connect_s, progress_s=progress_s)
    try:
        return transport.post(body, Credentials("patchmon_1", KEY), "scan-1", "1.2")
    finally:
        transport.close()


def test_the_request_is_what_servers_expect(server: ScriptedServer) -> None:
    assert isinstance(post(f"{server.url}/"), Accepted)
    (request,) = server.requests
    assert request.line == "POST /api/v1/compliance/scans HTTP/1.1"
    assert request.body == BODY
    assert request.headers["x-api-id"] == "patchmon_1"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["idempotency-key"] == "scan-1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(BODY))
    assert "content-encoding" not in request.headers
    assert "transfer-encoding" not in request.headers


def test_a_base_url_with_a_path_keeps_it(server: ScriptedServer) -> None:
    post(f"{server.url}/patchmon/")
    assert server.requests[0].line == "POST /patchmon/api/v1/compliance/scans HTTP/1.1"


def test_a_connection_is_kept_for_the_next_request(server: ScriptedServer) -> None:
    transport = Transport(ServerSettings(url=server.url))
    for _ in range(5):
        assert isinstance(transport.post(BODY, Credentials("a", KEY), "x", "1"), Accepted)
    transport.close()
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        raw(b""),
        raw(b"HTTP/1.1 200 OK\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"scan_id": "x"}'),
        raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"scan_id": "x"}\r\n'),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw(b"\x15\x03\x01\x00\x02\x02\x50"),
        raw(b"HTTP/1.1 99999999 What\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X-Header: y\r\n" * 1000 + b"\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 200_000 + b"\r\n\r\n"),
        reply(200, "<html>Welcome to the hotel</html>", "text/html"),
        reply(200, ""),
        reply(204),
    ],
)
def test_what_is_no_whole_answer_is_temporary(server: ScriptedServer, answer: Answer) -> None:
    server.say(answer)
    assert isinstance(post(server.url), Temporary)


def test_a_compressed_answer_is_not_unpacked(server: ScriptedServer) -> None:
    server.say(reply(200, "\x1f\x8b", Content_Encoding="gzip"))
    assert isinstance(post(server.url), Temporary)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK", b"HTTP/1.1 307 Go\r\nLocation: /", b"HTTP/1.1 500 Oh"])
def test_an_endless_answer_is_read_to_a_mebibyte(server: ScriptedServer, head: bytes) -> None:
    sent = 0

    def flood(connection: socket.socket) -> bool:
        nonlocal sent
        connection.sendall(head + b'\r\n\r\n{"scan_id": "x", "more": "')
        while True:
            sent += connection.send(b"x" * 65536)

    server.say(flood, reply(500))
    assert isinstance(post(server.url), Temporary)
    assert sent < 32 * 1024 * 1024


def test_a_refused_connection_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = post(f"http://127.0.0.1:{port}")
    assert isinstance(outcome, Temporary)
    assert "refused" in outcome.words.lower()


def test_a_name_that_is_not_known_is_temporary() -> None:
    outcome = post("http://no-such-host.invalid")
    assert isinstance(outcome, Temporary)
    assert "resolved" in outcome.words


@pytest.mark.parametrize("url", ["http://[::1", "http://" + "a" * 70 + ".example", "http://host:99999"])
def test_an_address_that_is_none_is_for_the_operator_to_mend(url: str) -> None:
    outcome = post(url)
    assert isinstance(outcome, Paused)
    assert "server.url" in outcome.todo


def test_a_server_that_does_not_accept_is_given_up_after_the_connect_limit() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        outcome = post(f"http://127.0.0.1:{full.getsockname()[1]}", connect_s=0.5)
        for one in waiting:
            one.close()
    assert isinstance(outcome, Temporary)
    assert "no connection within 0.5 s" in outcome.words


def test_a_server_that_stays_silent_is_given_up_after_the_progress_limit(server: ScriptedServer) -> None:
    server.say(silence)
    outcome = post(server.url, progress_s=0.3)
    assert isinstance(outcome, Temporary)
    assert "no progress within 0.3 s" in outcome.words


def test_a_server_that_reads_nothing_is_given_up_after_the_progress_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        outcome = post(f"http://127.0.0.1:{deaf.getsockname()[1]}", LONG, progress_s=0.3)
    assert isinstance(outcome, Temporary)
    assert outcome.cut_upload


def test_a_slow_line_is_given_its_time_while_there_is_progress() -> None:
    def read_slowly(connection: socket.socket) -> bool:
        got = 0
        # The last bytes may lie in the buffer of the stream that the head was read from.
        while got < len(LONG) - 65536:
            got += len(connection.recv(65536))
            time.sleep(0.01)
        connection.settimeout(0.2)
        with suppress(TimeoutError):
            while connection.recv(65536):
                pass
        return bool(accepted(connection))

    with serving(Early(0, read_slowly), receive_buffer=65536) as server:
        began = time.monotonic()
        outcome = post(server.url, LONG, progress_s=1)
        taken = time.monotonic() - began
    assert isinstance(outcome, Accepted)
    assert taken > 1


def test_a_reset_in_mid_body_is_temporary_and_known_as_such(server: ScriptedServer) -> None:
    server.say(Early(100_000, reset))
    outcome = post(server.url, LONG)
    assert isinstance(outcome, Temporary)
    assert server.requests == []


def test_an_answer_given_in_mid_body_is_heard(server: ScriptedServer) -> None:
    def refuse(connection: socket.socket) -> bool:
        accepted_size = reply(413, {"error": "too large"}, Connection="close")
        accepted_size(connection)
        # Take in what is under way, so the reply is not lost to a reset.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        return False

    server.say(Early(1000, refuse))
    outcome = post(server.url, LONG)
    assert isinstance(outcome, Refused)
    assert outcome.remedy == "slim"


def test_a_trickling_answer_can_be_cut_off_from_another_thread(server: ScriptedServer) -> None:
    server.say(trickle)
    transport = Transport(ServerSettings(url=server.url))
    found: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: found.append(transport.post(BODY, Credentials("a", KEY), "x", "1")), daemon=True
    )
    thread.start()
    until(lambda: server.requests)
    began = time.monotonic()
    transport.cut()
    thread.join(5)
    assert time.monotonic() - began < 2
    assert isinstance(found[0], Temporary)
    transport.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_method_and_body(
    server: ScriptedServer, status: int
) -> None:
    server.say(reply(status, Location="/elsewhere"))
    assert isinstance(post(server.url), Accepted)
    assert [(request.line.split()[:2], request.body) for request in server.requests] == [
        (["POST", "/api/v1/compliance/scans"], BODY),
        (["POST", "/elsewhere"], BODY),
    ]


def test_redirects_are_followed_three_times_and_no_more(server: ScriptedServer) -> None:
    server.say(*[reply(307, Location=f"/{number}") for number in range(9)])
    assert isinstance(post(server.url), Paused)
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_goes_to_another_origin(server: ScriptedServer, status: int) -> None:
    with serving() as other:
        server.say(reply(status, Location=f"{other.url}/api"))
        outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert other.url in outcome.words
    assert (other.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1:{port}/", "http://user:pw@127.0.0.1:{port}/", "//127.0.0.1:1/", "http://[", ""],
)
def test_other_schemes_credentials_and_nonsense_are_other_origins(
    server: ScriptedServer, location: str
) -> None:
    server.say(reply(307, Location=location.format(port=server.port)))
    outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert "pw" not in outcome.words
    assert len(server.requests) == 1


def test_a_key_that_the_server_repeats_is_not_in_its_words(server: ScriptedServer) -> None:
    server.say(reply(401, {"error": f"Invalid key {KEY}"}))
    outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert KEY not in outcome.words


def test_netrc_does_not_replace_the_credentials(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    post(server.url)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("credentials", [Credentials("a\nb", KEY), Credentials("ключ", KEY)])
def test_credentials_that_no_header_takes_pause(server: ScriptedServer, credentials: Credentials) -> None:
    transport = Transport(ServerSettings(url=server.url))
    outcome = transport.post(BODY, credentials, "x", "1")
    transport.close()
    assert isinstance(outcome, Paused)
    assert server.requests == []


class TestProxies:
    """Proxies of the setting and of the environment."""

    TARGET = "http://server.example"

    def test_the_settings_proxy_is_used_and_given_its_credentials(self, server: ScriptedServer) -> None:
        outcome = post(self.TARGET, proxy=f"http://me:pw@127.0.0.1:{server.port}")
        assert isinstance(outcome, Accepted)
        assert server.requests[0].line.startswith("POST http://server.example/api/v1/")
        assert server.requests[0].headers["proxy-authorization"].startswith("Basic ")

    def test_the_environments_proxy_is_used(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", server.url)
        assert isinstance(post(self.TARGET), Accepted)

    def test_no_proxy_of_the_environment_is_respected(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(post(server.url), Accepted)

    def test_the_setting_is_used_whatever_the_environment_lists(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "*")
        assert isinstance(post(self.TARGET, proxy=server.url), Accepted)
        assert server.requests[0].line.startswith("POST http://server.example/")

    def test_none_means_no_proxy_at_all(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(post(server.url, proxy="none"), Accepted)

    def test_a_tunnel_that_wants_credentials_is_named_as_the_proxys_fault(
        self, server: ScriptedServer
    ) -> None:
        server.say(raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
        outcome = post("https://server.example", proxy=server.url)
        assert isinstance(outcome, Paused)
        assert outcome.status == 407
        assert "proxy" in outcome.words
        # Of a tunnel the proxy learns the name of the server, and nothing else.
        assert server.requests[0].line == "CONNECT server.example:443 HTTP/1.0" or server.requests[
            0
        ].line == ("CONNECT server.example:443 HTTP/1.1")
        assert "x-api-key" not in server.requests[0].headers

    def test_a_tunnel_that_is_forbidden_pauses_and_one_that_fails_does_not(
        self, server: ScriptedServer
    ) -> None:
        server.say(raw(b"HTTP/1.1 403 Forbidden\r\n\r\n"), raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"))
        assert isinstance(post("https://server.example", proxy=server.url), Paused)
        assert isinstance(post("https://server.example", proxy=server.url), Temporary)

    def test_407_without_a_tunnel_pauses_too(self, server: ScriptedServer) -> None:
        server.say(reply(407, "<html>", "text/html"))
        assert isinstance(post(self.TARGET, proxy=server.url), Paused)

    def test_a_proxy_that_is_away_is_temporary(self) -> None:
        outcome = post(self.TARGET, proxy="http://127.0.0.1:1")
        assert isinstance(outcome, Temporary)
        assert "proxy" in outcome.words


def test_a_specification_servers_answer_is_taken(server: ScriptedServer) -> None:
    server.say(reply(201, {"scan_id": "row-9"}), reply(200, ACCEPTED), accepted)
    outcome = post(server.url)
    assert isinstance(outcome, Accepted)
    assert (outcome.status, outcome.server_scan_id) == (201, "row-9")
