"""The owners, groups and modes of a whole spool, by the table in `spool.layout`.

A spool belongs to one user, or, as the systemd units have it, to a user for each stage. `check` is
a stage's own view when it starts: it knows itself and root, and of the others only what it needs.
`wrong_directories` is the operator's view, which knows every user by name.

Promises: a stage starts only where it alone can write what is its own, where it can read what it
must, and where no other user can write.

Diagnostics: SpoolUnusableError, which ends with the remedy; remedies are commands for root.
"""

import grp
import os
import pwd
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from schemas.records import Struct
from spool import access
from spool.access import Fault
from spool.errors import SpoolUnusableError
from spool.layout import (
    AGENT_GROUP,
    DIRECTORIES,
    OUTBOX,
    READER,
    STAGE_USER,
    STAGES,
    UPSTREAM,
    Place,
    Stage,
    is_entry_name,
)
from spool.outbox import Outbox


def is_shared(root: Path) -> bool:
    """Whether some directories of the spool belong to other users."""
    return any(_owner(root / place.path) not in (None, os.geteuid()) for place in DIRECTORIES)


def check_root(root: Path) -> None:
    """Only root or this user can put things there. Raises SpoolUnusableError."""
    _refuse(access.judge(root, DIRECTORIES[0], (0, os.geteuid()), None, shared=False))


def check_reachable(root: Path) -> None:
    """This user can get to every directory of the spool, as far as it exists."""
    names = ("", "history", "quarantine", "state", "content")
    for path in (root.parent, *(root / name for name in names)):
        if os.path.lexists(path):
            access.check_readable(path)


def check(root: Path, stage: Stage) -> None:
    """All that a stage needs of the spool is as it must be. Raises SpoolUnusableError."""
    shared = is_shared(root)
    groups: Mapping[str, int] = {}
    if shared:
        _check_parent(root.parent)
        groups = _groups(root)
    for place in _needed(stage):
        path = root / place.path
        if place.stage == stage:
            _check_user(path, stage)
        owners = _owners(place, stage)
        _refuse(access.judge(path, place, owners, groups.get(place.group), shared=shared))
        if place.stage == stage:
            access.check_writable(path)
        else:
            access.check_readable(path)
    reader = READER.get(OUTBOX[stage])
    if reader:
        access.check_readable(root / "state" / reader)


def wrong_entries(root: Path, boxes: Iterable[Outbox]) -> Iterator[Fault]:
    """Entries that others could read or change, or that do not belong to the user who has to own
    their box.
    """
    users = _users(root)
    places = {place.path: place for place in DIRECTORIES}
    for box in boxes:
        # Not the present owner of the box: where that is wrong, all its entries would be reported.
        owner = users.owner(places[box.box])
        for name in filter(is_entry_name, box.names()):
            yield from access.judge_entry(box.path / name, owner)


def wrong_directories(root: Path) -> Iterator[Fault]:
    """What would keep a stage from starting, among the directories that exist."""
    if not os.path.lexists(root):
        return
    users = _users(root)
    for place in DIRECTORIES:
        path = root / place.path
        if os.path.lexists(path):
            yield from access.judge(
                path,
                place,
                (users.owner(place),),
                users.group(place),
                shared=users.are_several,
            )


def _refuse(faults: Iterator[Fault]) -> None:
    """Raises SpoolUnusableError with the first fault."""
    fault = next(faults, None)
    if fault is not None:
        raise SpoolUnusableError(str(fault))


def _needed(stage: Stage) -> list[Place]:
    """The directories that concern a stage: its own, those of root, those that it reads."""
    own: list[Place] = []
    common: list[Place] = []
    read: list[Place] = []
    for place in DIRECTORIES:
        if place.stage == stage:
            own.append(place)
        elif place.stage is None:
            common.append(place)
        elif place.path in (UPSTREAM[stage], "receipts"):
            read.append(place)
    # Boxes first and state last: a wrong owner of a box is the likely cause of the rest.
    own.sort(key=lambda place: place.path.startswith("state"))
    *boxes, state = own
    return [*boxes, *common, *read, state]


def _check_user(path: Path, stage: Stage) -> None:
    """A spool of the services is refused without a remedy that would keep them from starting."""
    owner = _owner(path)
    if owner is None or owner == os.geteuid() or STAGE_USER[stage] == "root":
        return
    if access.user_name(owner) == STAGE_USER[stage]:
        me = access.user_name(os.geteuid())
        raise SpoolUnusableError(
            f"{path}: belongs to {STAGE_USER[stage]}, the user of the service, not to {me}: "
            "systemctl start compliance-agent.target, or set spool.path to another directory"
        )


def _owners(place: Place, stage: Stage) -> Collection[int] | None:
    if place.stage == stage:
        return (os.geteuid(),)
    if place.stage is None:
        return (0, os.geteuid())
    return None


def _groups(root: Path) -> Mapping[str, int]:
    """The number of each group in the table; only that of the group that every stage is in, which
    is the root's, where the spool does not have the groups of the units.
    """
    agent = root.lstat().st_gid
    by_name: dict[str, int] = {}
    # Each name once: a lookup may query a directory service.
    for name in {place.group for place in DIRECTORIES}:
        number = _group_number(name)
        if number is not None:
            by_name[name] = number
    if by_name.get(AGENT_GROUP) == agent:
        return by_name
    return {AGENT_GROUP: agent}


def _group_number(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _check_parent(path: Path) -> None:
    """No other user can replace this spool with another one."""
    status = path.lstat()
    described = access.described(status)
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise SpoolUnusableError(f"{path}: {described}: lets other users write: chmod go-w {path}")
    if status.st_uid not in (0, os.geteuid()):
        raise SpoolUnusableError(f"{path}: {described}: must belong to root: chown root {path}")


class _Users(Struct, frozen=True):
    """Who owns what: the users of the units where the spool has such owners, else one user."""

    spool_owner: int
    by_name: dict[str, int]

    @property
    def are_several(self) -> bool:
        return bool(self.by_name)

    def owner(self, place: Place) -> int:
        return self.by_name.get(place.owner, self.spool_owner)

    def group(self, place: Place) -> int | None:
        if not self.are_several:
            return None
        return _group_number(place.group)


def _users(root: Path) -> _Users:
    by_name: dict[str, int] = {}
    for stage in STAGES:
        try:
            by_name[STAGE_USER[stage]] = pwd.getpwnam(STAGE_USER[stage]).pw_uid
        except KeyError:
            continue
    system_users = {uid for user, uid in by_name.items() if user != "root"}
    owners = [_owner(root / place.path) for place in DIRECTORIES]
    if system_users.isdisjoint(owners):
        by_name = {}
    # The user of most directories, so that the few others are the wrong ones.
    counts = Counter(owner for owner in owners if owner is not None)
    return _Users(counts.most_common(1)[0][0], by_name)


def _owner(path: Path) -> int | None:
    """None for a path that is not there, or just gone."""
    try:
        return path.lstat().st_uid
    except OSError:
        return None
