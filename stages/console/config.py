"""`config check`: all problems of the settings at once, each with its path."""

import argparse
import os

from schemas.records import Record
from schemas.settings import every_key
from stages.console.context import Context
from stages.console.output import say, show_json, show_table
from stages.process import credentials, settings_file
from stages.process.exits import Exit
from stages.trigger.scheduler import problems as problems_of_schedules


class Checked(Record, frozen=True, kw_only=True):
    """What `config check --json` prints."""

    file: str | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("check", "keys"), help="check: find all problems; keys: list every key"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.action == "keys":
        return _keys(context)
    loaded = settings_file.load(context.config, problems_of_schedules)
    problems = list(loaded.problems)
    notes: list[str] = []
    found = credentials.find(loaded.settings.api, loaded.path, os.environ)
    if isinstance(found, credentials.NoCredentials):
        (problems if loaded.settings.server.url else notes).append(f"api: {found.reason}")
    if loaded.settings.server.url is None:
        notes.append("server.url: not set, results stay in the spool")
    checked = Checked(
        file=str(loaded.path) if loaded.path else None, problems=tuple(problems), notes=tuple(notes)
    )
    if context.json:
        show_json(checked)
    else:
        _tell(checked)
    return Exit.USAGE if problems else Exit.OK


def _tell(checked: Checked) -> None:
    where = checked.file or "no settings file, the defaults"
    for problem in checked.problems:
        say(f"{where}: {problem}", "red")
    for note in checked.notes:
        say(f"{where}: {note}", "yellow")
    count = len(checked.problems)
    say(f"{where}: {count} problem{'s' if count != 1 else ''}" if count else f"{where}: no problems")


def _keys(context: Context) -> Exit:
    keys = dict(every_key())
    if context.json:
        show_json(keys)
    else:
        show_table(("key", "default"), keys.items())
    return Exit.OK
