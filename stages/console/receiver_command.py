"""`receiver`: a small PatchMon server, for trying out, for tests and for development."""

import argparse

from stages.console.context import Context
from stages.console.receiver import command
from stages.process.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    return Exit(command.run(args))
