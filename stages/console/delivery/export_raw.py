"""`export --raw`: all that the spool has of its scans, for the archive of a fleet.

The bundle is written into a directory; its name is made of the host and the time. With `--since
last`, scans are left out that an earlier bundle of this host in that directory has unchanged. The
next call continues an interrupted bundle.
"""

import argparse
import re
import socket
from pathlib import Path

from schemas import codec
from schemas.archive import ArchivedHost, ArchivedScan, RawBundleEnd
from schemas.ids import ScanId
from schemas.records import Record
from spool import raw_bundle
from spool.layout import new_command_id
from spool.lock import alone_in
from spool.raw_bundle import FoundScan, RawBundleError
from spool.spool import Spool
from stages.console import command_writer
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.delivery.host_origin import origin
from stages.console.output import show_line, unicode_text
from stages.parse import waiver_files
from stages.runtime import path_encoding
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import counted
from stages.runtime.version import AGENT_VERSION

LAST = "last"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


class RawExport(Record, frozen=True, kw_only=True):
    """What `export --raw --json` prints."""

    file: str | None
    """None where nothing is new since the last bundle."""
    host: str
    scans: tuple[ScanId, ...]
    bytes: int


def run_raw(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    host = this_host(context)
    directory: Path = args.file
    is_incremental = args.since == LAST
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        # A bundle that another export is writing is none that was interrupted.
        with alone_in(directory):
            chosen = _chosen(args, spool, directory, host)
            if not chosen:
                if is_incremental:
                    _show(context, RawExport(file=None, host=host.key, scans=(), bytes=0))
                    return Exit.OK
                raise CommandError("no scan to export", Exit.NO)
            path = _path(directory, host)
            end = raw_bundle.write(path, host, chosen, _end)
    except OSError as error:
        raise CommandError(f"{directory}: {error.strerror}") from error
    except RawBundleError as error:
        raise CommandError(str(error), Exit.NO) from error
    exported = RawExport(
        file=unicode_text(path),
        host=host.key,
        scans=tuple(scan.scan_id for scan in end.scans),
        bytes=path.stat().st_size,
    )
    _show(context, exported)
    return Exit.OK


def _show(context: Context, exported: RawExport) -> None:
    line = "nothing new since the last bundle"
    if exported.file is not None:
        line = f"{exported.file}: {counted(len(exported.scans), 'scan')}, {exported.bytes} bytes"
    show_line(exported, line, as_json=context.json)


def this_host(context: Context) -> ArchivedHost:
    """This host, with what its reports depend on besides the raw entries."""
    compliance = context.settings.compliance
    return ArchivedHost(
        hostname=_NOT_IN_A_NAME.sub("-", socket.gethostname()) or "host",
        origin=origin(),
        api_id=context.settings.api.id,
        compliance=codec.plain(path_encoding.as_in_the_file(compliance)),
        waivers=tuple(placed.waiver for placed in waiver_files.load(compliance.waivers).waivers),
    )


def _chosen(
    args: argparse.Namespace, spool: Spool, directory: Path, host: ArchivedHost
) -> list[FoundScan]:
    known: set[ArchivedScan] = set()
    if args.since == LAST:
        args.since = None
        known = _exported_before(directory, host)
    scans = [found for found in raw_bundle.scans_of_spool(spool) if found.scan not in known]
    if filters.is_choice(args):
        among = {*spool.raw.scan_ids(), *spool.reports.ids()}
        only = filters.choose(args, spool, among, "scan to export")
        return [found for found in scans if found.scan.scan_id in only]
    return scans


def _exported_before(directory: Path, host: ArchivedHost) -> set[ArchivedScan]:
    """The scans of the bundles of this host, as they were then."""
    known: set[ArchivedScan] = set()
    for path in sorted(directory.glob(f"{host.key}-*.tar")):
        try:
            with path.open("rb") as stream:
                _, end, _ = raw_bundle.read(stream)
        except RawBundleError as error:
            raise CommandError(f"{path}: {error}; remove it", Exit.NO) from error
        known.update(end.scans)
    return known


def _path(directory: Path, host: ArchivedHost) -> Path:
    """The path of an interrupted bundle, or a new one."""
    partials = sorted(directory.glob(f"{host.key}-*.tar.partial"))
    if partials:
        return partials[0].with_suffix("")
    return directory / f"{host.key}-{new_command_id(command_writer.now())}.tar"


def _end(scans: tuple[ArchivedScan, ...]) -> RawBundleEnd:
    return RawBundleEnd(exported_at=command_writer.now(), agent_version=AGENT_VERSION, scans=scans)
