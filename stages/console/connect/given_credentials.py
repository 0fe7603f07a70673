"""The credentials of a connection: given, of PatchMon's own agent, or from a token.

Security: secrets come from files, standard input or a prompt, never from the command line, which
every user of the host can read. A file that everyone can read is refused.
"""

import argparse
import getpass
import re
import socket
import sys
from pathlib import Path

from schemas.records import Struct
from schemas.settings import ServerSettings
from stages.console.delivery.host_origin import origin
from stages.patchmon.credentials import Credentials, exposed
from stages.patchmon.enrolment import EnrolmentToken, NotEnrolled, enrol, exchange
from stages.patchmon.official_agent import (
    DIRECTORY,
    OfficialAgent,
    OfficialAgentError,
    read_official_agent,
)
from stages.runtime import plain_file
from stages.runtime.command_error import CommandError, UsageError, file_errors
from stages.runtime.exits import Exit

_PROGRAM = "compliance-agent connect"
_MAX_BYTES = 4096
_MAX_SECRET_CHARS = 512
_VISIBLE_ASCII = re.compile(rf"[!-~]{{1,{_MAX_SECRET_CHARS}}}")


class BootstrapToken(Struct, frozen=True):
    """The one-time token that the server has made for this host."""

    text: str


Token = EnrolmentToken | BootstrapToken
"""What is exchanged for credentials at the server."""
Given = Credentials | Token | OfficialAgent


def add_credential_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "credentials of this host (FILE - is standard input; without any, those of the settings)"
    )
    group.add_argument("--id", metavar="API-ID", help="the host's API id, with --key-file")
    group.add_argument(
        "--key-file", type=Path, metavar="FILE", help="a file with the API key and nothing else"
    )
    group.add_argument(
        "--enroll-key",
        metavar="KEY",
        help="enrol this host with the key of an enrolment token; its secret is read from "
        "--enroll-secret-file, or typed on a terminal",
    )
    group.add_argument(
        "--enroll-secret-file", type=Path, metavar="FILE", help="a file with the token's secret"
    )
    group.add_argument(
        "--name", metavar="NAME", help="the host's name at the server (default: its host name)"
    )
    group.add_argument(
        "--bootstrap-token-file",
        type=Path,
        metavar="FILE",
        help="a file with the one-time token that the server has made for this host",
    )
    group.add_argument(
        "--from-patchmon",
        action="store_true",
        help="URL, id and key of PatchMon's own agent on this host",
    )
    group.add_argument(
        "--patchmon-directory",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="the settings of PatchMon's own agent (default: %(default)s)",
    )


def given_credentials(args: argparse.Namespace) -> Given | None:
    """What the command line gives; None where it gives none. Raises CommandError."""
    _refuse_several(args)
    if args.id or args.key_file:
        return _id_and_key(args)
    if args.enroll_key:
        secret = _secret(args.enroll_secret_file, "the secret of the enrolment token")
        return EnrolmentToken(key=_text(args.enroll_key, "--enroll-key"), secret=secret)
    if args.bootstrap_token_file:
        return BootstrapToken(_secret(args.bootstrap_token_file, "the bootstrap token"))
    if args.from_patchmon:
        try:
            return read_official_agent(args.patchmon_directory)
        except OfficialAgentError as error:
            raise CommandError(str(error), Exit.USAGE) from error
    return None


def _refuse_several(args: argparse.Namespace) -> None:
    """Raises UsageError."""
    ways = (
        args.id or args.key_file,
        args.enroll_key,
        args.bootstrap_token_file,
        args.from_patchmon,
    )
    if sum(map(bool, ways)) > 1:
        raise UsageError(
            "give one of --id with --key-file, --enroll-key, --bootstrap-token-file and "
            "--from-patchmon",
            _PROGRAM,
        )


def redeemed(token: Token, server: ServerSettings, name: str | None) -> Credentials:
    """The credentials that the server gives for a token. Raises CommandError."""
    if isinstance(token, EnrolmentToken):
        outcome = enrol(server, token, name or socket.gethostname(), origin())
    else:
        outcome = exchange(server, token.text)
    if isinstance(outcome, NotEnrolled):
        raise CommandError(f"not enrolled: {outcome.message}; {outcome.action}", Exit.NO)
    return outcome


def _id_and_key(args: argparse.Namespace) -> Credentials:
    if not args.id or not args.key_file:
        raise UsageError("--id and --key-file belong together", _PROGRAM)
    return Credentials(_text(args.id, "--id"), _secret(args.key_file, "the API key"))


def _secret(path: Path | None, what: str) -> str:
    """From a file, from standard input, or from the terminal. Raises CommandError."""
    if path is None:
        if not sys.stdin.isatty():
            raise UsageError(f"{what} is missing: give --enroll-secret-file", _PROGRAM)
        return _text(getpass.getpass(f"{what}: "), what)
    if str(path) == "-":
        return _text(sys.stdin.readline().strip(), f"standard input: {what}")
    problem = exposed(path)
    if problem is not None:
        raise CommandError(problem, Exit.USAGE)
    with file_errors(path, "can't be read", Exit.USAGE):
        content = plain_file.read(path, _MAX_BYTES)
    return _text(content.decode("utf-8", "replace").strip(), f"{path}: {what}")


def _text(given: str, what: str) -> str:
    """What a header can carry. Raises CommandError, without the text: it may be a secret."""
    if not _VISIBLE_ASCII.fullmatch(given):
        raise CommandError(
            f"{what} must be 1 to {_MAX_SECRET_CHARS} visible ASCII characters", Exit.USAGE
        )
    return given
