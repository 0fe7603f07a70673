"""Errors of the HTTP library as outcomes: what went wrong below HTTP, and whether waiting helps.

Certificates, handshakes and proxies that refuse pause the destination; connections that can't be
made or break off are temporary. What can't be distinguished is temporary: nothing is discarded
either way.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

from requests.exceptions import (
    ConnectTimeout,
    InvalidHeader,
    InvalidProxyURL,
    InvalidSchema,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    SSLError,
)
from urllib3.exceptions import InvalidHeader as InvalidReplyHeader
from urllib3.exceptions import LocationParseError, NameResolutionError, ReadTimeoutError

from schemas.records import Struct
from stages.patchmon import tls
from stages.patchmon.outcome import Paused, Temporary, refused_by_proxy

E = TypeVar("E", bound=BaseException)
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_UNUSABLE_HEADER = (InvalidHeader, UnicodeEncodeError)
_UNUSABLE_ADDRESS = (InvalidURL, InvalidProxyURL, InvalidSchema, LocationParseError)
_TIMEOUT = (ReadTimeout, ReadTimeoutError, TimeoutError)
_UNKNOWN_NAME = (NameResolutionError, socket.gaierror)


class RequestLimits(Struct, frozen=True):
    """Seconds after which a request is given up."""

    connect_s: float
    progress_s: float


def outcome_of(error: Exception, limits: RequestLimits) -> Paused | Temporary:
    """The outcome of a request that ended in this error."""
    chain = tuple(_chain(error))
    tls_error = _first(chain, ssl.SSLError)
    if isinstance(error, ProxyError):
        return _of_the_proxy(error, chain, tls_error)
    if _first(chain, InvalidReplyHeader):
        return Temporary(f"the reply has a header that can't be used: {_reason(chain)}")
    if isinstance(error, _UNUSABLE_HEADER):
        return Paused(
            "api.id or the API key contains characters that are not allowed in an HTTP header",
            "set them again",
        )
    if isinstance(error, _UNUSABLE_ADDRESS):
        return Paused(
            f"the address can't be used: {_reason(chain)}", "check server.url and server.proxy"
        )
    if tls_error is not None:
        return _of_tls(tls_error)
    if isinstance(error, SSLError):
        return Paused(f"TLS: {_reason(chain)}", tls.CHECK_TLS)
    return Temporary(_of_the_network(error, chain, limits))


def _of_the_network(
    error: Exception, chain: tuple[BaseException, ...], limits: RequestLimits
) -> str:
    if isinstance(error, ConnectTimeout):
        return f"no connection within {limits.connect_s:g} s"
    if _first(chain, *_TIMEOUT):
        return f"no progress within {limits.progress_s:g} s"
    if _first(chain, *_UNKNOWN_NAME):
        return "the server's name can't be resolved"
    if _first(chain, http.client.IncompleteRead):
        return "the connection ended in the middle of the answer"
    return f"the connection failed: {_reason(chain)}"


def _of_the_proxy(
    error: ProxyError, chain: tuple[BaseException, ...], tls_error: ssl.SSLError | None
) -> Paused | Temporary:
    refusal = _TUNNEL.search(str(error))
    if refusal is not None:
        return refused_by_proxy(int(refusal[1]))
    if tls_error is not None:
        return Paused(
            f"TLS to the proxy: {tls.reason_of(tls_error)}",
            "check server.proxy: http:// or https://",
        )
    return Temporary(f"the proxy can't be reached: {_reason(chain)}")


def _of_tls(error: ssl.SSLError) -> Paused | Temporary:
    if isinstance(error, tls.BROKEN_OFF):
        return Temporary(tls.INTERRUPTED, action=tls.IF_INTERRUPTED_AGAIN)
    return Paused(f"TLS: {tls.reason_of(error)}", tls.action(error))


def _first(chain: tuple[BaseException, ...], *kinds: type[E]) -> E | None:
    return next((link for link in chain if isinstance(link, kinds)), None)


def _reason(chain: tuple[BaseException, ...]) -> str:
    """The system's message if there is one: the library's describe objects in memory."""
    for link in reversed(chain):
        message = getattr(link, "strerror", None)
        if message:
            return str(message)
    return " ".join(str(chain[-1]).split())[:200] or type(chain[-1]).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised from."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__ or _wrapped(link)


def _wrapped(error: BaseException) -> BaseException | None:
    """The error that urllib3 has put into its own SSLError, without raising from it."""
    for argument in error.args:
        if isinstance(argument, BaseException):
            return argument
    return None
