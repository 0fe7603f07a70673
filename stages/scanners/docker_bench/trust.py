"""Whether a script may be run as this user: only root and this user can have written it.

Checked are the script, the parts that it reads from beside itself, their directories, and all
directories above: a user who can rename one of those can put another script in its place. A
directory above may be open to all if it is sticky, as /tmp is.

Diagnostics: what others could write, and one command that fixes all of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.runtime.printable import counted
from stages.scanners.path_trust import Changeable, why_changeable

_PARTS = ("", "tests", "functions")


def why_not_trusted(script: Path, *, with_parts: bool) -> str | None:
    """Why this script, given by its real path, must not be run; None where it may be."""
    found: dict[Path, Changeable] = {}
    for path in _paths_to_check(script, with_parts=with_parts):
        problem = why_changeable(path, "run", is_above=path in script.parent.parents)
        if problem:
            found[path] = problem
    if not found:
        return None
    problems = list(found.values())
    first = problems[0]
    if len(problems) == 1:
        return f"{first.path}: {first}"
    others = counted(len(problems) - 1, "other path")
    command = _command(problems, script.parent)
    return f"{first.path}: {first.reason}; {others} can be changed, too: {command}"


def _command(problems: Sequence[Changeable], tree: Path) -> str:
    """One command for all: recursive within the script's own directory."""
    commands: dict[str, None] = {}
    for problem in problems:
        command = f"{problem.program} {problem.path}"
        if problem.path.is_relative_to(tree):
            program, _, change = problem.program.partition(" ")
            command = f"{program} -R {change} {tree}"
        commands[command] = None
    return " && ".join(commands)


def _paths_to_check(script: Path, *, with_parts: bool) -> Iterator[Path]:
    """All that must belong to root or this user."""
    yield script
    yield script.parent
    yield from script.parent.parents
    if not with_parts:
        return
    for name in _PARTS:
        directory = script.parent / name
        if directory.is_dir():
            yield directory.resolve()
            for path in sorted(directory.glob("*.sh")):
                yield path.resolve()
