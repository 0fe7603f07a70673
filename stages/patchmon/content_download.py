"""The server's content: what it offers, and downloads that go on where they stopped.

The entry of a worker process. A download is written to the file `part` in a directory of the
caller's. What the server calls this state of the file (ETag, else Last-Modified) is kept beside it,
so that the next attempt requests the rest of the same state, or starts anew. A server that knows no
ranges sends the whole file again.

Diagnostics: a problem in one line.
Security: names and version are checked before they are used; a download ends at its limit.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from schemas import codec
from schemas.codec import SchemaError
from schemas.numbers import whole_number
from schemas.records import Record
from stages.patchmon.http_worker import last_result
from stages.patchmon.outcome import Paused, Temporary
from stages.patchmon.reply import Reply, message
from stages.patchmon.server_access import (
    SSG_CONTENT,
    SSG_VERSION,
    HttpRequest,
    ServerAccess,
    SinkError,
)

if TYPE_CHECKING:
    from stages.patchmon.client import HttpClient

ENTRY = f"{__name__}:serve"
PART = "part"
_STATE = "part.state"
_FILE = re.compile(r"ssg-[a-z0-9]+-ds\.xml")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}")
_MOST_FILES = 500
_ATTEMPTS = 5


class ContentCall(Record, frozen=True, kw_only=True):
    """What the worker is to do: without a file, ask what there is."""

    access: ServerAccess
    file: str | None = None
    version: str = ""
    directory: str = ""
    """Where the download is kept."""
    limit: int = 0
    """Bytes."""


class ContentAnswer(Record, frozen=True, kw_only=True):
    """What came of it."""

    problem: str | None = None
    version: str = ""
    files: tuple[str, ...] = ()
    resumed_at: int = 0
    """Bytes that were there from an earlier attempt."""


class _Offered(Record, frozen=True, kw_only=True):
    """The body of the reply; what else is in it is not read."""

    version: str = ""
    files: tuple[str, ...] | None = None


class _PartState(Record, frozen=True, kw_only=True):
    """Which state of which file is being downloaded."""

    file: str
    version: str
    validator: str


class DownloadError(SinkError):
    """The download can't go on; the text is one line."""


def serve(payload: bytes) -> bytes:
    """A ContentAnswer for a ContentCall, in the worker process."""
    from stages.patchmon.client import HttpClient

    call = codec.decode(payload, ContentCall)
    client = HttpClient(call.access)
    try:
        if call.file is None:
            answer = _offer(client.send(HttpRequest(method="GET", path=SSG_VERSION)))
        else:
            answer = _Download(call, call.file).run(client)
    except DownloadError as error:
        answer = ContentAnswer(problem=str(error))
    finally:
        client.close()
    return codec.encode(answer)


def _offer(reply: Reply | Paused | Temporary) -> ContentAnswer:
    """Raises DownloadError."""
    body = _good(reply)
    try:
        offered = codec.decode(body, _Offered)
    except SchemaError as error:
        raise DownloadError(f"the server's list of content can't be read: {error}") from error
    version = offered.version
    if not _VERSION.fullmatch(version):
        raise DownloadError(f"the server names no version of its content ({version[:80]!a})")
    files = tuple(file for file in (offered.files or ())[:_MOST_FILES] if _FILE.fullmatch(file))
    return ContentAnswer(version=version, files=files)


def _good(reply: Reply | Paused | Temporary) -> bytes:
    """The body. Raises DownloadError for any other outcome."""
    if not isinstance(reply, Reply):
        raise DownloadError(reply.message)
    if reply.status not in (200, 206) or reply.overlong:
        raise DownloadError(message(reply))
    return reply.body


class _Download:
    """One file, in as many attempts as it takes."""

    def __init__(self, call: ContentCall, file: str) -> None:
        if not _FILE.fullmatch(file):
            raise DownloadError(f"{file!a} is not the name of a content file")
        self._call = call
        self._file = file
        self._part = Path(call.directory) / PART
        self._state = Path(call.directory) / _STATE

    def run(self, client: "HttpClient") -> ContentAnswer:
        """Raises DownloadError."""
        from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

        resumed_at = self._kept_bytes()
        retrying = Retrying(
            retry=retry_if_result(lambda reply: isinstance(reply, Temporary)),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_attempt(_ATTEMPTS),
            retry_error_callback=last_result,
        )
        _good(retrying(self._attempt, client))
        with suppress(OSError):
            self._state.unlink()
        return ContentAnswer(resumed_at=resumed_at)

    def _attempt(self, client: "HttpClient") -> Reply | Paused | Temporary:
        headers: dict[str, str] = {"Accept": "application/xml"}
        start = self._kept_bytes()
        if start:
            headers["Range"] = f"bytes={start}-"
            headers["If-Range"] = self._validator()
        request = HttpRequest(method="GET", path=SSG_CONTENT + self._file, headers=headers)
        reply = client.send(request, sink=self)
        if isinstance(reply, Reply) and reply.status == 416:
            # What is kept is longer than the file by now.
            self._forget()
            return Temporary("the file has changed on the server")
        return reply

    def receive(self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        """Raises DownloadError where the disk or the limit ends the download."""
        start = 0
        if status == 206:
            start = self._kept_bytes()
            if not headers.get("content-range", "").startswith(f"bytes {start}-"):
                self._forget()
                raise DownloadError("the server sent another part of the file than was requested")
        else:
            # The whole file: the server knows no ranges, or has another state of it by now.
            self._forget()
        length = whole_number(headers.get("content-length", "")) or 0
        if start + length > self._call.limit:
            raise DownloadError(self._too_long(start + length))
        try:
            self._write(start, headers, pieces)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            raise DownloadError(f"{self._part}: can't be written: {error.strerror}") from error

    def _write(self, start: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        if start == 0:
            self._keep_state(headers)
        # "a": what is kept stays, up to `start`.
        with self._part.open("ab") as target:
            target.truncate(start)
            for piece in pieces:
                start += len(piece)
                if start > self._call.limit:
                    raise DownloadError(self._too_long(start))
                target.write(piece)

    def _keep_state(self, headers: Mapping[str, str]) -> None:
        """Without a name for the state of the file nothing can be resumed."""
        validator = headers.get("etag", "")
        if not validator.startswith('"'):
            # None, or a weak one, which does not promise the same bytes.
            validator = headers.get("last-modified", "")
        state = _PartState(file=self._file, version=self._call.version, validator=validator[:256])
        self._state.write_bytes(codec.encode(state))

    def _kept_bytes(self) -> int:
        """How many bytes are kept of the file in its present state at the server."""
        if not self._validator():
            return 0
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    def _validator(self) -> str:
        try:
            state = codec.decode(self._state.read_bytes(), _PartState)
        except (OSError, SchemaError):
            return ""
        if (state.file, state.version) != (self._file, self._call.version):
            return ""
        return state.validator

    def _forget(self) -> None:
        for path in (self._part, self._state):
            with suppress(OSError):
                path.unlink()

    def _too_long(self, length: int) -> str:
        limit = self._call.limit >> 20
        return f"{self._file}: has {length >> 20} MiB, content has {limit} MiB at most"
