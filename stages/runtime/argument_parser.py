"""The parser of arguments: argparse, with the program's own errors, and as wide as the terminal."""

import argparse
import os
import sys
from typing import Any, NoReturn

from stages.runtime.command_error import UsageError

_COLUMNS_WITHOUT_TERMINAL = 80


class _HelpFormatter(argparse.HelpFormatter):
    """As wide as the terminal.

    argparse makes a formatter for every argument that is added, and imports shutil with all its
    compression libraries to find out how wide the terminal is.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_columns() - 2)


def _terminal_columns() -> int:
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _COLUMNS_WITHOUT_TERMINAL
    except (ValueError, OSError):
        return _COLUMNS_WITHOUT_TERMINAL


class CommandParser(argparse.ArgumentParser):
    """Raises mistakes as errors of the program, so that `--json` applies to them too."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog=prog, formatter_class=_HelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.prog, self.format_usage())

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Options may stand between the positional arguments: `replay ship --dry-run last`."""
        if any(action.nargs == argparse.PARSER for action in self._actions):
            known, unknown = self.parse_known_args(args, namespace)
        else:
            known, unknown = self.parse_known_intermixed_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known
