"""How a command fails. Imported at every start, so it imports next to nothing."""

import errno
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
    """Raise what the system refuses as a CommandError: `PATH: can't be read: REASON`.

    A full or failing disk is not a mistake of the command line, whatever `code` is; a path on a
    file system that is read-only may be one.
    """
    try:
        yield
    except OSError as error:
        # Imported only here: a command that succeeds may do without it.
        from spool.errors import is_of_the_machine, remedy

        reason = f"{path}: {trouble}: {error.strerror}"
        if is_of_the_machine(error) and error.errno != errno.EROFS:
            raise CommandError(f"{reason}; {remedy(error)}", Exit.UNUSABLE) from error
        raise CommandError(reason, code) from error
