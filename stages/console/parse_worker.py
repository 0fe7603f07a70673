"""Reading scanner output that an operator names. Runs in a worker process without privileges.

All that reading needs is imported before the process gives up its user: afterwards it may not be
able to read a module or the table of an encoding, where Python is installed below `/root`.
"""

import codecs
import io
import os
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from schemas import codec
from schemas.manifest import Role
from schemas.records import Struct, field
from schemas.report import Report
from schemas.settings import Settings
from spool import packing
from spool.packing import PackingError, unpacked
from stages.console.parse_task import MAX_BYTES, InputFile, Parsed, ParseTask, ReadScripts
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry
from stages.scanners.spec import Opener, ScannerOutput, ScannerSpec, UnreadableError

_HEAD_BYTES = 64 * 1024

registry.import_readers()
packing.import_libraries()
for _encoding in ("utf-8-sig", "utf-16", "latin-1", "ascii", "idna"):
    codecs.lookup(_encoding)

_REFUSALS = (CommandError, UnreadableError, PackingError)


class _Descriptor(io.RawIOBase):
    """Reads an open file from its start, without moving the position that others share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        self._position = offset
        return offset

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        try:
            count = os.preadv(self._descriptor, [buffer], self._position)
        except OSError as error:
            raise UnreadableError(f"can't be read: {error.strerror}") from error
        self._position += count
        return count


class _ScanFiles(Struct):
    """The files of one scan, by their role."""

    spec: ScannerSpec
    modified_at: datetime
    files: dict[Role, InputFile] = field(default_factory=dict)

    def opener(self, role: Role) -> Opener | None:
        file = self.files.get(role)
        if file is None:
            return None
        return lambda: _open(file)


def parse(payload: bytes) -> bytes:
    """An encoded `Parsed` for an encoded `ParseTask`."""
    task = codec.decode(payload, ParseTask)
    try:
        files = _by_role(task.files)
        roles = {file.descriptor: role for role, file in files.files.items()}
        parsed = Parsed(
            report=_read(files, task), roles=tuple(roles[file.descriptor] for file in task.files)
        )
    except _REFUSALS as error:
        message, code = _refusal(task, error)
        parsed = Parsed(error=message, exit_code=code)
    return codec.encode(parsed)


def scripts(payload: bytes) -> bytes:
    """An encoded `ReadScripts` for an encoded `ParseTask`."""
    task = codec.decode(payload, ParseTask)
    try:
        files = _by_role(task.files)
        read_scripts = files.spec.read_scripts
        if read_scripts is None:
            raise UnreadableError(f"{files.spec.title} has no scripts that fix its rules")
        found = ReadScripts(scripts=tuple(read_scripts(_output(files, task))))
    except _REFUSALS as error:
        message, code = _refusal(task, error)
        found = ReadScripts(error=message, exit_code=code)
    return codec.encode(found)


def _refusal(task: ParseTask, error: Exception) -> tuple[str, Exit]:
    """Why the files are not read, and the exit code of the command."""
    if isinstance(error, CommandError):
        return str(error), error.code
    names = ", ".join(file.name for file in task.files)
    return f"{names}: {error}", Exit.NO


def _read(files: _ScanFiles, task: ParseTask) -> Report:
    return files.spec.read(_output(files, task), Settings())


def _output(files: _ScanFiles, task: ParseTask) -> ScannerOutput:
    zone = None
    if task.time_zone is not None:
        zone = ZoneInfo(task.time_zone)
    return ScannerOutput(
        files.opener,
        started_at=files.modified_at,
        include_notselected=task.include_notselected,
        time_zone=zone,
    )


def _by_role(files: Sequence[InputFile]) -> _ScanFiles:
    """Which scanner made the files, and what each one is. Raises CommandError, UnreadableError."""
    found: _ScanFiles | None = None
    for file in files:
        with _open(file) as stream:
            spec, role = _recognize(stream.read(_HEAD_BYTES))
        if found is None:
            found = _ScanFiles(spec, file.modified_at)
        if spec is not found.spec:
            message = f"the files are from {found.spec.title} and {spec.title}: name each alone"
            raise CommandError(message, Exit.USAGE)
        before = found.files.get(role)
        if before:
            message = f"{before.name} and {file.name} are both {spec.roles[role]}: name each alone"
            raise CommandError(message, Exit.USAGE)
        found.files[role] = file
    if found is None:
        raise CommandError("no files", Exit.USAGE)
    return found


def _recognize(head: bytes) -> tuple[ScannerSpec, Role]:
    for spec in registry.scanners():
        role = spec.role_of(head)
        if role is not None:
            return spec, role
    known = [name for spec in registry.scanners() for name in spec.roles.values()]
    raise UnreadableError(f"is not scanner output: expected {', '.join(known)} (XML in UTF-8)")


def _open(file: InputFile) -> BinaryIO:
    reader = io.BufferedReader(_Descriptor(file.descriptor))
    return unpacked(cast(BinaryIO, reader), MAX_BYTES)
