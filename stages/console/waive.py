"""`waive`: write a waiver for a rule into a file of the waivers' directory.

The file is replaced by rename after the new one has been checked, so the parse stage never reads
half of it, and a mistake changes nothing.
"""

import argparse
import os
import pwd
import re
from datetime import UTC, datetime
from pathlib import Path

from schemas import codec
from schemas.report import RuleResult
from schemas.settings import WaiverSettings
from schemas.settings_check import KeyProblem
from schemas.waiver import Waiver, check_waiver, fits_every_rule
from spool.lock import alone_in
from stages.console.context import Context
from stages.console.output import show_line, unicode_text, warn
from stages.console.replaced_file import replace_file
from stages.console.rule_lookup import suggestion
from stages.console.waivers_command import newest_completed
from stages.parse import waiver_files, waivers
from stages.parse.waiver_files import WaiverSet
from stages.runtime.command_error import CommandError, UsageError, file_errors
from stages.runtime.exits import Exit
from stages.scanners import registry

_PROGRAM = "compliance-agent waive"
_FILE_NAME = re.compile(r"[^/.][^/]*")
_OPTIONS = {
    "reason": "--reason",
    "approved_by": "--approved-by",
    "ticket": "--ticket",
    "expires": "--until",
    "profile": "--profile",
    "scanner": "--scanner",
    "host": "--host",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rule",
        metavar="RULE",
        help="id or short id of the rule, or number or title of a section; * is a wildcard",
    )
    parser.add_argument(
        "--until", metavar="DATE", help="the last day on which the waiver applies: 2027-03-31"
    )
    parser.add_argument("--reason", required=True, help="why the failure is accepted")
    parser.add_argument(
        "--approved-by", metavar="NAME", help="who has approved it (default: the calling user)"
    )
    parser.add_argument("--ticket", help="the number of a ticket")
    parser.add_argument("--profile", help="only for this profile, by name or id; * is a wildcard")
    parser.add_argument("--scanner", choices=registry.all_keys(), help="only for this scanner")
    parser.add_argument("--host", help="only for hosts of this name; * is a wildcard")
    parser.add_argument(
        "--file", default="local.yml", help="file in the directory of waivers (default: local.yml)"
    )
    parser.add_argument("--yes-all", action="store_true", help="confirm a waiver for every rule")


def run(args: argparse.Namespace, context: Context) -> Exit:
    settings = context.settings.compliance.waivers
    waiver = _waiver(args, open_ended=settings.open_ended)
    path = Path(settings.directory) / _file_name(args.file)
    with file_errors(path, "can't be written"):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        # What another `waive` adds meanwhile must not be lost.
        with alone_in(path.parent):
            _append(path, waiver, settings)
    show_line(
        waiver,
        f"waiver for {waiver.rule} is in {unicode_text(path)}\n"
        "it applies from the next scan on; to stored scans: compliance-agent replay parse last",
        as_json=context.json,
    )
    _warn_if_unknown(waiver, context)
    return Exit.OK


def _waiver(args: argparse.Namespace, *, open_ended: bool) -> Waiver:
    """Raises UsageError."""
    values = {
        "rule": args.rule,
        "reason": args.reason,
        "approved_by": args.approved_by or _calling_user(),
        "ticket": args.ticket,
        "expires": args.until,
        "profile": args.profile,
        "scanner": args.scanner,
        "host": args.host,
    }
    given: dict[str, object] = {key: value for key, value in values.items() if value is not None}
    if args.yes_all:
        given["all_rules"] = True
    if fits_every_rule(args.rule) and not args.yes_all:
        reason = "fits every rule: name the rules, or confirm it with --yes-all"
        raise UsageError(f"{args.rule}: {reason}", _PROGRAM)
    waiver, problems = check_waiver(given, open_ended=open_ended)
    if waiver is None:
        raise UsageError("; ".join(map(_of_option, problems)), _PROGRAM)
    if waiver.expires is not None and waiver.expires < datetime.now(UTC).date():
        raise UsageError(f"--until {waiver.expires}: is in the past", _PROGRAM)
    return waiver


def _of_option(problem: KeyProblem) -> str:
    """The keys of a file are options here, some of another name."""
    if problem.key is None:
        return problem.message
    option = _OPTIONS.get(problem.key, problem.key)
    return f"{option}: {problem.message}"


def _calling_user() -> str:
    """The person behind sudo, where there is one."""
    name = os.environ.get("SUDO_USER")
    if name:
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _file_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name):
        raise UsageError(f"--file {name}: must be a name without /", _PROGRAM)
    return f"{name.removesuffix('.yml')}.yml"


def _append(path: Path, waiver: Waiver, settings: WaiverSettings) -> None:
    """Nothing happens where the file has just this waiver. Raises CommandError where the file has
    problems, or would have; OSError.

    A waiver that contradicts one of another file is refused, too: neither of them would apply.
    """
    before = b""
    if path.exists():
        present = waiver_files.load_file(path, open_ended=settings.open_ended)
        _refuse_problems(present)
        if waiver in [placed.waiver for placed in present.waivers]:
            return
        before = path.read_bytes()
        if before and not before.endswith(b"\n"):
            before += b"\n"
    item = _as_yaml(waiver)
    content = before + item
    found = waiver_files.read(path, content, open_ended=settings.open_ended)
    if found.problems:
        # Without the new item there was none: the list is indented, or in brackets.
        raise CommandError(
            f"{path}: its list can't be continued at the end of the file: add this to it, or give "
            f"--file:\n{item.decode()}",
            Exit.USAGE,
        )
    others = [each for each in waiver_files.load(settings).waivers if each.file != path]
    everything = WaiverSet((*others, *found.waivers))
    _refuse_problems(waiver_files.without_contradictions(everything))
    replace_file(path, (content,), 0o644)


def _refuse_problems(found: WaiverSet) -> None:
    if found.problems:
        raise CommandError("; ".join(found.problems), Exit.USAGE)


def _as_yaml(waiver: Waiver) -> bytes:
    """One item of a list; JSON's values are YAML's too."""
    lines = []
    for key in waiver.__struct_fields__:
        value = getattr(waiver, key)
        if value not in (None, False):
            lines.append(f"  {key}: {codec.encode(value).decode()}")
    item = "\n".join(lines)
    return f"-{item[1:]}\n".encode()


def _warn_if_unknown(waiver: Waiver, context: Context) -> None:
    """A waiver may be written before the first scan, so an unknown rule is not a mistake."""
    results: list[RuleResult] = []
    for report in newest_completed(context.spool):
        results += report.results
    if not results or any(waivers.is_for(waiver, result) for result in results):
        return
    warn(f"no rule of the newest scans is {waiver.rule}{suggestion(results, waiver.rule)}")
