"""The connection to the server: commands come in over a WebSocket, progress and capabilities go out.

Threads, so that the work loop never waits for the network, nor one of them for another. The connection is made again
for ever, with back-off and jitter, also after a 401: credentials may be mended meanwhile. The back-off begins anew
after a connection that stood for a minute; a shorter one counts as a failure, but for a hundred in a row that ended
because the server went away. A peer that is silent for 90 s is given up.

Diagnostics: the state in plain words, for `status`; every change of it is logged once.
Security: TLS as the settings say, certificates read anew for every connection; no redirect is followed (it would take
the credentials along); messages over 64 KiB end the connection; no compression.
"""

import json
import logging
import os
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, reconnect

from schemas.settings import ServerSettings
from stages.patchmon import posting, tls
from stages.patchmon.commands import MAX_MESSAGE_BYTES, KnownScanner, understand
from stages.patchmon.commands import Message as Understood
from stages.patchmon.credentials import Credentials
from stages.patchmon.proxies import proxy_for
from stages.runtime.logs import Log

_POST = "/api/v1/hosts/integration-status"
News = Callable[[], Mapping[str, Any] | None]
"""The next message for the server, once; None where there is none."""
_LEAVING = frozenset({CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART, CloseCode.ABNORMAL_CLOSURE})
"""Codes of a server that goes away; the last one stands for a connection that was cut."""
_MOST_LEFT = 100
"""A server that is restarted as often in a row is followed at once; one that leaves for ever is not hammered."""
# ImportError: a SOCKS proxy in the environment, without the library for it. AssertionError: the library's own, where a
# peer ends the connection in the middle of the handshake.
_TROUBLE = (OSError, WebSocketException, EOFError, ValueError, ImportError, AssertionError)
# The library would write tracebacks of what this module tells in one line.
_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)
_USER = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True)
class Server:
    """Where to connect, and as whom."""

    settings: ServerSettings
    credentials: Credentials

    @property
    def url(self) -> str:
        return (self.settings.url or "").rstrip("/")

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http") + "/api/v1/agents/ws"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"X-API-ID": self.credentials.id, "X-API-KEY": self.credentials.key}


@dataclass(frozen=True)
class Pace:
    """How patient the link is, in seconds."""

    open_s: float = 10.0
    ping_every_s: float = 30.0
    pong_within_s: float = 60.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    after_loss_s: float = 5.0
    """The longest wait where a connection had stood: a fleet must not come back in the same second."""
    stood_s: float = 60.0
    """A connection that lasted as long had stood."""
    told_every_s: float = 0.5
    """The shortest time between two messages to the server."""


@dataclass(frozen=True)
class _Status:
    """Capabilities that the server is still to get."""

    body: Mapping[str, Any] | None
    failures: int = 0
    again_at: float = 0.0

    def due_in_s(self) -> float | None:
        """Seconds until the next try; None where there is nothing to send."""
        return None if self.body is None else max(0.0, self.again_at - time.monotonic())


class _NoRedirect(reconnect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Link:
    """The threads of one server. `take`, `connected` and `news` are called in them."""

    def __init__(
        self,
        server: Server,
        scanners: Sequence[KnownScanner],
        take: Callable[[Understood], None],
        connected: Callable[[], None],
        news: News,
        log: Log,
        pace: Pace = Pace(),
    ) -> None:
        self.server = server
        self._scanners = scanners
        self.state = "not connected yet"
        self._take = take
        self._connected = connected
        self._news = news
        self._log = log
        self._pace = pace
        self._stop = threading.Event()
        self._socket: ClientConnection | None = None
        self._may_speak = threading.Event()
        self._bodies: Queue[Mapping[str, Any] | None] = Queue(1)
        work = (self._listen, self._speak, self._report)
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """False after a fault in the program: its traceback is on standard error."""
        return all(thread.is_alive() for thread in self._threads)

    def tell(self) -> None:
        """There may be news; they are sent over the WebSocket where it is connected, else as soon as it is."""
        self._may_speak.set()

    def report_status(self, body: Mapping[str, Any]) -> None:
        """Send this host's capabilities; again until the server has them, or newer ones come."""
        self._put(body)

    def close(self) -> None:
        self._stop.set()
        socket = self._socket
        if socket is not None:
            threading.Thread(target=socket.close, daemon=True).start()
        self._may_speak.set()
        self._put(None)

    def _put(self, body: Mapping[str, Any] | None) -> None:
        """Only the newest counts, and only the stage's loop puts any."""
        with suppress(Empty):
            self._bodies.get_nowait()
        self._bodies.put(body)

    def _listen(self) -> None:
        failures = left = 0
        while not self._stop.is_set():
            begun = time.monotonic()
            code = self._connect_once()
            if code is not None and time.monotonic() - begun >= self._pace.stood_s:
                failures = left = 0
            elif code in _LEAVING and left < _MOST_LEFT:
                failures, left = 0, left + 1
            else:
                failures += 1
            longest = self._backed_off(failures) if failures else self._pace.after_loss_s
            self._stop.wait(random.uniform(self._pace.first_wait_s / 4, longest))  # noqa: S311 - jitter, not a secret

    def _connect_once(self) -> int | None:
        """From one connection's beginning to its end: the code it was closed with; None where there was none."""
        socket = None
        try:
            with self._connection() as socket:
                self._socket = socket
                if self._stop.is_set():
                    # Closed while it connected: the server would give its commands to this one, the newest.
                    return None
                self._become("connected")
                self._connected()
                self._may_speak.set()
                for text in socket:
                    self._take(understand(text, self._scanners))
            self._become("not connected: the server closed the connection")
        except _TROUBLE as error:
            self._become(_words(error))
        finally:
            self._socket = None
        return socket.close_code if socket else None

    def _backed_off(self, failures: int) -> float:
        return min(self._pace.longest_wait_s, self._pace.first_wait_s * 2.0 ** min(failures, 20))

    def _connection(self) -> ClientConnection:
        server, pace = self.server, self._pace
        return _NoRedirect(
            server.websocket_url,
            additional_headers=dict(server.headers),
            ssl=tls.context(server.settings),
            proxy=proxy_for(server.websocket_url, server.settings.proxy, os.environ),
            compression=None,
            open_timeout=pace.open_s,
            ping_interval=pace.ping_every_s,
            ping_timeout=pace.pong_within_s,
            close_timeout=2.0,
            max_size=MAX_MESSAGE_BYTES,
            user_agent_header="compliance-agent",
            logger=_SILENT,
        ).connect()

    def _speak(self) -> None:
        while not self._stop.is_set():
            self._may_speak.wait()
            self._may_speak.clear()
            while (
                (socket := self._socket) and not self._stop.is_set() and (message := self._news())
            ):
                # Progress is only of the moment: what does not get through now is not kept.
                with suppress(OSError, WebSocketException):
                    socket.send(json.dumps(message))
                self._stop.wait(self._pace.told_every_s)

    def _report(self) -> None:
        status = _Status(None)
        while not self._stop.is_set():
            try:
                status = _Status(self._bodies.get(timeout=status.due_in_s()))
            except Empty:
                status = self._post(status)
                self._stop.wait(self._pace.told_every_s)

    def _post(self, status: _Status) -> _Status:
        """What is still to be sent after a try."""
        server = self.server
        problem = posting.post(server.settings, server.headers, _POST, status.body or {})
        if problem is None:
            return _Status(None)
        if status.failures == 0:
            self._log.warning(
                "capabilities not delivered, trying again", why=_USER.sub("//", problem)
            )
        failures = status.failures + 1
        wait_s = random.uniform(self._pace.first_wait_s, self._backed_off(failures))  # noqa: S311 - jitter, not a secret
        return _Status(status.body, failures, time.monotonic() + wait_s)

    def _become(self, state: str) -> None:
        if self._stop.is_set():
            # Nobody asks any more; and the process may be ending, where a late line of a thread can crash it.
            return
        if state != self.state:
            tell = self._log.info if state == "connected" else self._log.warning
            tell("server commands: " + state, server=self.server.url)
        self.state = state


def _words(error: BaseException) -> str:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in (401, 403):
            return f"not connected: the server answered {status}: check api.id and the API key"
        if 300 <= status < 400:
            return f"not connected: the server answered {status}, a redirect: set server.url to where it leads"
        return f"not connected: the server answered {status}"
    if isinstance(error, ssl.SSLCertVerificationError):
        action = "set server.ca_file"
        if "expired" in error.verify_message or "not yet valid" in error.verify_message:
            action = "check this host's clock, or let the server's certificate be renewed"
        return f"not connected: the certificate is not trusted ({error.verify_message}): {action}"
    # A proxy's address may hold a password.
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = _USER.sub("//", " ".join(said.split())) or type(error).__name__
    return f"not connected: {text}"[:300]
