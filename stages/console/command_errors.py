"""How a command ends: what it could not do is one line for people, or JSON for programs, and an exit code.

Promises: nobody is shown a traceback. A fault in the program names the place in the source instead.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from schemas.records import Record
from spool.errors import SpoolError, StorageError
from stages.console.context import CommandError
from stages.runtime.exits import Exit

_OURS = tuple(Path(__file__).parents[2] / name for name in ("schemas", "spool", "stages"))


class UsageError(CommandError):
    """A command line that can't be understood."""

    def __init__(self, usage: str, stage: str, message: str) -> None:
        super().__init__(f"{message}: see {stage} --help", Exit.USAGE)
        self.usage = usage
        self.stage = stage


class Failed(Record, frozen=True, kw_only=True):
    """What a command prints with `--json` where it can't do what it was asked."""

    error: str
    exit_code: int


def guarded(message: Sequence[str], run: Callable[[], int]) -> int:
    """The exit code of `run`, the command line `words`, whatever becomes of it."""
    as_json = "--json" in message
    stage = " ".join(
        ["compliance-agent", *(word for word in message[:1] if not word.startswith("-"))]
    )
    try:
        code = _ran(run)
        # What can't be written is told here: at the interpreter's end it would be told by a traceback.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return Exit.PIPE
    except UsageError as error:
        sys.stderr.write("" if as_json else error.usage)
        return _tell(error.stage, str(error), error.code, as_json)
    except CommandError as error:
        return _tell(stage, str(error), error.code, as_json)
    except StorageError as error:
        return _tell(stage, error.why, Exit.UNUSABLE, as_json)
    except SpoolError as error:
        return _tell(stage, str(error), Exit.UNUSABLE, as_json)
    except OSError as error:
        why = f"{error.filename or 'the output'}: {error.strerror or error}"
        return _tell(stage, why, Exit.UNUSABLE, as_json)
    except Exception as error:  # told in one line: an operator can do nothing with a traceback
        return _tell(stage, _fault(error), Exit.BUG, as_json)


def open_missing_streams() -> None:
    """A caller may have closed them (`>&-`): what is opened next must not be taken for one of them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115


def _ran(run: Callable[[], int]) -> int:
    try:
        return int(run())
    except SystemExit as ended:
        # `--help` and `--version` end so.
        return int(ended.code or 0)


def _tell(stage: str, message: str, code: Exit, as_json: bool) -> int:
    from stages.console.output import show_json, warn

    try:
        if as_json:
            show_json(Failed(error=message, exit_code=code))
        sys.stdout.flush()
    except OSError:
        _drop_output()
        as_json = False
    if not as_json:
        warn(f"{stage}: {message}")
    return code


def _drop_output() -> None:
    """Nothing can be written any more: not at the interpreter's end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fault(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    # The place in our own source says more than the one in a library that it called.
    ours = [
        frame
        for frame in frames
        if any(Path(frame.filename).is_relative_to(path) for path in _OURS)
    ]
    place = (ours or frames)[-1]
    where = f"{Path(place.filename).name} line {place.lineno}"
    message = " ".join(str(error).split())
    return f"a fault in the program: {type(error).__name__} in {where}: {message}; please report this line"
