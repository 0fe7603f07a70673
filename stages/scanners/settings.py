"""The settings with the sections of all scanners, and loading them from a file."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from schemas import settings, settings_check
from schemas.codec import convert, plain
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.runtime import path_encoding, settings_file
from stages.runtime.settings_file import Check, Loaded, no_more_problems
from stages.scanners import registry
from stages.scanners.spec import ScannerSpec


def settings_record() -> type[Settings]:
    """The record of all settings."""
    return _record(registry.scanners())


@cache
def _record(scanners: tuple[ScannerSpec, ...]) -> type[Settings]:
    return settings.settings_record({spec.section: spec.settings for spec in scanners})


def load_settings(path: Path | None, check: Check = no_more_problems) -> Loaded:
    """The settings of a file; the defaults where `path` is None and no default file exists."""
    return settings_file.load(path, settings_record(), check)


def settings_to_plain(settings: Settings) -> dict[str, Any]:
    """Settings as plain values, for another process."""
    values: dict[str, Any] = plain(path_encoding.as_in_the_file(settings))
    return values


def settings_from_plain(values: object) -> Settings:
    """Settings from what `settings_to_plain` made of them in another process.

    Raises SchemaError.
    """
    return path_encoding.for_this_process(convert(values, settings_record()))


def parse_settings(text: bytes) -> tuple[Settings, list[KeyProblem]]:
    """Settings from the text of a file, and all problems."""
    return settings_file.parse(text, settings_record())


def check_settings(values: object) -> tuple[Settings, list[KeyProblem]]:
    """Settings from plain values, and all problems, each with its path.

    With problems, defaults stand in.
    """
    return settings_check.check_settings(values, settings_record())


def every_key() -> Iterator[tuple[str, Any]]:
    """All keys by their full path, each with its default."""
    return settings_check.every_key(settings_record())
