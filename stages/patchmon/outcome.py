"""What one attempt came to: accepted, refused for good, the destination pauses, or temporary. Pure.

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
from stages.runtime.printable import one_line

_MAX_MESSAGE_CHARS = 300
_A_MINUTE_S = 60.0


class Reply(Record, frozen=True, kw_only=False, tag="reply"):
    """A whole reply; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    overlong: bool = False
    """The body was longer than what is read of it."""


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
    remedy: Literal["truncate", "no hash"] | None = None
    asked_s: float = 0.0
    """Seconds for which the server asked to be left alone, whatever is sent next."""


class Paused(Record, frozen=True, kw_only=False, tag="paused"):
    """Someone has to fix something; nothing is discarded."""

    message: str
    action: str
    status: int | None = None
    asked_s: float = 0.0


class Temporary(Record, frozen=True, kw_only=False, tag="temporary"):
    """A later attempt may succeed."""

    message: str
    status: int | None = None
    asked_s: float = 0.0
    action: str | None = None
    unsent: bool = False
    """Not a byte of the body was sent."""


Outcome = Accepted | Refused | Paused | Temporary

_NOT_TAKEN = frozenset({425, 429, 503})

_ACTIONS = {
    401: (
        "check api.id and the API key against the server's page of this host; "
        "a rotated key is noticed by itself"
    ),
    403: (
        "the server refuses this host: check the host name in server.url, "
        "and the state of the host at the server"
    ),
    404: (
        "there is no compliance endpoint at this address: check server.url and the server's version"
    ),
    405: "this address does not accept scans: check server.url",
    407: (
        "the proxy requires credentials: "
        "set server.proxy (http://user:password@proxy:port) or NO_PROXY"
    ),
    410: (
        "there is no compliance endpoint at this address any more: "
        "check server.url and the server's version"
    ),
    426: "the server requires a newer protocol: check which of agent and server is to be upgraded",
}
_ASK_THE_SERVER = (
    "this is not an answer that the agent knows: see the server's log, and check server.url"
)
_IN_ITS_PLACE = (
    "if this persists: something between here and the server answers in its place (a login page, a "
    "proxy): "
    "open server.url from this host"
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
    asked_s = retry_after.seconds(reply.headers.get("retry-after"), now) or 0.0
    if reply.status == 429 and not reply.headers.get("retry-after", "").strip():
        asked_s = _A_MINUTE_S
    return replace(outcome, asked_s=asked_s)


def _outcome(reply: Reply) -> Outcome:
    status = reply.status
    if status in (200, 201):
        return _acknowledged(reply)
    if status < 300:
        return _no_acknowledgement(reply, "this is not an acknowledgement")
    if status in _TEMPORARY or status >= 500:
        return Temporary(message(reply), status)
    if status in _FOR_GOOD:
        return _for_good(reply)
    if status < 400:
        return Paused(
            message(reply), "check server.url: it is not the server's own address", status
        )
    if is_host_check(reply):
        return Paused(message(reply), HOST_CHECK_ACTION, status)
    return Paused(message(reply), _ACTIONS.get(status, _ASK_THE_SERVER), status)


def _for_good(reply: Reply) -> Refused | Paused:
    """A page in the place of the server's answer, or none at all, refuses nothing, except for its
    size: a body that is too large for a proxy does not reach the server.
    """
    is_no_answer = _is_page(reply) or not reply.body.strip()
    if reply.status != 413 and is_no_answer:
        return Paused(
            message(reply),
            "something between here and the server answers in its place: a proxy?",
            reply.status,
        )
    return _refused(reply)


def may_be_stored(outcome: Outcome) -> bool:
    """Whether the server may have the scan after this. A lost answer, or a gateway's, leaves that
    open.
    """
    if isinstance(outcome, Temporary):
        return not outcome.unsent and outcome.status not in _NOT_TAKEN
    return isinstance(outcome, Accepted)


def is_host_check(reply: Reply) -> bool:
    """Whether the server refused the host name by which it was addressed."""
    answer = json_object(reply)
    return reply.status == 403 and answer is not None and answer.get("code") in _HOST_CHECK_CODES


def message(reply: Reply) -> str:
    """Status and what the server said, in one line that does a terminal no harm."""
    said = _said(reply)
    if said is None:
        return f"HTTP {reply.status}"
    return f"HTTP {reply.status}: {said}"


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
    # What was created is the scan, so there the id alone names it.
    scan_id = _scan_id(answer)
    if scan_id is None and reply.status == 201:
        scan_id = _id_in(answer.get("id"))
    if scan_id is None:
        return _no_acknowledgement(reply, "it names neither scans_received nor a scan id")
    return Accepted(reply.status, _said(reply), scan_id)


def _contradiction(answer: Mapping[str, Any]) -> str | None:
    """Why an answer does not confirm that the scan was stored."""
    if answer.get("status") == "error" or any(
        answer.get(key) not in (None, True) for key in ("success", "ok")
    ):
        return "it reports failure"
    if answer.get("error") or answer.get("errors"):
        return "it reports an error"
    return None


def _counted(
    reply: Reply, answer: Mapping[str, Any], count: object
) -> Accepted | Refused | Temporary:
    """A released server's answer: how many scans it has stored."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return _no_acknowledgement(reply, "scans_received is not a number")
    if count == 0:
        said = (
            "the server stored nothing (scans_received: 0): "
            "is this scanner switched off for the host there?"
        )
        return Refused(reply.status, f"{said} {message(reply)}")
    if contradiction := _contradiction(answer):
        return _no_acknowledgement(reply, contradiction)
    scan_id, scans = None, answer.get("scans")
    if isinstance(scans, list) and scans:
        scan_id = _scan_id(scans[0])
    return Accepted(reply.status, _said(reply), scan_id)


def _no_acknowledgement(reply: Reply, reason: str) -> Temporary:
    return Temporary(f"{message(reply)}: {reason}", reply.status, action=_IN_ITS_PLACE)


def _refused(reply: Reply) -> Refused:
    said = (_said(reply) or "").lower()
    if reply.status == 400 and "hash mismatch" in said:
        return Refused(reply.status, message(reply), "no hash")
    # What the agent sends is JSON: released servers say this of a body that is over their limit.
    is_cut_json = reply.status == 400 and "invalid json" in said
    if reply.status == 413 or is_cut_json:
        return Refused(reply.status, message(reply), "truncate")
    return Refused(reply.status, message(reply))


def _scan_id(answer: object) -> str | None:
    """The server's own id of the scan. An `id` of the whole answer may be anything's: a session's,
    a request's.
    """
    if not isinstance(answer, dict):
        return None
    scan_id = _id_in(answer.get("scan_id")) or _id_in(answer.get("scanId"))
    inner = answer.get("scan")
    if scan_id is None and isinstance(inner, dict):
        return _id_in(inner.get("id"))
    return scan_id


def _id_in(value: object) -> str | None:
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return one_line(str(value))[:_MAX_MESSAGE_CHARS]
    return None


def json_object(reply: Reply) -> Mapping[str, Any] | None:
    """The object in a reply; None where the reply is anything else."""
    if reply.overlong:
        return None
    try:
        value = codec.decode_any(reply.body)
    except codec.SchemaError:
        return None
    if not isinstance(value, dict):
        return None
    return value


def _is_page(reply: Reply) -> bool:
    """HTML: the answer is not this server's, but that of something on the way to it."""
    html = (
        "html" in reply.headers.get("content-type", "").lower() or reply.body.lstrip()[:1] == b"<"
    )
    return html and json_object(reply) is None


def _said(reply: Reply) -> str | None:
    answer = json_object(reply) or {}
    for key in ("error", "message"):
        if isinstance(answer.get(key), str) and answer[key].strip():
            return _short(answer[key])
    return _short(reply.body[: 4 * _MAX_MESSAGE_CHARS].decode("utf-8", "replace")) or None


def _short(text: str) -> str:
    line = one_line(" ".join(text.split()))
    if len(line) <= _MAX_MESSAGE_CHARS:
        return line
    return line[: _MAX_MESSAGE_CHARS - 1] + "…"
