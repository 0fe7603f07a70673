"""One update of the server's content: what it has, whether that is worth keeping, and the download.

Runs in a thread, and there in worker processes: one with the network, one that checks what came
without any privileges. Only content that passed the check becomes an entry of `content/server`; an
older entry of the same product goes then.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemas.capabilities import DetectedScanner
from schemas.codec import decode, encode
from schemas.content import StoredContent
from schemas.records import Struct
from schemas.settings import Settings
from spool.content_store import ContentEntry, ContentStore
from spool.errors import SpoolError
from stages.patchmon import content_download
from stages.patchmon.content_download import ContentAnswer, ContentCall
from stages.patchmon.server_access import ServerAccess
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Worker, WorkerError, WorkerStoppedError
from stages.scanners.content_support import (
    MAX_CONTENT_BYTES,
    CheckedContent,
    ContentCheckTask,
    ContentOffer,
    ContentSupport,
    NothingWanted,
    WantedContent,
    check_file,
)
from stages.scanners.host import this_platform

_OFFER_LIMIT_S = 60.0
_DOWNLOAD_LIMIT_S = 1800.0


class UpdateOutcome(Struct, frozen=True):
    """What came of one update."""

    message: str
    offered: str | None = None
    failed: bool = False
    refused: str | None = None
    """The file with its version, where it must not be fetched again."""
    kept: ContentEntry | None = None


class UpdateInThread:
    """An update in a thread of its own."""

    def __init__(self, fetch: "ContentUpdate", wake: Callable[[], None]) -> None:
        self.outcome: UpdateOutcome | None = None
        self._fetch = fetch
        self._wake = wake
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive() and self.outcome is None

    def stop(self) -> None:
        self._fetch.host.stopping = True
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        self.outcome = self._fetch.run()
        self._wake()


class ContentUpdate:
    """One update: what the server has, whether that is worth keeping, and its download."""

    def __init__(
        self,
        settings: Settings,
        access: ServerAccess,
        spool: Path,
        support: ContentSupport,
        detected: DetectedScanner | None,
        refused: Sequence[str],
    ) -> None:
        self.host = StandaloneHost()
        self._settings = settings
        self._access = access
        self._support = support
        self._detected = detected
        self._refused = refused
        self._store = ContentStore(spool, "server")
        self._worker = Worker(self.host, content_download.ENTRY)

    def run(self) -> UpdateOutcome:
        try:
            return self._update()
        except WorkerStoppedError:
            return UpdateOutcome("ended because the agent is stopping", failed=True)
        except (SpoolError, OSError) as error:
            return UpdateOutcome(str(error), failed=True)
        finally:
            self._worker.stop()
            self._store.close()

    def _update(self) -> UpdateOutcome:
        """Raises SpoolError, OSError, WorkerStoppedError."""
        offered = self._call(ContentCall(access=self._access), _OFFER_LIMIT_S)
        if offered.problem:
            return UpdateOutcome(offered.problem, failed=True)
        kept = [entry.record for entry in self._store.entries()]
        offer = ContentOffer(offered.version, offered.files)
        wanted = self._support.wanted(self._settings, this_platform(), self._detected, offer, kept)
        if isinstance(wanted, NothingWanted):
            return UpdateOutcome(wanted.reason, offered.version, failed=wanted.is_refusal)
        name = f"{wanted.file} {offered.version}"
        if name in self._refused:
            return UpdateOutcome(
                f"{name} was refused before, and is not fetched again", offered.version
            )
        return self._fetch(wanted, offered.version)

    def _fetch(self, wanted: WantedContent, version: str) -> UpdateOutcome:
        for name in self._store.drafts():
            if name != wanted.file:
                self._store.discard(name)
        draft = self._store.draft(wanted.file)
        call = ContentCall(
            access=self._access,
            file=wanted.file,
            version=version,
            directory=str(draft),
            limit=MAX_CONTENT_BYTES,
        )
        answer = self._call(call, _DOWNLOAD_LIMIT_S)
        if answer.problem:
            # What has arrived stays: the next attempt goes on there.
            return UpdateOutcome(f"{wanted.file}: {answer.problem}", version, failed=True)
        checked = self._check(draft, wanted)
        if checked.error:
            self._store.discard(wanted.file)
            return UpdateOutcome(
                checked.error, version, failed=True, refused=f"{wanted.file} {version}"
            )
        record = StoredContent(
            file=wanted.file,
            sha256=checked.sha256,
            product=wanted.product,
            version=version,
            origin=f"from the server {self._access.url}",
            at=datetime.now(UTC),
        )
        entry = self._store.publish(wanted.file, record)
        for other in self._store.entries():
            if other.record.product == wanted.product and other.name != entry.name:
                self._store.remove(other.name)
        return UpdateOutcome(f"{wanted.file} {version} fetched and checked", version, kept=entry)

    def _check(self, draft: Path, wanted: WantedContent) -> CheckedContent:
        """Check what came, and write the file that is kept."""
        with (
            (draft / content_download.PART).open("rb") as source,
            (draft / wanted.file).open("w+b") as target,
        ):
            task = ContentCheckTask(
                name=wanted.file,
                descriptor=source.fileno(),
                target=target.fileno(),
                product=wanted.product,
            )
            return check_file(self.host, self._support, task)

    def _call(self, call: ContentCall, limit_s: float) -> ContentAnswer:
        try:
            return decode(self._worker.call(encode(call), limit_s), ContentAnswer)
        except WorkerError as error:
            return ContentAnswer(problem=f"the process that fetched it {error}")
