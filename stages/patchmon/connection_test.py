"""The connection test: each step on the way to a working host, and which of them fails.

The steps, in this order: the server's name is resolved; a connection is made, with TLS where the
URL has it; the server accepts the host name by which it is addressed; it knows the host's key; it
has compliance scans switched on for the host. After a step that failed the later ones are skipped:
they could only fail for the same reason.

Each step runs in a worker process, so one that hangs ends at its limit.

Security: the key is sent only once a connection with a verified certificate was made.
"""

import os
import socket
from collections.abc import Callable, Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from schemas import codec
from schemas.records import Record
from schemas.settings import ServerSettings
from stages.patchmon.connection_risk import connection_risk
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.integrations import IntegrationsError, read_integrations
from stages.patchmon.key_check import CHECK_DATABASE, CHECK_KEY, KeyState, judge
from stages.patchmon.outcome import (
    HOST_CHECK_ACTION,
    PROXY_CREDENTIALS,
    Paused,
    Temporary,
    is_host_check,
)
from stages.patchmon.proxies import DEFAULT_PORTS, proxy_for
from stages.patchmon.reply import Reply, json_object, message
from stages.patchmon.server_access import (
    AGENT_HEADERS,
    HEALTH,
    INTEGRATIONS,
    PING,
    HttpRequest,
    ServerAccess,
)
from stages.patchmon.server_messages import KnownScanners
from stages.runtime.printable import listed
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Worker, WorkerError

_LIMIT_S = 45.0
_MOST_ADDRESSES = 4


class StepName(StrEnum):
    NAME = "name"
    CONNECTION = "connection"
    HOST_CHECK = "host check"
    KEY = "key"
    MODE = "compliance mode"


class StepResult(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """The step succeeded, and something about it should be changed."""
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(Record, frozen=True, kw_only=True):
    """One step of the test, with what was found."""

    name: StepName
    result: StepResult
    message: str
    action: str | None = None


class _Lookup(Record, frozen=True, kw_only=True):
    host: str
    port: int


class _Addresses(Record, frozen=True, kw_only=True):
    found: tuple[str, ...] = ()
    error: str | None = None


def run(access: ServerAccess, scanners: KnownScanners) -> Iterator[Step]:
    """The steps, each as soon as it is done; always all of them."""
    test = _ConnectionTest(access, scanners)
    has_failed = False
    try:
        for name, step in test.steps.items():
            if has_failed:
                yield _step(name, StepResult.SKIPPED, "an earlier step failed")
                continue
            done = step()
            has_failed = done.result is StepResult.FAILED
            yield done
    finally:
        test.close()


class _ConnectionTest:
    def __init__(self, access: ServerAccess, scanners: KnownScanners) -> None:
        self._access = access
        self._scanners = scanners
        host = StandaloneHost()
        self._http = HttpWorker(host)
        self._lookup = Worker(host, f"{__name__}:look_up")
        self._greeting: Reply | None = None
        self.steps: dict[StepName, Callable[[], Step]] = {
            StepName.NAME: self._name,
            StepName.CONNECTION: self._connection,
            StepName.HOST_CHECK: self._host_check,
            StepName.KEY: self._key,
            StepName.MODE: self._mode,
        }

    def close(self) -> None:
        self._http.stop()
        self._lookup.stop()

    def _name(self) -> Step:
        settings = self._access.settings
        proxy = proxy_for(self._access.url, settings.proxy, os.environ)
        try:
            wanted = _lookup_of(proxy or self._access.url)
        except ValueError as error:
            return _failed(StepName.NAME, f"the address can't be used: {error}", "check server.url")
        host = wanted.host
        if proxy is not None:
            host = f"the proxy {wanted.host}"
        try:
            answer = self._lookup.call(codec.encode(wanted), _LIMIT_S)
        except WorkerError as error:
            return _failed(StepName.NAME, f"{host}: {error}", "check this host's resolver")
        addresses = codec.decode(answer, _Addresses)
        if addresses.error is not None:
            return _failed(
                StepName.NAME,
                f"{host} can't be resolved: {addresses.error}",
                "check the name in server.url, and this host's resolver (/etc/resolv.conf)",
            )
        if addresses.found == (wanted.host,):
            return _ok(StepName.NAME, f"{host} is an address")
        return _ok(StepName.NAME, f"{host} is {listed(addresses.found, _MOST_ADDRESSES)}")

    def _connection(self) -> Step:
        """Tested without credentials, which are sent only after this step has succeeded."""
        answer = self._send("GET", HEALTH, with_credentials=False)
        if isinstance(answer, Paused | Temporary):
            return _no_reply(StepName.CONNECTION, answer)
        if answer.status == 407:
            return _failed(StepName.CONNECTION, message(answer), PROXY_CREDENTIALS)
        self._greeting = answer
        return _connected(self._access.settings)

    def _host_check(self) -> Step:
        greeting = self._greeting
        if greeting is None:
            return _step(StepName.HOST_CHECK, StepResult.SKIPPED, "the server was not reached")
        if is_host_check(greeting):
            return _failed(StepName.HOST_CHECK, message(greeting), HOST_CHECK_ACTION)
        if greeting.status >= 300 or json_object(greeting) is None:
            # Not the answer of a server that is well: what it would say to the name is not known.
            text = f"not checked: {message(greeting)}"
            return _step(StepName.HOST_CHECK, StepResult.SKIPPED, text)
        return _ok(StepName.HOST_CHECK, "the server accepts the host name in server.url")

    def _key(self) -> Step:
        """Checked by a ping: where its database is down, the server answers every other request
        with 401, as it does for a wrong key.
        """
        credentials = self._access.credentials
        if credentials is None:
            return _failed(StepName.KEY, "this host has no credentials", CHECK_KEY)
        answer = self._send("POST", PING)
        if isinstance(answer, Paused | Temporary):
            return _no_reply(StepName.KEY, answer)
        if is_host_check(answer):
            return _failed(StepName.KEY, message(answer), HOST_CHECK_ACTION)
        check = judge(answer)
        if check.state is KeyState.WRONG:
            return _failed(StepName.KEY, check.message, CHECK_KEY)
        if check.state is KeyState.UNCHECKED and answer.status >= 500:
            return _failed(
                StepName.KEY, f"the server can't check it: {check.message}", CHECK_DATABASE
            )
        if check.state is KeyState.UNCHECKED:
            action = "check server.url"
            if answer.status == 407:
                action = PROXY_CREDENTIALS
            return _failed(StepName.KEY, check.message, action)
        return _ok(StepName.KEY, f"the server knows {credentials.id}")

    def _mode(self) -> Step:
        answer = self._send("GET", INTEGRATIONS)
        if isinstance(answer, Paused | Temporary):
            return _no_reply(StepName.MODE, answer)
        if answer.status in (404, 405, 501):
            return _ok(StepName.MODE, "this server has no such setting")
        if answer.status >= 300:
            return _failed(StepName.MODE, message(answer), "check the server's log")
        try:
            found = read_integrations(answer, self._scanners)
        except IntegrationsError as error:
            return _failed(StepName.MODE, str(error), "check server.url and the server's version")
        if found.mode == "disabled":
            return _step(
                StepName.MODE,
                StepResult.WARNING,
                "compliance is off for this host at the server",
                "switch it on there, on the host's page under Integrations",
            )
        facts: list[str] = [found.mode or "not set"]
        for scanner in self._scanners:
            if found.scanners.get(scanner.key) is False:
                facts.append(f"{scanner.title} is off")
        return _ok(StepName.MODE, ", ".join(facts))

    def _send(
        self, method: str, path: str, *, with_credentials: bool = True
    ) -> Reply | Paused | Temporary:
        access = self._access
        if not with_credentials:
            access = ServerAccess(access.settings, None)
        request = HttpRequest(method=method, path=path, headers=AGENT_HEADERS)
        return self._http.send(access, request, b"", _LIMIT_S)


def look_up(payload: bytes) -> bytes:
    """The addresses of a name, in the worker process."""
    wanted = codec.decode(payload, _Lookup)
    try:
        found = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return codec.encode(_Addresses(error=reason))
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return codec.encode(_Addresses(found=tuple(addresses)))


def _lookup_of(url: str) -> _Lookup:
    """Raises ValueError."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("no host name")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    return _Lookup(host=parts.hostname, port=port)


def _connected(settings: ServerSettings) -> Step:
    risk = connection_risk(settings)
    if risk is not None:
        return _step(
            StepName.CONNECTION, StepResult.WARNING, f"connected; {risk.message}", risk.action
        )
    if (settings.url or "").startswith("https:"):
        return _ok(StepName.CONNECTION, "connected by TLS, the certificate is trusted")
    return _ok(StepName.CONNECTION, "connected on this host, without TLS")


def _no_reply(name: StepName, answer: Paused | Temporary) -> Step:
    action = answer.action or "check that the server runs, and server.url and firewalls"
    return _failed(name, answer.message, action)


def _ok(name: StepName, text: str) -> Step:
    return _step(name, StepResult.OK, text)


def _failed(name: StepName, text: str, action: str) -> Step:
    return _step(name, StepResult.FAILED, text, action)


def _step(name: StepName, result: StepResult, text: str, action: str | None = None) -> Step:
    return Step(name=name, result=result, message=text, action=action)
