"""Writing a report, a comparison or a trend in a format: to a file, or to standard output."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.console.context import Context
from stages.console.replaced_file import replace_file
from stages.formats import registry
from stages.formats.source import FormatError, ReportSource
from stages.runtime.command_error import CommandError, file_errors
from stages.runtime.exits import Exit


def add_format_arguments(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    parser.add_argument("--format", choices=formats, help="the output format (default: text)")
    add_output_argument(parser)


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output",
    )


def chosen_format(args: argparse.Namespace, context: Context) -> str:
    """What --format names; without it JSON where --json is given, else text."""
    if args.format is not None:
        return str(args.format)
    if context.json:
        return "json"
    return "text"


def write_report(chosen: str, source: ReportSource, output: Path | None) -> None:
    """Raises CommandError."""
    try:
        write_output(chosen, registry.render(chosen, source), output)
    except FormatError as error:
        raise CommandError(str(error), Exit.NO) from error


def write_output(chosen: str, chunks: Iterable[bytes], output: Path | None) -> None:
    """Raises CommandError where the file can't be written; it is whole then, or as it was.

    Text on standard output follows the locale; every other format is UTF-8 wherever it goes.
    """
    if output is None or str(output) == "-":
        _write_to_standard_output(chosen, chunks)
        return
    with file_errors(output, "can't be written", Exit.USAGE):
        _write_file(chunks, output)


def _write_to_standard_output(chosen: str, chunks: Iterable[bytes]) -> None:
    if chosen == "text":
        sys.stdout.writelines(map(bytes.decode, chunks))
    else:
        # What was printed before comes first.
        sys.stdout.flush()
        sys.stdout.buffer.writelines(chunks)
    sys.stdout.flush()


def _write_file(chunks: Iterable[bytes], output: Path) -> None:
    """A report names what is weak on this host: a new file is readable by its owner alone."""
    is_replaced = output.is_file() or not output.exists()
    if is_replaced and not output.is_symlink():
        replace_file(output, chunks, 0o600)
        return
    # A pipe or a device, or a link to one, such as /dev/stdout.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(output, flags, 0o600), "wb") as stream:
        stream.writelines(chunks)
