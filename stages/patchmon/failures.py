"""What went wrong below HTTP, in words, and whether waiting helps: errors of requests and urllib3 as outcomes.

Certificates, handshakes and refusing proxies pause the destination; connections that can't be made or break off are
temporary. What can't be told apart is temporary: nothing is discarded either way.
"""

import re
import socket
import ssl
from collections.abc import Iterator

from requests.exceptions import (
    ConnectTimeout,
    InvalidHeader,
    InvalidProxyURL,
    InvalidSchema,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    RequestException,
    SSLError,
)
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from stages.patchmon.outcome import Outcome, Paused, Temporary

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_CERTIFICATE = (
    ("expired", "the server's certificate has expired: renew it there"),
    ("not yet valid", "the server's certificate is not yet valid: check this host's clock"),
    (
        "mismatch",
        "the certificate is for another name: set server.url to the name that the certificate has",
    ),
    (
        "not valid for",
        "the certificate is for another name: set server.url to the name that the certificate has",
    ),
    (
        "self-signed",
        "set server.ca_file to the certificate of the authority that signed the server's",
    ),
    (
        "self signed",
        "set server.ca_file to the certificate of the authority that signed the server's",
    ),
    ("issuer", "set server.ca_file to the certificate of the authority that signed the server's"),
    (
        "alert",
        "the server wants another client certificate: set server.client_certificate and server.client_key",
    ),
    ("wrong_version", "the server does not speak TLS there: check the port in server.url"),
)
_CHECK_TLS = "check the server's TLS, and server.ca_file and server.client_certificate here"
_CHECK_FILES = (
    "check server.ca_file, server.client_certificate and server.client_key: path, owner and mode"
)
_NO_FILE = (FileNotFoundError, PermissionError, IsADirectoryError)
_NETWORK = (RequestException, HTTPError)
_CHECK_URL = "check server.url and server.proxy"


def outcome_of(
    error: Exception, connect_s: float, progress_s: float, *, cut_upload: bool
) -> Outcome:
    """The outcome of an attempt that ended in this error; `cut_upload`: not the whole body had been sent."""
    chain = tuple(_chain(error))
    if isinstance(error, ProxyError):
        return _proxy(error, chain)
    if isinstance(error, InvalidHeader | UnicodeError):
        return Paused(
            "api.id or the API key holds characters that no header takes", "set them again"
        )
    if isinstance(error, InvalidURL | InvalidProxyURL | InvalidSchema | LocationParseError):
        return Paused(f"the address can't be used: {_words(chain)}", _CHECK_URL)
    if (_has(chain, _NO_FILE) and not _has(chain, NewConnectionError)) or not isinstance(
        error, _NETWORK
    ):
        return Paused(f"a certificate file can't be read: {_words(chain)}", _CHECK_FILES)
    if tls := next((link for link in chain if isinstance(link, ssl.SSLError)), None):
        return _tls(tls, cut_upload=cut_upload)
    if isinstance(error, SSLError):
        return Paused(f"TLS: {_words(chain)}", _todo(_words(chain)))
    if isinstance(error, ConnectTimeout):
        return Temporary(f"no connection within {connect_s:g} s")
    if isinstance(error, ReadTimeout | ReadTimeoutError) or _has(chain, TimeoutError):
        return Temporary(f"no progress within {progress_s:g} s", cut_upload=cut_upload)
    if _has(chain, NameResolutionError | socket.gaierror):
        return Temporary("the server's name can't be resolved")
    return Temporary(f"the connection failed: {_words(chain)}", cut_upload=cut_upload)


def _proxy(error: ProxyError, chain: tuple[BaseException, ...]) -> Outcome:
    if found := _TUNNEL.search(str(error)):
        status = int(found[1])
        if status == 407:
            action = "the proxy wants credentials: set server.proxy (http://user:password@proxy:port) or NO_PROXY"
            return Paused("the proxy refuses (407)", action, status)
        if status < 500:
            return Paused(
                f"the proxy refuses ({status})",
                "check server.proxy and what the proxy allows",
                status,
            )
        return Temporary(f"the proxy can't reach the server ({status})", status)
    if tls := next((link for link in chain if isinstance(link, ssl.SSLError)), None):
        return Paused(
            f"TLS to the proxy: {_reason(tls)}", "check server.proxy: http:// or https://"
        )
    return Temporary(f"the proxy can't be reached: {_words(chain)}")


def _tls(error: ssl.SSLError, *, cut_upload: bool) -> Outcome:
    if isinstance(error, _BROKEN_OFF):
        action = (
            "if this stays: does the server want a client certificate (server.client_certificate)?"
        )
        return Temporary("the TLS connection broke off", action=action, cut_upload=cut_upload)
    message = _reason(error)
    return Paused(f"TLS: {message}", _todo(message))


def _reason(error: ssl.SSLError) -> str:
    message = getattr(error, "verify_message", "") or error.reason or str(error)
    return str(message).replace("_", " ").lower()


def _todo(message: str) -> str:
    lower = message.lower().replace(" ", "_")
    return next(
        (action for sign, action in _CERTIFICATE if sign.replace(" ", "_") in lower), _CHECK_TLS
    )


def _has(chain: tuple[BaseException, ...], kind: object) -> bool:
    return any(isinstance(link, kind) for link in chain)  # type: ignore[arg-type]


def _words(chain: tuple[BaseException, ...]) -> str:
    """The system's own words where it has some: requests' describe objects in memory."""
    for link in reversed(chain):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return " ".join(str(chain[-1]).split())[:200] or type(chain[-1]).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it carries or was raised from."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        inner = getattr(link, "reason", None)
        inside = [arg for arg in link.args if isinstance(arg, BaseException)]
        link = (
            inner
            if isinstance(inner, BaseException)
            else next(iter(inside), link.__cause__ or link.__context__)
        )
