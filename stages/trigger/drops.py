"""Request files that an operator drops: `SPOOL/drop/NAME.yml`, `.yaml` or `.json`.

    scanner: openscap          # or docker-bench; default openscap
    profile: cis_level1_server # default: the configured one
    request_id: ticket-4711    # optional

A file becomes a request and is removed; a bad one is moved to `drop/refused/` with the reason beside it. The request's
id is made from the file, so a crash between the two asks for the same scan again.
"""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

from schemas import codec
from schemas.ids import Scanner
from schemas.records import Record
from schemas.request import Reason, Request, Text256
from spool import access, durable, reading
from spool.errors import EntryDamagedError, EntryMissingError, StorageError
from stages.process import settings_file
from stages.process.process import Process
from stages.trigger.wishes import Wishes, repeatable_id

_SUFFIXES = frozenset({".yml", ".yaml", ".json"})
_MAX_BYTES = 64 * 1024


class Dropped(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request file may say."""

    scanner: Scanner = "openscap"
    profile: Text256 | None = None
    request_id: Text256 | None = None
    type: Literal["scan"] = "scan"


class Drops:
    """The directory, looked at."""

    def __init__(self, process: Process, wishes: Wishes) -> None:
        self._process = process
        self._wishes = wishes
        self.path = process.spool.root / "drop"
        self.refused = self.path / "refused"
        for path in (self.path, self.refused):
            access.make_directory(path)
            access.check_owned(path)

    def look(self) -> None:
        try:
            directory = durable.open_directory(self.path)
        except OSError as error:
            raise StorageError("can't be opened", self.path, error) from error
        try:
            for name in self._names(directory):
                self._take(directory, name)
        except OSError as error:
            raise StorageError("can't be worked on", self.path, error) from error
        finally:
            os.close(directory)

    def _names(self, directory: int) -> Iterator[str]:
        for name in sorted(os.listdir(directory)):
            if not name.startswith(".") and Path(name).suffix in _SUFFIXES:
                yield name

    def _take(self, directory: int, name: str) -> None:
        try:
            content = reading.read_plain(directory, name, self.path / name, _MAX_BYTES)
            modified = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
            dropped = _understand(content)
        except EntryMissingError:
            return
        except (EntryDamagedError, codec.SchemaError) as error:
            self._refuse(directory, name, str(error))
            return
        at = datetime.fromtimestamp(min(modified, self._process.now().timestamp()), UTC)
        scan_id = repeatable_id(dropped.scanner, at, name, str(modified), sha256(content).hexdigest())
        reason = Reason(
            source="operator",
            at=self._process.now(),
            request_id=dropped.request_id,
            detail=f"file {name}"[:256] if name.isprintable() else "file",
        )
        self._wishes.scan(
            Request(scan_id=scan_id, scanner=dropped.scanner, profile=dropped.profile, reason=reason)
        )
        durable.remove(directory, name)

    def _refuse(self, directory: int, name: str, reason: str) -> None:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            return
        attic = durable.open_directory(self.refused)
        try:
            durable.write(attic, f"{name}.reason", f"{reason}\n".encode(), replace=True)
            durable.move(directory, name, attic, name)
        finally:
            os.close(attic)
        self._process.log.error("request file refused", file=name, why=reason, moved_to=self.refused)


def _understand(content: bytes) -> Dropped:
    """Raises SchemaError."""
    values, problems = settings_file.plain_values(content)
    if problems:
        raise codec.SchemaError("; ".join(problems))
    if values is None:
        raise codec.SchemaError("the file is empty: at least `scanner: openscap`")
    return codec.convert(values, Dropped)
