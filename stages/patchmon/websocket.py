"""The connection to the server: commands come in over a WebSocket, progress goes out.

It works in threads of its own, so that the main loop never waits for the network. The connection
is retried forever, also after a 401: credentials may be corrected meanwhile. A server that is away
(no connection, a gateway's error, a database that is down) is tried every few seconds, so commands
arrive within 5 s of its return however long it was away. One that refuses is tried with a growing
back-off, and at once after it has taken a report. A connection that stood for less than a minute
counts as a refusal, except for a hundred in a row that ended because the server went away. A peer
that is silent for 90 s is given up.

Diagnostics: the state as one line, for `status`; every change of it is logged once.
Security: TLS, proxy, redirects and credentials by the rule of all requests, certificates read anew
for each connection; messages over 64 KiB end the connection; no compression.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection

from schemas import codec
from schemas.records import Record, Struct
from spool.errors import SpoolError
from stages.patchmon import tls
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.key_check import PING_LIMIT_S, PING_REQUEST, judge
from stages.patchmon.link_pace import LinkPace
from stages.patchmon.proxies import proxy_for
from stages.patchmon.server_access import USER_AGENT, ServerAccess
from stages.patchmon.server_messages import MAX_MESSAGE_BYTES
from stages.patchmon.websocket_errors import (
    NoConnection,
    explained,
    explained_by_ping,
    is_unauthorized,
)
from stages.patchmon.websocket_redirects import WithinOrigin
from stages.runtime.logs import Log
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import WorkerStoppedError

NextMessage = Callable[[], Record | None]
"""The next message for the server, once; None where there is none."""
_SERVER_WENT_AWAY = frozenset(
    {CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART, CloseCode.ABNORMAL_CLOSURE}
)
"""The last one stands for a connection that was cut."""
_MOST_RESTARTS = 100
"""A server that is restarted as often in a row is followed at once; one that stays away is
not hammered.
"""
# ImportError: a SOCKS proxy in the environment, without the library for it. AssertionError: the
# library's own, where a peer ends the connection in the middle of the handshake. RuntimeError: no
# thread can be started.
_EXPECTED_ERRORS = (
    OSError,
    WebSocketException,
    EOFError,
    ValueError,
    ImportError,
    AssertionError,
    RuntimeError,
    tls.TlsError,
)
# The library would write tracebacks of what this module reports in one line.
_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)


_DEFAULT_PACE = LinkPace()
_UNTRIED = "not connected yet"
_CONNECTED = "connected"


class _End(Struct, frozen=True):
    """How an attempt to connect, or a connection, ended."""

    code: int | None = None
    """The code that the connection was closed with; None where there was none."""
    is_away: bool = False
    """Whether there was no server to refuse it."""


class Link:
    """The threads of one server. `take`, `connected` and `next_message` are called in them."""

    def __init__(
        self,
        access: ServerAccess,
        take: Callable[[str | bytes], None],
        connected: Callable[[], None],
        next_message: NextMessage,
        log: Log,
        pace: LinkPace = _DEFAULT_PACE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`changed` is called in a thread when `state` has changed."""
        self.access = access
        self.state = _UNTRIED
        self._take = take
        self._connected = connected
        self._next_message = next_message
        self._log = log
        self._pace = pace
        self._changed = changed
        self._stop = threading.Event()
        self._socket: ClientConnection | None = None
        self._may_send = threading.Event()
        self._try_again = threading.Event()
        self._host = StandaloneHost()
        self._http = HttpWorker(self._host)
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._receive, self._send)
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:
            # The first one must not go on without the second.
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        """False after an internal error: its traceback is on standard error."""
        return all(thread.is_alive() for thread in self._threads)

    def notify(self) -> None:
        """There may be messages; they go over the WebSocket where it is connected, else as soon as
        it is.
        """
        self._may_send.set()

    def close(self) -> None:
        self._stop.set()
        self._host.stopping = True
        self._try_again.set()
        socket = self._socket
        if socket is not None:
            threading.Thread(target=socket.close, daemon=True).start()
        self._may_send.set()

    def retry_now(self) -> None:
        """The server has just been reached in another way."""
        self._try_again.set()

    def _receive(self) -> None:
        failures = restarts = 0
        while not self._stop.is_set():
            started = time.monotonic()
            end = self._connect_once()
            # What counts as a failure makes the next wait longer. A server that is restarted closes
            # each connection within seconds, and one that is away refuses nothing: to wait longer
            # would only keep their commands back.
            stood = end.code is not None and time.monotonic() - started >= self._pace.stood_s
            if stood:
                failures = restarts = 0
            elif end.code in _SERVER_WENT_AWAY and restarts < _MOST_RESTARTS:
                failures, restarts = 0, restarts + 1
            elif end.is_away:
                failures = 0
            else:
                failures += 1
            longest = self._pace.after_loss_s
            if failures:
                longest = self._pace.longest_backoff_s(failures)
            self._try_again.wait(random.uniform(self._pace.first_wait_s / 4, longest))  # noqa: S311 - jitter, not a secret
            self._try_again.clear()
        self._http.stop()

    def _connect_once(self) -> _End:
        """One connection from its start to its end."""
        socket = None
        is_away = False
        try:
            with self._connection() as socket:
                self._http.stop()
                # Before the check: `close` sets the event and then looks for a socket, so one of
                # the two always sees the other.
                self._socket = socket
                if self._stop.is_set():
                    # Closed while it connected: the server would give its commands to this one, the
                    # newest.
                    return _End()
                # Before the state changes: from the moment at which others see `connected`, they
                # must wait for what the server has set in this connection.
                self._connected()
                self._become(_CONNECTED)
                self._may_send.set()
                for text in socket:
                    self._take(text)
            self._become("not connected: the server closed the connection")
        except _EXPECTED_ERRORS as error:
            found = self._explained(error)
            is_away = found.is_away
            self._become(f"not connected: {found.reason}"[:300])
        finally:
            self._socket = None
        if socket is None:
            return _End(is_away=is_away)
        return _End(code=socket.close_code)

    def _explained(self, error: Exception) -> NoConnection:
        if not is_unauthorized(error):
            return explained(error)
        try:
            answer = self._http.send(self.access, PING_REQUEST, b"", PING_LIMIT_S)
        except (WorkerStoppedError, SpoolError):
            return explained(error)
        return explained_by_ping(judge(answer))

    def _connection(self) -> ClientConnection:
        settings, url = self.access.settings, self.access.websocket_url
        proxy = proxy_for(url, settings.proxy, os.environ)
        options: dict[str, Any] = {}
        if url.startswith("wss:"):
            options["ssl"] = tls.context(settings)
        if proxy and proxy.startswith("https:"):
            options["proxy_ssl"] = tls.context(settings)
        return WithinOrigin(
            url,
            additional_headers=dict(self.access.headers),
            proxy=proxy,
            compression=None,
            timeout=self._pace.connect_s,
            open_timeout=self._pace.open_s,
            ping_interval=self._pace.ping_every_s,
            ping_timeout=self._pace.pong_within_s,
            close_timeout=2.0,
            max_size=MAX_MESSAGE_BYTES,
            user_agent_header=USER_AGENT,
            logger=_SILENT,
            **options,
        ).connect()

    def _send(self) -> None:
        while not self._stop.is_set():
            self._may_send.wait()
            # Cleared before sending: what is put while a message is sent sets it again.
            self._may_send.clear()
            while self._send_next():
                self._stop.wait(self._pace.between_messages_s)

    def _send_next(self) -> bool:
        """Whether there was a message. One that can't be sent is dropped: by the next attempt it
        would be out of date.
        """
        socket = self._socket
        if socket is None or self._stop.is_set():
            return False
        message = self._next_message()
        if message is None:
            return False
        with suppress(OSError, WebSocketException):
            socket.send(codec.encode(message).decode())
        return True

    @property
    def is_tried(self) -> bool:
        """Whether the first attempt to connect is over."""
        return self.state != _UNTRIED

    @property
    def is_connected(self) -> bool:
        """Whether the server's commands can arrive."""
        return self.state == _CONNECTED

    def _become(self, state: str) -> None:
        if self._stop.is_set():
            # The process may be ending, where a late line of a thread can crash it.
            return
        if state != self.state:
            log = self._log.warning
            if state == _CONNECTED:
                log = self._log.info
            log("server commands: " + state, server=self.access.url)
            self.state = state
            self._changed()
