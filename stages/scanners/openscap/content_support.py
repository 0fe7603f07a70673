"""OpenSCAP's content for the commands and the trigger stage: what is kept under which name, what is
worth fetching, and what there is.
"""

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
from stages.scanners.openscap.choose import choose, fit_of, product_of_file
from stages.scanners.openscap.content_choice import NoContent, is_newer
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import Platform

if TYPE_CHECKING:
    from stages.scanners.openscap.content_choice import SelectedContent
    from stages.scanners.openscap.content_files import ContentFile
    from stages.scanners.openscap.content_reading import ContentReader

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
    choice = choose(platform, [PurePath(file) for file in offer.files])
    if choice is None or choice.fit == "older":
        return NothingWanted(f"the server has no content for {platform.name}", is_refusal=True)
    file = choice.path.name
    if (file, offer.version) in {(each.file, each.version) for each in kept}:
        return NothingWanted(f"{file} {offer.version} is kept already")
    current = _current(detected)
    if current and not _is_better(offer.version, choice.fit, current, mode):
        return NothingWanted(
            f"{current.file} fits as well as {file} {offer.version} of the server ({_SETTING}: "
            f"{mode})"
        )
    return WantedContent(file, "".join(product_of_file(choice.path) or ()))


def _current(detected: DetectedScanner | None) -> DetectedContent | None:
    if detected is None:
        return None
    return detected.content


def _is_better(version: str, fit: ContentFit, current: DetectedContent, mode: str) -> bool:
    """Whether content of the server would be used instead of the current one, as far as its name
    and version say."""
    if _RANK[fit] != _RANK[current.fit]:
        return _RANK[fit] > _RANK[current.fit]
    is_ours = current.source == "server" or mode == "newer"
    return is_ours and is_newer(version, current.version)


def _listed(settings: Settings, platform: Platform) -> ContentList:
    from stages.scanners.openscap import content_files, oscap_program
    from stages.scanners.openscap.content_reading import ContentReader

    section = settings.compliance.section(OpenSCAPSettings)
    found = content_files.find(section, platform, Path(settings.spool.path))
    oscap = oscap_program.find(platform)
    first, *others = section.planned_scans
    reader = ContentReader(section.for_scan(first), platform, oscap, {}, first)
    selected = reader.select(found)
    listed = [_entry(file, platform, selected, reader) for file in found.files]
    known = {entry.file for entry in listed}
    if not isinstance(selected, NoContent) and str(selected.file.path) not in known:
        listed.insert(0, _entry(selected.file, platform, selected, reader))
    for channel in found.channels:
        file = content_files.guide_file(channel)
        if str(file.path) not in known | {entry.file for entry in listed}:
            listed.append(_entry(file, platform, selected, reader))
    for scan in others:
        other = ContentReader(section.for_scan(scan), platform, oscap, {}, scan).select(found)
        if not isinstance(other, NoContent):
            _mark_used(listed, _entry(other.file, platform, other, reader), scan)
    refused = [_refused(problem) for problem in found.problems]
    listed.sort(key=lambda entry: not entry.used)
    return ContentList(content=(*listed, *refused), remarks=_remarks(selected))


def _mark_used(listed: list[ListedContent], entry: ListedContent, scan: PlannedScan) -> None:
    """The content of a further scan of the settings."""
    used = replace(entry, reason=f"compliance.openscap.{scan.key} uses it")
    for place, known in enumerate(listed):
        if known.file == entry.file:
            if not known.used:
                listed[place] = used
            return
    listed.append(used)


def _remarks(selected: "SelectedContent | NoContent") -> tuple[str, ...]:
    """Why no file fits, or why the one that is used does not fit quite, and what to do."""
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
    product = product_of_file(file.path)
    fit: ContentFit | None = fit_of(platform, file.path)
    is_used = not isinstance(selected, NoContent) and selected.file.path == file.path
    if is_used and not isinstance(selected, NoContent):
        fit = selected.fit
    elif fit == "unknown":
        fit = None
    return ListedContent(
        file=str(file.path),
        product="".join(product) if product else None,
        version=file.version or reader.version_of(file.path),
        modified_at=_modified_at(file.path),
        source=file.source,
        origin=file.origin,
        fit=fit,
        used=is_used,
        reason=_reason(file, fit, selected, is_used=is_used),
    )


def _reason(
    file: "ContentFile",
    fit: ContentFit | None,
    selected: "SelectedContent | NoContent",
    *,
    is_used: bool,
) -> str:
    names_another = "compliance.openscap.content names another file"
    if isinstance(selected, NoContent):
        # For this host, and all the same not chosen: the setting names what is not there.
        return "is for another system" if fit is None else names_another
    if is_used:
        return _why_used(file, selected)
    if selected.file.source == "configured":
        return names_another
    if fit is None:
        return "is for another system"
    if selected.fit == "baseline":
        return "no rule of it would apply to this host"
    if _RANK[fit] < _RANK[selected.fit]:
        return "fits less well"
    if file.version and selected.file.version:
        return "is an older channel: a profile with its version, or the setting content, selects it"
    return f"fits as well, and {selected.file.path} comes first"


def _why_used(file: "ContentFile", selected: "SelectedContent") -> str:
    if file.source == "configured":
        return "compliance.openscap.content names it"
    if selected.fit == "baseline" and selected.warning is None:
        return "compliance.openscap.content names it"
    if selected.warning is None:
        return "is made for this release"
    if selected.fit == "baseline":
        return "no other content applies to this host"
    return "fits better than any other"


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
    check_entry="stages.scanners.openscap.content_check:check",
    wanted=_wanted,
    file_name=_file_name,
    why_not_for=_why_not_for,
    listed=_listed,
)
