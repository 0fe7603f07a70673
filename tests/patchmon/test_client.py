"""One request over real sockets: every fault of the network, and what must never be sent."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.settings import ServerSettings
from stages.patchmon.client import HttpClient
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import Accepted, Paused, Refused, Temporary
from stages.patchmon.server_access import ServerAccess
from tests.patchmon.posting import BODY, KEY, LONG, client, post, send
from tests.patchmon.scripted_server import (
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
)

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("end", ["/api/v1", "/api/v1/"])
def test_a_base_url_that_ends_with_the_prefix_of_the_paths_does_not_double_it(
    server: ScriptedServer, end: str
) -> None:
    assert isinstance(post(f"{server.url}{end}"), Accepted)
    assert server.requests[0].line == "POST /api/v1/compliance/scans HTTP/1.1"


def test_a_connection_is_kept_for_the_next_request(server: ScriptedServer) -> None:
    sender = client(server.url)
    for _ in range(5):
        assert isinstance(send(sender), Accepted)
    sender.close()
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
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\nhello"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 1000 + b"gzip\r\n\r\nhello"),
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
def test_what_is_not_a_whole_answer_is_temporary(server: ScriptedServer, answer: Answer) -> None:
    server.answer(answer)
    assert isinstance(post(server.url), Temporary)


@pytest.mark.parametrize(
    "half",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"scan_id": "x"}',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"scan_id": "x"',
    ],
)
def test_half_an_answer_is_reported_as_such(server: ScriptedServer, half: bytes) -> None:
    server.answer(raw(half))
    outcome = post(server.url)
    assert isinstance(outcome, Temporary)
    assert outcome.message == "the connection ended in the middle of the answer"


@pytest.mark.parametrize("interim", ["102 Processing", "103 Early Hints", "199 Wait"])
def test_an_interim_answer_is_not_the_final_one(server: ScriptedServer, interim: str) -> None:
    head = f"HTTP/1.1 {interim}\r\nLink: </x>\r\n\r\n".encode()

    def answer(connection: socket.socket) -> bool:
        connection.sendall(head * 3)
        return bool(accepted(connection))

    server.answer(answer)
    sender = client(server.url)
    assert isinstance(send(sender), Accepted)
    # The connection is where it should be: the next answer is that of the next request.
    server.answer(reply(503))
    outcome = send(sender)
    sender.close()
    assert isinstance(outcome, Temporary)
    assert outcome.status == 503
    assert server.connections == 1


def test_an_answer_that_changes_the_protocol_is_not_an_acknowledgement(
    server: ScriptedServer,
) -> None:
    server.answer(raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + json.dumps(ACCEPTED).encode()))
    outcome = post(server.url)
    assert isinstance(outcome, Temporary)
    assert outcome.status == 101


def test_two_lengths_are_the_servers_fault(server: ScriptedServer) -> None:
    server.answer(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"))
    outcome = post(server.url)
    assert isinstance(outcome, Temporary)
    assert "the reply has a header that can't be used: Content-Length" in outcome.message


def test_a_compressed_answer_is_not_unpacked(server: ScriptedServer) -> None:
    server.answer(reply(200, "\x1f\x8b", Content_Encoding="gzip"))
    assert isinstance(post(server.url), Temporary)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK", b"HTTP/1.1 307 Go\r\nLocation: /", b"HTTP/1.1 500 Oh"]
)
def test_an_endless_answer_is_read_to_a_mebibyte(server: ScriptedServer, head: bytes) -> None:
    sent = 0

    def flood(connection: socket.socket) -> bool:
        nonlocal sent
        connection.sendall(head + b'\r\n\r\n{"scan_id": "x", "more": "')
        while True:
            sent += connection.send(b"x" * 65536)

    server.answer(flood, reply(500))
    assert isinstance(post(server.url), Temporary)
    assert sent < 32 * 1024 * 1024


def test_a_server_that_stays_silent_is_given_up_after_the_progress_limit(
    server: ScriptedServer,
) -> None:
    server.answer(silence)
    outcome = post(server.url, progress_s=0.3)
    assert isinstance(outcome, Temporary)
    assert "no progress within 0.3 s" in outcome.message


def test_a_server_that_reads_nothing_is_given_up_after_the_progress_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        outcome = post(f"http://127.0.0.1:{deaf.getsockname()[1]}", LONG, progress_s=0.3)
    assert isinstance(outcome, Temporary)
    assert not outcome.unsent


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


def test_a_reset_in_mid_body_is_temporary(server: ScriptedServer) -> None:
    server.answer(Early(100_000, reset))
    outcome = post(server.url, LONG)
    assert isinstance(outcome, Temporary)
    assert server.requests == []


def test_an_answer_given_in_mid_body_is_read(server: ScriptedServer) -> None:
    def refuse(connection: socket.socket) -> bool:
        accepted_size = reply(413, {"error": "too large"}, Connection="close")
        accepted_size(connection)
        # Take in what is under way, so the reply is not lost to a reset.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        return False

    server.answer(Early(1000, refuse))
    outcome = post(server.url, LONG)
    assert isinstance(outcome, Refused)
    assert outcome.remedy == "truncate"


def test_a_key_that_the_server_repeats_is_not_in_the_message(server: ScriptedServer) -> None:
    server.answer(reply(401, {"error": f"Invalid key {KEY}"}))
    outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert KEY not in outcome.message


def test_netrc_does_not_replace_the_credentials(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    post(server.url)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("credentials", [Credentials("a\nb", KEY), Credentials("ключ", KEY)])
def test_credentials_that_no_header_takes_pause(
    server: ScriptedServer, credentials: Credentials
) -> None:
    sender = HttpClient(ServerAccess(ServerSettings(url=server.url), credentials))
    outcome = send(sender)
    sender.close()
    assert isinstance(outcome, Paused)
    assert server.requests == []


def test_a_specification_servers_answer_is_taken(server: ScriptedServer) -> None:
    server.answer(reply(201, {"scan_id": "row-9"}), reply(200, ACCEPTED), accepted)
    outcome = post(server.url)
    assert isinstance(outcome, Accepted)
    assert (outcome.status, outcome.server_scan_id) == (201, "row-9")
