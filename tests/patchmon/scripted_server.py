"""A server over raw sockets that answers by a script: right, wrong, late, half, or not at all."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request as it came; `at` is the monotonic clock."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def scan_id(self) -> str:
        return self.headers.get("idempotency-key", "")


Answer = Callable[[socket.socket], object]
"""Sends what it wants to a connection whose request was read. Returns False to close the
connection.
"""


def reply(
    status: int, body: object = "", content_type: str = "application/json", **headers: str
) -> Answer:
    """A whole reply; a body that is not text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status} Words\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(text.encode())}\r\n"
    )
    return _sending(f"{head}{extra}\r\n{text}".encode(), keep=True)


def _sending(content: bytes, *, keep: bool) -> Answer:
    def answer(connection: socket.socket) -> bool:
        connection.sendall(content)
        return keep

    return answer


ACCEPTED = {"message": "stored", "scans_received": 1, "scans": [{"scan_id": "row-1"}]}
accepted = reply(200, ACCEPTED)


def raw(content: bytes) -> Answer:
    """These bytes, then the end of the connection."""
    return _sending(content, keep=False)


def reset(connection: socket.socket) -> bool:
    """No reply, but a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def silence(connection: socket.socket) -> bool:
    """Nothing, until the other side goes."""
    with suppress(OSError):
        connection.recv(1)
    return False


def trickle(connection: socket.socket) -> bool:
    """A header that never ends, a byte at a time."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)
    return False


@dataclass(frozen=True)
class Early:
    """An answer that is given after so many bytes of the body, the rest unread."""

    after: int
    answer: Answer


class ScriptedServer:
    """Answers one request after another by the script, then all others by `otherwise`."""

    def __init__(
        self,
        *script: Answer | Early,
        otherwise: Answer | Early = accepted,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        receive_buffer: int | None = None,
    ) -> None:
        self._script = list(script)
        self._otherwise = otherwise
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", port))
        if receive_buffer:
            # Connections inherit it.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = int(self._socket.getsockname()[1])
        self.pings: Answer | None = reply(404)
        """How pings are answered, beside script and `requests`; None: like all else."""
        self.requests: list[Request] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def scan_ids(self) -> list[str]:
        """The scans of all requests that were read to their end, in order."""
        return [request.scan_id for request in self.requests]

    def answer(self, *script: Answer | Early) -> None:
        self._script.extend(script)

    def close(self) -> None:
        # Closing alone would leave the thread in accept, and the port taken.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        self._open.append(connection)
        with suppress(OSError), connection:
            if self._tls:
                connection = _secured(connection, self._tls)
            with connection, connection.makefile("rb") as stream:
                while self._answer(connection, stream):
                    pass

    def _answer(self, connection: socket.socket, stream: Any) -> bool:
        line = stream.readline().decode("latin-1").strip()
        if not line:
            return False
        headers = dict(_headers(stream))
        if self.pings is not None and line.startswith("POST /api/v1/hosts/ping "):
            stream.read(int(headers.get("content-length", "0")))
            return bool(self.pings(connection))
        answer = self._script.pop(0) if self._script else self._otherwise
        length = int(headers.get("content-length", "0"))
        if isinstance(answer, Early):
            stream.read(min(answer.after, length))
            answer.answer(connection)
            return False
        body = stream.read(length)
        if len(body) == length:
            self.requests.append(Request(line, headers, body, time.monotonic()))
        return bool(answer(connection))


def _secured(connection: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """The connection over TLS; where the handshake fails, the alert is given time to arrive before
    the end.
    """
    secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    try:
        secure.do_handshake()
    except ssl.SSLError:
        with socket.socket(fileno=secure.detach()) as plain:
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
        raise
    return secure


def _headers(stream: Any) -> Iterator[tuple[str, str]]:
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


@contextmanager
def serving(*script: Answer | Early, **options: Any) -> Iterator[ScriptedServer]:
    server = ScriptedServer(*script, **options)
    try:
        yield server
    finally:
        server.close()


def until(
    condition: Callable[[], object], limit_s: float = 20.0, what: str = "the condition"
) -> None:
    """Wait for a condition. Raises AssertionError at the deadline."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"{what} was not met within {limit_s} s"
        time.sleep(0.01)


def lines(requests: Sequence[Request]) -> list[str]:
    return [request.line for request in requests]


def sent(server: ScriptedServer) -> list[int]:
    """The numbers of the scans that reached the server whole, in order."""
    return [int(one.rsplit("-", 1)[1], 16) for one in server.scan_ids]
