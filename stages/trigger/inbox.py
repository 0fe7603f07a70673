"""Request files in the inbox: `SPOOL/inbox/NAME.yml`, `.yaml` or `.json`.

    scanner: openscap          # or another of this agent's scanners; the first one by default
    profile: cis_level1_server # default: the configured one
    request_id: ticket-4711    # optional

A file that has not changed for a second becomes a request and is removed. A bad one is moved to
`inbox/refused/` with the reason beside it. A crash between request and removal makes the same
request again, which stays one. Other names, hidden ones and directories are left alone.

Security: symlinks, pipes and large files are refused; they are never followed or waited for.
"""

import os
import stat
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from schemas import codec
from schemas.ids import Scanner
from schemas.records import Record
from schemas.request import Reason, Text256
from schemas.settings_check import unknown_keys
from spool import access, durable, ownership, reading
from spool.errors import EntryDamagedError, EntryMissingError, StorageError
from stages.runtime import settings_file
from stages.runtime.process import Process
from stages.scanners import registry
from stages.trigger.request_writer import RequestWriter, token_of

_SUFFIXES = frozenset({".yml", ".yaml", ".json"})
_MAX_BYTES = 64 * 1024
_SETTLED_S = 1.0
# Beside the name itself there must be room for `.NAME.reason.tmp`.
_MAX_NAME_BYTES = 255 - len("..reason.tmp")
_Mark = tuple[int, int, int, int]


class RequestFile(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a request file."""

    scanner: Scanner | None = None
    profile: Text256 | None = None
    request_id: Text256 | None = None
    type: Literal["scan"] = "scan"


@dataclass(frozen=True)
class _Seen:
    """A file as it was seen, and since when it has been so."""

    mark: _Mark
    since: float

    @property
    def due(self) -> float:
        return self.since + _SETTLED_S


class Inbox:
    """The directory and its files."""

    def __init__(self, process: Process, request_writer: RequestWriter) -> None:
        self._process = process
        self._request_writer = request_writer
        self.path = process.spool.root / "inbox"
        self.refused = self.path / "refused"
        for path in (self.path, self.refused):
            access.make_directory(path)
        ownership.check_inbox(process.spool.root)
        self._seen: dict[str, _Seen] = {}

    def run_once(self) -> None:
        """Take the files that have settled. Trouble with one does not hold up the others."""
        trouble: StorageError | None = None
        directory = self._open()
        try:
            self._seen = self._list(directory, time.monotonic())
            for name, seen in self._seen.items():
                if time.monotonic() < seen.due:
                    continue
                try:
                    self._take(directory, name, seen.mark)
                except StorageError as error:
                    trouble = error
                except OSError as error:
                    trouble = StorageError("can't be removed", self.path / name, error)
        finally:
            os.close(directory)
        if trouble:
            raise trouble

    def due_in_s(self) -> float:
        """Seconds until the next file may have settled."""
        now = time.monotonic()
        waits = (seen.due - now for seen in self._seen.values() if seen.due > now)
        return min(waits, default=float("inf"))

    def _open(self) -> int:
        try:
            # Made again where they were deleted while the stage runs.
            for path in (self.path, self.refused):
                path.mkdir(mode=durable.DIRECTORY_MODE, exist_ok=True)
            return durable.open_directory(self.path)
        except OSError as error:
            raise StorageError("can't be opened", self.path, error) from error

    def _list(self, directory: int, now: float) -> dict[str, _Seen]:
        """Every request file as it is now."""
        found: dict[str, _Seen] = {}
        for name in sorted(os.listdir(directory)):
            if name.startswith(".") or Path(name).suffix.lower() not in _SUFFIXES:
                continue
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(status.st_mode):
                continue
            mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            before = self._seen.get(name)
            if before and before.mark == mark:
                found[name] = before
            else:
                found[name] = _Seen(mark, now)
        return found

    def _take(self, directory: int, name: str, mark: _Mark) -> None:
        try:
            content = reading.read_plain(directory, name, self.path, _MAX_BYTES)
            file = _decode(content)
        except EntryMissingError:
            return
        except StorageError as error:
            if not error.is_denied:
                raise
            self._refuse(
                directory, name, "the agent is not allowed to read it: chmod 0644 before the move"
            )
            return
        except (EntryDamagedError, codec.SchemaError) as error:
            self._refuse(directory, name, str(error))
            return
        # With the mark: the same file put there again is another request.
        token = token_of(name, *map(str, mark), sha256(content).hexdigest())
        detail = "file"
        if name.isprintable():
            detail = f"file {name}"
        reason = Reason(
            source="operator",
            at=self._process.now(),
            request_id=file.request_id,
            detail=detail[:256],
        )
        scanner = file.scanner or registry.default().key
        self._request_writer.scan(scanner, file.profile, reason, token=token)
        durable.remove(directory, name)

    def _refuse(self, directory: int, name: str, reason: str) -> None:
        kept = name
        if len(os.fsencode(name)) > _MAX_NAME_BYTES:
            kept = f"{token_of(name)}{Path(name).suffix}"
        refused = durable.open_directory(self.refused)
        try:
            durable.write(refused, f"{kept}.reason", f"{reason}\n".encode(), replace=True)
            durable.move(directory, name, refused, kept)
        finally:
            os.close(refused)
        self._process.log.error(
            "request file refused", file=name, reason=reason, moved_to=f"{self.refused}/{kept}"
        )


def _decode(content: bytes) -> RequestFile:
    """Raises SchemaError."""
    values, problems = settings_file.plain_values(content)
    if problems:
        raise codec.SchemaError("; ".join(problems))
    if values is None:
        raise codec.SchemaError(
            f"the file is empty: it needs at least `scanner: {registry.default().key}`"
        )
    unknown = unknown_keys(values, RequestFile)
    if unknown:
        raise codec.SchemaError("; ".join(map(str, unknown)))
    file = codec.convert(values, RequestFile)
    if file.scanner is not None and registry.find(file.scanner) is None:
        raise codec.SchemaError(f"scanner: must be one of {', '.join(registry.all_keys())}")
    for key, value in (("profile", file.profile), ("request_id", file.request_id)):
        if value is not None and (not value or not value.isprintable()):
            raise codec.SchemaError(f"{key}: must be a text of printable characters")
    return file
