"""Scanner output made elsewhere, which an operator has submitted, becomes raw entries here.

Promises: each submission gets a raw entry, a failed one where its bundle is not what the command
says. The files are copied byte for byte and never interpreted: that is the parse stage's work.
"""

from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from schemas.command import Submission, SubmittedFile
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.request import Reason
from spool.errors import (
    EntryDamagedError,
    EntryMissingError,
    EntryUnreadableError,
    NewerFormatError,
    read_error,
    remedy,
)
from spool.layout import entry_name
from spool.raw import Output
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.scan import free_space
from stages.scan.free_space import LowSpaceError
from stages.scan.raw_entries import RawEntries

_CHUNK_BYTES = 1 << 20
_MAX_DETAIL_CHARS = 256


class Submissions:
    """The submissions in `commands/`."""

    def __init__(self, process: Process, raw_entries: RawEntries) -> None:
        self._process = process
        self._spool = process.spool
        self._raw_entries = raw_entries

    def take_in(self) -> LowSpaceError | None:
        """Give each submission its raw entry; returned is why one waits for space.

        Raises StorageError.
        """
        low_space: LowSpaceError | None = None
        for scan_id in self._spool.pending_submissions():
            if self._process.stopping:
                break
            if self._process.is_set_aside(entry_name(scan_id, "submission")):
                continue
            try:
                self._take_in_one(scan_id)
            except LowSpaceError as error:
                # Scans and smaller submissions need not wait for this one.
                low_space = error
        return low_space

    def _take_in_one(self, scan_id: ScanId) -> None:
        try:
            submission = self._spool.commands.submissions.read(scan_id)
            # A crash in the middle leaves a draft, which the next start sweeps; the command is
            # still there, so the copy begins anew.
            self._copy(submission)
            self._process.set_aside.worked(entry_name(scan_id, "submission"))
        except EntryUnreadableError as error:
            self._process.set_aside.failed(entry_name(scan_id, "submission"), error)
        except NewerFormatError as error:
            self._process.report_newer(entry_name(scan_id, "submission"), error)
        except EntryMissingError as error:
            if self._spool.commands.submissions.has(scan_id):
                self._refuse(scan_id, error)
        except EntryDamagedError as error:
            self._refuse(scan_id, error)

    def _copy(self, submission: Submission) -> None:
        length = sum(file.length for file in submission.files)
        settings = self._process.settings.spool
        free_space.require(self._spool.raw.path, settings.min_free_mib + (length >> 20))
        with self._spool.commands.open_bundle(submission.scan_id) as bundle:
            draft = self._spool.raw.draft(submission.scan_id)
            try:
                outputs = tuple(self._copy_file(bundle, file, draft) for file in submission.files)
            except OSError as error:
                self._spool.raw.discard(submission.scan_id)
                if free_space.means_full(error):
                    raise LowSpaceError(
                        f"{self._spool.raw.path}: {error.strerror}: {remedy(error)}; "
                        "submissions wait"
                    ) from error
                raise
        self._raw_entries.publish(_manifest(submission), outputs)

    def _copy_file(self, bundle: BinaryIO, file: SubmittedFile, draft: Path) -> Output:
        """The next file of a bundle. Raises EntryDamagedError, EntryUnreadableError, OSError."""
        digest, left = sha256(), file.length
        with (draft / file.role).open("xb") as target:
            while left:
                chunk = _read_some(bundle, min(left, _CHUNK_BYTES), file)
                if not chunk:
                    raise EntryDamagedError(f"{file.name}: {left} bytes are missing")
                digest.update(chunk)
                target.write(chunk)
                left -= len(chunk)
                self._process.alive()
        if digest.hexdigest() != file.sha256:
            raise EntryDamagedError(f"{file.name}: SHA-256 differs from the one in the command")
        return Output(file.role, file.role)

    def _refuse(self, scan_id: ScanId, error: EntryDamagedError | EntryMissingError) -> None:
        self._process.set_aside.worked(entry_name(scan_id, "submission"))
        message = f"the submitted files are damaged: {error}; submit them again"
        self._raw_entries.conclude(scan_id, "failed", message, (), "damaged")


def _manifest(submission: Submission) -> Manifest:
    names = ", ".join(file.name for file in submission.files)
    detail = f"submitted: {names}"[:_MAX_DETAIL_CHARS]
    reason = Reason(source="operator", at=submission.at, detail=detail)
    return Manifest(
        scan_id=submission.scan_id,
        scanner=submission.scanner,
        outcome="finished",
        profile_id=submission.profile_id,
        profile_title=submission.profile_title,
        reasons=(reason,),
        started_at=submission.started_at,
        completed_at=submission.completed_at,
        agent_version=AGENT_VERSION,
    )


def _read_some(bundle: BinaryIO, most: int, file: SubmittedFile) -> bytes:
    """Raises EntryUnreadableError, StorageError."""
    try:
        return bundle.read(most)
    except OSError as error:
        raise read_error(Path(file.name), error) from error
