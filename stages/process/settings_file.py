"""Settings from a YAML file.

Promises: all problems at once, each with its path or line; duplicate keys are problems; plain values only (no
object of Python's is ever built); at most 1 MiB is read.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from schemas.settings import Settings, check_settings

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


class _Loader(yaml.SafeLoader):
    """Safe values, and a note of every key that comes twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.problems: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                self.problems.append(
                    f"{key}: the key comes twice (again in line {key_node.start_mark.line + 1})"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def no_more_problems(settings: Settings) -> list[str]:  # noqa: ARG001
    """For those who know of nothing else that may be wrong."""
    return []


def load(path: Path | None, check: Check = no_more_problems) -> Loaded:
    """The settings of a file; the defaults where `path` is None and no default file exists."""
    if path is None and not DEFAULT_PATH.exists():
        return Loaded(Settings(), (), None)
    path = path or DEFAULT_PATH
    try:
        with path.open("rb") as stream:
            text = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        return Loaded(Settings(), (f"{path}: can't be read: {error.strerror}{_mend(path, error)}",), path)
    if len(text) > _MAX_BYTES:
        return Loaded(Settings(), (f"{path}: larger than {_MAX_BYTES} bytes",), path)
    settings, problems = parse(text)
    return Loaded(settings, (*problems, *check(settings)), path)


def _mend(path: Path, error: OSError) -> str:
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
        loader = _Loader(text.decode())
        try:
            values = loader.get_single_data()
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        return None, [f"byte {error.start}: is not UTF-8"]
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError) as error:
        # Beside its own errors PyYAML lets through what a value of a named type does to it (`!!int ""`).
        return None, [f"is not YAML: {' '.join(str(error).split())}"]
    return values, loader.problems
