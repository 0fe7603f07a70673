"""What a ping shows of the host's key. Pure.

Released servers answer most requests with 401 while their database is down, as if the key were
wrong. A ping alone gets another answer then. A server without this endpoint leaves the 401 to mean
what it says.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from schemas.records import Struct
from stages.patchmon.outcome import Outcome, Paused, Temporary, decide
from stages.patchmon.reply import Reply, json_object, message
from stages.patchmon.server_access import AGENT_HEADERS, PING, HttpRequest

Answer = Reply | Paused | Temporary
Ping = Callable[[HttpRequest, float], Answer]
"""Sends a request and waits for the answer, for so many seconds at most."""
PING_LIMIT_S = 15.0
PING_REQUEST = HttpRequest(path=PING, headers=AGENT_HEADERS)
CHECK_KEY = (
    "check api.id and the API key; a new key is shown once, on the host's page at the server"
)
CHECK_DATABASE = "check the server's log and its database; the key is not the cause"
_WRONG = frozenset({401, 404, 405, 501})
"""401, or there is no such endpoint."""


class KeyState(Enum):
    KNOWN = auto()
    WRONG = auto()
    UNCHECKED = auto()
    """The server can't check it now, or something else answered."""


class KeyCheck(Struct, frozen=True):
    state: KeyState
    message: str


def conclude(answer: Answer, ping: Ping, now: datetime) -> Outcome:
    """The outcome of a submission; what a 401 means is checked by a ping."""
    if not isinstance(answer, Reply):
        return answer
    decided = decide(answer, now)
    if answer.status != 401:
        return decided
    check = judge(ping(PING_REQUEST, PING_LIMIT_S))
    if check.state is KeyState.WRONG:
        return decided
    answered = message(answer)
    if check.state is KeyState.KNOWN:
        return Temporary(f"{answered}, but the server knows the key", answer.status)
    return Temporary(
        f"{answered}; the server can't check the key: {check.message}",
        answer.status,
        action=CHECK_DATABASE,
    )


def judge(answer: Answer) -> KeyCheck:
    """What the answer to a ping shows."""
    if not isinstance(answer, Reply):
        return KeyCheck(KeyState.UNCHECKED, answer.message)
    if answer.status in _WRONG:
        return KeyCheck(KeyState.WRONG, message(answer))
    if answer.status < 300 and json_object(answer) is not None:
        return KeyCheck(KeyState.KNOWN, message(answer))
    if answer.status < 400:
        return KeyCheck(KeyState.UNCHECKED, not_a_server(answer))
    return KeyCheck(KeyState.UNCHECKED, message(answer))


def not_a_server(reply: Reply) -> str:
    return f"HTTP {reply.status}: this is not an answer of a PatchMon server"
