"""The names of checks and groups that a Docker Bench script knows.

The script runs what `-c` names as a shell function and leaves out what `-e` names, so a name is
known where the script or one of its parts defines a function of that name. A mistyped check is only
printed, a mistyped exclusion not even that: the scan is then smaller, or larger, than was meant.

Diagnostics: no names where the parts can't be read; then every name passes.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings

_FUNCTION = re.compile(
    r"^[ \t]*(?:function[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*\(\)", re.MULTILINE
)
_MISSING = re.compile(r"Check \"?([A-Za-z0-9_.-]{1,64})\"? doesn't seem to exist")
_PARTS = ("tests", "functions")
_MAX_BYTES = 1024 * 1024


def warnings(settings: DockerBenchSettings, script: Path) -> tuple[str, ...]:
    """For the report of a scan by this script."""
    return _warnings(settings, set(_functions(script)), script.name)


def warnings_of_text(settings: DockerBenchSettings, text: str, where: str) -> tuple[str, ...]:
    """For the report of a scan by a script with this text, which is in `where`."""
    return _warnings(settings, set(_FUNCTION.findall(text)), where)


def _warnings(settings: DockerBenchSettings, known: set[str], where: str) -> tuple[str, ...]:
    if not known:
        return ()
    found = []
    for key, names in (
        ("checks", settings.checks),
        ("exclude_checks", settings.exclude_checks),
    ):
        unknown = [name for name in names if name not in known]
        found += [f"compliance.docker_bench.{key}: {where} has no {name}" for name in unknown]
    return tuple(found)


def printed_as_missing(output: str) -> list[str]:
    """The names of which the script printed that it does not know them."""
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
