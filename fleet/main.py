"""`compliance-agent fleet`: the archives of many hosts."""

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from fleet import adding, deliver_command, parsing, report_command
from fleet.archive import Archive
from fleet.arguments import add_command
from fleet.cluster import cluster
from fleet.output import errors, output, progress_bar, show_problem
from fleet.parse_chunk import ChunkDone
from schemas import codec
from schemas.settings import WaiverSettings
from stages.parse import waiver_files
from stages.runtime.argument_parser import CommandParser
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.moments import EXAMPLES, moment
from stages.runtime.printable import counted, one_line
from stages.scanners.settings import load_settings

_PROGRAM = "compliance-agent fleet"
_MOST_SHOWN = 20
_MOST_WORKERS = 256


def main(arguments: Sequence[str]) -> int:
    """Returns an exit code of `stages.runtime.exits`."""
    args = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], Exit] = args.run
    return run(args)


def parser() -> argparse.ArgumentParser:
    top = CommandParser(_PROGRAM, description="The archives of many hosts.")
    commands = top.add_subparsers(
        dest="command",
        metavar="COMMAND",
        required=True,
        help="add, parse, report, query or deliver; each lists its options with --help",
    )
    _add_add(commands)
    _add_parse(commands)
    report_command.add_report(commands)
    report_command.add_query(commands)
    deliver_command.add_deliver(commands)
    return top


def _add_add(commands: Any) -> None:
    found = add_command(commands, "add", _add, "Add raw bundles and copied spools to an archive.")
    found.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a bundle of `export --raw`, or HOST=DIRECTORY for the copied spool of a host",
    )
    found.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    results: list[adding.Added] = []
    code = Exit.OK
    with archive.locked():
        for source in args.sources:
            try:
                added = adding.add(archive, source)
            except CommandError as error:
                # The other sources are still added.
                show_problem(str(error))
                code = Exit.NO
                continue
            results.append(added)
            if added.damaged:
                code = Exit.NO
            if not args.json:
                _show_added(source, added)
    if args.json:
        sys.stdout.write(codec.pretty(results) + "\n")
    return code


def _show_added(source: str, added: adding.Added) -> None:
    output.print(
        f"{one_line(source)}: {added.host}: "
        f"{len(added.new)} new, {len(added.completed)} completed, "
        f"{added.present} already there, {len(added.damaged)} damaged",
        markup=False,
    )
    for repaired in added.repaired:
        output.print(
            f"  {repaired}: was damaged in the archive and has been repaired", markup=False
        )
    for scan_id, reason in added.damaged.items():
        show_problem(f"  {scan_id}: set aside: {reason}")


def _add_parse(commands: Any) -> None:
    found = add_command(
        commands, "parse", _parse, "Parse raw entries again, into reports and tables, on Dask."
    )
    where = found.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="a running Dask scheduler, tcp://host:8786"
    )
    where.add_argument(
        "--workers",
        type=_count,
        default=2,
        metavar="N",
        help="workers on this machine (default: 2)",
    )
    found.add_argument(
        "--since", metavar="T", type=moment, help=f"only scans requested at T or later: {EXAMPLES}"
    )
    found.add_argument("--profile", metavar="TEXT", help="only profiles whose name contains TEXT")
    found.add_argument(
        "--waivers", metavar="DIR", help="waiver files for all hosts, instead of their own"
    )
    found.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings for all hosts, instead of their own"
    )


def _parse(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    archive.check_hosts()
    with archive.locked():
        plan = parsing.plan(archive, _choice(args))
        errors.print(
            f"{counted(plan.scans, 'scan')} to parse, {plan.up_to_date} up to date", markup=False
        )
        if plan.without_raw:
            errors.print(f"{counted(plan.without_raw, 'scan')} without a raw entry", style="yellow")
        if not plan.chunks:
            return Exit.OK
        outcome = _parse_on_cluster(args, plan)
    errors.print(f"{outcome.parsed} parsed, {len(outcome.unreadable)} can't be read", markup=False)
    for scan, reason in islice(outcome.unreadable.items(), _MOST_SHOWN):
        show_problem(f"  {scan}: {reason}")
    if outcome.unreadable:
        return Exit.NO
    return Exit.OK


def _parse_on_cluster(args: argparse.Namespace, plan: parsing.ParsePlan) -> parsing.ParseOutcome:
    with cluster(args.scheduler, args.workers) as client, progress_bar() as progress:
        if client.dashboard_link:
            errors.print(f"dashboard: {client.dashboard_link}", markup=False)
        task = progress.add_task("scans", total=plan.scans)

        def advance(done: ChunkDone) -> None:
            progress.advance(task, done.scans)

        return parsing.run(client, plan.chunks, advance)


def _choice(args: argparse.Namespace) -> parsing.ParseChoice:
    waivers = compliance = None
    if args.waivers is not None:
        if not Path(args.waivers).is_dir():
            raise CommandError(f"{args.waivers}: is not a directory", Exit.USAGE)
        found = waiver_files.load(WaiverSettings(directory=args.waivers))
        if found.problems:
            raise CommandError("; ".join(found.problems), Exit.USAGE)
        waivers = tuple(placed.waiver for placed in found.waivers)
    if args.settings is not None:
        loaded = load_settings(args.settings)
        if loaded.problems:
            raise CommandError(
                f"{args.settings}: {'; '.join(map(str, loaded.problems))}", Exit.USAGE
            )
        compliance = codec.plain(loaded.settings.compliance)
    return parsing.ParseChoice(
        since=args.since, profile=args.profile, waivers=waivers, compliance=compliance
    )


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= _MOST_WORKERS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_WORKERS}")
