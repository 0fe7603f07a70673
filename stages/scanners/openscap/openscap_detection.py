"""OpenSCAP on this host: the scanner, the content chosen for the host, and its profiles.

Where no installed content is made for this release and the profile is `auto`, the built-in baseline
is used (`content_fallback`), with a warning that says so.

Diagnostics: a missing scanner, missing content, and content for another version are three different
messages, each with the command that provides what is missing.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.capabilities import DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import plain
from schemas.manifest import ContentSource
from schemas.records import Record
from spool.packing import PackingError
from stages.scanners.openscap import content, usg
from stages.scanners.openscap.choose import (
    Choice,
    choose,
    fit_of,
    is_for_other_releases,
    products_in,
)
from stages.scanners.openscap.openscap_capability import OpenSCAPDetection
from stages.scanners.openscap.openscap_packages import content_advice, install_scanner
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.products import base_of, product_of
from stages.scanners.openscap.profiles import AUTO
from stages.scanners.openscap.usable_content import Digests
from stages.scanners.platform import Platform
from stages.scanners.spec import DetectionResult

if TYPE_CHECKING:
    # At run time only where content is read, in a worker: the XML library would stay in the stage
    # for good.
    from stages.scap.content_profiles import Datastream, ProfileCache

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRESS_BY_TITLE, _PROGRESS_BY_ID = "--progress-full", "--progress"


class OpenSCAPDetails(Record, frozen=True, kw_only=True):
    """What the runner needs to know."""

    oscap_path: str
    progress_option: str = _PROGRESS_BY_TITLE
    """The option by which this oscap reports each rule as it goes."""
    skip_validation_option: str | None = None
    """The option by which this oscap does not validate content against the schemas."""
    content_digests: Digests | None = None
    """Of content whose publisher gives them."""
    refuses_remote_parts: bool = False
    """This oscap refuses a datastream with parts on other hosts (before 1.3)."""
    rule_counts: Mapping[str, int] = {}
    """Profile id to the number of rules that the profile selects."""
    checklist_options: Mapping[str, tuple[str, ...]] = {}
    """Profile id to the options by which oscap finds it in a file with several checklists."""


def surroundings(settings: OpenSCAPSettings) -> Iterator[str | None]:
    """The scanner, and where content is searched."""
    yield shutil.which("oscap", path=_PATH)
    yield from settings.content_dirs
    if settings.content:
        yield settings.content


def detect(
    settings: OpenSCAPSettings, platform: Platform, cache: Mapping[str, Any]
) -> DetectionResult:
    """Look at this host; `cache` holds the profiles of content that was read before."""
    from stages.scap.content_profiles import ProfileCache

    profile_cache = ProfileCache(cache)
    oscap, problems = _find_oscap(platform)
    guides, guide_problems = _security_guides(settings, platform)
    problems += guide_problems
    choice, missing = _choose_content(settings, platform, list(guides))
    datastream: Datastream | None = None
    if choice:
        datastream, missing = _read_content(choice, profile_cache)
    fallback = _fallback(settings, platform, choice, datastream)
    if fallback:
        choice = fallback
        datastream, missing = _read_content(choice, profile_cache)
    if missing:
        problems.append(missing)
    profiles = datastream.profiles if datastream else ()
    usage = _usage(oscap)
    details = OpenSCAPDetails(
        oscap_path=oscap.oscap_path,
        progress_option=_progress_option(usage),
        skip_validation_option=_skip_validation_option(usage),
        content_digests=guides.get(Path(choice.path)) if choice else None,
        refuses_remote_parts=_is_before_1_3(oscap.version),
        rule_counts=dict(datastream.selected or {}) if datastream else {},
        checklist_options=_checklist_options(datastream),
    )
    specified = OpenSCAPDetection(
        installed=oscap.installed,
        version=oscap.version,
        oscap_path=oscap.oscap_path,
        content_path=_content_directory(choice, settings),
        available_profiles=profiles,
    )
    found = DetectedScanner(
        installed=oscap.installed,
        ready=oscap.installed and bool(profiles),
        version=oscap.version or None,
        problems=tuple(problems),
        profiles=profiles,
        content=_detected_content(choice, datastream, settings),
        specified=plain(specified),
        details=plain(details),
    )
    return DetectionResult(found, profile_cache.dump())


def all_profiles(settings: OpenSCAPSettings) -> Iterable[ProfileInfo]:
    """The profiles of every datastream on this host, readable ones only."""
    from stages.scap.content_profiles import ProfileCache
    from stages.scap.xml_records import ScapError

    cache = ProfileCache({})
    for path in _datastreams(settings):
        with suppress(ScapError, PackingError, OSError):
            yield from cache.get(path).profiles


def _find_oscap(platform: Platform) -> tuple[OpenSCAPDetection, list[str]]:
    path = shutil.which("oscap", path=_PATH)
    if path is None:
        message = f"OpenSCAP is not installed: {install_scanner(platform)}"
        return OpenSCAPDetection(installed=False), [message]
    version = re.search(r"\b(\d+\.\d+[\w.+-]*)", _output([path, "--version"]))
    if version is None:
        message = f"{path} does not report its version: {install_scanner(platform)} (reinstall)"
        return OpenSCAPDetection(installed=False, oscap_path=path), [message]
    return OpenSCAPDetection(installed=True, version=version[1], oscap_path=path), []


def _security_guides(
    settings: OpenSCAPSettings, platform: Platform
) -> tuple[dict[Path, Digests], list[str]]:
    """The datastreams of the Ubuntu Security Guide for this release, and what is wrong with it."""
    found: dict[Path, Digests] = {}
    problems: list[str] = []
    for directory in settings.content_dirs:
        for product in (product_of(platform), base_of(platform)):
            if product is None:
                continue
            try:
                guide = usg.find(Path(directory), "".join(product))
            except usg.UsgError as error:
                problems.append(str(error))
                break
            if guide:
                found[guide.path] = guide.digests
    return found, problems


def _choose_content(
    settings: OpenSCAPSettings, platform: Platform, guides: list[Path]
) -> tuple[Choice | None, str | None]:
    """The content for this host, or why there is none."""
    if settings.content:
        if Path(settings.content).is_file():
            return _configured(Path(settings.content), platform), None
        return None, f"compliance.openscap.content: {settings.content}: there is no such file"
    files = [*guides, *_datastreams(settings)]
    choice = choose(platform, files)
    if choice:
        return choice, None
    return None, f"{_nothing_fits(settings, platform, files)}, or set compliance.openscap.content"


def _nothing_fits(settings: OpenSCAPSettings, platform: Platform, files: Sequence[Path]) -> str:
    """That there is no content for this host, and how to get it."""
    advice = content_advice(platform, products_in(files))
    if not files:
        return f"no SCAP content in {', '.join(settings.content_dirs)}: {advice}"
    return (
        f"none of the {len(files)} datastreams in {files[0].parent} is for this host "
        f"({platform.name}): {advice}"
    )


def _configured(path: Path, platform: Platform) -> Choice:
    """The file that a setting names; it is used without a warning whatever it is for."""
    if path == content.LINUX:
        return Choice(path, "baseline")
    return Choice(path, fit_of(platform, path))


def _fallback(
    settings: OpenSCAPSettings,
    platform: Platform,
    choice: Choice | None,
    datastream: "Datastream | None",
) -> Choice | None:
    """The built-in baseline, where it says more than what was found; None where it is not to be
    used.

    A profile that is named is never replaced by another.
    """
    is_allowed = settings.content_fallback == "baseline" and settings.profile == AUTO
    if settings.content or not is_allowed:
        return None
    if choice is None:
        reason = _nothing_fits(settings, platform, _datastreams(settings))
    elif datastream and choice.fit == "older":
        if not is_for_other_releases(datastream.platforms, platform):
            return None
        reason = f"no rule of the installed content would apply: {choice.warning}"
    else:
        return None
    warning = f"scanned with the built-in baseline for any Linux: {reason}"
    return Choice(content.LINUX, "baseline", warning)


def _read_content(choice: Choice, cache: "ProfileCache") -> "tuple[Datastream | None, str | None]":
    """The chosen content, or why it can't be read."""
    from stages.scap.xml_records import ScapError

    try:
        return cache.counted(Path(choice.path)), None
    except (ScapError, PackingError) as error:
        reason = str(error)
    except OSError as error:
        reason = str(error.strerror)
    return None, f"{choice.path}: the content can't be read: {reason}; install it again"


def _checklist_options(datastream: "Datastream | None") -> dict[str, tuple[str, ...]]:
    """oscap looks for a profile in the first checklist alone, unless another one is named."""
    options: dict[str, tuple[str, ...]] = {}
    if datastream is None:
        return options
    for profile, checklist in datastream.checklists.items():
        named: tuple[str, ...] = ("--benchmark-id", checklist.benchmark)
        if checklist.datastream and checklist.component_reference:
            named = (
                *("--datastream-id", checklist.datastream),
                *("--xccdf-id", checklist.component_reference),
            )
        options[profile] = ("--profile", checklist.profile, *named)
    return options


def _detected_content(
    choice: Choice | None, datastream: "Datastream | None", settings: OpenSCAPSettings
) -> DetectedContent | None:
    if choice is None or datastream is None:
        return None
    return DetectedContent(
        file=str(choice.path),
        source=_source(choice, settings),
        fit=choice.fit,
        version=datastream.version,
        warning=choice.warning,
    )


def _datastreams(settings: OpenSCAPSettings) -> list[Path]:
    found: list[Path] = []
    for directory in settings.content_dirs:
        datastreams: list[Path] = []
        for pattern in ("ssg-*-ds.xml", "ssg-*-ds.xml.gz", "ssg-*-ds.xml.bz2"):
            datastreams += sorted(Path(directory).glob(pattern))
        # The older Ubuntu Security Guide has plain XCCDF files alone; elsewhere they lie beside the
        # datastreams that were made of them.
        found += datastreams or sorted(Path(directory).glob("ssg-*-xccdf.xml"))
    return found


def _source(choice: Choice, settings: OpenSCAPSettings) -> ContentSource:
    if Path(choice.path) == content.LINUX:
        return "own"
    if settings.content:
        return "configured"
    return "installed"


def _content_directory(choice: Choice | None, settings: OpenSCAPSettings) -> str:
    """Where the content lies; without any, the first directory that could hold it."""
    if choice:
        return str(Path(choice.path).parent)
    return next((path for path in settings.content_dirs if Path(path).is_dir()), "")


def _usage(oscap: OpenSCAPDetection) -> str:
    if not oscap.installed:
        return ""
    return _output([oscap.oscap_path, "xccdf", "eval", "--help"])


def _progress_option(usage: str) -> str:
    if _PROGRESS_BY_TITLE in usage:
        return _PROGRESS_BY_TITLE
    return _PROGRESS_BY_ID


def _skip_validation_option(usage: str) -> str | None:
    """`--skip-valid` is the only one of 1.2 and on its way out."""
    options = usage.split()
    for option in ("--skip-validation", "--skip-valid"):
        if option in options:
            return option
    return None


def _is_before_1_3(version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < (1, 3)


def _output(command: Sequence[str]) -> str:
    """What a command prints; nothing where it can't be started or hangs."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")
