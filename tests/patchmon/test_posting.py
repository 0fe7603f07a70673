"""Posting to a server that takes its time, or does not answer as one."""

import socket
import threading
import time

import pytest

from schemas.settings import ServerSettings
from stages.patchmon.posting import post
from tests.patchmon.servers import head_of, raw

PATH = "/api/v1/hosts/integration-status"


@pytest.mark.parametrize("piece", [b"X-%d: y\r\n", b"%d"])
def test_a_reply_that_trickles_is_cut_when_the_time_is_over(piece: bytes) -> None:
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        n = 0
        while not stop.wait(0.05):
            connection.sendall(piece % n)
            n += 1

    with raw(trickle) as (url, _):
        begun = time.monotonic()
        problem = post(ServerSettings(url=url), {}, PATH, {}, limit_s=0.5)
        stop.set()
        assert problem
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "the server answered 401"),
        (
            b"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "the server answered 302",
        ),
        (b"220 mail\r\n", "220 mail"),
        (b"", "closed"),
    ],
)
def test_every_answer_but_a_good_one_is_a_reason(reply: bytes, problem: str | None) -> None:
    def answer(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_RDWR)

    with raw(answer) as (url, _):
        told = post(ServerSettings(url=f"{url}/"), {"X-API-ID": "a"}, PATH, {})
        assert (told is None) if problem is None else (problem in (told or ""))


def test_an_address_that_cannot_be_used_is_a_reason() -> None:
    assert post(ServerSettings(url="http://127.0.0.1:1"), {}, PATH, {})
    assert post(ServerSettings(url="http://127.0.0.1:99999"), {}, PATH, {})
    assert post(ServerSettings(url="https://127.0.0.1:1", ca_file="/nowhere/ca.pem"), {}, PATH, {})


@pytest.mark.parametrize("no_proxy", ["", "agent.invalid", "*"])
def test_the_proxy_of_the_settings_is_used_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("no_proxy", no_proxy)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        seen.append(head_of(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw(proxy) as (url, _):
        settings = ServerSettings(
            url="http://agent.invalid", proxy=url.replace("//", "//user:p%40ss@")
        )
        assert post(settings, {}, PATH, {}) is None
    (head,) = seen
    assert head.startswith(b"POST http://agent.invalid/api/v1/hosts/integration-status ")
    assert b"Basic dXNlcjpwQHNz" in head


@pytest.mark.parametrize(("no_proxy", "goes_through"), [("", True), ("127.0.0.0/8", False)])
def test_without_the_setting_the_environment_decides(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, goes_through: bool
) -> None:
    def answer(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw(answer) as (proxy_url, through), raw(answer) as (url, directly):
        monkeypatch.setenv("http_proxy", proxy_url)
        monkeypatch.setenv("no_proxy", no_proxy)
        assert post(ServerSettings(url=url), {}, PATH, {}) is None
        assert (len(through), len(directly)) == ((1, 0) if goes_through else (0, 1))
