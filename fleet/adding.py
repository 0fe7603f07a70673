"""Bundles and copied spools into an archive.

Each scan is first restored as it was in its spool, in a temporary directory, where the spool's own
reading checks every file. A whole scan goes into the archive, a damaged one is set aside with the
reason. Adding a second time changes nothing, except that files of the archive that have been
damaged since are replaced by those of the source.
"""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

from fleet.archive import Archive, HostIndex
from schemas import codec
from schemas.archive import RECEIPT, REPORT, ArchivedFile, ArchivedHost, ArchivedScan
from schemas.ids import ScanId
from schemas.records import Struct, field
from spool import raw_bundle
from spool.errors import NewerFormatError, SpoolError
from spool.raw_bundle import FoundScan
from spool.spool import Spool
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_CHUNK = 1024 * 1024


class Added(Struct):
    """The result for one source."""

    host: str
    new: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    """Scans of the archive to which the source added files."""
    repaired: list[ScanId] = field(default_factory=list)
    """Scans of which files in the archive were damaged or missing."""
    present: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    """Reasons by scan."""


def add(archive: Archive, source: str) -> Added:
    """Add a raw bundle, or the spool of a host (`HOST=DIRECTORY`). Raises CommandError."""
    try:
        return _add(archive, source)
    except SpoolError as error:
        raise CommandError(f"{source}: {error}") from error
    except OSError as error:
        # The file is in the source or in the archive.
        place = error.filename or source
        raise CommandError(f"{place}: can't be added: {error.strerror or error}") from error


def _add(archive: Archive, source: str) -> Added:
    host_name, separator, directory = source.partition("=")
    if separator and Path(directory).is_dir():
        host = _host_of_spool(host_name)
        if not (Path(directory) / "raw").is_dir():
            raise CommandError(f"{directory}: is not a spool: it has no directory raw")
        return _add_scans(archive, host, raw_bundle.scans_of_spool(Spool(Path(directory))))
    path = Path(source)
    if path.is_dir():
        raise CommandError(f"{path}: give the host of a spool, HOST={path}", Exit.USAGE)
    with path.open("rb") as stream:
        host, _, scans = raw_bundle.read(stream)
        return _add_scans(archive, host, scans)


def _host_of_spool(name: str) -> ArchivedHost:
    try:
        return codec.convert({"hostname": name}, ArchivedHost)
    except codec.SchemaError as error:
        raise CommandError(f"{name[:80]!r} is not a host name", Exit.USAGE) from error


def _add_scans(archive: Archive, host: ArchivedHost, scans: Iterator[FoundScan]) -> Added:
    before = archive.index(host.key)
    index = before or HostIndex(host=host)
    known = {scan.scan_id: scan for scan in index.scans}
    added = Added(host.key)
    for found in scans:
        has = known.get(found.scan.scan_id)
        lost = _lost_files(archive, host, found.scan, has)
        if found.scan == has and not lost:
            added.present += 1
            continue
        stored = _add_scan(archive, host, found, _without(has, lost), added)
        if stored is not None:
            known[stored.scan_id] = stored
            _count(added, stored, has, lost)
    # What was read from the damaged files is not up to date.
    repairs = (*index.repairs, *added.repaired)
    after = HostIndex(host=host, scans=tuple(known.values()), repairs=repairs)
    if after != before:
        archive.write_index(after)
    return added


def _count(added: Added, stored: ArchivedScan, has: ArchivedScan | None, lost: set[str]) -> None:
    """Add a stored scan to the result: `has` is what the archive had of it, `lost` what it lost."""
    if has is None:
        added.new.append(stored.scan_id)
    elif lost:
        added.repaired.append(stored.scan_id)
    elif len(stored.files) > len(has.files):
        added.completed.append(stored.scan_id)
    else:
        added.present += 1


def _lost_files(
    archive: Archive, host: ArchivedHost, source: ArchivedScan, has: ArchivedScan | None
) -> set[str]:
    """The names of files of the source that the archive lists and has lost, or has otherwise."""
    if has is None:
        return set()
    offered = {file.name for file in source.files}
    return {
        file.name
        for file in has.files
        if file.name in offered and not archive.is_whole(host.key, has.scan_id, file)
    }


def _without(scan: ArchivedScan | None, lost: set[str]) -> ArchivedScan | None:
    if scan is None or not lost:
        return scan
    return codec.replace(scan, files=tuple(file for file in scan.files if file.name not in lost))


def _add_scan(
    archive: Archive,
    host: ArchivedHost,
    found: FoundScan,
    known: ArchivedScan | None,
    added: Added,
) -> ArchivedScan | None:
    """The scan as the archive has it now; None where it was damaged."""
    scan_id = found.scan.scan_id
    with tempfile.TemporaryDirectory(prefix="compliance-fleet-") as directory:
        spool = Spool(Path(directory))
        reason = _restore(found, spool) or _damage(found.scan, spool)
        if reason is not None:
            _set_aside(archive, host, found.scan, spool, reason)
            added.damaged[scan_id] = reason
            return None
        old_files: tuple[ArchivedFile, ...] = ()
        if known is not None:
            old_files = known.files
        new_files = _missing_in(old_files, found.scan)
        target = archive.scan_directory(host.key, scan_id)
        for file in new_files:
            archive.upload(str(local_path(spool, found.scan, file.name)), f"{target}/{file.name}")
    files = sorted((*old_files, *new_files), key=lambda file: file.name)
    return codec.replace(found.scan, files=tuple(files))


def _missing_in(old_files: tuple[ArchivedFile, ...], scan: ArchivedScan) -> list[ArchivedFile]:
    """The files that the archive lacks. One that it has stays as it is."""
    names = {file.name for file in old_files}
    missing = [file for file in scan.files if file.name not in names]
    return sorted(missing, key=lambda file: file.name)


def local_path(spool: Spool, scan: ArchivedScan, name: str) -> Path:
    """Where a file of a scan lies in a spool."""
    if name == REPORT:
        return spool.reports.path / spool.reports.name(scan.scan_id)
    if name == RECEIPT:
        return spool.receipts.path / spool.receipts.name(scan.scan_id)
    return spool.raw.path / scan.scan_id / name


def _restore(found: FoundScan, spool: Spool) -> str | None:
    """Write the scan as it was in its spool. Returns why a file is not the one that is listed."""
    for file in found.scan.files:
        path = local_path(spool, found.scan, file.name)
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            with found.open_file(file.name) as stream:
                length, digest = _copy(stream, path)
        except (OSError, tarfile.TarError) as error:
            return f"{file.name}: can't be read: {error}"
        if length != file.bytes or digest != file.sha256:
            return f"{file.name}: is not the file that is listed (length or SHA-256 differs)"
    return None


def _copy(stream: IO[bytes], path: Path) -> tuple[int, str]:
    """Copy to a file; returns the length and the SHA-256 of what was copied."""
    digest = sha256()
    length = 0
    with path.open("wb") as target:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
            target.write(chunk)
    return length, digest.hexdigest()


def _damage(scan: ArchivedScan, spool: Spool) -> str | None:
    """Why the spool can't read a part of the scan. A format of a later version is not damage."""
    try:
        if scan.raw_files:
            spool.raw.check(scan.scan_id)
        if scan.file(REPORT):
            spool.reports.read(scan.scan_id)
        if scan.file(RECEIPT):
            spool.receipts.read(scan.scan_id)
    except NewerFormatError:
        return None
    except SpoolError as error:
        return str(error).replace(f"{spool.root}/", "")
    return None


def _set_aside(
    archive: Archive, host: ArchivedHost, scan: ArchivedScan, spool: Spool, reason: str
) -> None:
    target = archive.damaged_directory(host.key, scan.scan_id)
    for file in scan.files:
        path = local_path(spool, scan, file.name)
        if path.is_file():
            archive.upload(str(path), f"{target}/{file.name}")
    archive.write(f"{target}/reason", f"{reason}\n".encode())


def fetch_raw(archive: Archive, host: str, scan: ArchivedScan, spool: Spool) -> None:
    """Copy the raw entry of a scan from the archive into a local spool."""
    for file in scan.raw_files:
        path = local_path(spool, scan, file.name)
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with archive.open_file(host, scan.scan_id, file) as stream, path.open("wb") as target:
            shutil.copyfileobj(stream, target, _CHUNK)
