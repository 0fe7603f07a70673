"""Giving commands: entries in `commands/`, the operator's own outbox; then a ring.

What is done is pruned here, because the operator is the one writer of this box.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from schemas.event import Event
from schemas.ids import ScanId, Scanner, next_scan_id
from spool.access import name
from spool.errors import EntryError, SpoolError, StorageError
from spool.layout import split_archived_name
from spool.outbox import CommandBox
from spool.spool import Spool
from stages.console import permissions
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.runtime.doorbell import publish_to_stages
from stages.runtime.exits import Exit

_DRAFT_AGE_S = 3600.0
"""After which what is half written is no longer being written."""


def now() -> datetime:
    return datetime.now(UTC)


def new_scan_id(context: Context, scanner: Scanner, at: datetime) -> ScanId:
    """An id for a scan asked for now, newer than those of the spool."""
    spool = context.spool
    try:
        newest = spool.newest_scan_id()
    except SpoolError:
        # There is none yet; or `give` tells what is wrong with it.
        newest = None
    return next_scan_id(scanner, at, newest)


@contextmanager
def giving(context: Context) -> Iterator[CommandBox]:
    """The box of commands, to write to or to take back from; the stages are notified afterwards.

    Raises CommandError where the spool does not take commands.
    """
    spool = context.spool
    with _written():
        _check(spool)
        spool.prepare()
        _prune(spool)
        yield spool.commands
    publish(context, "CommandGiven")


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        stage = "; commands are given by root, or by the user that owns the spool"
        is_denied = isinstance(error.__cause__, PermissionError)
        raise CommandError(
            f"{error.why}{stage if is_denied else ''}; nothing was asked for"
        ) from error
    except SpoolError as error:
        raise CommandError(f"{error}; nothing was asked for") from error
    except PermissionError as error:
        raise CommandError(
            f"{error.filename}: {error.strerror}: commands are given by root, or by the user that "
            "owns the spool"
        ) from error


def _check(spool: Spool) -> None:
    """Raises CommandError with the mend where stages refuse the spool, or could not read what this
    user writes.
    """
    path = next((path for path in (spool.commands.path, spool.root) if path.exists()), None)
    owner = path.stat().st_uid if path else os.geteuid()
    if owner != os.geteuid():
        raise CommandError(f"{path}: belongs to {name(owner)}: give commands as {name(owner)}")
    wrong = list(permissions.of_directories(spool))
    if wrong:
        more = f" ({len(wrong) - 1} more: see compliance-agent verify)" if len(wrong) > 1 else ""
        raise CommandError(
            f"{wrong[0].path}: {wrong[0].message}{more}; stages refuse such a spool, so nothing "
            "was asked for"
        )


def publish(context: Context, name: str) -> None:
    publish_to_stages(context.runtime, Event(name=name))  # type: ignore[arg-type]


def known(scan_ids: list[str], present: frozenset[str], where: str) -> tuple[ScanId, ...]:
    """The ids, all of which must be present. Raises CommandError that names those that are not."""
    missing = [i for i in scan_ids if i not in present]
    if missing:
        raise CommandError(
            f"no {where} for {', '.join(missing)}: see `compliance-agent list`", Exit.NO
        )
    return tuple(ScanId(i) for i in scan_ids)


def _prune(spool: Spool) -> None:
    """Remove requests whose scan is done, cancellations that were taken up, and replays that were
    carried out.
    """
    done = set(spool.receipts.ids())
    for scan_id in spool.commands.requests.ids():
        if scan_id in done:
            spool.commands.requests.remove(scan_id)
    _prune_imports(spool)
    for command_id in {*spool.commands.cancellations.ids()} & {*spool.requests.cancellations.ids()}:
        spool.commands.cancellations.remove(command_id)
    archived = {
        parts[1]
        for box in (spool.reports, spool.receipts)
        for n in box.archived()
        if (parts := split_archived_name(n))
    }
    for command_id in spool.commands.replays.ids()[:-100]:
        if command_id in archived:
            spool.commands.replays.remove(command_id)


def _prune_imports(spool: Spool) -> None:
    """Remove imports that were carried out, and what an interrupted one has left."""
    imports = set(spool.commands.imports.ids())
    for command_id in imports & set(spool.reports.imported.ids()):
        finish_import(spool, command_id)
    spool.commands.remove_drafts(_DRAFT_AGE_S)
    for command_id in spool.commands.abandoned_bundles(_DRAFT_AGE_S):
        spool.commands.remove_import(command_id)


def finish_import(spool: Spool, command_id: str) -> None:
    """Remove an import that was carried out; if it failed, also the holds that were put for it."""
    try:
        failed = spool.reports.imported.read(command_id).error is not None
        held = spool.commands.imports.read(command_id).held
    except EntryError:
        failed, held = False, ()
    reported = set(spool.reports.ids())
    for scan_id in held:
        if failed and scan_id not in reported:
            spool.commands.holds.remove(scan_id)
    spool.commands.remove_import(command_id)
