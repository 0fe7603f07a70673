"""The names of checks and groups that a Docker Bench script knows.

The script runs the checks that `-c` names as shell functions and leaves out those that `-e` names,
so it knows a name if it or one of its parts defines a function of that name. For a mistyped check
it prints a line, for a mistyped exclusion nothing: the scan is then smaller, or larger, than
intended.

Diagnostics: where the parts can't be read there are no known names, and no warnings.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.settings_check import KeyProblem
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings

_FUNCTION = re.compile(
    r"^[ \t]*(?:function[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*\(\)", re.MULTILINE
)
_MISSING = re.compile(r"Check \"?([A-Za-z0-9_.-]{1,64})\"? doesn't seem to exist")
_PARTS = ("tests", "functions")
_MAX_BYTES = 1024 * 1024


def unknown_names(settings: DockerBenchSettings, script: Path) -> tuple[KeyProblem, ...]:
    """Names in the settings that the script does not know."""
    return _unknown_names(settings, set(_functions(script)), script.name)


def unknown_names_of_text(
    settings: DockerBenchSettings, text: str, where: str
) -> tuple[KeyProblem, ...]:
    """The same for a script with this text; `where` names the script in messages."""
    return _unknown_names(settings, set(_FUNCTION.findall(text)), where)


def _unknown_names(
    settings: DockerBenchSettings, known: set[str], where: str
) -> tuple[KeyProblem, ...]:
    if not known:
        return ()
    found = []
    chosen = {"checks": settings.checks, "exclude_checks": settings.exclude_checks}
    for setting, names in chosen.items():
        for name in names:
            if name not in known:
                key = f"compliance.docker_bench.{setting}"
                found.append(KeyProblem(key, f"{where} has no {name}"))
    return tuple(found)


def printed_as_missing(output: str) -> list[str]:
    """The names that the script reported as unknown."""
    return list(dict.fromkeys(_MISSING.findall(output)))


def _functions(script: Path) -> Iterable[str]:
    for path in (script, *_parts(script)):
        try:
            with path.open("rb") as stream:
                text = stream.read(_MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        yield from _FUNCTION.findall(text)


def _parts(script: Path) -> Iterator[Path]:
    for name in _PARTS:
        yield from sorted((script.parent / name).glob("*.sh"))
