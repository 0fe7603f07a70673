"""Which of the content files on this host a scan uses, and why. Pure, except for the versions of
files, which the caller reads.

A setting that names a file or a channel decides, else the best fit. Of files that fit equally well
the first is used; if the settings say so, newer content from the server comes before a package's.

Diagnostics: NoContent with the reason and where to get content.
"""

import re
from collections.abc import Callable
from pathlib import Path

from schemas.manifest import ContentFit
from schemas.records import Struct
from stages.scanners.openscap import content
from stages.scanners.openscap.content_files import (
    ContentFile,
    ContentFiles,
    guide_file,
    why_refused,
)
from stages.scanners.openscap.content_match import choose, fit_of, product_of_file, products_in
from stages.scanners.openscap.openscap_packages import content_advice
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import Platform

VersionOf = Callable[[Path], str | None]
"""The version in a content file; None where it can't be read."""


class SelectedContent(Struct, frozen=True):
    """The file for this host, and how well it fits; the texts are None where it fits exactly."""

    file: ContentFile
    fit: ContentFit
    warning: str | None = None
    """Why it does not fit exactly, and how to get other content, in sentences."""
    mismatch: str | None = None
    """Why it does not fit exactly, as a clause."""


class NoContent(Struct, frozen=True):
    reason: str


def select(
    settings: OpenSCAPSettings,
    platform: Platform,
    found: ContentFiles,
    version_of: VersionOf,
    content_key: str = "content",
) -> SelectedContent | NoContent:
    """The content for this host, or why there is none. `content_key` is where the section has the
    setting."""
    if settings.content:
        return _configured(settings.content, f"compliance.openscap.{content_key}", platform, found)
    choice = choose(platform, in_order(settings, found, version_of))
    if choice is None:
        return NoContent(nothing_fits(settings, platform, found))
    file = found.by_path(Path(choice.path))
    if choice.mismatch is None:
        return SelectedContent(file, choice.fit)
    advice = advice_on_content(settings, platform, found)
    warning = f"{choice.mismatch}. Some rules may not apply. {advice}"
    return SelectedContent(file, choice.fit, warning, choice.mismatch)


def in_order(settings: OpenSCAPSettings, found: ContentFiles, version_of: VersionOf) -> list[Path]:
    """The files in order of preference: newer ones of the server first, where that is wanted."""
    if settings.content_from_server != "newer":
        return found.paths
    newer: list[Path] = []
    for file in found.files:
        if file.source == "server" and _is_newest(file, found, version_of):
            newer.append(file.path)
    # A file keeps its first place, so the newer ones move to the front and no file is named twice.
    return list(dict.fromkeys([*newer, *found.paths]))


def is_newer(version: str | None, than: str | None) -> bool:
    """Whether a version such as 0.1.76 is greater; a version that is not known is the least."""
    return _numbers(version) > _numbers(than)


def nothing_fits(settings: OpenSCAPSettings, platform: Platform, found: ContentFiles) -> str:
    """That there is no content for this host, and how to get it."""
    advice = advice_on_content(settings, platform, found)
    if not found.files:
        directories = ", ".join(settings.content_dirs)
        if found.problems:
            refused = "what is there is refused (compliance-agent content has the reasons)"
            return f"no SCAP content in {directories} can be used: {refused}. {advice}"
        return f"no SCAP content in {directories}. {advice}"
    directories = ", ".join(dict.fromkeys(str(path.parent) for path in found.paths))
    return f"no content in {directories} is for this host ({platform.name}). {advice}"


def advice_on_content(settings: OpenSCAPSettings, platform: Platform, found: ContentFiles) -> str:
    """How to get content that is made for this host."""
    return content_advice(
        platform,
        products_in(found.paths),
        is_server_allowed=settings.content_from_server != "never",
    )


def baseline(reason: str) -> SelectedContent:
    """The built-in baseline, in place of other content."""
    sentence = f"{reason[0].upper()}{reason[1:]}"
    warning = f"this host is scanned with the built-in baseline for any Linux. {sentence}"
    return SelectedContent(ContentFile(content.LINUX, "own"), "baseline", warning)


def _configured(
    name: str, key: str, platform: Platform, found: ContentFiles
) -> SelectedContent | NoContent:
    """The content that the setting names; it is used without a warning, whatever it is for."""
    if not name.startswith("/"):
        return _channel(name, key, platform, found)
    path = Path(name)
    if path == content.LINUX:
        return SelectedContent(ContentFile(path, "own"), "baseline")
    if not path.exists():
        return NoContent(f"{key}: {name}: there is no such file")
    refusal = why_refused(path)
    if refusal:
        return NoContent(f"{key}: {refusal}")
    return SelectedContent(ContentFile(path, "configured"), fit_of(platform, path))


def _channel(
    name: str, key: str, platform: Platform, found: ContentFiles
) -> SelectedContent | NoContent:
    for channel in found.channels:
        if channel.id == name:
            return SelectedContent(guide_file(channel), fit_of(platform, channel.path))
    if not found.channels:
        return NoContent(
            f"{key}: {name}: there is no Ubuntu Security Guide for this "
            "release: name a file by its absolute path"
        )
    known = ", ".join(channel.id for channel in found.channels)
    return NoContent(f"{key}: no channel {name}; there are: {known}")


def _is_newest(file: ContentFile, found: ContentFiles, version_of: VersionOf) -> bool:
    """Whether no other file for the same product is as new.

    The Ubuntu Security Guide has versions of its own, which can't be compared: it stays in use.
    """
    for other in found.files:
        if other is file or product_of_file(other.path) != product_of_file(file.path):
            continue
        is_guide = other.version is not None and other.source == "installed"
        if is_guide or not is_newer(version_of(file.path), version_of(other.path)):
            return False
    return True


def _numbers(version: str | None) -> list[int]:
    return list(map(int, re.findall(r"\d{1,9}", version or "")))
