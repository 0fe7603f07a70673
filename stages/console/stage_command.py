"""`stage`: one stage in the foreground, as the systemd units run it.

The usual command lines are understood without argparse, which each of the four processes would keep
in memory for months. Any other line is left to it: the messages about mistakes are its own.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spool.layout import STAGES, Stage
from stages.console.config_variable import PROGRAM, config_of_environment
from stages.runtime import supervised
from stages.runtime.exits import Exit
from stages.runtime.settings_file import no_more_problems
from stages.runtime.stage_process import run
from stages.scanners.settings import load_settings


class _Arguments(NamedTuple):
    stage: Stage
    config: Path | None
    json: bool


def run_stage(arguments: Sequence[str]) -> Exit:
    """Run a stage until it has to stop. Raises UsageError."""
    args = _usual(arguments) or _parsed(arguments)
    if supervised.is_orphan():
        sys.stderr.write(f"{PROGRAM}: the process that started this stage has ended\n")
        return Exit.OK
    module = importlib.import_module(f"stages.{args.stage}.stage")
    handler = getattr(module, f"{args.stage.capitalize()}Stage")
    check = getattr(module, "problems", no_more_problems)
    config = args.config or config_of_environment()
    return run(
        args.stage, handler, config, lambda path: load_settings(path, check), as_json=args.json
    )


def _usual(arguments: Sequence[str]) -> _Arguments | None:
    """`STAGE`, then `--config FILE` or nothing, then `--json` or nothing; None where it differs."""
    stage, *options = arguments or [""]
    as_json = options[-1:] == ["--json"]
    if as_json:
        options.pop()
    config = None
    match options:
        case []:
            pass
        case ["--config", path]:
            config = Path(path)
        case _:
            return None
    if stage not in STAGES:
        return None
    return _Arguments(stage, config, as_json)


def _parsed(arguments: Sequence[str]) -> _Arguments:
    from stages.console.command_parsers import parse_stage

    args = parse_stage(list(arguments))
    return _Arguments(args.stage, args.config, args.json)
