"""The outbox of the scan stage: the result of every request, with or without a run."""

from collections.abc import Callable, Collection

from schemas.event import Event, short
from schemas.ids import ScanId, scanner_of
from schemas.manifest import Manifest, Outcome
from schemas.request import FailureCause, Reason
from spool.errors import EntryError, SpoolError
from spool.raw import Output
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.scanners import registry
from stages.scanners.runner import Runner
from stages.scanners.spec import ScannerSpec


class RawEntries:
    """Writes raw entries, and reports each in the log and as an event."""

    def __init__(self, process: Process, runner: Callable[[ScannerSpec], Runner]) -> None:
        self._process = process
        self._spool = process.spool
        self._runner = runner

    def publish(self, manifest: Manifest, outputs: tuple[Output, ...] = ()) -> None:
        """Write an entry, with the files that the scanner left in its draft directory."""
        try:
            self._spool.raw.publish(manifest, outputs)
        except SpoolError:
            # What the scanner wrote must not hold the space that the next attempt needs.
            self._spool.raw.discard(manifest.scan_id)
            raise
        # After the entry: a crash in between leaves an attempt too many, which maintenance removes.
        self._process.state_store.end(manifest.scan_id)
        self._process.alive()
        self._process.log.outcome(
            f"scan {manifest.outcome}",
            is_bad=manifest.outcome == "failed",
            scan_id=manifest.scan_id,
            exit_code=manifest.exit_code,
            reason=manifest.error,
        )
        self._process.publish(
            Event(
                name="ScanFinished",
                scan_id=manifest.scan_id,
                result=manifest.outcome,
                message=short(manifest.error),
            )
        )

    def conclude(
        self,
        scan_id: ScanId,
        outcome: Outcome,
        message: str,
        reasons: tuple[Reason, ...],
        cause: FailureCause | None = None,
        answered_by: ScanId | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Write the entry of a request for which no scanner ran."""
        now = self._process.now()
        profile_id, profile_title = self._requested_profile(scan_id)
        self._spool.raw.discard(scan_id)
        self.publish(
            Manifest(
                scan_id=scan_id,
                scanner=scanner_of(scan_id),
                outcome=outcome,
                profile_id=profile_id,
                profile_title=profile_title,
                error=message,
                cause=cause,
                answered_by=answered_by,
                reasons=reasons,
                warnings=warnings,
                started_at=now,
                completed_at=now,
                agent_version=AGENT_VERSION,
            )
        )

    def publish_merged(self, answer: Manifest, waiting: Collection[ScanId]) -> None:
        """Write the entries of the requests that a run answers; those that have one keep it."""
        unanswered = set(waiting)
        message = f"answered by {answer.scan_id}, the same scanner and profile"
        for scan_id in answer.answers:
            if scan_id in unanswered:
                self.conclude(
                    scan_id,
                    "merged",
                    message,
                    (),
                    answered_by=answer.scan_id,
                    warnings=answer.warnings,
                )

    def _requested_profile(self, scan_id: ScanId) -> tuple[str | None, str | None]:
        """Id and title of the profile that the scan would have been of; None where that is not
        known."""
        try:
            request = self._spool.requests.read(scan_id)
        except EntryError:
            return None, None
        spec = registry.find(request.scanner)
        # A request that can't be read names no profile; that is not the configured one.
        is_unknown = request.refusal is not None and request.profile is None
        if is_unknown or spec is None:
            return None, None
        return self._runner(spec).named(request)
