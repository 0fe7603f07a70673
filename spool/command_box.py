"""The box of the operator's commands. Unlike an outbox it has several writers: every operator's
command is a process of its own.

Promises: a file that a command brings (a bundle) appears before the command itself, and goes after
it. What a command left half written is removed when it is old enough not to be in progress.

Diagnostics: as `spool.outbox`.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from schemas import codec
from schemas.command import Hold, Import, Replay, Retry, Submission
from schemas.content import ContentCommand
from schemas.ids import ScanId
from schemas.request import Cancellation, Request
from spool import durable, frame, layout, reading
from spool.entries import CommandEntries, Readable, Requests, ScanEntries
from spool.outbox import Outbox


class CommandBox(Outbox):
    """What the operator has requested. Requests, holds and submissions are named by their scans,
    the rest by command ids.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, "commands")
        self.requests = Requests(self._directory, "request", Request)
        self.cancellations = CommandEntries(self._directory, "cancel", Cancellation)
        self.replays = CommandEntries(self._directory, "replay", Replay)
        self.holds = ScanEntries(self._directory, "hold", Hold)
        self.retries = CommandEntries(self._directory, "retry", Retry)
        self.imports = CommandEntries(self._directory, "import", Import)
        self.submissions = ScanEntries(self._directory, "submission", Submission)
        self.content = CommandEntries(self._directory, "content", ContentCommand)

    @property
    def kinds(self) -> tuple[Readable, ...]:
        return (
            self.requests,
            self.cancellations,
            self.replays,
            self.holds,
            self.retries,
            self.imports,
            self.submissions,
            self.content,
        )

    def check(self, name: str) -> bool:
        if layout.bundle_id(name):
            # Its content is checked when it is taken in.
            return True
        return super().check(name)

    def bundle_ids(self) -> list[str]:
        """The ids of the bundles; a bundle appears before its import or submission."""
        return [bundle for name in self.names() if (bundle := layout.bundle_id(name))]

    def write_bundle(self, entry_id: str, chunks: Iterable[bytes]) -> None:
        """Put a bundle beside the import or submission that is going to be written. Raises
        StorageError.
        """
        with self.directory("can't be written") as handle:
            durable.write_chunks(handle, layout.bundle_name(entry_id), chunks)

    def hold(self, holds: Iterable[Hold]) -> None:
        """Put scans on hold; those that are held already stay as they are. Raises QuotaError,
        StorageError.
        """
        sealed = {
            self.holds.name(hold.scan_id): frame.seal("hold", codec.encode(hold)) for hold in holds
        }
        self._directory.write_all(sealed)

    def remove_drafts(self, age_s: float) -> None:
        """Remove what was never finished and has not changed for so long.

        Several operators may write here at once, so what is younger may be in progress.
        """
        with self.directory("can't be cleaned") as handle:
            for name in durable.names(handle):
                if layout.is_hidden(name) and _is_older(handle, name, age_s):
                    durable.remove(handle, name)

    def abandoned_bundles(self, age_s: float) -> list[str]:
        """The ids of bundles whose import or submission was not written within so long."""
        commands = {*self.imports.ids(), *self.submissions.ids()}
        with self.directory("can't be listed") as handle:
            return [
                entry_id
                for entry_id in self.bundle_ids()
                if entry_id not in commands
                and _is_older(handle, layout.bundle_name(entry_id), age_s)
            ]

    def open_bundle(self, entry_id: str) -> BinaryIO:
        """Raises EntryMissingError, EntryDamagedError, StorageError."""
        name = layout.bundle_name(entry_id)
        with self.directory("can't be read") as handle:
            return reading.open_plain(handle, name, self.path)

    def remove_import(self, command_id: str) -> None:
        """The command, then its bundle: an import without one would be reported as failed."""
        self.imports.remove(command_id)
        self.remove_bundle(command_id)

    def remove_submission(self, scan_id: ScanId) -> None:
        """The command, then its bundle: a submission without one would be a failed scan."""
        self.submissions.remove(scan_id)
        self.remove_bundle(scan_id)

    def remove_bundle(self, entry_id: str) -> None:
        self.remove(layout.bundle_name(entry_id))

    def scan_ids(self) -> list[ScanId]:
        return self.requests.ids()

    def name(self, scan_id: ScanId) -> str:
        return self.requests.name(scan_id)


def _is_older(directory: int, name: str, age_s: float) -> bool:
    try:
        changed_at = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return False
    return time.time() - changed_at > age_s
