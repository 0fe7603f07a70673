"""compliance-agent: scans this host with OpenSCAP and Docker Bench, and delivers every result.

The parser, and nothing heavy: each command is imported when it is called, so a stage starts lean.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from schemas.settings import Settings
from spool.layout import STAGES
from stages.console.command_errors import UsageError, guarded, open_missing_streams
from stages.runtime import settings_file
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION

# Command, module, one line of help. A module offers add_arguments(parser) and run(args, context).
_COMMANDS = (
    ("run", "stages.console.supervise", "run all four stages in the foreground"),
    ("scan", "stages.console.scan", "ask for a scan of this host"),
    ("cancel", "stages.console.cancel", "end scans that wait or run"),
    ("detect", "stages.console.detect", "detect the scanners on this host"),
    ("profiles", "stages.console.profiles", "list the profiles that this host can be scanned with"),
    ("status", "stages.console.status", "show stages, scanners, schedules and what waits"),
    ("list", "stages.console.list_command", "list scans, newest last"),
    ("show", "stages.console.show", "show one scan"),
    ("replay", "stages.console.replay", "parse or ship stored scans again"),
    ("hold", "stages.console.delivery.hold", "do not ship scans until they are released"),
    ("release", "stages.console.delivery.release", "let held scans go"),
    ("retry", "stages.console.delivery.retry", "try the server now"),
    ("flush", "stages.console.delivery.flush", "deliver what waits, now"),
    (
        "export",
        "stages.console.delivery.export",
        "write reports into one file, for a host that reaches the server",
    ),
    ("import", "stages.console.delivery.import_reports", "take reports from such a file"),
    ("verify", "stages.console.verify", "check every entry of the spool"),
    (
        "parse",
        "stages.console.parse_files",
        "turn scanner output made elsewhere into a report, without a spool",
    ),
    ("config", "stages.console.config", "check the settings"),
    (
        "install",
        "stages.console.install.command",
        "install the agent on this host as systemd services, or upgrade it",
    ),
)
_WITHOUT_SETTINGS = frozenset({"config", "parse", "install"})


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns an exit code of `stages.runtime.exits`."""
    open_missing_streams()
    arguments = _command_first(list(sys.argv[1:] if argv is None else argv))
    if arguments[:1] == ["stage"]:
        return guarded(arguments, lambda: _stage(arguments[1:]))
    return guarded(arguments, lambda: _command(arguments))


def _command_first(arguments: list[str]) -> list[str]:
    """What every command takes may stand before it: `--json status` is `status --json`."""
    at = 0
    while at < len(arguments) and (
        arguments[at] in ("--json", "--config") or arguments[at].startswith("--config=")
    ):
        at += 2 if arguments[at] == "--config" else 1
    return [*arguments[at : at + 1], *arguments[:at], *arguments[at + 1 :]]


class _Parser(argparse.ArgumentParser):
    """Mistakes are raised, so that they are told like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(self.format_usage(), self.prog, message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What a command does not know is its own mistake to tell, with its own usage."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The whole parser, or with `only` that command's part alone filled in."""
    top = _Parser(
        prog="compliance-agent",
        description="Scans this host with OpenSCAP and Docker Bench for Security, and delivers every result.",
        epilog="exit codes: 0 done; 1 done, and the answer is bad (failed, refused, damaged, not delivered); "
        "2 wrong usage or settings; 3 spool or host unusable; 4 already running; 70 a fault in the program; "
        "130 interrupted; 141 whoever read the output has gone",
    )
    top.add_argument("--version", action="version", version=f"compliance-agent {AGENT_VERSION}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module, arguments in _COMMANDS:
        command = commands.add_parser(
            name, help=arguments, description=arguments[0].upper() + arguments[1:] + "."
        )
        add_common(command)
        if only in (None, name):
            importlib.import_module(module).add_arguments(command)
    stage = commands.add_parser(
        "stage", help="run one stage in the foreground (what the units start)"
    )
    _add_stage_arguments(stage)
    return top


def add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings file (default: $COMPLIANCE_AGENT_CONFIG, or {settings_file.DEFAULT_PATH} where it exists)",
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def _command(arguments: list[str]) -> int:
    args = parser(_named(arguments)).parse_args(arguments)
    module = importlib.import_module(
        next(module for name, module, _ in _COMMANDS if name == args.command)
    )
    from stages.console.context import CommandError, Context

    path = args.config or _environment_config()
    without = args.command in _WITHOUT_SETTINGS
    loaded = settings_file.Loaded(Settings(), (), None) if without else settings_file.load(path)
    if loaded.problems:
        lines = [f"{loaded.path}: {problem}" for problem in loaded.problems]
        raise CommandError("\n".join(["the settings are wrong:", *lines]), Exit.USAGE)
    return int(module.run(args, Context(loaded.settings, loaded.path or path, args.json)))


def _named(arguments: list[str]) -> str | None:
    """The command of a command line; None where there is none. Raises UsageError for one that does not exist."""
    if not arguments or arguments[0].startswith("-"):
        return None
    names = ["stage", *(name for name, _, _ in _COMMANDS)]
    if arguments[0] not in names:
        import difflib  # only a mistake needs it

        near = difflib.get_close_matches(arguments[0], names, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise UsageError("", "compliance-agent", f"no command {arguments[0]!a}; {known}")
    return arguments[0]


def _environment_config() -> Path | None:
    value = os.environ.get("COMPLIANCE_AGENT_CONFIG")
    return Path(value) if value else None


def _add_stage_arguments(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("stage", choices=STAGES)
    add_common(stage)


def _stage(arguments: list[str]) -> int:
    """Run one stage. Kept apart from the other commands: their imports would stay in memory for ever."""
    stage = _Parser(prog="compliance-agent stage", description="Run one stage in the foreground.")
    _add_stage_arguments(stage)
    args = stage.parse_args(arguments)
    from stages.runtime.main_loop import run

    module = importlib.import_module(f"stages.{args.stage}.stage")
    worker = getattr(module, f"{args.stage.capitalize()}Stage")
    check = getattr(module, "problems", settings_file.no_more_problems)
    return run(args.stage, worker, args.config or _environment_config(), check, as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
