"""How a scanner is started: parent death signal, lowest priorities, fixed environment."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spool.errors import is_of_the_machine


def parent_death_signal() -> list[str]:
    """A prefix for commands: the kernel kills them when this process dies.

    Empty where the host can't do that.
    """
    return [*_working("setpriv", "--pdeathsig", "KILL")]


def command_prefix() -> list[str]:
    """The parent death signal, and programs that lower the priority, where the host has them."""
    return [*parent_death_signal(), *_working("ionice", "-c", "3"), *_working("nice", "-n", "19")]


@cache
def _working(program: str, *arguments: str) -> tuple[str, ...]:
    """The prefix, where the program exists and runs with these arguments without an error.

    A service's sandbox may forbid it: then the service manager does the same, for all of the
    service's processes.
    """
    path = shutil.which(program)
    if path is None:
        return ()
    try:
        done = subprocess.run(
            [path, *arguments, "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except OSError as error:
        if is_of_the_machine(error):
            # Not an answer: without the prefix, the scanner would outlive its stage.
            raise
        return ()
    except subprocess.TimeoutExpired:
        return ()
    if done.returncode != 0 or done.stderr:
        return ()
    return (path, *arguments)


def left_running(raw: Path) -> Iterator[int]:
    """The processes of scanners in drafts of this directory, and what these have started.

    Called when no scan runs. The parent death signal does not reach a scanner whose stage was
    killed in the moment in which it was started, nor the processes that a scanner has started.
    """
    home = b"HOME=" + os.fsencode(raw) + b"/."
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(variable.startswith(home) for variable in variables):
            yield int(process.name)


def environment(draft: Path) -> dict[str, str]:
    """The variables of every scanner; its plan adds others."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(draft),
        "TMPDIR": str(draft),
    }
