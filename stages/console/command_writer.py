"""Giving commands: writing entries into `commands/`, the operator's outbox, and notifying stages.

Finished commands are removed here, because the operator is the only writer of this box.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain

from schemas.event import Event
from schemas.ids import ScanId, Scanner, next_scan_id
from spool import ownership
from spool.access import user_name
from spool.command_box import CommandBox
from spool.errors import EntryError, QuotaError, SpoolError, StorageError
from spool.layout import Stage, split_archived_name
from spool.lock import alone_in
from spool.pending import carried_out, not_taken_up
from spool.spool import Spool
from stages.console.context import Context
from stages.console.output import warn
from stages.runtime.command_error import CommandError
from stages.runtime.doorbell import publish_to_stages

_WHO_MAY = "run the command as root, or as the user that owns the spool"
_REPLAYS_KEPT = 100

_DRAFT_AGE_S = 3600.0
"""After which what is half written is no longer being written."""


def now() -> datetime:
    return datetime.now(UTC)


def new_scan_id(context: Context, scanner: Scanner, at: datetime) -> ScanId:
    """An id for a scan requested now, newer than those of the spool. Raises CommandError."""
    try:
        return context.spool.next_scan_id(scanner, at)
    except QuotaError as error:
        raise CommandError(str(error)) from error
    except SpoolError:
        # There is no spool yet, or `giving` reports what is wrong with it.
        return next_scan_id(scanner, at, None)


def warn_if_stopped(context: Context, stage: Stage, then: str) -> None:
    """A command waits for its stage; `then`: what the stage does with it."""
    if not context.spool.is_running(stage):
        warn(
            f"the {stage} stage is not running: it {then} when it is started (compliance-agent run)"
        )


@contextmanager
def giving(context: Context) -> Iterator[CommandBox]:
    """The box of commands, to write to or to take back from; the stages are notified afterwards.

    Raises CommandError where the spool does not take commands.
    """
    with writing(context) as spool:
        _prune(spool)
        yield spool.commands
    publish(context, "CommandGiven")


@contextmanager
def writing(context: Context) -> Iterator[Spool]:
    """The spool, for an entry beside the scans. Raises CommandError where it takes none."""
    spool = context.spool
    with _written():
        _check(spool)
        spool.prepare()
        # Two commands may write an entry of the same name, as for the hold of one scan.
        with alone_in(spool.commands.path):
            yield spool


def check(context: Context) -> None:
    """Whether this user may write into the spool. Raises CommandError."""
    with writing(context):
        return


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        why = error.why
        if error.is_denied:
            why = f"{why}; {_WHO_MAY}"
        raise CommandError(f"{why}; nothing was requested") from error
    except SpoolError as error:
        raise CommandError(f"{error}; nothing was requested") from error
    except PermissionError as error:
        raise CommandError(f"{error.filename}: {error.strerror}; {_WHO_MAY}") from error


def _check(spool: Spool) -> None:
    """Raises CommandError where stages refuse the spool, or could not read this user's entries."""
    for path in (spool.commands.path, spool.root):
        if path.exists():
            owner = path.stat().st_uid
            if owner != os.geteuid():
                raise CommandError(
                    f"{path}: belongs to {user_name(owner)}: give commands as {user_name(owner)}"
                )
            break
    wrong = list(ownership.wrong_directories(spool.root))
    if not wrong:
        return
    first = f"{wrong[0].path}: {wrong[0].message}"
    if len(wrong) > 1:
        first = f"{first} ({len(wrong) - 1} more: see compliance-agent verify)"
    raise CommandError(f"{first}; stages refuse such a spool, so nothing was requested")


def publish(context: Context, name: str) -> None:
    publish_to_stages(context.runtime, Event(name=name))  # type: ignore[arg-type]


def _prune(spool: Spool) -> None:
    """Remove requests whose scan is done, and cancellations and replays that were carried out."""
    # The raw box is root's, as this one: what the other stages have written shows nothing here.
    scanned = {*spool.raw.scan_ids(), *spool.raw.quarantined_scans()}
    for scan_id in carried_out(spool.commands.requests.ids(), scanned):
        spool.commands.requests.remove(scan_id)
    _prune_imports(spool)
    for scan_id in carried_out(spool.commands.submissions.ids(), scanned):
        spool.commands.remove_submission(scan_id)
    taken_up = spool.requests.cancellations.ids()
    for command_id in carried_out(spool.commands.cancellations.ids(), taken_up):
        spool.commands.cancellations.remove(command_id)
    names = map(split_archived_name, chain(spool.reports.archived(), spool.receipts.archived()))
    archived = {parts[1] for parts in filter(None, names)}
    for command_id in spool.commands.replays.ids()[:-_REPLAYS_KEPT]:
        if command_id in archived:
            spool.commands.replays.remove(command_id)


def _prune_imports(spool: Spool) -> None:
    """Remove imports that were carried out, and what an interrupted one has left."""
    outcomes = spool.reports.imported.ids()
    for command_id in carried_out(spool.commands.imports.ids(), outcomes):
        finish_import(spool, command_id)
    spool.commands.remove_drafts(_DRAFT_AGE_S)
    for command_id in spool.commands.abandoned_bundles(_DRAFT_AGE_S):
        spool.commands.remove_bundle(command_id)


def finish_import(spool: Spool, command_id: str) -> None:
    """Remove an import that was carried out; if it failed, also the holds that were put for it."""
    with suppress(EntryError):
        held = spool.commands.imports.read(command_id).held
        if spool.reports.imported.read(command_id).error is not None:
            for scan_id in not_taken_up(held, spool.reports.ids()):
                spool.commands.holds.remove(scan_id)
    spool.commands.remove_import(command_id)
