"""The content files on this host, in the order in which equally fitting ones are preferred.

The Ubuntu Security Guide comes first, then what the operator has added, then the packages'
directories, then what the server has sent.

Security: a file that others could change is left out, and is not read. Content from the server lies
in a directory of the trigger stage: it is known by the digest that was recorded when it was
checked.

Diagnostics: each file that is left out, with the reason and the remedy.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.manifest import ContentSource
from schemas.records import Struct, field
from spool.content_store import ContentPlace, ContentStore
from spool.errors import SpoolError
from stages.scanners.openscap import usg
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.products import Product, base_of, product_of
from stages.scanners.openscap.usable_content import MAX_BYTES
from stages.scanners.path_trust import why_file_changeable
from stages.scanners.platform import Platform

_DATASTREAMS = ("ssg-*-ds.xml", "ssg-*-ds.xml.gz", "ssg-*-ds.xml.bz2")
_BENCHMARKS = ("ssg-*-xccdf.xml",)


class ContentFile(Struct, frozen=True):
    """One content file that may be read."""

    path: Path
    source: ContentSource
    origin: str | None = None
    """Where it came from, in one line; None for the files of a package."""
    sha256: str | None = None
    """Where its publisher gives it, or it was checked before."""
    version: str | None = None
    """The publisher's version, where it differs from the one in the file."""


class ContentFiles(Struct):
    """What was found."""

    files: list[ContentFile] = field(default_factory=list)
    """In order of preference."""
    channels: list[usg.Channel] = field(default_factory=list)
    """Of the Ubuntu Security Guide for this release, the newest first."""
    problems: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        return [file.path for file in self.files]

    def by_path(self, path: Path) -> ContentFile:
        """The file with one of `paths`."""
        return next(file for file in self.files if file.path == path)


def find(settings: OpenSCAPSettings, platform: Platform, spool: Path | None) -> ContentFiles:
    """All content files on this host. `spool`: None where content kept in one is not looked for."""
    found = ContentFiles()
    _add_channels(found, settings, platform)
    _add_stored(found, spool, "added")
    for directory in settings.content_dirs:
        for path in _in_directory(Path(directory)):
            _add(found, ContentFile(path, "installed"))
    if settings.content_from_server != "never":
        _add_stored(found, spool, "server")
    return found


def in_directories(directories: Sequence[str]) -> Iterator[Path]:
    """Every content file in these directories."""
    for directory in directories:
        yield from _in_directory(Path(directory))


def guide_file(channel: usg.Channel) -> ContentFile:
    return ContentFile(
        channel.path,
        "installed",
        channel.origin,
        channel.sha256,
        channel.version,
    )


def why_refused(path: Path) -> str | None:
    """Why a file may not be read; None where it may. The text begins with the path."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"{path}: can't be read: {error.strerror}"
    if size > MAX_BYTES:
        return (
            f"{path}: has {size >> 20} MiB, content has {MAX_BYTES >> 20} MiB at most: "
            "remove it, or install the content again"
        )
    if not path.is_file():
        return f"{path}: is not a plain file: remove it"
    return why_file_changeable(path)


def _add(found: ContentFiles, file: ContentFile) -> None:
    if not _is_refused(found, file.path):
        found.files.append(file)


def _add_channels(found: ContentFiles, settings: OpenSCAPSettings, platform: Platform) -> None:
    """The newest channel is used for every scan, older ones only where a setting names them."""
    for directory in settings.content_dirs:
        for product in _guide_products(platform):
            channels = _channels(found, Path(directory), "".join(product))
            for channel in channels[:1]:
                _add(found, guide_file(channel))
            found.channels += channels


def _guide_products(platform: Platform) -> list[Product]:
    return list(dict.fromkeys(filter(None, [product_of(platform), base_of(platform)])))


def _channels(found: ContentFiles, directory: Path, product: str) -> list[usg.Channel]:
    """The channels whose file only root can have changed, with the digest that is in the list."""
    guide = directory / usg.LIST
    if not guide.exists() or _is_refused(found, guide):
        return []
    try:
        listed = usg.channels(directory, product)
    except usg.UsgError as error:
        found.problems.append(str(error))
        return []
    usable: list[usg.Channel] = []
    for channel in listed:
        try:
            usg.check_path(channel, directory)
            if _is_refused(found, channel.path):
                continue
            usg.check_digest(channel)
        except usg.UsgError as error:
            found.problems.append(str(error))
        else:
            usable.append(channel)
    return usable


def _is_refused(found: ContentFiles, path: Path) -> bool:
    refusal = why_refused(path)
    if refusal is None:
        return False
    problem = f"content is not read: {refusal}"
    if problem not in found.problems:
        found.problems.append(problem)
    return True


def _add_stored(found: ContentFiles, spool: Path | None, place: ContentPlace) -> None:
    if spool is None:
        return
    store = ContentStore(spool, place)
    try:
        entries = store.entries()
        found.problems += store.problems()
    except SpoolError as error:
        found.problems.append(str(error))
        return
    finally:
        store.close()
    for entry in entries:
        kept = entry.record
        file = ContentFile(entry.path, place, kept.origin, kept.sha256, kept.version)
        if place == "added":
            _add(found, file)
        else:
            # It belongs to the trigger stage and not to root, so its digest decides.
            found.files.append(file)


def _in_directory(directory: Path) -> list[Path]:
    datastreams = _matching(directory, _DATASTREAMS)
    # The older Ubuntu Security Guide has plain XCCDF files alone; elsewhere they lie beside the
    # datastreams that were made of them.
    return datastreams or _matching(directory, _BENCHMARKS)


def _matching(directory: Path, patterns: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        found += sorted(directory.glob(pattern))
    return found
