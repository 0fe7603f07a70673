"""The outcome of one attempt: accepted, refused for good, paused, or temporary. Pure.

Only the server's own answer concludes a scan: a page of HTML, an empty body or half a reply is
never an acknowledgement and never a refusal, whatever its status says. What is not known is treated
so that nothing is discarded.

Sources: RFC 9110; the replies of released PatchMon servers (1.4 to 2.1) and of the agent
specification's server.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from schemas import codec
from schemas.codec import replace
from schemas.records import Record
from stages.patchmon import retry_after
from stages.patchmon.reply import (
    Reply,
    as_id,
    is_page,
    json_object,
    message,
    scan_id_in,
    server_message,
)
from stages.runtime.printable import one_line

_WITHOUT_RETRY_AFTER = {429: "60"}
"""What an answer asks for that has no such header."""
Remedy = Literal["truncate", "no hash"]


class Accepted(Record, frozen=True, kw_only=False):
    status: int
    message: str | None = None
    server_scan_id: str | None = None


class Refused(Record, frozen=True, kw_only=False):
    """The server will never take this request; `remedy`: another form of the same scan may still be
    taken.
    """

    status: int
    message: str
    remedy: Remedy | None = None
    retry_after_s: float = 0.0
    """Seconds for which the server wants no further request."""


class Paused(Record, frozen=True, kw_only=False, tag="paused"):
    """An administrator has to act; nothing is discarded."""

    message: str
    action: str
    status: int | None = None
    retry_after_s: float = 0.0


class Temporary(Record, frozen=True, kw_only=False, tag="temporary"):
    """A later attempt may succeed."""

    message: str
    status: int | None = None
    retry_after_s: float = 0.0
    action: str | None = None
    unsent: bool = False
    """No byte of the body was sent."""


Outcome = Accepted | Refused | Paused | Temporary

_NOT_TAKEN = frozenset({425, 429, 503})

PROXY_CREDENTIALS = (
    "the proxy requires credentials: set server.proxy (http://user:password@proxy:port) or NO_PROXY"
)
FORBIDDEN_ACTION = (
    "the server refuses this host: check the host name in server.url, "
    "and the state of the host at the server"
)
_ACTIONS = {
    401: (
        "check api.id and the API key against this host's page at the server; "
        "services use a changed key after systemctl restart compliance-agent.target"
    ),
    403: FORBIDDEN_ACTION,
    404: (
        "there is no compliance endpoint at this address: check server.url and the server's version"
    ),
    405: "this address does not accept scans: check server.url",
    407: PROXY_CREDENTIALS,
    410: (
        "there is no compliance endpoint at this address any more: "
        "check server.url and the server's version"
    ),
    426: "the server requires a newer protocol: check which of agent and server is to be upgraded",
}
_SEE_THE_LOG = (
    "this is not an answer that the agent knows: see the server's log, and check server.url"
)
_IN_ITS_PLACE = (
    "if this persists, something between here and the server answers in its place (a login page, "
    "a proxy): open server.url from this host"
)
HOST_CHECK_ACTION = (
    "the server does not accept the host name in server.url: add it to CORS_ORIGIN at the server, "
    "or set server.url to the name it has there"
)
_HOST_CHECK_CODES = frozenset({"host_mismatch", "cors_mismatch"})
_FOR_GOOD = frozenset({400, 413, 415, 422})
_TEMPORARY = frozenset({408, 409, 425, 429})


def decide(reply: Reply, now: datetime) -> Outcome:
    """The outcome of an attempt that got a whole reply."""
    outcome = _outcome(reply)
    if isinstance(outcome, Accepted):
        return outcome
    return replace(outcome, retry_after_s=retry_after_s(reply, now))


def retry_after_s(reply: Reply, now: datetime) -> float:
    """Seconds for which the server wants no further request."""
    wanted = reply.headers.get("retry-after", _WITHOUT_RETRY_AFTER.get(reply.status, ""))
    return retry_after.seconds(wanted, now)


def _outcome(reply: Reply) -> Outcome:
    status = reply.status
    if status in (200, 201):
        return _acknowledged(reply)
    if status < 300:
        return _no_acknowledgement(reply, "this is not an acknowledgement")
    if status in _TEMPORARY or status >= 500:
        return Temporary(message(reply), status)
    if status in _FOR_GOOD:
        return _refused(reply)
    if status < 400:
        action = "check server.url: it is not the server's own address"
    elif is_host_check(reply):
        action = HOST_CHECK_ACTION
    else:
        action = _ACTIONS.get(status, _SEE_THE_LOG)
    return Paused(message(reply), action, status)


def refused_by_proxy(status: int) -> Paused | Temporary:
    """The outcome where a proxy makes no connection to the server."""
    if status >= 500:
        return Temporary(f"the proxy can't reach the server ({status})", status)
    action = "check server.proxy and what the proxy allows"
    if status == 407:
        action = PROXY_CREDENTIALS
    return Paused(f"the proxy refuses ({status})", action, status)


def may_be_stored(outcome: Outcome) -> bool:
    """Whether the server may have stored the scan: also where its answer was lost, or a gateway
    answered in its place.
    """
    if isinstance(outcome, Temporary):
        return not outcome.unsent and outcome.status not in _NOT_TAKEN
    return isinstance(outcome, Accepted)


def is_host_check(reply: Reply) -> bool:
    """Whether the server refused the host name by which it was addressed."""
    answer = json_object(reply)
    return reply.status == 403 and answer is not None and answer.get("code") in _HOST_CHECK_CODES


def _acknowledged(reply: Reply) -> Accepted | Refused | Temporary:
    answer = json_object(reply)
    if answer is None:
        return _no_acknowledgement(reply, "this is not an acknowledgement of the server")
    repeated = codec.repeated_key(reply.body)
    if repeated is not None:
        return _no_acknowledgement(reply, f"it has the key {one_line(repeated)[:80]!r} twice")
    if "scans_received" in answer:
        return _counted(reply, answer, answer["scans_received"])
    if contradiction := _contradiction(answer):
        return _no_acknowledgement(reply, contradiction)
    # 201: what was created is the scan, so a plain `id` is the scan's.
    scan_id = scan_id_in(answer)
    if scan_id is None and reply.status == 201:
        scan_id = as_id(answer.get("id"))
    if scan_id is None:
        return _no_acknowledgement(reply, "it names neither scans_received nor a scan id")
    return Accepted(reply.status, server_message(reply), scan_id)


def _contradiction(answer: Mapping[str, Any]) -> str | None:
    """Why an answer does not confirm that the scan was stored."""
    if answer.get("status") == "error":
        return "it reports failure"
    for key in ("success", "ok"):
        if answer.get(key) not in (None, True):
            return "it reports failure"
    if answer.get("error") or answer.get("errors"):
        return "it reports an error"
    return None


def _counted(
    reply: Reply, answer: Mapping[str, Any], count: object
) -> Accepted | Refused | Temporary:
    """A released server's answer: how many scans it has stored."""
    # By its type: for isinstance, true is a number.
    if type(count) is not int or count < 0:
        return _no_acknowledgement(reply, "scans_received is not a number")
    if count == 0:
        reason = (
            "the server stored nothing (scans_received: 0): "
            "is this scanner switched off for the host there?"
        )
        return Refused(reply.status, f"{reason} {message(reply)}")
    if contradiction := _contradiction(answer):
        return _no_acknowledgement(reply, contradiction)
    scan_id = None
    scans = answer.get("scans")
    if isinstance(scans, list) and scans:
        scan_id = scan_id_in(scans[0])
    return Accepted(reply.status, server_message(reply), scan_id)


def _no_acknowledgement(reply: Reply, reason: str) -> Temporary:
    return Temporary(f"{message(reply)}: {reason}", reply.status, action=_IN_ITS_PLACE)


def _refused(reply: Reply) -> Refused | Paused:
    if reply.status == 413:
        # Also from a proxy: a body that is too large for it never reaches the server.
        return Refused(reply.status, message(reply), "truncate")
    if is_page(reply) or not reply.body.strip():
        return Paused(
            message(reply),
            "something between here and the server answers in its place: a proxy?",
            reply.status,
        )
    remedy: Remedy | None = None
    if reply.status == 400:
        remedy = _remedy(message(reply).lower())
    return Refused(reply.status, message(reply), remedy)


def _remedy(text: str) -> Remedy | None:
    if "hash mismatch" in text:
        return "no hash"
    if "invalid json body" in text:
        # What the agent sends is valid JSON: released servers cut a body that is over their limit.
        return "truncate"
    return None
