"""Settings from a YAML file.

Promises: all problems at once, each with its path and line; duplicate keys are problems; only plain
values are built, never Python objects; at most 256 KiB are read: a longer file could take minutes,
in which a stage that runs does nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from schemas.records import Struct
from schemas.settings import Settings
from schemas.settings_check import KeyProblem, check_settings
from spool.errors import is_of_the_machine
from stages.runtime import path_encoding, plain_file, yaml_limits
from stages.runtime.yaml_lines import key_lines, with_line
from stages.runtime.yaml_messages import explained

DEFAULT_PATH = Path("/etc/compliance-agent/config.yml")
_MAX_BYTES = 256 * 1024
S = TypeVar("S", bound=Settings)
Check = Callable[[Settings], list[KeyProblem]]
"""Further problems of settings; for what only one stage understands."""


class Loaded(Struct, frozen=True):
    """A settings file as read. Where it has problems, the settings must not be used."""

    settings: Settings
    problems: tuple[KeyProblem, ...]
    path: Path | None
    understood: bool = True
    """False where nothing of the file is known: it can't be read or is not YAML."""
    may_pass: bool = False
    """Whether the machine could not read the file just now: it may at the next try."""


Load = Callable[[Path | None], Loaded]
"""Reads a settings file, with all sections and all checks of a program."""


def no_more_problems(settings: Settings) -> list[KeyProblem]:  # noqa: ARG001
    """The check of a stage that adds none of its own."""
    return []


def load(
    path: Path | None, record: type[Settings] = Settings, check: Check = no_more_problems
) -> Loaded:
    """The settings of a file; the defaults where `path` is None and no default file exists.

    `record` holds the sections of all scanners (`schemas.settings.settings_record`).
    """
    if path is None and not DEFAULT_PATH.exists():
        return Loaded(record(), (), None)
    path = path or DEFAULT_PATH
    try:
        text = plain_file.read(path, _MAX_BYTES)
    except OSError as error:
        return _unread(path, record, error)
    values, problems = plain_values(text)
    if values is None and problems:
        return Loaded(record(), tuple(problems), path, understood=False)
    settings, more = check_settings(values, record)
    settings = path_encoding.for_this_process(settings)
    try:
        found = [*problems, *more, *check(settings)]
    except OSError as error:
        # A file that a setting names, such as that of a time zone.
        return _unread(path, record, error)
    return Loaded(settings, tuple(_with_lines(found, text)), path)


def _unread(path: Path, record: type[Settings], error: OSError) -> Loaded:
    problem = KeyProblem(None, f"can't be read: {error.strerror}{_remedy(path, error)}")
    may_pass = is_of_the_machine(error)
    return Loaded(record(), (problem,), path, understood=False, may_pass=may_pass)


def with_lines(problems: Sequence[KeyProblem], path: Path | None) -> list[KeyProblem]:
    """Further problems of the settings in a file that was loaded, each with its line."""
    try:
        text = plain_file.read(path, _MAX_BYTES) if path else b""
    except OSError:
        return list(problems)
    return _with_lines(problems, text)


def _with_lines(problems: Sequence[KeyProblem], text: bytes) -> list[KeyProblem]:
    """Each problem with the line of its setting, where that is in the file."""
    if not problems:
        return []
    try:
        lines = key_lines(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return list(problems)
    return [with_line(problem, lines) for problem in problems]


def _remedy(path: Path, error: OSError) -> str:
    if path != DEFAULT_PATH or not isinstance(error, PermissionError):
        return ""
    return (
        "; only root and the services may read it: "
        "systemd-tmpfiles --create compliance-agent.conf sets its mode"
    )


def parse(text: bytes, record: type[S]) -> tuple[S, list[KeyProblem]]:
    """Settings from the text of a file, and all its problems."""
    values, problems = plain_values(text)
    settings, more = check_settings(values, record)
    return settings, problems + more


class _Loader(yaml.SafeLoader):
    """YAML in which a date that no calendar has is a text, so that its own key is reported."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def plain_values(text: bytes) -> tuple[Any, list[KeyProblem]]:
    """YAML (or JSON) as plain values, and its problems."""
    try:
        loader = _Loader(text.decode())
        try:
            node = loader.get_single_node()
            yaml_limits.check(node)
            problems = list(_duplicates(node, "", set()))
            values = None
            if node is not None:
                values = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml_limits.YamlLimitError as error:
        return None, [KeyProblem(None, str(error))]
    except UnicodeDecodeError as error:
        return None, [KeyProblem(None, f"byte {error.start}: is not UTF-8")]
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        OverflowError,
        LookupError,
        AttributeError,
        TypeError,
    ) as error:
        # PyYAML does not catch what the conversion to a named type raises (`!!int ""`).
        return None, [KeyProblem(None, f"is not YAML: {_why(error)}")]
    return values, problems


def _why(error: Exception) -> str:
    """The reason in one line, without the text around the place: it may hold a password."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        problem = explained(error.problem or error.context or "")
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, yaml.reader.ReaderError):
        return f"character {error.position}: cannot be printed"
    return "a value does not fit its tag (!)"


def _duplicates(node: yaml.Node | None, path: str, seen: set[int]) -> Iterator[KeyProblem]:
    """Every duplicate key, with its path.

    `seen` are the nodes visited: with anchors, a node can contain itself.
    """
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _duplicates(item, f"{path.rstrip('.')}[{number}].", seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                # A list or a mapping as a key is refused when the values are built.
                continue
            if key.value in keys:
                yield KeyProblem(f"{path}{key.value}", "duplicate key", key.start_mark.line + 1)
            keys.add(key.value)
            yield from _duplicates(value, f"{path}{key.value}.", seen)
