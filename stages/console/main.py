"""compliance-agent: the command line.

Each command's module is imported when the command is called, so that short commands start fast and
a stage keeps nothing in memory that it does not use.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.console.command_exit import (
    escape_unprintable_output,
    guarded,
    open_missing_streams,
)
from stages.console.config_variable import PROGRAM, config_of_environment
from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from stages.console.context import Context


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns an exit code of `stages.runtime.exits`."""
    open_missing_streams()
    escape_unprintable_output()
    is_program = argv is None
    if argv is None:
        argv = sys.argv[1:]
    arguments = _command_first(list(argv))
    code = guarded(arguments, lambda: _dispatch(arguments))
    if is_program and arguments[:1] == ["fleet"]:
        # Everything is written and closed. Threads that Arrow leaves behind can abort the process
        # while the interpreter ends ("terminate called without an active exception").
        os._exit(code)
    return code


def _command_first(arguments: list[str]) -> list[str]:
    """Common options may come before the command: `--json status` is `status --json`."""
    at = 0
    while at < len(arguments):
        if arguments[at] == "--config":
            at += 2
        elif arguments[at] == "--json" or arguments[at].startswith("--config="):
            at += 1
        else:
            break
    return [*arguments[at : at + 1], *arguments[:at], *arguments[at + 1 :]]


def _dispatch(arguments: list[str]) -> int:
    first = next(iter(arguments), None)
    if first == "--version":
        sys.stdout.write(f"{PROGRAM} {AGENT_VERSION}\n")
        return Exit.OK
    if first == "stage":
        from stages.console.stage_command import run_stage

        return run_stage(arguments[1:])
    if first == "fleet":
        return _run_fleet(arguments[1:])
    if first == "__complete":
        return _complete(arguments[1:])

    from stages.console.command_parsers import COMMANDS, overview

    if first in ("-h", "--help"):
        sys.stdout.write(overview().format_help())
        return Exit.OK
    if first in COMMANDS:
        return _run_command(first, arguments[1:])
    known = ", ".join(["stage", "fleet", *COMMANDS])
    if first is None:
        raise UsageError(f"no command given; commands are {known}", PROGRAM)
    raise UsageError(f"no command {first!a}; commands are {known}", PROGRAM)


def _run_command(name: str, arguments: list[str]) -> int:
    from stages.console import command_parsers

    args = command_parsers.parse(name, arguments)
    context = _context(
        args.config, as_json=args.json, needs_settings=command_parsers.COMMANDS[name].needs_settings
    )
    return int(command_parsers.module(name).run(args, context))


def _run_fleet(arguments: list[str]) -> int:
    """An extra that is not on hosts."""
    try:
        module = importlib.import_module("fleet.main")
    except ModuleNotFoundError as error:
        raise CommandError(
            "fleet is an extra, and not installed here: in a virtual environment, "
            f"pip install 'compliance-agent[fleet]' ({error.name} is missing)",
            Exit.USAGE,
        ) from error
    return int(module.main(arguments))


def _complete(arguments: list[str]) -> int:
    """For the shells' completion, which shows no message of the program."""
    from spool.errors import SpoolError
    from stages.console.completion_values import candidates

    try:
        for candidate in candidates(arguments, _context(None, as_json=False, needs_settings=True)):
            sys.stdout.write(f"{candidate}\n")
    except (CommandError, SpoolError):
        return Exit.NO
    return Exit.OK


def _context(config: "Path | None", *, as_json: bool, needs_settings: bool) -> "Context":
    from stages.console.context import Context
    from stages.scanners.settings import load_settings, settings_record

    path = config or config_of_environment()
    if not needs_settings:
        return Context(settings_record()(), path, as_json)
    loaded = load_settings(path)
    if loaded.problems:
        lines = [f"{loaded.path}: {problem}" for problem in loaded.problems]
        raise CommandError("\n".join(["the settings are wrong:", *lines]), Exit.USAGE)
    return Context(loaded.settings, loaded.path or path, as_json)


if __name__ == "__main__":
    sys.exit(main())
