"""`fix`: run the scripts of failed rules, check them again, and undo that.

Only an operator runs it, and the service for the server's requests, which is not installed without
`install --with-remediation`.
"""

import argparse
import os
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from schemas.report import SEVERITIES
from schemas.request import Reason
from stages.console import command_writer
from stages.console.context import Context
from stages.console.fixing.completed_scan import completed_scan
from stages.console.fixing.fix_output import (
    dry_run,
    show_effects,
    show_fixed,
    show_planned,
    show_refused,
    show_undone,
)
from stages.console.fixing.fix_plan import (
    PlannedFix,
    planned_fixes,
    rules_to_fix,
    runnable,
)
from stages.console.fixing.fix_scan import FinishedFix, fix_scan
from stages.console.fixing.path_changes import PathChange
from stages.console.fixing.recheck_view import show_recheck
from stages.console.fixing.requested import carry_out_requested
from stages.console.fixing.undo import LAST, undo
from stages.console.output import show_json, show_progress, show_record, show_text, warn
from stages.console.scan_names import HELP
from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.runtime.printable import counted

_PROGRAM = "compliance-agent fix"
_MOST_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", nargs="?", help=HELP)
    parser.add_argument(
        "--rule",
        metavar="RULE",
        nargs="+",
        action="extend",
        help="these rules, each by its id, title or section, or a part of them (default: all that "
        "failed)",
    )
    parser.add_argument(
        "--severity", choices=SEVERITIES, help="only rules of this severity or a worse one"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the scripts, and run nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before changing this host")
    parser.add_argument(
        "--requested",
        action="store_true",
        help="carry out what the server requests (for compliance-agent-remediate.service)",
    )
    parser.add_argument(
        "--undo",
        metavar="FIX",
        nargs="?",
        const=LAST,
        help="restore the files that a fix has changed (default: the last fix)",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.requested:
        _require_root()
        return carry_out_requested(context)
    if args.undo is not None:
        return _undo(args, context)
    if args.scan_id is None:
        raise UsageError("the following arguments are required: ID, or --undo", _PROGRAM)
    if not args.dry_run:
        _require_root()
    scan = completed_scan(context, args.scan_id)
    planned = planned_fixes(context, scan, rules_to_fix(scan, args.rule, args.severity))
    if args.dry_run:
        return _show_dry_run(planned, context)
    to_run = runnable(planned)
    if not to_run:
        show_refused(planned)
        raise CommandError(f"{scan.scan_id}: no script can be run", Exit.NO)
    command_writer.check(context)
    if not args.yes:
        show_effects(planned)
        _ask(f"Run {counted(len(to_run), 'script')} as root on {socket.gethostname()}?")
    reason = Reason(source="operator", at=datetime.now(UTC))
    progress = partial(show_progress, as_json=context.json)
    finished = fix_scan(context, scan, planned, reason, progress)
    return _show(finished, context)


def _undo(args: argparse.Namespace, context: Context) -> Exit:
    if args.scan_id or args.rule or args.severity or args.dry_run:
        raise UsageError("--undo excludes ID, --rule, --severity and --dry-run", _PROGRAM)
    _require_root()
    command_writer.check(context)

    confirm: Callable[[list[PathChange], list[PathChange]], None] = _confirm_undo
    if args.yes:
        confirm = _warn_of_lost_changes
    fix_id, undone, fixed = undo(context, args.undo, confirm)
    show_record(undone, partial(show_undone, fix_id, fixed), as_json=context.json)
    if undone.kept:
        return Exit.NO
    return Exit.OK


def _confirm_undo(changes: list[PathChange], changed_since: list[PathChange]) -> None:
    """Raises CommandError for any answer but yes."""
    _warn_of_lost_changes(changes, changed_since)
    for change in changes[:_MOST_SHOWN]:
        show_text(f"{_action(change)} {change.path}")
    if len(changes) > _MOST_SHOWN:
        show_text(f"and {len(changes) - _MOST_SHOWN} more")
    _ask(f"Restore {counted(len(changes), 'path')} on {socket.gethostname()}?")


def _warn_of_lost_changes(_changes: list[PathChange], changed_since: list[PathChange]) -> None:
    for change in changed_since:
        warn(f"{change.path} has changed since the fix: that change is lost")


def _action(change: PathChange) -> str:
    if change.before is None:
        return "remove"
    return "restore"


def _show_dry_run(planned: Sequence[PlannedFix], context: Context) -> Exit:
    if context.json:
        show_json(dry_run(planned))
    else:
        show_planned(planned)
    return Exit.OK


def _show(finished: FinishedFix, context: Context) -> Exit:
    if context.json:
        show_json({"id": finished.id, "fix": finished.run, "recheck": finished.recheck})
    else:
        if finished.recheck is not None:
            show_recheck(finished.recheck)
        show_fixed(finished.id, finished.run)
    if any(rule.outcome != "fixed" for rule in finished.run.rules):
        return Exit.NO
    return Exit.OK


def _require_root() -> None:
    if os.geteuid() != 0:
        raise CommandError("this changes the host: run it as root, or with --dry-run")


def _ask(question: str) -> None:
    """Raises CommandError for any answer but yes."""
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Confirm it with --yes", Exit.USAGE)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was changed", Exit.NO)
