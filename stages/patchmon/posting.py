"""One small POST, for what the trigger stage has to tell the server outside its WebSocket.

Diagnostics: the reason in one line; nothing is raised for what the network or the server does.
Security: TLS as the settings say; redirects are not followed; little of a reply is read, and not for long.
"""

import json
import os
import socket
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from schemas.settings import ServerSettings
from stages.patchmon import tls
from stages.patchmon.proxies import proxy_for

_LIMIT_S = 30.0
_MAX_REPLY_BYTES = 64 * 1024


def post(
    server: ServerSettings,
    headers: Mapping[str, str],
    path: str,
    body: Mapping[str, Any],
    limit_s: float = _LIMIT_S,
) -> str | None:
    """Post JSON. None where the server took it, else why it did not."""
    request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
        (server.url or "").rstrip("/") + path,
        json.dumps(body).encode(),
        {**headers, "Content-Type": "application/json", "User-Agent": "compliance-agent"},
        method="POST",
    )
    if proxy := proxy_for(request.full_url, server.proxy, os.environ):
        _set_proxy(request, proxy)
    try:
        with (
            _Limit(limit_s) as limit,
            _opener(server, limit).open(request, timeout=limit_s) as reply,
        ):
            reply.read(_MAX_REPLY_BYTES)
            # A connection that was cut looks like the end of a reply.
            return f"no whole answer within {limit_s:g} s" if limit.is_over else None
    except urllib.error.HTTPError as error:
        error.close()
        return f"the server answered {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        return " ".join(said.split())[:300] or type(error).__name__


class _Limit:
    """Cuts connections that are still open when the time is over: a reply that trickles keeps no one waiting."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def opened(self, sock: socket.socket) -> None:
        # A second handle: TLS takes the first one over.
        self._sockets.append(socket.socket(fileno=os.dup(sock.fileno())))

    def _cut(self) -> None:
        self.is_over = True
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        for sock in self._sockets:
            sock.close()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        return None


def _opener(server: ServerSettings, limit: _Limit) -> urllib.request.OpenerDirector:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            limit.opened(self.sock)

    class Secure(HTTPSConnection, Plain):
        """Connects as the plain one does, then begins TLS."""

    class Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
        def http_open(self, request: urllib.request.Request) -> Any:
            return self.do_open(Plain, request)

        def https_open(self, request: urllib.request.Request) -> Any:
            return self.do_open(Secure, request, context=tls.context(server))

    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect(), Handler())


def _set_proxy(request: urllib.request.Request, proxy: str) -> None:
    """Not by the library's handler, which asks NO_PROXY by a rule of its own."""
    parts = urlsplit(proxy)
    if parts.username:
        message = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Proxy-Authorization", f"Basic {b64encode(message.encode()).decode()}")
    request.set_proxy(parts.netloc.rpartition("@")[2], parts.scheme)
