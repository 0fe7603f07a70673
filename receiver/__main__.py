"""`python -m receiver` runs the receiver; `python -m receiver demo` scans this host once."""

import argparse
import os
import sys
from collections.abc import Sequence

from receiver.errors import ReceiverError
from stages.runtime.exits import Exit


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns an exit code of `stages.runtime.exits`."""
    if argv is None:
        argv = sys.argv[1:]
    try:
        return _run(list(argv))
    except KeyboardInterrupt:
        # Also while the modules of the command are loaded, which takes most of a second.
        sys.stderr.write("interrupted\n")
        return Exit.INTERRUPTED


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["demo"]:
        from receiver import demo

        program, run = "python -m receiver demo", demo.run
        parser = argparse.ArgumentParser(prog=program, description=demo.DESCRIPTION)
        demo.add_arguments(parser)
        args = parser.parse_args(arguments[1:])
    else:
        from receiver import serve

        program, run = "python -m receiver", serve.run
        parser = argparse.ArgumentParser(prog=program, description=serve.DESCRIPTION)
        serve.add_arguments(parser)
        args = parser.parse_args(arguments)
    try:
        code = run(args)
        sys.stdout.flush()
    except ReceiverError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return error.code
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE
    except OSError as error:
        sys.stderr.write(f"{program}: {error.filename or 'output'}: {error.strerror}\n")
        return Exit.UNUSABLE
    return code


if __name__ == "__main__":
    sys.exit(main())
