"""Enrolment: credentials for a host that has none, from a token that the administrator has made.

Two kinds of token: an *enrolment token* (key and secret, for any number of hosts), with which the
server creates a host, and the *bootstrap token* of one host, which is valid once and for a few
minutes.

Promises: whatever happens is a value. A request that was cut may have been carried out, so nothing
is sent a second time; the message says what the server may have done.

Security: tokens and the new key are in no message and no log; a reply that can't be read is not
quoted, since it may contain the key.
"""

from typing import Any

from schemas import codec
from schemas.codec import SchemaError
from schemas.records import Record, Struct
from schemas.settings import ServerSettings
from schemas.values import HeaderText
from stages.patchmon.credentials import Credentials
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.outcome import HOST_CHECK_ACTION, Paused, Temporary, is_host_check
from stages.patchmon.reply import Reply, message
from stages.patchmon.server_access import BOOTSTRAP, ENROL, JSON_HEADERS, HttpRequest, ServerAccess
from stages.runtime.standalone_host import StandaloneHost

_LIMIT_S = 60.0
"""The server ends a request after 30 s."""
_MAX_NAME_CHARS = 255


class EnrolmentToken(Record, frozen=True, kw_only=True):
    """What the server shows once, when the administrator makes a token."""

    key: HeaderText
    secret: HeaderText


class NotEnrolled(Record, frozen=True, kw_only=True):
    """Why there are no credentials, and what to do."""

    message: str
    action: str
    may_be_done: bool = False
    """The server may have carried out the request; its answer did not arrive."""


class _Doubt(Struct, frozen=True):
    """What the server may have done where its answer did not arrive, and what to do then."""

    message: str
    action: str


class _Host(Record, frozen=True, kw_only=True):
    api_id: HeaderText
    api_key: HeaderText


class _Enrolled(Record, frozen=True, kw_only=True):
    host: _Host


class _Exchanged(Record, frozen=True, kw_only=True, rename="camel"):
    api_id: HeaderText
    api_key: HeaderText


def enrol(
    server: ServerSettings, token: EnrolmentToken, name: str, machine_id: str | None
) -> Credentials | NotEnrolled:
    """Have the server create a host of this name. Two hosts may have the same name there."""
    headers = {
        "X-Auto-Enrollment-Key": token.key,
        "X-Auto-Enrollment-Secret": token.secret,
    }
    body: dict[str, Any] = {"friendly_name": name[:_MAX_NAME_CHARS]}
    if machine_id is not None:
        body["machine_id"] = machine_id[:_MAX_NAME_CHARS]
    doubt = _Doubt(
        f'the server may have created the host "{name}"', "delete it there, then enrol again"
    )
    reply = _post(server, ENROL, headers, body)
    if not isinstance(reply, Reply):
        return _without_answer(reply, doubt)
    if reply.status >= 300:
        return _refused(reply, _ENROLMENT_ACTIONS)
    try:
        host = codec.decode(reply.body, _Enrolled).host
    except SchemaError:
        return _not_understood(reply, doubt)
    return Credentials(host.api_id, host.api_key)


def exchange(server: ServerSettings, bootstrap_token: str) -> Credentials | NotEnrolled:
    """The credentials that a bootstrap token stands for; the token is used up by that."""
    doubt = _Doubt("the token may be used up", "get a new one from the host's page at the server")
    reply = _post(server, BOOTSTRAP, {}, {"token": bootstrap_token})
    if not isinstance(reply, Reply):
        return _without_answer(reply, doubt)
    if reply.status >= 300:
        return _refused(reply, _EXCHANGE_ACTIONS)
    try:
        host = codec.decode(reply.body, _Exchanged)
    except SchemaError:
        return _not_understood(reply, doubt)
    return Credentials(host.api_id, host.api_key)


_NO_ENDPOINT = "this address does not enrol hosts: check server.url and the server's version"
_TRY_LATER = "the server reports an error: see its log, and try again"
_ENROLMENT_ACTIONS = {
    401: "check the key and secret of the enrolment token, and whether it is active at the server",
    403: "check the token's IP ranges and its limit of hosts at the server",
    404: _NO_ENDPOINT,
    405: _NO_ENDPOINT,
    429: "the token's limit of hosts per day is reached: raise it at the server, or wait a day",
}
_EXCHANGE_ACTIONS = {
    401: "a bootstrap token is valid once and for 5 minutes: get a new one from the server",
    404: _NO_ENDPOINT,
    405: _NO_ENDPOINT,
}


def _post(
    server: ServerSettings, path: str, headers: dict[str, str], body: dict[str, Any]
) -> Reply | Paused | Temporary:
    request = HttpRequest(path=path, headers={**JSON_HEADERS, **headers})
    worker = HttpWorker(StandaloneHost())
    try:
        return worker.send(ServerAccess(server, None), request, codec.encode(body), _LIMIT_S)
    finally:
        worker.stop()


def _without_answer(answer: Paused | Temporary, doubt: _Doubt) -> NotEnrolled:
    if isinstance(answer, Paused):
        return NotEnrolled(message=answer.message, action=answer.action)
    if answer.unsent:
        return NotEnrolled(
            message=answer.message, action=answer.action or "check server.url, and try again"
        )
    return _doubtful(answer.message, doubt)


def _refused(reply: Reply, actions: dict[int, str]) -> NotEnrolled:
    if is_host_check(reply):
        return NotEnrolled(message=message(reply), action=HOST_CHECK_ACTION)
    return NotEnrolled(message=message(reply), action=actions.get(reply.status, _TRY_LATER))


def _not_understood(reply: Reply, doubt: _Doubt) -> NotEnrolled:
    return _doubtful(f"HTTP {reply.status}: the answer has no credentials in it", doubt)


def _doubtful(text: str, doubt: _Doubt) -> NotEnrolled:
    action = f"check server.url; {doubt.action}"
    return NotEnrolled(message=f"{text}; {doubt.message}", action=action, may_be_done=True)
