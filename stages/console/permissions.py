"""Owners and modes of a spool, judged from outside as each stage will judge its own.

Every directory of a stage belongs to the user that the stage runs as: the owner of the spool, or
the stage's own system user. Each finding contains the command that corrects it.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from spool.access import name
from spool.layout import BOXES, OUTBOX, STAGES, Stage, parse_name, scan_id_of
from spool.spool import Spool


class Wrong(NamedTuple):
    """A path that stages refuse or cannot read; the message gives the reason and the remedy."""

    path: Path
    message: str


def of_directories(spool: Spool) -> Iterator[Wrong]:
    """What would keep a stage from starting, among the directories that exist."""
    if not os.path.lexists(spool.root):
        return
    owner = spool.root.lstat().st_uid
    for path in (spool.root, spool.commands.path):
        yield from _of_directory(path, owner, 0o022, "lets others write")
    users = _users(spool, owner)
    for stage in STAGES:
        for path in _directories(spool, stage):
            yield from _of_directory(path, users[stage], 0o027, "lets others in")


def of_entries(spool: Spool) -> Iterator[Wrong]:
    """Entries that others could read or change, or that do not belong to the owner of their box."""
    for box in map(spool.outbox, BOXES):
        for entry in box.names():
            path = box.path / entry
            # Links and the like are damage, which reading the entry reports; foreign files are
            # not checked.
            is_entry = scan_id_of(entry) or parse_name(entry)
            if is_entry and not path.is_symlink() and (path.is_file() or path.is_dir()):
                yield from _judged(path, box.path.stat().st_uid, 0o027, "lets others in")


def _of_directory(path: Path, owner: int, forbidden: int, why: str) -> Iterator[Wrong]:
    if path.is_symlink():
        yield Wrong(path, "is a symlink, which is not followed: put the directory itself there")
    elif path.is_dir():
        yield from _judged(path, owner, forbidden, why)
    elif path.exists():
        yield Wrong(path, "is no directory: move it away")


def _judged(path: Path, owner: int, forbidden: int, why: str) -> Iterator[Wrong]:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        right = "0640"
        if stat.S_ISDIR(status.st_mode):
            right = "0750"
        yield Wrong(path, f"mode {mode:04o} {why}: chmod {right} {path}")
    if status.st_uid != owner:
        right = name(owner)
        # The entries in a directory have its owner too.
        change = "chown"
        if stat.S_ISDIR(status.st_mode):
            change = "chown -R"
        yield Wrong(
            path,
            f"belongs to {name(status.st_uid)}, not to {right}: {change} {right} {path}",
        )


def _users(spool: Spool, owner: int) -> dict[Stage, int]:
    """The user of each stage: its own if the spool uses such users, else the owner of the spool."""
    own = {stage: uid for stage in STAGES if (uid := _system_user(stage)) is not None}
    seen = {
        path.lstat().st_uid for s in own for path in _directories(spool, s) if os.path.lexists(path)
    }
    if not seen & set(own.values()):
        own = {}
    return {stage: own.get(stage, owner) for stage in STAGES}


def _directories(spool: Spool, stage: Stage) -> list[Path]:
    box = OUTBOX[stage]
    names = [box, f"history/{box}", f"quarantine/{box}", f"state/{stage}"]
    if stage == "trigger":
        names += ["inbox", "inbox/refused"]
    return [spool.root / name for name in names]


def _system_user(stage: Stage) -> int | None:
    try:
        return pwd.getpwnam(f"compliance-{stage}").pw_uid
    except KeyError:
        return None
