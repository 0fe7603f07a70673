"""The arguments that all fleet commands have."""

import argparse
from collections.abc import Callable
from typing import Any

from stages.runtime.exits import Exit


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Exit], text: str
) -> argparse.ArgumentParser:
    short = f"{text[0].lower()}{text[1:].removesuffix('.')}"
    found: argparse.ArgumentParser = commands.add_parser(name, help=short, description=text)
    found.set_defaults(run=run)
    found.add_argument(
        "archive", metavar="ARCHIVE", help="directory or URL (s3://…) of the archive"
    )
    return found
