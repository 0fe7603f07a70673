"""`metrics`: the agent's state in OpenMetrics, for Prometheus."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from stages.console.context import Context
from stages.console.format_output import write_output
from stages.console.output import show_json
from stages.formats.metrics import openmetrics
from stages.runtime.exits import Exit
from stages.ship.metrics_snapshot import metrics_snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    snapshot = metrics_snapshot(context.existing_spool(), context.runtime, datetime.now(UTC))
    if context.json:
        show_json(snapshot)
    else:
        write_output("openmetrics", [openmetrics(snapshot)], args.output)
    return Exit.OK
