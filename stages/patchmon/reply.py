"""A whole reply to one request, and what it says. Pure.

Security: a reply is hostile. What it says is passed on as one short line that a terminal can show.
"""

from collections.abc import Mapping
from typing import Any

from schemas import codec
from schemas.records import Record
from stages.runtime.printable import one_line

_MAX_MESSAGE_CHARS = 300


class Reply(Record, frozen=True, kw_only=False, tag="reply"):
    """A whole reply; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    overlong: bool = False
    """The body was longer than what is read of it."""


def message(reply: Reply) -> str:
    """The status and the server's message, in one line."""
    text = server_message(reply)
    if text is None:
        return f"HTTP {reply.status}"
    return f"HTTP {reply.status}: {text}"


def server_message(reply: Reply) -> str | None:
    """The message in a JSON object, else the start of the body; None where there is no text."""
    answer = json_object(reply) or {}
    for key in ("error", "message"):
        text = answer.get(key)
        if isinstance(text, str) and text.strip():
            return _short(text)
    return _short(reply.body[: 4 * _MAX_MESSAGE_CHARS].decode("utf-8", "replace")) or None


def json_object(reply: Reply) -> Mapping[str, Any] | None:
    """The object in a reply; None where the reply is anything else."""
    if reply.overlong:
        return None
    try:
        return codec.decode(reply.body, dict[str, Any])
    except codec.SchemaError:
        return None


def is_page(reply: Reply) -> bool:
    """Whether this is HTML: then not the server answered, but something on the way to it."""
    if json_object(reply) is not None:
        return False
    content_type = reply.headers.get("content-type", "").lower()
    return "html" in content_type or reply.body.lstrip().startswith(b"<")


def scan_id_in(answer: object) -> str | None:
    """The server's own id of the scan.

    A plain `id` of the whole answer is not taken: it may be that of a session or a request.
    """
    if not isinstance(answer, dict):
        return None
    candidates = [answer.get("scan_id"), answer.get("scanId")]
    scan = answer.get("scan")
    if isinstance(scan, dict):
        candidates.append(scan.get("id"))
    for candidate in candidates:
        scan_id = as_id(candidate)
        if scan_id is not None:
            return scan_id
    return None


def as_id(value: object) -> str | None:
    """An id as text, whether the server sent a text or a number; None for anything else."""
    if type(value) not in (str, int):
        return None
    return one_line(str(value).strip())[:_MAX_MESSAGE_CHARS] or None


def _short(text: str) -> str:
    line = one_line(" ".join(text.split()))
    if len(line) <= _MAX_MESSAGE_CHARS:
        return line
    return line[: _MAX_MESSAGE_CHARS - 1] + "…"
