"""Request files that an operator drops: `SPOOL/drop/NAME.yml`, `.yaml` or `.json`.

    scanner: openscap          # or docker-bench; default openscap
    profile: cis_level1_server # default: the configured one
    request_id: ticket-4711    # optional

A file that nobody has written to for a second becomes a request and is removed; a bad one is moved to `inbox/refused/`
with the reason beside it. A crash between request and removal asks for the same wish again, which stays one. Other
names, hidden ones and directories are left alone.

Security: symlinks, pipes and large files are refused, never followed or waited for.
"""

import os
import stat
import time
from hashlib import sha256
from pathlib import Path
from typing import Literal

from schemas import codec
from schemas.ids import Scanner
from schemas.records import Record
from schemas.request import Reason, Text256
from spool import access, durable, reading
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
Mark = tuple[int, int, int, int]


class Dropped(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request file may say."""

    scanner: Scanner | None = None
    profile: Text256 | None = None
    request_id: Text256 | None = None
    type: Literal["scan"] = "scan"


class Inbox:
    """The directory, looked at."""

    def __init__(self, process: Process, request_writer: RequestWriter) -> None:
        self._process = process
        self._request_writer = request_writer
        self.path = process.spool.root / "inbox"
        self.refused = self.path / "refused"
        for path in (self.path, self.refused):
            access.make_directory(path)
            access.check_owned(path)
        self._seen: dict[str, tuple[Mark, float]] = {}

    def run_once(self) -> None:
        """Take what has settled. A file in the way of the disk's trouble does not hold up the others."""
        trouble: StorageError | None = None
        directory = self._open()
        try:
            self._seen = self._look_around(directory, time.monotonic())
            for name, (mark, since) in self._seen.items():
                if time.monotonic() - since >= _SETTLED_S:
                    try:
                        self._take(directory, name, mark)
                    except StorageError as error:
                        trouble = error
                    except OSError as error:
                        trouble = StorageError("can't be taken away", self.path / name, error)
        finally:
            os.close(directory)
        if trouble:
            raise trouble

    def due_in_s(self) -> float:
        """Seconds until the next file may have settled."""
        now = time.monotonic()
        waiting = (
            since + _SETTLED_S - now for _, since in self._seen.values() if since + _SETTLED_S > now
        )
        return min(waiting, default=float("inf"))

    def _open(self) -> int:
        try:
            # Made again where someone deleted it while the stage runs.
            for path in (self.path, self.refused):
                path.mkdir(mode=durable.DIRECTORY_MODE, exist_ok=True)
            return durable.open_directory(self.path)
        except OSError as error:
            raise StorageError("can't be opened", self.path, error) from error

    def _look_around(self, directory: int, now: float) -> dict[str, tuple[Mark, float]]:
        """Every request file, with what tells it apart and since when it has been so."""
        found: dict[str, tuple[Mark, float]] = {}
        for name in sorted(os.listdir(directory)):
            if name.startswith(".") or Path(name).suffix.lower() not in _SUFFIXES:
                continue
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                before = self._seen.get(name)
                found[name] = before if before and before[0] == mark else (mark, now)
        return found

    def _take(self, directory: int, name: str, mark: Mark) -> None:
        try:
            content = reading.read_plain(directory, name, self.path / name, _MAX_BYTES)
            dropped = _understand(content)
        except EntryMissingError:
            return
        except StorageError as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            self._refuse(
                directory, name, "can't be read by the agent: chmod 0644 before it is dropped"
            )
            return
        except (EntryDamagedError, codec.SchemaError) as error:
            self._refuse(directory, name, str(error))
            return
        # Not the name and content alone: the same file dropped again is another wish.
        token = token_of(name, *map(str, mark), sha256(content).hexdigest())
        reason = Reason(
            source="operator",
            at=self._process.now(),
            request_id=dropped.request_id,
            detail=f"file {name}"[:256] if name.isprintable() else "file",
        )
        scanner = dropped.scanner or registry.default().key
        self._request_writer.scan(scanner, dropped.profile, reason, token=token)
        durable.remove(directory, name)

    def _refuse(self, directory: int, name: str, reason: str) -> None:
        kept = name
        if len(os.fsencode(name)) > _MAX_NAME_BYTES:
            kept = f"{token_of(name)}{Path(name).suffix}"
        archive_directory = durable.open_directory(self.refused)
        try:
            durable.write(archive_directory, f"{kept}.reason", f"{reason}\n".encode(), replace=True)
            durable.move(directory, name, archive_directory, kept)
        finally:
            os.close(archive_directory)
        self._process.log.error(
            "request file refused", file=name, why=reason, moved_to=f"{self.refused}/{kept}"
        )


def _understand(content: bytes) -> Dropped:
    """Raises SchemaError."""
    values, problems = settings_file.plain_values(content)
    if problems:
        raise codec.SchemaError("; ".join(problems))
    if values is None:
        raise codec.SchemaError(f"the file is empty: at least `scanner: {registry.default().key}`")
    dropped = codec.convert(values, Dropped)
    if dropped.scanner is not None and registry.find(dropped.scanner) is None:
        raise codec.SchemaError(f"scanner: must be one of {', '.join(registry.all_keys())}")
    for key, value in (("profile", dropped.profile), ("request_id", dropped.request_id)):
        if value is not None and (not value or not value.isprintable()):
            raise codec.SchemaError(f"{key}: must be a text of printable characters")
    return dropped
