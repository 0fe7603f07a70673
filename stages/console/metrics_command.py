"""`metrics`: the agent's state in OpenMetrics, for Prometheus."""

import argparse
from datetime import UTC, datetime

from stages.console.context import Context
from stages.console.format_output import add_output_argument, write_output
from stages.console.output import show_json
from stages.formats.metrics import openmetrics
from stages.runtime.exits import Exit
from stages.ship.metrics_snapshot import metrics_snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output_argument(parser)


def run(args: argparse.Namespace, context: Context) -> Exit:
    snapshot = metrics_snapshot(context.existing_spool(), context.runtime, datetime.now(UTC))
    if context.json:
        show_json(snapshot)
    else:
        write_output("openmetrics", [openmetrics(snapshot)], args.output)
    return Exit.OK
