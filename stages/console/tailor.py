"""`tailor`: write a tailoring file that changes a profile of the content of this host."""

import argparse
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from spool import durable
from stages.console import arguments
from stages.console.context import Context
from stages.console.output import show_record, show_text, unicode_text, warn
from stages.runtime.command_error import CommandError, UsageError, file_errors
from stages.runtime.exits import Exit
from stages.runtime.printable import counted
from stages.scanners import registry
from stages.scanners.new_tailoring import NewTailoring, TailoringChanges, TailoringRefused
from stages.scanners.path_trust import why_file_changeable
from stages.scanners.spec import MakeTailoring, ScannerSpec

_NAME_AND_TEXT = re.compile(r"(?P<name>[^=]+)=(?P<text>.*)", re.DOTALL)
# XML 1.0, production 2: Char.
_VALUE = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_PROGRAM = "compliance-agent tailor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="PROFILE",
        help="the profile to change, by id, short id or title (default: the configured one)",
    )
    parser.add_argument(
        "--unselect",
        metavar="RULE",
        action="append",
        default=[],
        help="leave out a rule or group, by id or short id; may be given several times",
    )
    parser.add_argument(
        "--select",
        metavar="RULE",
        action="append",
        default=[],
        help="add a rule or group that the profile leaves out; may be given several times",
    )
    parser.add_argument(
        "--set-value",
        metavar="NAME=TEXT",
        action="append",
        default=[],
        help="set a value of the content, by id or short id; may be given several times",
    )
    parser.add_argument(
        "--title",
        type=arguments.text,
        help="the title of the new profile (default: that of the profile it is made from)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        required=True,
        help="the file to write; an existing file is replaced only with --force",
    )
    parser.add_argument("--force", action="store_true", help="replace the file")


def run(args: argparse.Namespace, context: Context) -> Exit:
    path: Path = args.output
    _check_output(path, is_forced=args.force)
    changes = TailoringChanges(
        profile=args.profile,
        unselect=tuple(args.unselect),
        select=tuple(args.select),
        values=tuple(map(_value, args.set_value)),
        title=args.title,
        output=str(path.absolute()),
    )
    spec, tailor = next(_tailors())
    made = tailor(context.settings, changes, datetime.now(UTC))
    if isinstance(made, TailoringRefused):
        raise CommandError("\n".join(made.problems), Exit.USAGE)
    new, text = made
    with file_errors(path, "can't be written", Exit.USAGE):
        _write(path, text)
    setting = f"compliance.{spec.section}.tailoring"
    show_record(new, partial(_show, path, setting), as_json=context.json)
    return Exit.OK


def _tailors() -> Iterator[tuple[ScannerSpec, MakeTailoring]]:
    for spec in registry.scanners():
        if spec.tailor is not None:
            yield spec, spec.tailor


def _value(text: str) -> tuple[str, str]:
    """Raises UsageError."""
    found = _NAME_AND_TEXT.fullmatch(text)
    if found is None:
        raise UsageError(f"--set-value {text}: must be NAME=TEXT", _PROGRAM)
    if not _VALUE.fullmatch(found["text"]):
        raise UsageError(f"--set-value {text!a}: contains characters that XML can't hold", _PROGRAM)
    return found["name"], found["text"]


def _check_output(path: Path, *, is_forced: bool) -> None:
    """Raises CommandError where a file must not be written there."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_file():
        # Such as /dev/stdout: it would be replaced by a file.
        raise CommandError(f"{path}: is not a plain file: name another one", Exit.USAGE)
    if not is_forced:
        raise CommandError(f"{path}: is there already; --force replaces it", Exit.USAGE)


def _write(path: Path, text: str) -> None:
    """The file is whole or as it was. Its directory may be one that others write into, so what they
    have put there under whatever name is not followed. Raises OSError.
    """
    directory = durable.open_directory(path.parent.resolve())
    try:
        durable.write(directory, path.name, text.encode(), replace=True, mode=0o644)
    finally:
        os.close(directory)


def _show(path: Path, setting: str, new: NewTailoring) -> None:
    show_text(f"{new.title}: written into {unicode_text(path)}")
    show_text(
        f"{counted(len(new.unselected), 'rule')} unselected, {len(new.selected)} selected, "
        f"{counted(len(new.values), 'value')} set, in {new.extends} of {new.content}"
    )
    show_text(f"to scan with it, set {setting}: {unicode_text(path.absolute())}")
    for remark in new.remarks:
        warn(remark)
    refusal = why_file_changeable(path)
    if refusal:
        warn(f"it can't be used from there: {refusal}")
