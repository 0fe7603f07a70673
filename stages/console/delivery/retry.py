"""`retry`: try the delivery now, without waiting for the back-off."""

import argparse

from schemas.command import Retry
from spool.layout import new_command_id
from stages.console import command_writer
from stages.console.context import Context
from stages.console.output import show_line
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    retry = give(context)
    show_line(retry, "retry requested", as_json=context.json)
    command_writer.warn_if_stopped(context, "ship", "retries")
    return Exit.OK


def give(context: Context) -> Retry:
    """Write the command; it replaces earlier ones."""
    context.existing_spool()
    retry = Retry(at=command_writer.now())
    with command_writer.giving(context) as commands:
        before = commands.retries.ids()
        commands.retries.write(new_command_id(retry.at), retry)
        for command_id in before:
            commands.retries.remove(command_id)
    return retry
