"""`compliance-agent fleet`: the archives of many hosts."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fleet import adding, delivering, parsing, queries, report_views
from fleet.archive import Archive
from fleet.errors import FleetError
from fleet.fleet_report import fleet_report
from fleet.output import cell, errors, output, progress_bar, show_table, write, write_csv
from fleet.parse_chunk import ChunkDone
from schemas import codec
from schemas.settings import WaiverSettings
from stages.formats.visible import visible_line
from stages.parse import waiver_files
from stages.runtime.exits import Exit
from stages.scanners.settings import load_settings

_PROGRAM = "compliance-agent fleet"
_MOST_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Returns an exit code of `stages.runtime.exits`."""
    args = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], Exit] = args.run
    try:
        return run(args)
    except FleetError as error:
        errors.print(f"{_PROGRAM}: {error}", style="red", markup=False)
        return Exit.NO


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog=_PROGRAM, description="The archives of many hosts.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_add(commands)
    _add_parse(commands)
    _add_report(commands)
    _add_query(commands)
    _add_deliver(commands)
    return top


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Exit], text: str
) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    found.set_defaults(run=run)
    found.add_argument(
        "archive", metavar="ARCHIVE", help="directory or URL (s3://…) of the archive"
    )
    return found


def _add_add(commands: Any) -> None:
    found = _command(commands, "add", _add, "Add raw bundles and copied spools to an archive.")
    found.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a bundle of `export --raw`, or HOST=DIRECTORY for the copied spool of a host",
    )
    found.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    results = [adding.add(archive, source) for source in args.sources]
    if args.json:
        sys.stdout.write(codec.pretty(results) + "\n")
    else:
        for source, added in zip(args.sources, results, strict=True):
            output.print(
                f"{source}: {added.host}: {len(added.new)} new, {len(added.completed)} completed, "
                f"{added.present} already there, {len(added.damaged)} damaged",
                markup=False,
            )
            for scan_id, reason in added.damaged.items():
                errors.print(f"  {scan_id}: set aside: {reason}", style="red", markup=False)
    if any(added.damaged for added in results):
        return Exit.NO
    return Exit.OK


def _add_parse(commands: Any) -> None:
    found = _command(
        commands, "parse", _parse, "Parse raw entries again, into reports and tables, on Dask."
    )
    where = found.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="a running Dask scheduler, tcp://host:8786"
    )
    where.add_argument(
        "--workers", type=int, default=2, metavar="N", help="workers on this machine (default: 2)"
    )
    found.add_argument("--since", metavar="T", type=_moment, help="only scans requested since")
    found.add_argument("--profile", metavar="TEXT", help="only profiles whose name contains TEXT")
    found.add_argument(
        "--waivers", metavar="DIR", help="waiver files for all hosts, instead of their own"
    )
    found.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings for all hosts, instead of their own"
    )


def _parse(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    plan = parsing.plan(archive, _choice(args))
    total = sum(len(chunk.scans) for chunk in plan.chunks)
    errors.print(f"{total} scans to parse, {plan.up_to_date} up to date", markup=False)
    if plan.without_raw:
        errors.print(f"{plan.without_raw} scans have no raw entry", style="yellow")
    if not plan.chunks:
        return Exit.OK
    with parsing.cluster(args.scheduler, args.workers) as client, progress_bar() as progress:
        if client.dashboard_link:
            errors.print(f"dashboard: {client.dashboard_link}", markup=False)
        task = progress.add_task("scans", total=total)

        def advance(done: ChunkDone) -> None:
            progress.advance(task, done.scans)

        outcome = parsing.run(client, plan.chunks, advance)
    errors.print(f"{outcome.parsed} parsed, {len(outcome.unreadable)} can't be read", markup=False)
    for scan, reason in list(outcome.unreadable.items())[:_MOST_SHOWN]:
        errors.print(f"  {scan}: {reason}", style="red", markup=False)
    if outcome.unreadable:
        return Exit.NO
    return Exit.OK


def _choice(args: argparse.Namespace) -> parsing.Choice:
    waivers = compliance = None
    if args.waivers is not None:
        found = waiver_files.load(WaiverSettings(directory=args.waivers))
        if found.problems:
            raise FleetError("; ".join(found.problems))
        waivers = tuple(placed.waiver for placed in found.waivers)
    if args.settings is not None:
        loaded = load_settings(args.settings)
        if loaded.problems:
            raise FleetError(f"{args.settings}: {'; '.join(loaded.problems)}")
        compliance = codec.plain(loaded.settings.compliance)
    return parsing.Choice(
        since=args.since, profile=args.profile, waivers=waivers, compliance=compliance
    )


def _add_report(commands: Any) -> None:
    found = _command(commands, "report", _report, "The newest state of all hosts of an archive.")
    found.add_argument("--format", choices=report_views.FORMATS, default="text")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file")
    found.add_argument(
        "--worse-since", metavar="T", type=_moment, help="also which rules fail since then"
    )
    found.add_argument(
        "--silent-since",
        metavar="T",
        type=_moment,
        default=datetime.now(UTC) - timedelta(days=30),
        help="name hosts without a scan since then (default: 30d)",
    )


def _report(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    with queries.tables(archive) as connection:
        report = fleet_report(
            connection, worse_since=args.worse_since, silent_since=args.silent_since
        )
    if args.format == "text":
        for title, columns, rows in report_views.parts(report, brief=True):
            show_table(title, columns, rows[:_MOST_SHOWN])
            if len(rows) > _MOST_SHOWN:
                output.print(f"and {len(rows) - _MOST_SHOWN} more: --format csv")
        return Exit.OK
    if args.format == "json":
        text = report_views.as_json(report)
    elif args.format == "csv":
        text = report_views.as_csv(report)
    else:
        text = report_views.as_html(report, args.archive)
    write(text, args.output)
    return Exit.OK


def _add_query(commands: Any) -> None:
    found = _command(commands, "query", _query, "Ask the tables scans, results, evidence, newest.")
    found.add_argument("sql", metavar="SQL", help="in the language of DuckDB")
    found.add_argument("--format", choices=("text", "json", "csv"), default="text")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file")


def _query(args: argparse.Namespace) -> Exit:
    with queries.tables(Archive(args.archive)) as connection:
        found = queries.rows(connection, args.sql)
    columns = list(found[0]) if found else []
    cells = [[cell(row[column]) for column in columns] for row in found]
    if args.format == "text":
        show_table(None, columns, cells)
    elif args.format == "json":
        write(codec.pretty(found) + "\n", args.output)
    else:
        write_csv(columns, cells, args.output)
    return Exit.OK


def _add_deliver(commands: Any) -> None:
    found = _command(commands, "deliver", _deliver, "Deliver the newest scans to a server.")
    found.add_argument(
        "--map",
        type=Path,
        required=True,
        metavar="FILE",
        help="the server, and the credentials of each host (YAML, mode 0600)",
    )
    found.add_argument("--dry-run", action="store_true", help="only show what would be sent")


def _deliver(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    delivery_map = delivering.read_map(args.map)
    with queries.tables(archive) as connection:
        newest = queries.rows(connection, "SELECT host, scan_id, profile FROM newest")
    wanted, unknown = delivering.plan(archive, newest, delivery_map)
    for host in unknown:
        errors.print(f"{host}: no credentials in {args.map}", style="yellow", markup=False)
    if args.dry_run:
        for scan in wanted:
            output.print(f"{scan.host} {scan.scan_id} {visible_line(scan.profile)}", markup=False)
        return Exit.OK
    counts = {"accepted": 0, "refused": 0, "waits": 0}
    with progress_bar() as progress:
        task = progress.add_task("scans", total=len(wanted))

        def on_delivered(delivered: delivering.Delivered) -> None:
            progress.advance(task)
            answer = delivered.receipt.answer if delivered.receipt else "waits"
            counts[answer] += 1
            if answer != "accepted":
                scan = delivered.scan
                errors.print(
                    f"{scan.host} {scan.scan_id}: {answer}: {delivered.reason}",
                    style="red",
                    markup=False,
                )

        delivering.deliver(archive, wanted, delivery_map, on_delivered)
    errors.print(
        f"{counts['accepted']} accepted, {counts['refused']} refused, "
        f"{len(wanted) - counts['accepted'] - counts['refused']} not sent",
        markup=False,
    )
    if counts["accepted"] == len(wanted) and not unknown:
        return Exit.OK
    return Exit.NO


def _moment(text: str) -> datetime:
    """A date or time with or without a zone (then UTC), or a number of days back: `30d`."""
    if text.endswith("d") and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(days=int(text[:-1]))
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time like 2026-11-23, 2026-11-23T06:00 or 30d"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
