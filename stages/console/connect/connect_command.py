"""`connect`: credentials, settings and a test of the connection in one command.

Given credentials are tested first, and written when no step has failed. Those from a token are
written as soon as the server has given them, because it gives them once, and tested after that.

Exit codes: 0 connected; 1 a step failed, or the server refused the token; 2 the command line, the
settings or a file with a secret is wrong; 3 a file can't be written. Where it is not 0, nothing was
written, except after a token, and the key where the disk takes the settings no more.
"""

import argparse
import os
from pathlib import Path

from schemas.settings import Settings
from stages.console.connect.connection import Connection
from stages.console.connect.connection_files import ConnectionFiles, SettingsChange, planned
from stages.console.connect.given_credentials import (
    Given,
    Token,
    add_credential_arguments,
    given_credentials,
    redeemed,
)
from stages.console.context import Context
from stages.patchmon import credentials
from stages.patchmon.connection_test import StepName
from stages.patchmon.credentials import Credentials, NoCredentials
from stages.patchmon.official_agent import OfficialAgent
from stages.patchmon.server_access import ServerAccess, exposed_secret, find_access
from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.runtime.settings_file import DEFAULT_PATH, Loaded
from stages.scanners.settings import load_settings

_PROGRAM = "compliance-agent connect"
_BEFORE_THE_TOKEN = (StepName.NAME, StepName.CONNECTION, StepName.HOST_CHECK)
_AFTER_THE_TOKEN = (StepName.KEY, StepName.MODE)
_SAME_ID = (
    "PatchMon's own agent has the same id: while it runs on this host, set "
    "compliance.server_commands.enabled: false and server.report_host: false"
)
_NOT_VERIFIED = (
    "PatchMon's own agent accepts any certificate (skip_ssl_verify); that is not taken over: give "
    "--ca-file with the server's authority"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="the server (default: that of the settings)"
    )
    add_credential_arguments(parser)
    parser.add_argument(
        "--ca-file",
        type=Path,
        metavar="FILE",
        help="CA certificates (PEM) to trust instead of the system's: server.ca_file",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--test", action="store_true", help="only test the connection that is configured"
    )
    only.add_argument(
        "--no-test", action="store_true", help="write settings and key without a test"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    given = given_credentials(args)
    loaded = load_settings(context.config)
    connection = Connection(as_json=context.json, is_tested=not args.no_test)
    if args.test:
        access = _tested(args, given, loaded)
        connection.take_steps(access, tuple(StepName))
        return connection.finish(access)
    change = SettingsChange(
        path=context.config or DEFAULT_PATH,
        current=loaded.settings,
        url=_url(args, given, loaded.settings),
        ca_file=args.ca_file,
    )
    if isinstance(given, Token):
        return _with_token(change, given, args.name, connection)
    if isinstance(given, OfficialAgent):
        connection.add_remarks(_remarks(given))
        given = given.credentials
    return _with_credentials(change, given, connection)


def _with_token(
    change: SettingsChange, token: Token, name: str | None, connection: Connection
) -> Exit:
    """Test what needs no credentials, get them, write them, and test the rest."""
    # Without the id, which the token gives: what is wrong with the settings is known before.
    files = _planned(change, None)
    files.check_writable()
    server = files.settings.server
    connection.take_steps(ServerAccess(server, None), _BEFORE_THE_TOKEN)
    if connection.has_failed:
        return connection.refuse(ServerAccess(server, None))
    found = redeemed(token, server, name)
    access = ServerAccess(server, found)
    connection.write(planned(change, found.id), found)
    connection.take_steps(access, _AFTER_THE_TOKEN)
    return connection.finish(access)


def _with_credentials(
    change: SettingsChange, given: Credentials | None, connection: Connection
) -> Exit:
    """Test everything, and write where nothing fails."""
    found = given or _known(change)
    files = _planned(change, found.id)
    files.check_writable()
    access = ServerAccess(files.settings.server, found)
    connection.take_steps(access, tuple(StepName))
    if connection.has_failed:
        return connection.refuse(access)
    connection.write(files, found)
    return connection.finish(access)


def _planned(change: SettingsChange, api_id: str | None) -> ConnectionFiles:
    """The files, where no secret of the connection can be read by everyone: nothing is sent through
    a proxy whose password others know. Raises CommandError.
    """
    files = planned(change, api_id)
    exposed = exposed_secret(files.settings.server, change.path)
    if exposed is not None:
        raise CommandError(exposed.reason, Exit.USAGE)
    return files


def _tested(args: argparse.Namespace, given: Given | None, loaded: Loaded) -> ServerAccess:
    """What `--test` tests: the settings as they are. Raises CommandError."""
    if args.url or given is not None or args.ca_file:
        raise UsageError("--test tests the settings, and takes no other arguments", _PROGRAM)
    if loaded.problems:
        lines = [f"{loaded.path}: {problem}" for problem in loaded.problems]
        raise CommandError("\n".join(["the settings are wrong:", *lines]), Exit.USAGE)
    settings = loaded.settings
    if settings.server.url is None:
        raise CommandError(
            "server.url: not set: give it with `compliance-agent connect URL`", Exit.USAGE
        )
    access = find_access(settings, loaded.path, os.environ)
    if isinstance(access, NoCredentials):
        raise CommandError(access.reason, Exit.USAGE)
    return access


def _url(args: argparse.Namespace, given: Given | None, settings: Settings) -> str:
    urls = [args.url, settings.server.url]
    if isinstance(given, OfficialAgent):
        urls.insert(1, given.url)
    url = next(filter(None, urls), None)
    if url is None:
        raise UsageError("the server's URL is missing", _PROGRAM)
    return str(url)


def _known(change: SettingsChange) -> Credentials:
    """Those of the settings. Raises CommandError."""
    found = credentials.find(change.current.api, change.path, os.environ)
    if isinstance(found, NoCredentials):
        raise CommandError(
            f"{found.reason}; or give --id with --key-file, --enroll-key, --bootstrap-token-file "
            "or --from-patchmon",
            Exit.USAGE,
        )
    return found


def _remarks(given: OfficialAgent) -> list[str]:
    remarks = [_SAME_ID]
    if given.skips_verification:
        remarks.append(_NOT_VERIFIED)
    return remarks
