"""What stands between agent and server: an honest line, a broken one, or one that lies."""

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable

_CHUNK = 64 * 1024
_HEAD = b"HTTP/1.1 "
_KEEP_ALIVE_S = 20.0


def _reply(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = (f"{status} Answer", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers)
    return _HEAD + "\r\n".join((*lines, "Connection: close", "", "")).encode() + body


LIES: tuple[bytes, ...] = (
    _reply(200, b"<html>Log in to the network</html>", kind="text/html"),
    _reply(200, b""),
    _reply(200, b"{}"),
    _reply(200, b'{"scan_id": "a", "scan_id": "b"}'),
    _reply(202, b'{"scan_id": "a"}'),
    _reply(204, b""),
    _reply(429, b"{}", "Retry-After: 0"),
    _reply(429, b"{}", "Retry-After: -5"),
    _reply(500, b'{"error": "boom"}'),
    _reply(502, b"<html>Bad gateway</html>", kind="text/html"),
    _reply(503, b"", "Retry-After: 1"),
    _HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    _HEAD + b"200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    _HEAD + b'200 OK\r\nContent-Length: 100\r\n\r\n{"scan_id": "a"}',
    _HEAD + b"99999 What\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x15\x03\x01\x00\x02\x02\x50",
    b"",
)
"""Answers that acknowledge nothing and refuse nothing for good."""


class Front:
    """Accepts connections for the server, and treats them as `mode` says."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._socket.getsockname()[1])
        self.server_port = 0
        self._treat: Callable[[socket.socket], None] = self._pass
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def be_honest(self) -> None:
        self._treat = self._pass

    def lie(self) -> None:
        """Answer in the server's place."""
        self._treat = self._lie

    def break_lines(self) -> None:
        """Reset each connection after some bytes of either direction, often after the server has
        stored what was sent.
        """
        self._treat = self._break

    def be_silent(self) -> None:
        self._treat = self._stay_silent

    def drop(self) -> None:
        """Reset all connections that are open now."""
        for connection in list(self._open):
            _reset(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open = [each for each in self._open if each.fileno() >= 0]
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._treat(connection)

    def _pass(self, connection: socket.socket) -> None:
        self._splice(connection, None, None)

    def _break(self, connection: socket.socket) -> None:
        up = down = None
        if self._chance.random() < 0.5:
            up = self._chance.randrange(1, 20_000)
        else:
            down = self._chance.randrange(0, 300)
        self._splice(connection, up, down)
        _reset(connection)

    def _lie(self, connection: socket.socket) -> None:
        connection.settimeout(_KEEP_ALIVE_S)
        connection.recv(_CHUNK)
        connection.sendall(self._chance.choice(LIES))
        connection.shutdown(socket.SHUT_WR)
        # The rest of the request is read: a reset would hide the answer.
        while connection.recv(_CHUNK):
            pass

    def _stay_silent(self, connection: socket.socket) -> None:
        connection.settimeout(_KEEP_ALIVE_S)
        while connection.recv(_CHUNK):
            pass

    def _splice(self, connection: socket.socket, up: int | None, down: int | None) -> None:
        """Carry bytes both ways; `up` and `down` are how many at most, None all."""
        with socket.create_connection(("127.0.0.1", self.server_port), 5) as server:
            server.settimeout(None)
            back = threading.Thread(target=_carry, args=(server, connection, down), daemon=True)
            back.start()
            _carry(connection, server, up)
            back.join()


def _carry(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    """Until either ends, or the limit is reached; then both end."""
    left = limit
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            part = source.recv(_CHUNK if left is None else min(_CHUNK, left))
            if not part:
                break
            target.sendall(part)
            if left is not None:
                left -= len(part)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
