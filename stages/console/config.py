"""`config check`: all problems of the settings at once, each with its path."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from schemas import codec
from schemas.records import Record
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.console.content_check import check_content
from stages.console.context import Context
from stages.console.output import show_record, show_table, show_text, unicode_text
from stages.patchmon import credentials
from stages.patchmon.connection_risk import connection_risk
from stages.runtime import plain_file, settings_file
from stages.runtime.exits import Exit
from stages.runtime.printable import counted
from stages.scanners import registry
from stages.scanners.settings import every_key, load_settings
from stages.trigger.plans import problems as problems_of_schedules

_MAX_PEM_BYTES = 1024 * 1024


class Checked(Record, frozen=True, kw_only=True):
    """What `config check --json` prints."""

    file: str | None
    problems: tuple[KeyProblem, ...]
    remarks: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("check", "keys"), help="check: find all problems; keys: list every key"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.action == "keys":
        return _keys(context)
    loaded = load_settings(context.config, problems_of_schedules)
    checked = _check(loaded)
    show_record(checked, _show, as_json=context.json)
    if checked.problems:
        return Exit.USAGE
    return Exit.OK


def _check(loaded: settings_file.Loaded) -> Checked:
    """Check the file itself, then the secrets and certificates that it names, then the content of
    this host for the profile."""
    problems = list(loaded.problems)
    remarks: list[str] = []
    if loaded.understood:
        problems += credentials.exposures(loaded.settings, loaded.path)
        problems += _unreadable(loaded.settings)
        for spec in registry.scanners():
            problems += spec.problems(loaded.settings)
        _check_credentials(loaded, problems, remarks)
        if not _is_reported("server.url", problems):
            remarks += _remarks_on_server(loaded.settings)
    if not problems:
        # With wrong settings, another host than the operator means would be looked at.
        content_problems, content_remarks = check_content(loaded.settings)
        problems += content_problems
        remarks += content_remarks
    problems = settings_file.with_lines(problems, loaded.path)
    file = None
    if loaded.path is not None:
        file = unicode_text(loaded.path)
    return Checked(file=file, problems=tuple(problems), remarks=tuple(remarks))


def _remarks_on_server(settings: Settings) -> Iterator[str]:
    if settings.server.url is None:
        yield "server.url: not set, results stay in the spool"
        for spec in registry.scanners():
            if spec.fetches_content(settings):
                yield f"{spec.content_setting}: has no effect without server.url"
    risk = connection_risk(settings.server)
    if risk is not None:
        yield f"server: {risk.message}: {risk.action}"


def _check_credentials(
    loaded: settings_file.Loaded, problems: list[KeyProblem], remarks: list[str]
) -> None:
    """Missing credentials are a problem where a server is named or they are given in part."""
    settings = loaded.settings
    found = credentials.find(settings.api, loaded.path, os.environ)
    if not isinstance(found, credentials.NoCredentials):
        return
    if _is_reported(found.key, problems):
        return
    are_given = settings.api.id and (settings.api.key or settings.api.key_file)
    if settings.server.url or are_given:
        problems.append(KeyProblem(found.key, found.problem))
    else:
        remarks.append(found.reason)


def _is_reported(path: str, problems: Sequence[KeyProblem]) -> bool:
    """Whether a problem is about this setting, or about the section that contains it."""
    reported = [problem.key for problem in problems if problem.key is not None]
    return any(f"{path}.".startswith(f"{key}.") for key in reported)


def _unreadable(settings: Settings) -> Iterator[KeyProblem]:
    """The files of certificates that can't be read."""
    server = settings.server
    for key in ("ca_file", "client_certificate", "client_key"):
        if path := getattr(server, key):
            try:
                plain_file.read(Path(path), _MAX_PEM_BYTES)
            except OSError as error:
                message = f"{path}: can't be read: {error.strerror}"
                yield KeyProblem(f"server.{key}", message)


def _show(checked: Checked) -> None:
    where = checked.file or "no settings file, the defaults"
    for problem in checked.problems:
        show_text(f"{where}: {problem}", "red")
    for note in checked.remarks:
        show_text(f"{where}: note: {note}", "yellow")
    if checked.problems:
        show_text(f"{where}: {counted(len(checked.problems), 'problem')}")
    else:
        show_text(f"{where}: no problems")


def _keys(context: Context) -> Exit:
    show_record(dict(every_key()), _show_keys, as_json=context.json)
    return Exit.OK


def _show_keys(keys: Mapping[str, object]) -> None:
    show_table(("key", "default"), [(key, _as_yaml(value)) for key, value in keys.items()])


def _as_yaml(value: object) -> str | None:
    """A default as the settings file has it; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    return codec.encode(value).decode()
