"""How a command ends: an exit code, and what went wrong as one line of text or as JSON.

Promises: no traceback is shown. An internal error names the place in the source instead.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit


def guarded(arguments: Sequence[str], run: Callable[[], int]) -> int:
    """The exit code of `run`, which carries out the command line `arguments`."""
    try:
        code = _run_to_code(run)
        # What cannot be written is reported here; at its end the interpreter shows a traceback.
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return Exit.PIPE
    except Exception as error:  # an operator can do nothing with a traceback
        return _report(error, arguments)
    return code


def open_missing_streams() -> None:
    """Replace closed streams (`>&-`): the next file opened would get their descriptor."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115


def escape_unprintable_output() -> None:
    """In a locale that lacks a character (`LC_ALL=C`), write its escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        # A test or an embedding program may have put another kind of stream there.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run_to_code(run: Callable[[], int]) -> int:
    try:
        return int(run())
    except SystemExit as end:
        # argparse ends `--help` so.
        return int(end.code or 0)


def _report(error: Exception, arguments: Sequence[str]) -> int:
    """Show an error the way the command line asks for. Returns its exit code."""
    from stages.console.output import show_json, unicode_text, warn

    message, code = _explain(error)
    as_json = "--json" in arguments
    if as_json and _written(lambda: show_json({"error": unicode_text(message), "exit_code": code})):
        return code
    # What the command had printed before comes first.
    _written(sys.stdout.flush)
    # The exit code counts, also where standard error takes nothing.
    with suppress(OSError):
        if isinstance(error, UsageError):
            sys.stderr.write(error.usage)
        warn(f"{_program(error, arguments)}: {message}")
    return code


def _written(write: Callable[[], object]) -> bool:
    """Whether standard output took it; where it did not, it is closed for good."""
    try:
        write()
        sys.stdout.flush()
    except OSError:
        _discard_output()
        return False
    return True


def _discard_output() -> None:
    """Keep the interpreter from writing the rest at its end, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> tuple[str, Exit]:
    from spool.errors import SpoolError, StorageError, is_of_the_machine, remedy

    if isinstance(error, CommandError):
        return str(error), error.code
    if isinstance(error, StorageError):
        return error.why, Exit.UNUSABLE
    if isinstance(error, SpoolError):
        return str(error), Exit.UNUSABLE
    if isinstance(error, OSError):
        message = f"{error.filename or 'the output'}: {error.strerror or error}"
        if is_of_the_machine(error):
            message += f"; {remedy(error)}"
        return message, Exit.UNUSABLE
    return _internal_error(error), Exit.BUG


def _program(error: Exception, arguments: Sequence[str]) -> str:
    if isinstance(error, UsageError):
        return error.program
    command = [argument for argument in arguments[:1] if not argument.startswith("-")]
    return " ".join(["compliance-agent", *command])


def _internal_error(error: Exception) -> str:
    import traceback
    from pathlib import Path

    # The place in our own source says more than the one in a library that it called.
    root = Path(__file__).parents[2]
    ours = tuple(
        str(root / package) + os.sep for package in ("schemas", "spool", "stages", "fleet")
    )
    frames = traceback.extract_tb(error.__traceback__)
    our_frames = [frame for frame in frames if frame.filename.startswith(ours)]
    place = [*frames, *our_frames][-1]
    message = " ".join(str(error).split())
    return (
        f"internal error: {type(error).__name__} in {Path(place.filename).name} "
        f"line {place.lineno}: {message}; please report this line"
    )
