"""The waiver files: `*.yml` in one directory, each a list of waivers.

Promises: at most 500 files of 1 MiB are read, in the order of their names. A file with a problem
has no effect: the rules that it names fail. The same goes for a file that users other than root may
write, because it could hide every finding.

Diagnostics: problems as values, each with its file, and the line where there is one.
"""

import errno
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from schemas import codec
from schemas.expected import kind_of
from schemas.records import Struct
from schemas.settings import WaiverSettings
from schemas.waiver import Waiver, check_waiver
from spool.errors import is_of_the_machine, of_the_machine
from stages.runtime import plain_file
from stages.runtime.settings_file import plain_values
from stages.runtime.yaml_lines import item_lines

_MAX_BYTES = 1024 * 1024
_MAX_FILES = 500
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class PlacedWaiver(Struct, frozen=True):
    """A waiver and where it stands."""

    waiver: Waiver
    file: Path
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"


class WaiverSet(Struct, frozen=True):
    """All waivers of a host, and what is wrong with its files."""

    waivers: tuple[PlacedWaiver, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def digest(self) -> str | None:
        """SHA-256 of the waivers, wherever they stand; None where there are none."""
        if not self.waivers:
            return None
        encoded = sorted(codec.encode(placed.waiver) for placed in self.waivers)
        return sha256(b"\n".join(encoded)).hexdigest()


def load(settings: WaiverSettings) -> WaiverSet:
    """The waivers of the directory that the settings name; none where it is missing.

    Raises MachineError: a report without the waivers would show failures that are approved.
    """
    directory = Path(settings.directory)
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".yml")
    except FileNotFoundError:
        return WaiverSet()
    except OSError as error:
        if is_of_the_machine(error):
            raise of_the_machine(str(directory), error) from error
        return WaiverSet(problems=(f"{directory}: can't be read: {error.strerror}",))
    problems: list[str] = []
    if len(paths) > _MAX_FILES:
        problems.append(
            f"{directory}: contains {len(paths)} files; the first {_MAX_FILES} are read"
        )
    waivers: list[PlacedWaiver] = []
    for path in paths[:_MAX_FILES]:
        found = load_file(path, open_ended=settings.open_ended)
        waivers += found.waivers
        problems += found.problems
    return without_contradictions(WaiverSet(tuple(waivers), tuple(problems)))


def load_file(path: Path, *, open_ended: bool) -> WaiverSet:
    """The waivers of one file; none, and its problems, where anything is wrong with it."""
    try:
        _refuse_if_others_write(path)
        text = plain_file.read(path, _MAX_BYTES)
    except OSError as error:
        if is_of_the_machine(error):
            raise of_the_machine(str(path), error) from error
        return WaiverSet(problems=(f"{path}: {_reason(error)}",))
    return read(path, text, open_ended=open_ended)


def read(path: Path, text: bytes, *, open_ended: bool) -> WaiverSet:
    """The waivers of a text that stands, or is to stand, in that file."""
    values, not_yaml = plain_values(text)
    if not_yaml:
        return WaiverSet(problems=tuple(f"{path}: {problem}" for problem in not_yaml))
    if values is None:
        return WaiverSet()
    if not isinstance(values, list):
        return WaiverSet(problems=(f"{path}: must be a list of waivers, is {kind_of(values)}",))
    problems: list[str] = []
    waivers: list[PlacedWaiver] = []
    for line, item in zip(item_lines(text), values, strict=True):
        waiver, wrong = check_waiver(item, open_ended=open_ended)
        problems += [f"{path}, line {line}: {each}" for each in wrong]
        if waiver is not None:
            waivers.append(PlacedWaiver(waiver, path, line))
    if problems:
        return WaiverSet(problems=tuple(problems))
    return WaiverSet(tuple(waivers))


def without_contradictions(found: WaiverSet) -> WaiverSet:
    """Of waivers that contradict each other none applies; equal ones count once."""
    by_scope: dict[tuple[str | None, ...], list[PlacedWaiver]] = {}
    for placed in found.waivers:
        by_scope.setdefault(placed.waiver.scope, []).append(placed)
    waivers: list[PlacedWaiver] = []
    problems = list(found.problems)
    for same_scope in by_scope.values():
        first = same_scope[0]
        others = [each for each in same_scope if each.waiver != first.waiver]
        if others:
            problems += _contradictions(first, others)
        else:
            waivers.append(first)
    return WaiverSet(tuple(waivers), tuple(problems))


def _contradictions(first: PlacedWaiver, others: list[PlacedWaiver]) -> Iterator[str]:
    for other in others:
        yield (
            f"{other.place}: contradicts {first.place}: both are for {first.waiver.rule} with the "
            "same profile, scanner and host; neither applies: remove one"
        )


def _refuse_if_others_write(path: Path) -> None:
    """Raises OSError."""
    status = path.stat()
    if status.st_mode & _WRITABLE_BY_OTHERS:
        message = (
            f"others may write it (mode {stat.S_IMODE(status.st_mode):04o}): chmod go-w {path}"
        )
        raise OSError(errno.EPERM, message)
    if status.st_uid not in (0, os.geteuid()):
        message = f"belongs to user {status.st_uid}, not to root: chown root {path}"
        raise OSError(errno.EPERM, message)


def _reason(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "can't be read: Permission denied: the parse stage runs without privileges"
    return str(error.strerror)
