"""How a command fails. Imported at every start, so it imports next to nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from stages.runtime.exits import Exit


class CommandError(Exception):
    """A command cannot be carried out; the text is one line for the operator."""

    def __init__(self, message: str, code: Exit = Exit.UNUSABLE) -> None:
        super().__init__(message)
        self.code = code


class UsageError(CommandError):
    """A command line that cannot be parsed."""

    def __init__(self, message: str, program: str, usage: str = "") -> None:
        super().__init__(f"{message}: see {program} --help", Exit.USAGE)
        self.program = program
        self.usage = usage


@contextmanager
def file_errors(path: object, trouble: str, code: Exit = Exit.UNUSABLE) -> Iterator[None]:
    """Raise what the system refuses as a CommandError: `PATH: can't be read: REASON`."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path}: {trouble}: {error.strerror}", code) from error
