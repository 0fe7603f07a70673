"""A daemon that goes away under a scan, seen by the connection that is held open to it."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from stages.scanners.docker_bench.daemon_watch import DaemonWatch

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def daemon(answer: bytes) -> Iterator[tuple[DaemonWatch, socket.socket]]:
    """A watch, and the connection as the daemon has it."""
    with tempfile.TemporaryDirectory(prefix="dk") as place, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{place}/d.sock")
        server.listen(1)
        accepted: list[socket.socket] = []

        def serve() -> None:
            connection, _ = server.accept()
            accepted.append(connection)
            connection.recv(4096)
            connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        watch = DaemonWatch()
        watch.start(f"{place}/d.sock")
        thread.join()
        try:
            yield watch, accepted[0]
        finally:
            watch.close()
            accepted[0].close()


def test_a_daemon_that_stays_has_not_ended_whatever_it_sends() -> None:
    with daemon(STREAM) as (watch, connection):
        assert not watch.has_ended()
        connection.sendall(b"2a\r\n{}\r\n" * 20_000)
        assert not watch.has_ended()


def test_a_daemon_that_closes_the_stream_has_ended() -> None:
    with daemon(STREAM) as (watch, connection):
        connection.sendall(b"0\r\n\r\n")
        connection.close()
        assert watch.has_ended()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"nonsense"])
def test_a_daemon_without_the_stream_is_not_watched(answer: bytes) -> None:
    with daemon(answer) as (watch, connection):
        connection.close()
        assert not watch.has_ended()


def test_where_there_is_no_daemon_nothing_is_watched(tmp_path: Path) -> None:
    watch = DaemonWatch()
    watch.start(str(tmp_path / "none.sock"))
    assert not watch.has_ended()
    watch.close()
