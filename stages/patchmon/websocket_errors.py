"""Why there is no WebSocket, for people, and whether the server is away or refuses. Pure."""

import ssl

from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
)
from websockets.frames import CloseCode
from websockets.http11 import Response

from schemas.records import Struct
from stages.patchmon import tls
from stages.patchmon.key_check import CHECK_DATABASE, CHECK_KEY, KeyCheck, KeyState
from stages.patchmon.outcome import (
    FORBIDDEN_ACTION,
    HOST_CHECK_ACTION,
    Temporary,
    is_host_check,
    refused_by_proxy,
)
from stages.patchmon.proxies import without_user
from stages.patchmon.reply import Reply
from stages.runtime.printable import one_line

_SERVER_ERRORS = frozenset({500, 502, 503, 504})
_WRONG_KEY = f"the server answered 401: {CHECK_KEY}"


class NoConnection(Struct, frozen=True):
    """What came of an attempt to connect."""

    reason: str
    is_away: bool
    """Whether there was no server to refuse it: waiting helps."""


def is_unauthorized(error: Exception) -> bool:
    """Whether the key was refused, or could not be checked."""
    return isinstance(error, InvalidStatus) and error.response.status_code == 401


def explained(error: Exception) -> NoConnection:
    """What an error of the library, of TLS or of the system means."""
    if isinstance(error, InvalidStatus):
        return _refused(error.response)
    if isinstance(error, InvalidProxyStatus):
        return _refused_by_proxy(error.response.status_code)
    if isinstance(error, tls.TlsError):
        return NoConnection(f"{error}: {tls.CHECK_FILES}", is_away=False)
    if isinstance(error, InvalidMessage | ConnectionClosed):
        return _ended(error)
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return NoConnection(_shown(reason), is_away=isinstance(error, OSError))


def _ended(error: InvalidMessage | ConnectionClosed) -> NoConnection:
    """The connection ended, before there was an answer or later."""
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        reason = _shown(f"the server closed the connection: {error.rcvd}")
        return NoConnection(reason, is_away=False)
    if isinstance(error, ConnectionClosed) and error.sent is not None:
        if error.sent.code == CloseCode.INTERNAL_ERROR:
            return NoConnection("the server did not answer a ping in time", is_away=True)
        reason = _shown(f"this agent closed the connection: {error.sent}")
        return NoConnection(reason, is_away=False)
    # The library's own message is about lines and frames. What TLS or the system reported, a
    # refused client certificate for instance, is in the cause.
    if isinstance(error.__cause__, OSError):
        return explained(error.__cause__)
    if isinstance(error, ConnectionClosed) or isinstance(error.__cause__, EOFError):
        return NoConnection("the connection was cut off", is_away=True)
    return NoConnection("this is not an answer of a PatchMon server", is_away=False)


def _of_tls(error: ssl.SSLError) -> NoConnection:
    if isinstance(error, tls.BROKEN_OFF):
        return NoConnection(f"{tls.INTERRUPTED}; {tls.IF_INTERRUPTED_AGAIN}", is_away=True)
    text = f"TLS: {tls.reason_of(error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"the certificate is not trusted ({error.verify_message})"
    return NoConnection(f"{text}: {tls.action(error)}", is_away=False)


def _shown(text: str) -> str:
    return without_user(one_line(" ".join(text.split())))


def _refused_by_proxy(status: int) -> NoConnection:
    outcome = refused_by_proxy(status)
    if isinstance(outcome, Temporary):
        return NoConnection(outcome.message, is_away=True)
    return NoConnection(f"{outcome.message}: {outcome.action}", is_away=False)


def explained_by_ping(check: KeyCheck) -> NoConnection:
    """What a 401 means, after a ping."""
    if check.state is KeyState.WRONG:
        return NoConnection(_WRONG_KEY, is_away=False)
    if check.state is KeyState.KNOWN:
        text = "the server answered 401, but knows the key: see the server's log"
        return NoConnection(text, is_away=True)
    text = f"the server can't check the key: {check.message}: {CHECK_DATABASE}"
    return NoConnection(text, is_away=True)


def _refused(response: Response) -> NoConnection:
    """The server, or what stands before it, answered with something other than a WebSocket."""
    status = response.status_code
    if status == 401:
        return NoConnection(_WRONG_KEY, is_away=False)
    answered = f"the server answered {status}"
    if status == 403:
        reply = Reply(status, {}, bytes(response.body))
        action = FORBIDDEN_ACTION
        if is_host_check(reply):
            action = HOST_CHECK_ACTION
        return NoConnection(f"{answered}: {action}", is_away=False)
    if 300 <= status < 400:
        answered = f"{answered}, a redirect: set server.url to where it leads"
    return NoConnection(answered, is_away=status in _SERVER_ERRORS)
