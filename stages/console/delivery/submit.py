"""`submit`: scanner output made elsewhere into this host's spool, from where it is shipped.

The files become a command: they are copied beside it, and the scan stage makes their raw entry. The
scan id is made from the scan's own time and the digest of the files: scans are in the right order,
and the same files are the same scan. A scan of another host is put on hold first, because it would
be sent under this host's name; `--as-this-host`, or `release`, confirms that.

Security: the files are read as `parse` reads them; this process only unpacks and copies them.
"""

import argparse
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from schemas.codec import replace
from schemas.command import Hold, Submission, SubmittedFile
from schemas.ids import ScanId, Scanner, new_scan_id
from schemas.manifest import Role
from schemas.records import Record, Struct
from schemas.report import Report, ScanStatus, report_header
from spool import packing
from spool.errors import SpoolError
from stages.console import arguments, command_writer, follow, scan_states
from stages.console.context import Context
from stages.console.delivery.server_view import ServerView
from stages.console.output import show_facts, show_record, show_text, unicode_text
from stages.console.parse_files import add_file_arguments
from stages.console.parse_task import MAX_BYTES
from stages.console.scan import outcome
from stages.console.scan_states import State
from stages.console.scanner_files import read_scanner_files
from stages.console.sources import Source, open_sources
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_PATIENCE_S = 30.0
_CHECK_EVERY_S = 0.05
_CHUNK_BYTES = 1 << 20
_MAX_AHEAD = timedelta(days=1)
"""More than any time zone: a time further ahead comes from a wrong clock."""


class SubmitView(Record, frozen=True, kw_only=True):
    """What `submit --json` prints."""

    scan_id: ScanId
    scanner: Scanner
    profile: str
    status: ScanStatus
    host: str | None
    """The host that was scanned; None where the files do not name it."""
    foreign: bool
    """Whether that is another host than this one."""
    held: bool
    present: bool
    """Whether the scan is in the spool already; it is left as it is."""
    state: State | None
    """None for a dry run of a scan that is not in the spool."""
    completed_at: datetime
    superseded_by: ScanId | None
    """The newer scan of its profile that the server has, because of which this one is not sent."""
    warnings: tuple[str, ...]


class _Scan(Struct, frozen=True):
    """The files as they were read."""

    submission: Submission
    report: Report
    sources: Sequence[Source]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file_arguments(parser)
    parser.add_argument(
        "--as-this-host",
        action="store_true",
        help="ship another host's scan under this host's name and credentials",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only read the files and show what is in them"
    )
    arguments.add_wait(parser)


def run(args: argparse.Namespace, context: Context) -> Exit:
    arguments.only_with_wait(args)
    with ExitStack() as stack:
        sources = stack.enter_context(open_sources(args.files, MAX_BYTES))
        scan = _read(sources, args.time_zone)
        doorbell = None
        if args.wait:
            doorbell = follow.listen(stack, context.runtime)
        view = _view(scan, context, as_this_host=args.as_this_host)
        if not args.dry_run and not view.present:
            view = _give(scan, view, context)
        if doorbell is None or args.dry_run or view.held:
            show_text = partial(_show, context, dry_run=args.dry_run)
            show_record(view, show_text, as_json=context.json)
            return Exit.OK
        if not context.json:
            _show(context, view, dry_run=False)
        until = follow.last_entry(context)
        followed = follow.follow(
            context, doorbell, view.scan_id, until, args.timeout, quiet=context.json
        )
    return outcome(context, followed)


def _read(sources: Sequence[Source], time_zone: str | None) -> _Scan:
    """Raises CommandError."""
    report, roles = read_scanner_files(sources, time_zone)
    at = command_writer.now()
    names = ", ".join(unicode_text(source.name) for source in sources)
    if report.completed_at > at + _MAX_AHEAD:
        raise CommandError(
            f"{names}: the scan ended at {report.completed_at:%Y-%m-%d %H:%M:%SZ}, which is in the "
            "future: check the clock of the host that made it, and of this one",
            Exit.NO,
        )
    files = tuple(_file(source, role) for source, role in zip(sources, roles, strict=True))
    submission = Submission(
        # An id of a later time than now would be newer than scans that are still to come.
        scan_id=new_scan_id(report.profile.type, min(report.started_at, at), _token(files)),
        scanner=report.profile.type,
        profile_id=report.profile.id,
        profile_title=report.profile.name,
        host=report.host,
        started_at=report.started_at,
        completed_at=report.completed_at,
        at=at,
        files=files,
    )
    return _Scan(submission, report, sources)


def _file(source: Source, role: Role) -> SubmittedFile:
    digest, length = sha256(), 0
    for chunk in _chunks(source):
        digest.update(chunk)
        length += len(chunk)
    name = unicode_text(source.name)
    return SubmittedFile(role=role, name=name, length=length, sha256=digest.hexdigest())


def _token(files: Sequence[SubmittedFile]) -> str:
    """The last digits of the scan id, whatever the order of the files."""
    digest = sha256()
    for role, file_digest in sorted((file.role, file.sha256) for file in files):
        digest.update(f"{role} {file_digest}\n".encode())
    return digest.hexdigest()[:8]


def _chunks(source: Source) -> Iterator[bytes]:
    """The content of a file, unpacked. Raises CommandError."""
    try:
        with open(source.descriptor, "rb", closefd=False) as stream:
            stream.seek(0)
            content = packing.unpacked(stream, MAX_BYTES)
            while chunk := content.read(_CHUNK_BYTES):
                yield chunk
    except (packing.PackingError, OSError) as error:
        raise CommandError(f"{source.name}: can't be read: {error}", Exit.NO) from error


def _view(scan: _Scan, context: Context, *, as_this_host: bool) -> SubmitView:
    submission, report = scan.submission, scan.report
    state: State | None = None
    superseded_by: ScanId | None = None
    if context.spool.root.is_dir():
        boxes = scan_states.snapshot(context.spool)
        if submission.scan_id in boxes.scan_ids:
            state = boxes.state(submission.scan_id)
        server = ServerView(context.spool, context.settings)
        superseded = server.would_supersede(submission.scan_id, report_header(report))
        if superseded is not None:
            superseded_by = superseded.by
    foreign = submission.host is not None and not is_this_host(submission.host)
    return SubmitView(
        scan_id=submission.scan_id,
        scanner=submission.scanner,
        profile=report.profile.name,
        status=report.status,
        host=submission.host,
        foreign=foreign,
        held=foreign and not as_this_host and state is None,
        present=state is not None,
        state=state,
        completed_at=submission.completed_at,
        superseded_by=superseded_by,
        warnings=report.warnings,
    )


def is_this_host(name: str) -> bool:
    """Whether a host name means this host; a name without a domain means the host in any."""
    own, other = socket.gethostname().casefold(), name.casefold()
    if "." in own and "." in other:
        return own == other
    return own.partition(".")[0] == other.partition(".")[0]


def _give(scan: _Scan, view: SubmitView, context: Context) -> SubmitView:
    """Write the command, and wait for its outcome where the scan stage runs."""
    submission = scan.submission
    with command_writer.giving(context) as commands:
        # What an interrupted submission of the same files has left.
        commands.remove_bundle(submission.scan_id)
        if not view.held:
            commands.holds.remove(submission.scan_id)
        commands.write_bundle(submission.scan_id, _all_chunks(scan.sources))
        if view.held:
            # First the hold: the report must not be shipped between its arrival and its hold.
            reason = f"from {submission.host}; it would be sent as this host"
            commands.holds.write(Hold(scan_id=submission.scan_id, at=submission.at, reason=reason))
        commands.submissions.write(submission)
    return replace(view, state=_wait(context, submission.scan_id))


def _all_chunks(sources: Sequence[Source]) -> Iterator[bytes]:
    for source in sources:
        yield from _chunks(source)


def _wait(context: Context, scan_id: ScanId) -> State:
    """The state of the scan once the scan stage has taken it in, or when the wait is over."""
    spool = context.spool
    end = time.monotonic() + _PATIENCE_S
    while scan_id in spool.pending_submissions():
        is_busy = scan_states.snapshot(spool).scanning is not None
        if is_busy or not spool.is_running("scan") or time.monotonic() >= end:
            return scan_states.snapshot(spool).state(scan_id)
        time.sleep(_CHECK_EVERY_S)
    # Where it can't be removed, the next command does that.
    with suppress(SpoolError):
        spool.commands.remove_submission(scan_id)
    return scan_states.snapshot(spool).state(scan_id)


def _show(context: Context, view: SubmitView, *, dry_run: bool) -> None:
    show_text(view.scan_id)
    show_facts(_facts(view))
    for warning in view.warnings:
        show_text(f"warning: {warning}", "yellow")
    if view.present:
        _show_present(view)
    elif dry_run:
        show_text("nothing was submitted (--dry-run)")
    elif view.state == "requested":
        _show_pending(context)
    if view.superseded_by is not None:
        show_text(
            f"the server has a newer scan of this profile, {view.superseded_by}, so this one is "
            "not sent; to send it all the same: "
            f"compliance-agent replay ship {view.scan_id} --force",
            "yellow",
        )
    if view.held:
        show_text(
            f"a scan of another host is held: compliance-agent release {view.scan_id} ships it "
            "under this host's name",
            "yellow",
        )


def _facts(view: SubmitView) -> Iterator[tuple[str, object]]:
    yield "profile", view.profile
    yield "status", view.status
    host = view.host or "not named in the files, taken as this host"
    if view.foreign:
        host = f"{host}, another host than this one ({socket.gethostname()})"
    yield "host", host
    yield "completed", f"{view.completed_at:%Y-%m-%d %H:%M:%SZ}"
    yield "state", view.state


def _show_present(view: SubmitView) -> None:
    line = "it is in the spool already, nothing was submitted"
    if view.state == "done" and view.superseded_by is None:
        line = f"{line}; compliance-agent replay ship {view.scan_id} sends it again"
    show_text(line)


def _show_pending(context: Context) -> None:
    if context.spool.is_running("scan"):
        show_text("submitted; the scan stage takes it in after the scan that is running")
    command_writer.warn_if_stopped(context, "scan", "takes the scan in")
