"""`detect`: the scanners of this host."""

import argparse

from stages.console.context import Context
from stages.console.detected_view import show_detected
from stages.console.output import show_json
from stages.runtime.exits import Exit
from stages.scanners.detection import detect_now, specified_capabilities


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    detected = detect_now(context.settings)
    if context.json:
        show_json(specified_capabilities(detected))
    else:
        show_detected(detected, context.settings)
    if any(found.ready for found in detected.scanners.values()):
        return Exit.OK
    return Exit.NO
