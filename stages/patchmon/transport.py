"""One request to the server, over HTTP.

Promises: the certificate is verified unless the settings say otherwise; never plaintext where the URL says https; no
byte of body or credentials goes to another origin than the configured one; no `.netrc`; at most 1 MiB of the reply
is read; names are resolved anew for every connection; connecting takes at most 10 s, whatever the
number of addresses, and 30 s without any progress end an attempt. `cut` ends one from another thread.

Diagnostics: whatever happens is an outcome; foreign errors never leave this module.
Security: credentials go in headers only; where a server repeats the key, it is cut out of its words.
"""

import io
import os
import ssl
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from schemas.settings import ServerSettings
from stages.patchmon.connections import SocketGuard, pools
from stages.patchmon.credentials import Credentials
from stages.patchmon.failures import outcome_of
from stages.patchmon.outcome import Outcome, Paused, Reply, Temporary, decide
from stages.patchmon.proxies import proxy_for

PATH = "/api/v1/compliance/scans"
CONNECT_S, PROGRESS_S = 10.0, 30.0
_MAX_REPLY_BYTES = 1024 * 1024
_MAX_REDIRECTS = 3
_KEEPING_METHOD = frozenset({301, 302, 307, 308})
_REQUEST_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)


class Transport:
    """A session with the server; kept while scans go out one after another, then closed."""

    def __init__(
        self, server: ServerSettings, connect_s: float = CONNECT_S, progress_s: float = PROGRESS_S
    ) -> None:
        self._server = server
        self._timeouts = (connect_s, progress_s)
        self._line = SocketGuard()
        # No session of requests: it would take credentials from .netrc, keep cookies, and read the whole body of
        # a redirect, however long that is.
        self._adapter = _Adapter(self._line, progress_s)

    def post(
        self, content: bytes, credentials: Credentials, scan_id: str, agent_version: str
    ) -> Outcome:
        """Send one body, and wait for what comes of it."""
        body = io.BytesIO(content)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"compliance-agent/{agent_version}",
            "Idempotency-Key": scan_id,
            "X-API-ID": credentials.id,
            "X-API-KEY": credentials.key,
        }
        try:
            reply = self._send(body, headers)
        except _REQUEST_ERRORS as error:
            outcome = outcome_of(error, *self._timeouts, cut_upload=0 < body.tell() < len(content))
            return (
                replace(outcome, unsent=body.tell() == 0)
                if isinstance(outcome, Temporary)
                else outcome
            )
        if isinstance(reply, Paused):
            return reply
        return decide(_without(reply, credentials.key), len(content), datetime.now(UTC))

    def cut(self) -> None:
        """End the request at hand; for another thread. The session is of no use after that."""
        self._line.cut()

    def close(self) -> None:
        self._adapter.close()
        self._line.close()

    def _send(self, body: io.BytesIO, headers: dict[str, str]) -> Reply | Paused:
        url = f"{(self._server.url or '').rstrip('/')}{PATH}"
        try:
            _origin(url)
        except ValueError as error:
            return Paused(f"the address can't be used: {error}", "check server.url")
        for _ in range(_MAX_REDIRECTS + 1):
            body.seek(0)
            reply = self._request(url, body, headers)
            if reply.status not in _KEEPING_METHOD:
                return reply
            target = redirect(url, reply.headers.get("location"))
            if isinstance(target, Paused):
                return target
            url = target
        return Paused(
            f"redirected more than {_MAX_REDIRECTS} times", "check server.url", reply.status
        )

    def _request(self, url: str, body: io.BytesIO, headers: dict[str, str]) -> Reply:
        proxy = proxy_for(url, self._server.proxy, os.environ)
        with warnings.catch_warnings():
            # The stage says itself, louder, that certificates are not checked.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            response = self._adapter.send(
                requests.Request("POST", url, headers=headers, data=body).prepare(),
                stream=True,
                timeout=self._timeouts,
                verify=_trusted(self._server),
                cert=_client_certificate(self._server),
                proxies={"http": proxy, "https": proxy} if proxy else {},
            )
        with response:
            content = _bounded(response.raw)
            return Reply(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                content[:_MAX_REPLY_BYTES],
                overlong=len(content) > _MAX_REPLY_BYTES,
            )


class _Adapter(HTTPAdapter):
    """requests' adapter over connections that can be cut."""

    def __init__(self, line: SocketGuard, progress_s: float) -> None:
        self._pools = pools(line, progress_s)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def redirect(url: str, location: str | None) -> str | Paused:
    """Where a redirect leads, if that is the same origin. Pure."""
    action = "if that is the server, set server.url to it"
    try:
        target = urljoin(url, location or "")
        if location and _origin(target) == _origin(url):
            return target
        shown = _without_secrets(target)
    except ValueError:
        return Paused("redirected to an address that is none", "check server.url")
    return Paused(
        f"redirected to {shown}, another origin than {_without_secrets(url)}; nothing was sent there",
        action,
    )


def _origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        parts.username,
        parts.hostname,
        parts.port or {"https": 443, "http": 80}.get(parts.scheme),
    )


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


def _trusted(server: ServerSettings) -> bool | str:
    """What `verify` of requests takes: the own file, or the system's certificates, or those of certifi."""
    if not server.verify:
        return False
    if server.ca_file:
        return server.ca_file
    paths = ssl.get_default_verify_paths()
    return paths.cafile or (paths.capath if paths.capath and _is_filled(paths.capath) else True)


def _is_filled(directory: str) -> bool:
    return any(Path(directory).iterdir())


def _client_certificate(server: ServerSettings) -> str | tuple[str, str] | None:
    if server.client_certificate and server.client_key:
        return server.client_certificate, server.client_key
    return server.client_certificate


def _bounded(raw: Any) -> bytes:
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
    body = reply.body.replace(secret.encode(), b"[the API key]")
    return Reply(reply.status, reply.headers, body, reply.overlong)
