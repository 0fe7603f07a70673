"""Why there is no WebSocket, for people, and whether the server is away or refuses. Pure."""

import ssl

from websockets.exceptions import InvalidStatus

from schemas.records import Struct
from stages.patchmon import tls
from stages.patchmon.key_check import CHECK_DATABASE, CHECK_KEY, KeyCheck, KeyState
from stages.patchmon.outcome import HOST_CHECK_ACTION
from stages.patchmon.proxies import without_user

_SERVER_ERRORS = frozenset({500, 502, 503, 504})


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
        status = error.response.status_code
        return NoConnection(_refusal(status), status in _SERVER_ERRORS)
    if isinstance(error, tls.TlsError):
        return NoConnection(f"{error}: {tls.CHECK_FILES}", is_away=False)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message
        text = f"the certificate is not trusted ({reason}): {tls.action(reason)}"
        return NoConnection(text, is_away=False)
    text = getattr(error, "strerror", None) or str(error)
    is_of_the_system = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
    reason = without_user(" ".join(text.split())) or type(error).__name__
    return NoConnection(reason, is_of_the_system)


def explained_by_ping(check: KeyCheck) -> NoConnection:
    """What a 401 means, after a ping."""
    if check.state is KeyState.WRONG:
        return NoConnection(_refusal(401), is_away=False)
    if check.state is KeyState.KNOWN:
        text = "the server answered 401, but knows the key: see the server's log"
        return NoConnection(text, is_away=True)
    text = f"the server can't check the key: {check.message}: {CHECK_DATABASE}"
    return NoConnection(text, is_away=True)


def _refusal(status: int) -> str:
    answered = f"the server answered {status}"
    if status == 401:
        return f"{answered}: {CHECK_KEY}"
    if status == 403:
        return f"{answered}: {HOST_CHECK_ACTION}"
    if 300 <= status < 400:
        return f"{answered}, a redirect: set server.url to where it leads"
    return answered
