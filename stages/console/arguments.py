"""Types of arguments on the command line. Pure."""

import argparse
import math
import re

from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_MAX_TEXT = 256
_COUNT = re.compile(r"[0-9]{1,9}")


def text(given: str) -> str:
    """A name or one line of text, as requests contain them."""
    if not given.strip():
        raise argparse.ArgumentTypeError("is empty")
    if len(given) > _MAX_TEXT:
        raise argparse.ArgumentTypeError(
            f"has {len(given)} characters, at most {_MAX_TEXT} are allowed"
        )
    if not given.isprintable():
        raise argparse.ArgumentTypeError(f"{given!a}: contains characters that cannot be printed")
    return given


def seconds(given: str) -> float:
    """A span of time, zero or more."""
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{given!a}: not a number of seconds, zero or more")
    return found


def count(given: str) -> int:
    """A whole number, zero or more."""
    if not _COUNT.fullmatch(given):
        raise argparse.ArgumentTypeError(f"{given!a}: not a whole number, zero or more")
    return int(given)


def add_wait(
    parser: argparse.ArgumentParser,
    wait_help: str = "show progress, and wait for the server's answer",
    *,
    remark: str = "",
) -> None:
    """`--wait` and `--timeout`; `remark` ends the help of the latter."""
    parser.add_argument("--wait", action="store_true", help=wait_help)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=math.inf,
        metavar="SECONDS",
        help=f"with --wait: stop waiting after this time{remark}",
    )


def only_with_wait(args: argparse.Namespace) -> None:
    """--timeout has no effect without --wait. Raises CommandError."""
    if math.isfinite(args.timeout) and not args.wait:
        raise CommandError("--timeout requires --wait", Exit.USAGE)
