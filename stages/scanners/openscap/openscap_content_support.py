"""The `ContentSupport` of OpenSCAP: names of kept files, what is worth fetching, what there is."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from schemas.capabilities import DetectedContent, DetectedScanner
from schemas.codec import replace
from schemas.content import ContentList, ListedContent, StoredContent
from schemas.manifest import ContentFit
from schemas.planned_scan import PlannedScan
from schemas.settings import Settings
from stages.scanners.content_support import (
    ContentOffer,
    ContentSupport,
    NothingWanted,
    WantedContent,
)
from stages.scanners.openscap import content
from stages.scanners.openscap.content_choice import NoContent, is_newer
from stages.scanners.openscap.content_match import choose, fit_of, product_name
from stages.scanners.openscap.openscap_packages import content_command
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import Platform

if TYPE_CHECKING:
    from stages.scanners.openscap.content_choice import SelectedContent
    from stages.scanners.openscap.content_files import ContentFile
    from stages.scanners.openscap.content_reading import ContentReader

_OTHER_SYSTEM = "is for another system"
_NAMES_ANOTHER = "compliance.openscap.content names another file"
_SETTING = "compliance.openscap.content_from_server"
_RANK: dict[ContentFit, int] = {"exact": 3, "related": 2, "older": 1, "baseline": 0, "unknown": 0}
_PACKED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2"}
_PRODUCT = re.compile(r"[a-zA-Z][a-zA-Z_-]*\d*")


def _file_name(product: str, beginning: bytes) -> str | None:
    if not _PRODUCT.fullmatch(product):
        return None
    for magic, ending in _PACKED.items():
        if beginning.startswith(magic):
            return f"ssg-{product}-ds.xml{ending}"
    if beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return f"ssg-{product}-ds.xml"
    return None


def _why_not_for(platform: Platform, product: str) -> str | None:
    if fit_of(platform, PurePath(f"ssg-{product}-ds.xml")) != "unknown":
        return None
    return (
        f"is for {product or 'no known product'}, and this host is {platform.name}: "
        "to use it all the same, name it in compliance.openscap.content"
    )


def _wanted(
    settings: Settings,
    platform: Platform,
    detected: DetectedScanner | None,
    offer: ContentOffer,
    kept: Sequence[StoredContent],
) -> WantedContent | NothingWanted:
    mode = settings.compliance.section(OpenSCAPSettings).content_from_server
    if mode == "never":
        return NothingWanted(f"not allowed: set {_SETTING}: missing, or newer", is_refusal=True)
    choice = choose(platform, list(map(PurePath, offer.files)))
    if choice is None or choice.fit == "older":
        return NothingWanted(f"the server has no content for {platform.name}", is_refusal=True)
    file = choice.path.name
    if (file, offer.version) in [(each.file, each.version) for each in kept]:
        return NothingWanted(f"{file} {offer.version} is kept already")
    current = _current_file(detected)
    if current and not _is_better(offer.version, choice.fit, current, mode):
        offered = f"{file} {offer.version} of the server"
        return NothingWanted(f"{current.file} fits as well as {offered} ({_SETTING}: {mode})")
    return WantedContent(file, "".join(choice.product))


def _current_file(detected: DetectedScanner | None) -> DetectedContent | None:
    if detected is None:
        return None
    return detected.content


def _is_better(version: str, fit: ContentFit, current: DetectedContent, mode: str) -> bool:
    """Whether content of the server would be used instead of the current one, by its fit and
    version."""
    if _RANK[fit] != _RANK[current.fit]:
        return _RANK[fit] > _RANK[current.fit]
    may_replace = current.source == "server" or mode == "newer"
    return may_replace and is_newer(version, current.version)


def _listed(settings: Settings, platform: Platform) -> ContentList:
    from stages.scanners.openscap import content_files, oscap_program
    from stages.scanners.openscap.content_reading import ContentReader

    section = settings.compliance.section(OpenSCAPSettings)
    found = content_files.find(section, platform, Path(settings.spool.path))
    oscap = oscap_program.find(platform)
    first, *others = section.planned_scans
    reader = ContentReader(section.for_scan(first), platform, oscap, {}, first)
    selected = reader.select(found)
    files = [*found.files, *map(content_files.guide_file, found.channels)]
    if not isinstance(selected, NoContent):
        files.append(selected.file)
    listed: dict[Path, ListedContent] = {}
    for file in files:
        if file.path not in listed:
            listed[file.path] = _entry(file, platform, selected, reader)
    for scan in others:
        other = ContentReader(section.for_scan(scan), platform, oscap, {}, scan).select(found)
        if not isinstance(other, NoContent):
            entry = _entry(other.file, platform, other, reader)
            _mark_used(listed, other.file.path, entry, scan)
    refused = list(map(_refused, found.problems))
    used_first = sorted(listed.values(), key=lambda entry: not entry.used)
    return ContentList(content=(*used_first, *refused), remarks=_remarks(selected))


def _mark_used(
    listed: dict[Path, ListedContent], path: Path, entry: ListedContent, scan: PlannedScan
) -> None:
    """Take in the content that a further scan of the settings uses."""
    if path in listed and listed[path].used:
        return
    listed[path] = replace(entry, reason=f"compliance.openscap.{scan.key} uses it")


def _remarks(selected: "SelectedContent | NoContent") -> tuple[str, ...]:
    """Why no file fits, or why the one that is used does not fit exactly, and what to do."""
    if isinstance(selected, NoContent):
        return (selected.reason,)
    if selected.warning:
        return (selected.warning,)
    return ()


def _entry(
    file: "ContentFile",
    platform: Platform,
    selected: "SelectedContent | NoContent",
    reader: "ContentReader",
) -> ListedContent:
    fit: ContentFit | None = fit_of(platform, file.path)
    is_used = False
    if not isinstance(selected, NoContent) and selected.file.path == file.path:
        is_used = True
        fit = selected.fit
        reason = _why_used(selected)
    else:
        if fit == "unknown":
            fit = None
        reason = _why_not_used(file, fit, selected)
    return ListedContent(
        file=str(file.path),
        product=product_name(file.path),
        version=file.version or reader.version_of(file.path),
        modified_at=_modified_at(file.path),
        source=file.source,
        origin=file.origin,
        fit=fit,
        used=is_used,
        reason=reason,
    )


def _why_not_used(
    file: "ContentFile", fit: ContentFit | None, selected: "SelectedContent | NoContent"
) -> str:
    if isinstance(selected, NoContent):
        if fit is None:
            return _OTHER_SYSTEM
        # It fits this host and was not chosen: the setting names a file that is not there.
        return _NAMES_ANOTHER
    if selected.file.source == "configured":
        return _NAMES_ANOTHER
    if fit is None:
        return _OTHER_SYSTEM
    if selected.fit == "baseline":
        return "no rule of it would apply to this host"
    if _RANK[fit] < _RANK[selected.fit]:
        return "fits less well"
    if file.version and selected.file.version:
        return "is an older channel: a profile with its version, or the setting content, selects it"
    return f"fits as well, and {selected.file.path} comes first"


def _why_used(selected: "SelectedContent") -> str:
    if selected.warning is not None:
        if selected.fit == "baseline":
            return "no other content applies to this host"
        return "fits better than any other"
    if selected.file.source in ("configured", "own"):
        return "compliance.openscap.content names it"
    return "is made for this release"


def _refused(problem: str) -> ListedContent:
    text = problem.removeprefix("content is not read: ").removeprefix("content is not used: ")
    file, _, reason = text.partition(": ")
    return ListedContent(file=file, source="installed", reason=f"refused: {reason or text}")


def _modified_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except OSError:
        return None


CONTENT = ContentSupport(
    check_entry="stages.scanners.openscap.openscap_content_check:check",
    wanted=_wanted,
    file_name=_file_name,
    why_not_for=_why_not_for,
    listed=_listed,
    install_command=content_command,
    baseline=content.LINUX,
)
