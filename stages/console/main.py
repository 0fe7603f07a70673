"""compliance-agent: the command line.

Each command's module is imported when the command is called, so that short commands start fast and
a stage keeps nothing in memory that it does not use.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.console.argument_parser import CommandParser
from stages.console.command_errors import (
    escape_unprintable_output,
    guarded,
    open_missing_streams,
)
from stages.console.errors import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from stages.console.context import Context

_PROGRAM = "compliance-agent"
_CONFIG_VARIABLE = "COMPLIANCE_AGENT_CONFIG"


class _Command(NamedTuple):
    module: str
    """Offers `add_arguments(parser)` and `run(args, context)`, below `stages.console`."""
    help: str
    needs_settings: bool = True


COMMANDS = {
    "run": _Command("supervise", "run all four stages in the foreground"),
    "scan": _Command("scan", "request a scan of this host"),
    "cancel": _Command("cancel", "cancel scans that are waiting or running"),
    "detect": _Command("detect", "detect the scanners on this host"),
    "profiles": _Command("profiles", "list the profiles available for this host"),
    "content": _Command(
        "content_command", "list, add, fetch or remove the security content of this host"
    ),
    "status": _Command("status", "show stages, scanners, schedules and pending scans"),
    "list": _Command("list_command", "list scans, newest last"),
    "show": _Command("show", "show one scan"),
    "raw": _Command("raw_command", "print a file that the scanner itself wrote, unpacked"),
    "recheck": _Command(
        "fixing.recheck_command", "evaluate rules of a scan again, without a new scan"
    ),
    "fix": _Command("fixing.fix_command", "run the scripts that fix failed rules, or undo a fix"),
    "compare": _Command("compare_command", "compare two scans"),
    "metrics": _Command("metrics_command", "print the agent's state as metrics for Prometheus"),
    "trend": _Command("trend_command", "show score and failed rules over all kept scans"),
    "waivers": _Command("waivers_command", "list the approved exceptions, or check files of them"),
    "waive": _Command("waive", "write an approved exception for a rule"),
    "tailor": _Command("tailor", "write a tailoring file: a profile with other rules or values"),
    "replay": _Command("replay", "parse or ship stored scans again"),
    "hold": _Command("delivery.hold", "keep scans from being shipped until they are released"),
    "release": _Command("delivery.release", "release held scans"),
    "retry": _Command("delivery.retry", "retry the delivery now"),
    "flush": _Command("delivery.flush", "deliver all pending reports now"),
    "export": _Command(
        "delivery.export", "write reports into one file, to be imported on another host"
    ),
    "submit": _Command("delivery.submit", "put scanner output made elsewhere into the spool"),
    "import": _Command("delivery.import_reports", "import reports that another host exported"),
    "verify": _Command("verify", "check every entry of the spool"),
    "parse": _Command(
        "parse_files", "parse scanner output made elsewhere, without a spool", needs_settings=False
    ),
    "connect": _Command(
        "connect.connect_command",
        "connect this host with a server: credentials, settings, and a test",
        needs_settings=False,
    ),
    "config": _Command("config", "check the settings", needs_settings=False),
    "install": _Command(
        "install.install_command",
        "install or upgrade the agent on this host as systemd services",
        needs_settings=False,
    ),
}
_FLEET_HELP = "archives of many hosts, on a Dask cluster (an extra)"
_STAGE_HELP = "run one stage in the foreground (as the systemd units do)"


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns an exit code of `stages.runtime.exits`."""
    open_missing_streams()
    escape_unprintable_output()
    if argv is None:
        argv = sys.argv[1:]
    arguments = _command_first(list(argv))
    return guarded(arguments, lambda: _dispatch(arguments))


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
        sys.stdout.write(f"{_PROGRAM} {AGENT_VERSION}\n")
        return Exit.OK
    if first in ("-h", "--help"):
        sys.stdout.write(_overview().format_help())
        return Exit.OK
    if first == "stage":
        return _run_stage(arguments[1:])
    if first == "fleet":
        return _run_fleet(arguments[1:])
    if first in COMMANDS:
        return _run_command(first, arguments[1:])
    if first == "__complete":
        return _complete(arguments[1:])
    known = ", ".join(["stage", "fleet", *COMMANDS])
    if first is None:
        raise UsageError(f"no command given; commands are {known}", _PROGRAM)
    raise UsageError(f"no command {first!a}; commands are {known}", _PROGRAM)


def _overview() -> argparse.ArgumentParser:
    """The parser whose help lists the commands; the commands have no arguments yet."""
    top = CommandParser(
        prog=_PROGRAM,
        description="Scans this host against security benchmarks, and delivers every result to a "
        "PatchMon server.",
        epilog="exit codes: 0 success; 1 negative result (failed, refused, damaged, not "
        "delivered); 2 wrong usage or settings; 3 spool or host unusable; 4 already running; "
        "70 internal error; 75 the disk does not allow a start now; 130 interrupted; "
        "141 output closed by its reader",
    )
    top.add_argument("--version", action="version", version=f"{_PROGRAM} {AGENT_VERSION}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        subparsers.add_parser(name, help=command.help, description=_sentence(command.help))
    for name, text in (("fleet", _FLEET_HELP), ("stage", _STAGE_HELP)):
        subparsers.add_parser(name, help=text, description=_sentence(text))
    return top


def parser() -> argparse.ArgumentParser:
    """The whole parser, with the arguments of every command: for documentation and completion.

    Those of `fleet` where the extra is installed.
    """
    top = _overview()
    (action,) = (each for each in top._actions if isinstance(each, argparse._SubParsersAction))
    for name, subparser in list(action.choices.items()):
        if name == "stage":
            _add_stage_arguments(subparser)
        elif name == "fleet":
            action.choices[name] = _fleet_parser() or subparser
        elif name in COMMANDS:
            _add_arguments(name, subparser)
    return top


def _sentence(help_text: str) -> str:
    return f"{help_text[0].upper()}{help_text[1:]}."


def _add_arguments(name: str, subparser: argparse.ArgumentParser) -> None:
    _add_common_arguments(subparser)
    _module(name).add_arguments(subparser)


def _add_common_arguments(subparser: argparse.ArgumentParser) -> None:
    from pathlib import Path

    subparser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings file (default: ${_CONFIG_VARIABLE}, or /etc/compliance-agent/config.yml "
        "if it exists)",
    )
    subparser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _module(name: str) -> Any:
    return importlib.import_module(f"stages.console.{COMMANDS[name].module}")


def _run_command(name: str, arguments: list[str]) -> int:
    subparser = CommandParser(prog=f"{_PROGRAM} {name}", description=_sentence(COMMANDS[name].help))
    _add_arguments(name, subparser)
    args = subparser.parse_args(arguments)
    context = _context(args, needs_settings=COMMANDS[name].needs_settings)
    return int(_module(name).run(args, context))


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


def _fleet_parser() -> argparse.ArgumentParser | None:
    try:
        module = importlib.import_module("fleet.main")
    except ModuleNotFoundError:
        return None
    found: argparse.ArgumentParser = module.parser()
    return found


def _complete(arguments: list[str]) -> int:
    """For the shells' completion, which shows no message of the program."""
    from spool.errors import SpoolError
    from stages.console.completion_values import candidates

    args = argparse.Namespace(config=None, json=False)
    try:
        for candidate in candidates(arguments, _context(args, needs_settings=True)):
            sys.stdout.write(f"{candidate}\n")
    except (CommandError, SpoolError):
        return Exit.NO
    return Exit.OK


def _context(args: argparse.Namespace, *, needs_settings: bool) -> "Context":
    from stages.console.context import Context
    from stages.scanners.settings import load_settings, settings_record

    path = args.config or _config_of_environment()
    if not needs_settings:
        return Context(settings_record()(), path, args.json)
    loaded = load_settings(path)
    if loaded.problems:
        lines = [f"{loaded.path}: {problem}" for problem in loaded.problems]
        raise CommandError("\n".join(["the settings are wrong:", *lines]), Exit.USAGE)
    return Context(loaded.settings, loaded.path or path, args.json)


def _config_of_environment() -> "Path | None":
    from pathlib import Path

    value = os.environ.get(_CONFIG_VARIABLE)
    if not value:
        return None
    return Path(value)


def _add_stage_arguments(subparser: argparse.ArgumentParser) -> None:
    from spool.layout import STAGES

    subparser.add_argument("stage", choices=STAGES)
    _add_common_arguments(subparser)


def _run_stage(arguments: list[str]) -> int:
    subparser = CommandParser(prog=f"{_PROGRAM} stage", description=_sentence(_STAGE_HELP))
    _add_stage_arguments(subparser)
    args = subparser.parse_args(arguments)
    from stages.runtime import supervised
    from stages.runtime.settings_file import no_more_problems
    from stages.runtime.stage_process import run
    from stages.scanners.settings import load_settings

    if supervised.is_orphan():
        sys.stderr.write(f"{_PROGRAM}: the process that started this stage has ended\n")
        return Exit.OK
    module = importlib.import_module(f"stages.{args.stage}.stage")
    stage = getattr(module, f"{args.stage.capitalize()}Stage")
    check = getattr(module, "problems", no_more_problems)
    config = args.config or _config_of_environment()
    return run(
        args.stage, stage, config, lambda path: load_settings(path, check), as_json=args.json
    )


if __name__ == "__main__":
    sys.exit(main())
