"""The HTTP client: every request to the server goes through here, under one rule.

Promises: the server's certificate is verified unless the settings say otherwise; no plaintext where
the URL says https; at most three redirects are followed, with the same method and only within the
origin, so no byte of body or credentials goes anywhere else; no `.netrc`, no cookies; at most 1 MiB
of a reply is read and nothing is unpacked; names are resolved anew for each connection. An address
that does not accept a connection is given up after 5 s and the next one is tried; 30 s without any
progress end a request. There is no limit for a request as a whole: that is the deadline of the
process in which it runs (`stages.patchmon.http_worker`).

Diagnostics: whatever happens is a value; errors of the HTTP library never leave this module.
Security: credentials go in headers only; a server that repeats the key in its reply does not get it
into a log.
"""

import io
import os
import ssl
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from http.client import HTTPResponse
from typing import Any, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from schemas.codec import replace
from stages.patchmon import http_errors, redirects, tls
from stages.patchmon.outcome import Paused, Temporary
from stages.patchmon.proxies import proxy_for
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import HttpRequest, ServerAccess, SinkError

CONNECT_S, PROGRESS_S = 5.0, 30.0
_MAX_REPLY_BYTES = 1024 * 1024
_PIECE_BYTES = 256 * 1024
_WITH_CONTENT = frozenset({200, 206})
_INTERIM = frozenset({*range(100, 200)} - {101})
"""Answers that another one follows (RFC 9110, 15.2); 101 would be the last one in HTTP."""


class Sink(Protocol):
    """Where the body of a long reply goes."""

    def receive(self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        """A SinkError that it raises ends the request and passes through."""


class HttpClient:
    """Requests to one server, one after another over one connection."""

    def __init__(
        self, access: ServerAccess, connect_s: float = CONNECT_S, progress_s: float = PROGRESS_S
    ) -> None:
        self._access = access
        self._limits = http_errors.RequestLimits(connect_s, progress_s)
        self._adapter = _Adapter(access, progress_s)

    def send(
        self, request: HttpRequest, body: bytes = b"", sink: "Sink | None" = None
    ) -> Reply | Paused | Temporary:
        """Send one request and wait for the whole reply.

        The body of a good reply goes to `sink`, where there is one, in pieces and of any length.
        """
        try:
            redirects.origin(self._access.url)
        except ValueError as error:
            return Paused(f"the address can't be used: {error}", "check server.url")
        content = io.BytesIO(body)
        try:
            reply = self._follow(request, content, sink)
        except SinkError:
            raise
        except tls.TlsError as error:
            return Paused(str(error), tls.CHECK_FILES)
        # Whatever it is: a hostile reply raises errors that the library does not document, such as
        # a ValueError for a chunk size of -5.
        except Exception as error:
            outcome = http_errors.outcome_of(error, self._limits)
            # The library reads the body piece by piece as it sends it, so what was not read was not
            # sent.
            if isinstance(outcome, Temporary) and content.tell() == 0:
                return replace(outcome, unsent=True)
            return outcome
        credentials = self._access.credentials
        if isinstance(reply, Reply) and credentials is not None:
            return _without(reply, credentials.key)
        return reply

    def close(self) -> None:
        self._adapter.close()

    def _follow(
        self, request: HttpRequest, content: io.BytesIO, sink: "Sink | None"
    ) -> Reply | Paused:
        """Send, and send again to where a redirect leads."""
        url = self._access.url + request.path
        for _ in range(redirects.MOST + 1):
            content.seek(0)
            reply = self._send_once(url, request, content, sink)
            if reply.status not in redirects.STATUSES:
                return reply
            target = redirects.target_of(url, reply.headers.get("location"))
            if isinstance(target, Paused):
                return target
            url = target
        return Paused(
            f"redirected more than {redirects.MOST} times", "check server.url", reply.status
        )

    def _send_once(
        self, url: str, request: HttpRequest, content: io.BytesIO, sink: "Sink | None"
    ) -> Reply:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        headers |= {**request.headers, **self._access.headers}
        data: io.BytesIO | None = content
        if not content.getbuffer().nbytes:
            # An empty stream would be sent in chunks, which some proxies refuse in a GET.
            data = None
        prepared = requests.Request(request.method, url, headers=headers, data=data).prepare()
        proxies: dict[str, str] = {}
        proxy = proxy_for(url, self._access.settings.proxy, os.environ)
        if proxy is not None:
            proxies = {"http": proxy, "https": proxy}
        with warnings.catch_warnings():
            # Where certificates are not verified, the stage logs that itself.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            # The adapter alone, not a session: a session would take credentials from .netrc, keep
            # cookies, and read the whole body of a redirect, however long that is.
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._limits.connect_s, self._limits.progress_s),
                verify=self._access.settings.verify,
                proxies=proxies,
            )
        received = {name.lower(): value for name, value in response.headers.items()}
        with response:
            if sink is not None and response.status_code in _WITH_CONTENT:
                sink.receive(response.status_code, received, _pieces(response.raw))
                content_read = b""
            else:
                content_read = _read_limited(response.raw)
        return Reply(
            response.status_code,
            received,
            content_read[:_MAX_REPLY_BYTES],
            overlong=len(content_read) > _MAX_REPLY_BYTES,
        )


class _Adapter(HTTPAdapter):
    """The library's adapter with the TLS context of the settings, also towards a proxy."""

    def __init__(self, access: ServerAccess, progress_s: float) -> None:
        self._settings = access.settings
        self._pools = _pools(progress_s)
        super().__init__()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls.context(self._settings)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        if proxy.startswith("https:"):
            kwargs["proxy_ssl_context"] = self._context
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, {}
        return host, {"cert_reqs": pool["cert_reqs"], "ssl_context": self._context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the library would add its own list of authorities to the context."""


class _FinalResponse(HTTPResponse):
    """The final answer to a request. The library itself takes an interim answer other than 100 for
    the final one.
    """

    def begin(self) -> None:
        super().begin()
        while self.status in _INTERIM:
            # The library reads a header only if it has none yet.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


def _pools(progress_s: float) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Connections that apply the limit for progress while they send a body. The library's own apply
    the limit for connecting to it.
    """

    class PatientConnection(HTTPConnection):
        response_class = _FinalResponse

        def send(self, data: Any) -> None:
            if self.sock is not None:
                self.sock.settimeout(progress_s)
            super().send(data)

    class PatientTlsConnection(PatientConnection, HTTPSConnection):
        """The same over TLS."""

    class PatientPool(urllib3.HTTPConnectionPool):
        ConnectionCls = PatientConnection

    class PatientTlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = PatientTlsConnection

    return {"http": PatientPool, "https": PatientTlsPool}


def _pieces(raw: Any) -> Iterator[bytes]:
    """The reply's bytes as they came."""
    while chunk := raw.read(_PIECE_BYTES, decode_content=False):
        yield chunk


def _read_limited(raw: Any) -> bytes:
    """The reply's bytes as they came, one more than the limit where there are more."""
    chunks, length = [], 0
    while length <= _MAX_REPLY_BYTES:
        chunk = raw.read(min(65536, _MAX_REPLY_BYTES + 1 - length), decode_content=False)
        if not chunk:
            break
        chunks.append(chunk)
        length += len(chunk)
    return b"".join(chunks)


def _without(reply: Reply, secret: str) -> Reply:
    return replace(reply, body=reply.body.replace(secret.encode(), b"[the API key]"))
