"""`fleet report` and `fleet query`."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fleet import queries, report_views
from fleet.archive import Archive
from fleet.arguments import add_command
from fleet.fleet_report import FleetReport, fleet_report
from fleet.output import cell, output, show_table, show_wide_table, write, write_csv
from schemas import codec
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.moments import moment

_MOST_SHOWN = 20


def add_report(commands: Any) -> None:
    found = add_command(commands, "report", _report, "The newest state of all hosts of an archive.")
    found.add_argument("--format", choices=report_views.FORMATS, default="text")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file")
    found.add_argument(
        "--worse-since",
        metavar="T",
        type=moment,
        help="also list the rules that have begun to fail since then",
    )
    found.add_argument(
        "--silent-since",
        metavar="T",
        type=moment,
        default=datetime.now(UTC) - timedelta(days=30),
        help="list the hosts without a scan since then (default: 30d)",
    )


def _report(args: argparse.Namespace) -> Exit:
    _check_output(args)
    archive = Archive(args.archive)
    archive.check_hosts()
    with queries.tables(archive) as connection:
        report = fleet_report(
            connection, worse_since=args.worse_since, silent_since=args.silent_since
        )
    if args.format == "text":
        _show(report)
    elif args.format == "json":
        write(report_views.as_json(report), args.output)
    elif args.format == "csv":
        write(report_views.as_csv(report), args.output)
    else:
        write(report_views.as_html(report, args.archive), args.output)
    return Exit.OK


def _check_output(args: argparse.Namespace) -> None:
    """Raises CommandError: text is laid out for the terminal that shows it."""
    if args.output is not None and args.format == "text":
        raise CommandError("--output needs another --format than text", Exit.USAGE)


def _show(report: FleetReport) -> None:
    for part in report_views.parts(report, brief=True):
        title, columns, rows = report_views.for_terminal(part)
        if rows:
            show_table(title, columns, rows[:_MOST_SHOWN])
        else:
            output.print(f"{title}: none", style="bold", markup=False)
        if len(rows) > _MOST_SHOWN:
            output.print(f"and {len(rows) - _MOST_SHOWN} more: --format csv")
        output.print()


def add_query(commands: Any) -> None:
    found = add_command(
        commands,
        "query",
        _query,
        "Run SQL on the tables scans, results, evidence, newest and failing.",
    )
    found.add_argument("sql", metavar="SQL", help="a query in DuckDB's SQL")
    found.add_argument("--format", choices=("text", "json", "csv"), default="text")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file")


def _query(args: argparse.Namespace) -> Exit:
    _check_output(args)
    archive = Archive(args.archive)
    archive.check_hosts()
    with queries.tables(archive) as connection:
        columns, found = queries.answer(connection, args.sql)
    cells = [list(map(cell, row)) for row in found]
    if args.format == "text":
        show_wide_table(columns, cells)
    elif args.format == "json":
        write(
            codec.pretty([dict(zip(columns, row, strict=True)) for row in found]) + "\n",
            args.output,
        )
    else:
        write_csv(columns, cells, args.output)
    return Exit.OK
