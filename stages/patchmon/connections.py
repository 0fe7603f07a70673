"""Connections that can be cut from another thread, and whose limits hold while a body is sent.

urllib3 sends under the connect timeout and gives no way to end a request that trickles; so each connection gives a
second handle of its socket to a `Line`, and sets the timeout for progress before each block that it sends. It also
gives every address of a name the whole connect timeout; here all have it together, and one that is silent leaves the
others their share.
"""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

_LEAST_S = 0.1


class SocketGuard:
    """The sockets of one session."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._cut = False
        self._guard = threading.Lock()

    def opened(self, sock: socket.socket) -> None:
        """A second handle keeps working after TLS has taken the first one over."""
        with self._guard:
            self._sockets.append(sock.dup())
            if self._cut:
                self._shut_down()

    def cut(self) -> None:
        """End whatever is being sent or read, now and later."""
        with self._guard:
            self._cut = True
            self._shut_down()

    def close(self) -> None:
        with self._guard:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    def _shut_down(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def pools(line: SocketGuard, progress_s: float) -> dict[str, type[HTTPConnectionPool]]:
    """Pool classes by scheme, for urllib3's pool managers, whose connections belong to `line`."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            name, limit_s = self._dns_host, self.timeout
            end = time.monotonic() + (limit_s or 0.0)
            addresses = _addresses(name, self.port)
            try:
                while True:
                    self._dns_host = addresses.pop(0)
                    self.timeout = max(_LEAST_S, (end - time.monotonic()) / (len(addresses) + 1))
                    try:
                        sock = super()._new_conn()
                    except (ConnectTimeoutError, NewConnectionError):
                        if not addresses:
                            raise
                    else:
                        line.opened(sock)
                        return sock
            finally:
                self._dns_host, self.timeout = name, limit_s

        def send(self, data: Any) -> None:
            _allow(self.sock, progress_s)
            super().send(data)

    class Secure(Plain, HTTPSConnection):
        """The same over TLS: what Plain passes on goes to HTTPSConnection."""

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _addresses(name: str, port: int | None) -> list[str]:
    """The addresses of a name, resolved anew; the name itself where there are none: urllib3 tells it as it does."""
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
        return [str(sockaddr[0]) for *_, sockaddr in found]
    return [name]


def _allow(sock: socket.socket | None, seconds: float) -> None:
    if sock is not None:
        sock.settimeout(seconds)
