"""The commands, and the parsers of their arguments.

`main` imports this for every command but `stage`: a stage would keep argparse in memory for months.
"""

import argparse
import importlib
from typing import Any, NamedTuple

from stages.console.config_variable import CONFIG_VARIABLE, PROGRAM
from stages.runtime.argument_parser import CommandParser
from stages.runtime.version import AGENT_VERSION


class Command(NamedTuple):
    module: str
    """Offers `add_arguments(parser)` and `run(args, context)`, below `stages.console`."""
    help: str
    needs_settings: bool = True


COMMANDS = {
    "run": Command("supervise", "run all four stages in the foreground"),
    "scan": Command("scan", "request a scan of this host"),
    "cancel": Command("cancel", "cancel scans that are waiting or running"),
    "detect": Command("detect", "detect the scanners on this host"),
    "profiles": Command("profiles", "list the profiles available for this host"),
    "content": Command(
        "content_command", "list, add, fetch or remove the security content of this host"
    ),
    "status": Command("status", "show stages, scanners, schedules and pending scans"),
    "list": Command("list_command", "list scans, newest last"),
    "show": Command("show", "show one scan"),
    "raw": Command("raw_command", "print a file that the scanner itself wrote, unpacked"),
    "recheck": Command(
        "fixing.recheck_command", "evaluate rules of a scan again, without a new scan"
    ),
    "fix": Command("fixing.fix_command", "run the scripts that fix failed rules, or undo a fix"),
    "compare": Command("compare_command", "compare two scans"),
    "metrics": Command("metrics_command", "print the agent's state as metrics for Prometheus"),
    "trend": Command("trend_command", "show score and failed rules over all kept scans"),
    "waivers": Command("waivers_command", "list the approved exceptions, or check waiver files"),
    "waive": Command("waive", "write an approved exception for a rule"),
    "tailor": Command("tailor", "write a tailoring file: a profile with other rules or values"),
    "replay": Command("replay", "parse or ship stored scans again"),
    "hold": Command("delivery.hold", "keep scans from being shipped until they are released"),
    "release": Command("delivery.release", "release held scans"),
    "retry": Command("delivery.retry", "retry the delivery now"),
    "flush": Command("delivery.flush", "deliver all pending reports now"),
    "export": Command(
        "delivery.export", "write reports into one file, to be imported on another host"
    ),
    "submit": Command("delivery.submit", "put scanner output made elsewhere into the spool"),
    "import": Command("delivery.import_reports", "import reports that another host exported"),
    "verify": Command("verify", "check every entry of the spool"),
    "parse": Command(
        "parse_files", "parse scanner output made elsewhere, without a spool", needs_settings=False
    ),
    "connect": Command(
        "connect.connect_command",
        "connect this host to a server: credentials, settings, and a test",
        needs_settings=False,
    ),
    "config": Command("config", "check the settings", needs_settings=False),
    "install": Command(
        "install.install_command",
        "install or upgrade the agent on this host as systemd services",
        needs_settings=False,
    ),
}
_FLEET_HELP = "archives of many hosts, on a Dask cluster (an extra)"
_STAGE_HELP = "run one stage in the foreground (as the systemd units do)"


def overview() -> argparse.ArgumentParser:
    """The parser whose help lists the commands; the commands have no arguments yet."""
    top = CommandParser(
        prog=PROGRAM,
        description="Scans this host against security benchmarks, and delivers every result to a "
        "PatchMon server.",
        epilog="exit codes: 0 success; 1 negative result (failed, refused, damaged, not "
        "delivered); 2 wrong usage or settings; 3 spool or host unusable; 4 already running; "
        "70 internal error; 75 the disk does not allow a start now; 130 interrupted; "
        "141 output closed by its reader",
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {AGENT_VERSION}")
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
    top = overview()
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
    module(name).add_arguments(subparser)


def _add_common_arguments(subparser: argparse.ArgumentParser) -> None:
    from pathlib import Path

    subparser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings file (default: ${CONFIG_VARIABLE}, or /etc/compliance-agent/config.yml "
        "if it exists)",
    )
    subparser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_stage_arguments(subparser: argparse.ArgumentParser) -> None:
    from spool.layout import STAGES

    subparser.add_argument("stage", choices=STAGES, help="the stage to run")
    _add_common_arguments(subparser)


def parse(name: str, arguments: list[str]) -> argparse.Namespace:
    """The arguments of one command. Raises UsageError."""
    subparser = _parser_of(name, COMMANDS[name].help)
    _add_arguments(name, subparser)
    args: argparse.Namespace = subparser.parse_args(arguments)
    return args


def parse_stage(arguments: list[str]) -> argparse.Namespace:
    """The arguments of `stage`. Raises UsageError."""
    subparser = _parser_of("stage", _STAGE_HELP)
    _add_stage_arguments(subparser)
    args: argparse.Namespace = subparser.parse_args(arguments)
    return args


def _parser_of(name: str, help_text: str) -> CommandParser:
    return CommandParser(prog=f"{PROGRAM} {name}", description=_sentence(help_text))


def module(name: str) -> Any:
    """The module of a command."""
    return importlib.import_module(f"stages.console.{COMMANDS[name].module}")


def _fleet_parser() -> argparse.ArgumentParser | None:
    try:
        module = importlib.import_module("fleet.main")
    except ModuleNotFoundError:
        return None
    found: argparse.ArgumentParser = module.parser()
    return found
