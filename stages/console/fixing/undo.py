"""`fix --undo`: the files that a fix has changed, as they were before it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from schemas.fixes import FixRun, Undone
from spool.errors import EntryError
from stages.console import command_writer
from stages.console.context import Context
from stages.console.fixing import host_copy
from stages.console.fixing.fix_directory import fix_directory, kept_fixes
from stages.console.fixing.fix_scan import directory_of
from stages.console.fixing.path_changes import PathChange
from stages.console.output import unicode_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

LAST = "last"


def undo(
    context: Context, named: str, confirm: Callable[[list[PathChange], list[PathChange]], None]
) -> tuple[str, Undone, FixRun | None]:
    """Restore what a fix has changed. `named` is its id, or `last` for the newest one that is not
    undone yet.

    `confirm` gets all changes, and those whose paths have changed again since the fix; it raises
    CommandError where the operator declines. Raises CommandError.
    """
    with fix_directory(context.settings.compliance.fixes) as parent:
        fix_id = _fix_id(context, named, kept_fixes(parent))
        directory = directory_of(context, fix_id)
        with _copy_errors(directory):
            changes = host_copy.changes_of(directory)
            changed_since = [change for change in changes if _differs(change)]
        confirm(changes, changed_since)
        with _copy_errors(directory):
            restored, kept = host_copy.restore(directory, changes)
        # A path need not be valid UTF-8; the record must be.
        undone = Undone(
            at=datetime.now(UTC),
            restored=tuple(map(unicode_text, restored)),
            kept=tuple(map(unicode_text, kept)),
        )
        with command_writer.writing(context) as spool:
            spool.fixes.undone.write(fix_id, undone)
    return fix_id, undone, _run_of(context, fix_id)


@contextmanager
def _copy_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, host_copy.CopyDamagedError) as error:
        raise CommandError(f"{directory}: the copy can't be read: {error}", Exit.NO) from error


def _differs(change: PathChange) -> bool:
    """Whether a path is neither as the fix left it nor as it was before. Raises OSError."""
    return host_copy.now_at(change.path) not in (change.after, change.before)


def _fix_id(context: Context, named: str, kept: list[str]) -> str:
    if named in kept:
        return named
    if named != LAST:
        known = ", ".join(kept) or "none"
        raise CommandError(f"fix {named} can't be undone; those that can be: {known}", Exit.NO)
    undone = set(context.spool.fixes.undone.ids())
    for fix_id in reversed(kept):
        if fix_id not in undone:
            return fix_id
    raise CommandError("there is no fix to undo", Exit.NO)


def _run_of(context: Context, fix_id: str) -> FixRun | None:
    """What became of a fix; None where it was killed before it could record that."""
    try:
        return context.spool.fixes.fixes.read(fix_id)
    except EntryError:
        return None
