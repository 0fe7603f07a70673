"""OpenSCAP on this host: the scanner, the content chosen for the host, and its profiles.

Where no installed content is made for this release and the profile is `auto`, the built-in baseline
is used (`content_fallback`), with a warning that says so.

Diagnostics: a missing scanner, missing content, content for another version and content that must
not be read are different messages, each with what to do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.capabilities import DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import convert, plain, replace
from schemas.settings_check import KeyProblem
from spool.packing import PackingError
from stages.scanners.openscap import content_files, oscap_program
from stages.scanners.openscap.content_choice import NoContent, SelectedContent
from stages.scanners.openscap.content_files import ContentFiles
from stages.scanners.openscap.openscap_capability import OpenSCAPDetection
from stages.scanners.openscap.openscap_details import DetectedScan, OpenSCAPDetails
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_program import OscapProgram
from stages.scanners.openscap.scan_choice import content_case, may_fall_back
from stages.scanners.platform import Platform
from stages.scanners.spec import DetectionResult

if TYPE_CHECKING:
    from stages.scanners.openscap.content_reading import ContentReader


def surroundings(settings: OpenSCAPSettings, spool: Path) -> Iterator[str | None]:
    """The scanner, and where content is searched."""
    yield oscap_program.where()
    yield from settings.content_dirs
    for place in ("added", "server"):
        yield str(spool / "content" / place)
    for planned in settings.planned_scans:
        for file in (planned.content, planned.tailoring):
            if file and file.startswith("/"):
                yield file


def detect(
    settings: OpenSCAPSettings,
    platform: Platform,
    cache: Mapping[str, Any],
    spool: Path | None = None,
) -> DetectionResult:
    """Look at this host; `cache` holds what was read and tried before, `spool` content of the
    operator and the server."""
    # Imported only here, in a worker: in the stage the XML library would stay loaded for good.
    from stages.scanners.openscap.content_reading import ContentReader

    oscap = oscap_program.find(platform)
    found = content_files.find(settings, platform, spool)
    scans: dict[tuple[object, ...], DetectedScan] = {}
    for planned in settings.planned_scans:
        single = settings.for_scan(planned)
        case = content_case(single)
        if case in scans:
            continue
        reader = ContentReader(single, platform, oscap, cache, planned)
        scans[case] = DetectedScan(
            content=single.content,
            tailoring=single.tailoring,
            may_fall_back=may_fall_back(single),
            scanner=_scanner(single, oscap, found, reader),
        )
        # Content that several scans use is read once.
        cache = reader.cache()
    return DetectionResult(_combined(list(scans.values())), cache)


def _scanner(
    settings: OpenSCAPSettings, oscap: OscapProgram, found: ContentFiles, reader: "ContentReader"
) -> DetectedScanner:
    """What was detected for the settings of one scan."""
    selected = reader.select(found)
    readable = reader.read(selected, found)
    problems = [*filter(None, [oscap.problem]), *found.problems, *readable.problems]
    specified = OpenSCAPDetection(
        installed=oscap.is_installed,
        version=oscap.version,
        oscap_path=oscap.path,
        content_path=_content_directory(selected, settings),
        available_profiles=readable.profiles,
    )
    return DetectedScanner(
        installed=oscap.is_installed,
        ready=oscap.is_installed and bool(readable.profiles),
        version=oscap.version or None,
        problems=tuple(problems),
        settings_problems=tuple(readable.settings_problems),
        profiles=readable.profiles,
        content=readable.content,
        specified=plain(specified),
        details=plain(readable.details),
    )


def _combined(scans: Sequence[DetectedScan]) -> DetectedScanner:
    """The scanner as detected for all scans of the settings; what is not a list is the first's."""
    first = scans[0].scanner
    if len(scans) == 1:
        return first
    profiles: dict[str, ProfileInfo] = {}
    problems: dict[str, None] = {}
    settings_problems: dict[KeyProblem, None] = {}
    remarks: dict[str, None] = {}
    for scan in scans:
        for profile in scan.scanner.profiles:
            profiles.setdefault(profile.id, profile)
        problems.update(dict.fromkeys(scan.scanner.problems))
        settings_problems.update(dict.fromkeys(scan.scanner.settings_problems))
        if scan.scanner.content is not None:
            remarks.update(dict.fromkeys(_content_remarks(scan.scanner.content, first.content)))
    content = first.content
    if content is not None:
        content = replace(content, remarks=tuple(remarks))
    details = convert(first.details, OpenSCAPDetails)
    available = tuple(profiles.values())
    return replace(
        first,
        ready=any(scan.scanner.ready for scan in scans),
        problems=tuple(problems),
        settings_problems=tuple(settings_problems),
        profiles=available,
        content=content,
        specified={**first.specified, "available_profiles": plain(available)},
        details=plain(replace(details, scans=tuple(scans))),
    )


def _content_remarks(content: DetectedContent, first: DetectedContent | None) -> Iterator[str]:
    """The remarks on the content of one scan; a file other than that of the first scan is named."""
    if first is not None and content.file != first.file:
        line = f"also scanned with: {content.file}"
        if content.version:
            line += f", version {content.version}"
        yield line
    yield from content.remarks


def all_profiles(settings: OpenSCAPSettings) -> Iterable[ProfileInfo]:
    """The profiles of every content file on this host, readable ones only."""
    from stages.scap.content_profiles import ProfileCache
    from stages.scap.xml_errors import ScapError

    cache = ProfileCache({})
    for path in content_files.in_directories(settings.content_dirs):
        if content_files.why_refused(path):
            continue
        with suppress(ScapError, PackingError, OSError):
            yield from cache.get(path).profiles


def _content_directory(selected: SelectedContent | NoContent, settings: OpenSCAPSettings) -> str:
    """Where the content lies; without any, the first directory that could hold it."""
    if isinstance(selected, SelectedContent):
        return str(selected.file.path.parent)
    return next((path for path in settings.content_dirs if Path(path).is_dir()), "")
