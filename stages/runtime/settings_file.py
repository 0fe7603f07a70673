"""Settings from a YAML file.

Promises: all problems at once, each with its path or line; duplicate keys are problems; plain values only (no
object of Python's is ever built); at most 1 MiB is read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from schemas.settings import Settings, check_settings
from stages.runtime import plain_file

DEFAULT_PATH = Path("/etc/compliance-agent/config.yml")
_MAX_BYTES = 1024 * 1024
Check = Callable[[Settings], list[str]]
"""What else is wrong with settings, each problem with its path; for what only one stage understands."""


@dataclass(frozen=True)
class Loaded:
    """A settings file as read: with problems, the settings must not be used."""

    settings: Settings
    problems: tuple[str, ...]
    path: Path | None
    understood: bool = True
    """false: nothing of the file is known, because it can't be read or is not YAML."""


def no_more_problems(settings: Settings) -> list[str]:  # noqa: ARG001
    """For those who know of nothing else that may be wrong."""
    return []


def load(path: Path | None, check: Check = no_more_problems) -> Loaded:
    """The settings of a file; the defaults where `path` is None and no default file exists."""
    if path is None and not DEFAULT_PATH.exists():
        return Loaded(Settings(), (), None)
    path = path or DEFAULT_PATH
    try:
        text = plain_file.read(path, _MAX_BYTES)
    except OSError as error:
        return Loaded(
            Settings(),
            (f"can't be read: {error.strerror}{_remedy(path, error)}",),
            path,
            understood=False,
        )
    values, problems = plain_values(text)
    if values is None and problems:
        return Loaded(Settings(), tuple(problems), path, understood=False)
    settings, more = check_settings(values)
    return Loaded(settings, (*problems, *more, *check(settings)), path)


def _remedy(path: Path, error: OSError) -> str:
    if path != DEFAULT_PATH or not isinstance(error, PermissionError):
        return ""
    return "; it is for root and the services alone: systemd-tmpfiles --create compliance-agent.conf sets its mode"


def parse(text: bytes) -> tuple[Settings, list[str]]:
    """Settings from the text of a file, and all that is wrong with it."""
    values, problems = plain_values(text)
    settings, more = check_settings(values)
    return settings, problems + more


def plain_values(text: bytes) -> tuple[Any, list[str]]:
    """YAML (or JSON) as plain values, and what is wrong with it."""
    try:
        loader = yaml.SafeLoader(text.decode())
        try:
            node = loader.get_single_node()
            problems = list(_duplicates(node, "", set()))
            values = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        return None, [f"byte {error.start}: is not UTF-8"]
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
    ) as error:
        # Beside its own errors PyYAML lets through what a value of a named type does to it (`!!int ""`).
        return None, [f"is not YAML: {_why(error)}"]
    return values, problems


def _why(error: Exception) -> str:
    """In one line, without the text around the place: it may hold a password."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return (
        "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
    )


def _duplicates(node: yaml.Node | None, path: str, seen: set[int]) -> Iterator[str]:
    """Every key that comes twice, by its path; `seen` are the nodes already looked at, for one may hold itself."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _duplicates(item, f"{path.rstrip('.')}[{number}].", seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            # A key that is a list or a mapping can't be one: building the values refuses it.
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield f"{path}{key.value}: the key comes twice (again in line {key.start_mark.line + 1})"
                keys.add(key.value)
                yield from _duplicates(value, f"{path}{key.value}.", seen)
