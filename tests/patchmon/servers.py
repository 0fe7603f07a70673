"""Servers on loopback that do to each connection what a test says."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.utils import accept_key

COMMAND = json.dumps({"type": "compliance_trigger", "profile": "cis", "request_id": "r"})


@contextlib.contextmanager
def serving(
    behave: Callable[[ServerConnection], None], port: int = 0, **options: Any
) -> Iterator[str]:
    def quietly(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            behave(connection)

    with serve(
        quietly, "127.0.0.1", port, ping_interval=None, close_timeout=0.1, **options
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def commands_once(connection: ServerConnection) -> None:
    connection.send(COMMAND)
    listen(connection)


def listen(connection: ServerConnection) -> None:
    for _ in connection:
        pass


@contextlib.contextmanager
def raw(behave: Callable[[socket.socket], object]) -> Iterator[tuple[str, list[int]]]:
    """A TCP server that treats each connection by hand; the list counts them."""
    count: list[int] = []
    stop = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behave(connection)
            stop.wait(10)

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = on_event.accept()
            except OSError:
                return
            count.append(1)
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as on_event:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{on_event.getsockname()[1]}", count
        stop.set()
        on_event.shutdown(socket.SHUT_RDWR)
        for each in (thread, *threads):
            each.join()


def head_of(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            raise OSError("closed")
        head += piece
    return head


def upgrade(connection: socket.socket) -> None:
    accept(connection, head_of(connection))


def accept(connection: socket.socket, head: bytes) -> None:
    lines = head.decode().split("\r\n")
    key = next(
        line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key:")
    )
    connection.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
    )


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """The port of a server that takes no connection, and refuses none."""
    with socket.create_server((host, port), backlog=0) as full:
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        yield full.getsockname()[1]
        for one in waiting:
            one.close()
