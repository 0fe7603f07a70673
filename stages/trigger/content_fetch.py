"""When the server's content is updated, where the settings allow it: some minutes after the start
or a change of the settings, once a day, when the operator gives the command, and when the server
wants it (`upgrade_ssg`).

What was refused is not fetched again until the server has another version.

Diagnostics: each outcome is one log line, and is kept for `compliance-agent content`.
"""

import os
import random
import time

from schemas.capabilities import DetectedScanner
from schemas.content import FETCH_STATE, FetchState
from schemas.event import Event
from schemas.settings import Settings
from spool.content_store import ContentStore
from spool.errors import EntryError, NewerFormatError
from spool.layout import entry_name
from stages.patchmon.credentials import NoCredentials
from stages.patchmon.server_access import find_access
from stages.runtime.process import Process
from stages.scanners import registry
from stages.scanners.spec import ScannerSpec
from stages.trigger.content_update import ContentUpdate, UpdateInThread, UpdateOutcome
from stages.trigger.detected_host import Detection

_FIRST_AFTER_S = 120.0
_EVERY_S = 24 * 3600.0
_AGAIN_AFTER_S = 3600.0
"""After trouble."""
_REFUSALS_KEPT = 20
_NO_SERVER = "no server to fetch content from: set server.url"


class ContentFetch:
    """Updates the server's content when it is time to."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._detection = Detection(process)
        kept = process.state_store.read(FETCH_STATE, FetchState)
        self._state = kept or FetchState(at=process.now(), outcome="")
        self._settings = process.settings
        self._due_at = _first_due()
        self._is_wanted = False
        self._is_server_missed = False
        self._is_server_waiting = False
        self._answer: UpdateOutcome | None = None
        self._command: str | None = None
        self._done = {self._state.command}
        """Commands with an outcome that are still there. Of those before a start, the last one is
        known; another one is repeated, which harms nothing."""
        self._job: UpdateInThread | None = None
        self._due_in_s = 0.0

    def want(self) -> str | None:
        """Update as soon as possible. Returns the reason where the settings do not allow it."""
        spec = _fetching(self._process.settings)
        if spec is None:
            return _not_allowed()
        if self._process.settings.server.url is None:
            return _NO_SERVER
        self._is_wanted = True
        return None

    def want_for_server(self) -> str | None:
        """As `want`, for the server, which gets the outcome as an answer."""
        refusal = self.want()
        if refusal is None:
            self._is_server_waiting = True
        return refusal

    def take_answer(self) -> UpdateOutcome | None:
        """The outcome of what the server wanted, once; None where there is none."""
        answer, self._answer = self._answer, None
        return answer

    def run_once(self) -> None:
        """Raises StorageError."""
        # Where nothing is fetched, only a command or new settings can change that, and a job that
        # ends wakes the stage.
        self._due_in_s = _EVERY_S
        self._finish()
        if self._settings is not self._process.settings:
            # What fits is decided by the detection, which has to follow the new settings first.
            self._settings = self._process.settings
            self._due_at = max(self._due_at, _first_due())
        if self._job is not None:
            return
        self._apply_commands()
        spec = _fetching(self._process.settings)
        if spec is None or not self._has_server():
            return
        left_s = self._due_at - time.monotonic()
        if left_s > 0 and not self._is_wanted:
            self._due_in_s = left_s
            return
        self._is_wanted = False
        self._start(spec)

    def due_in_s(self) -> float:
        """Seconds, counted from the last pass."""
        return self._due_in_s

    def close(self) -> None:
        if self._job:
            self._job.stop()
            self._job = None

    def _apply_commands(self) -> None:
        """Carry out the operator's commands that are not done, up to one that needs an update.

        Which are done is kept by id. The order of ids does not show it: of two commands in one
        second either may sort first, and the clock may have been set back.
        """
        waiting = self._process.spool.commands.content.ids()
        self._done.intersection_update(waiting)
        for command_id in waiting:
            if command_id in self._done:
                continue
            try:
                command = self._process.spool.commands.content.read(command_id)
            except NewerFormatError as error:
                self._process.report_newer(entry_name(command_id, "content"), error)
                continue
            except EntryError as error:
                self._keep(
                    command_id, UpdateOutcome(f"the command can't be read: {error}", failed=True)
                )
                continue
            if command.action == "remove":
                self._keep(command_id, self._remove(command.name or ""))
                continue
            refusal = self.want()
            if refusal:
                self._keep(command_id, UpdateOutcome(refusal, failed=True))
                continue
            self._command = command_id
            return

    def _remove(self, name: str) -> UpdateOutcome:
        store = ContentStore(self._process.spool.root, "server")
        try:
            for entry in store.entries():
                if name in (entry.name, entry.record.file):
                    store.remove(entry.name)
                    return UpdateOutcome(f"{entry.path} removed")
        finally:
            store.close()
        return UpdateOutcome(f"{name}: there is no such content from the server", failed=True)

    def _start(self, spec: ScannerSpec) -> None:
        access = find_access(self._process.settings, self._process.config, os.environ)
        if isinstance(access, NoCredentials):
            self._after(UpdateOutcome(access.reason, failed=True))
            return
        scanner: DetectedScanner | None = None
        if self._detection.detected is not None:
            scanner = self._detection.detected.scanners.get(spec.key)
        assert spec.content is not None  # noqa: S101 - for the type checker: its content is fetched
        update = ContentUpdate(
            self._process.settings,
            access,
            self._process.spool.root,
            spec.content(),
            scanner,
            self._state.refused,
        )
        self._job = UpdateInThread(update, self._process.wake)

    def _has_server(self) -> bool:
        """Whether the settings name a server. Where they do not, that is logged once: only a change
        of the settings can help."""
        if self._process.settings.server.url is not None:
            self._is_server_missed = False
            return True
        if not self._is_server_missed:
            self._is_server_missed = True
            self._process.log.warning("no content from the server", reason=_NO_SERVER)
        return False

    def _finish(self) -> None:
        """Take the result of an update that has ended."""
        if self._job is None or self._job.is_running:
            return
        outcome, self._job = self._job.outcome, None
        if outcome is None:
            message = "the check of the server's content ended with an internal error"
            outcome = UpdateOutcome(message, failed=True)
        self._after(outcome)

    def _after(self, outcome: UpdateOutcome) -> None:
        wait_s = _EVERY_S
        if outcome.failed:
            wait_s = _AGAIN_AFTER_S
        self._due_at = time.monotonic() + random.uniform(0.9, 1.1) * wait_s  # noqa: S311 - spreads a fleet
        command, self._command = self._command, None
        self._keep(command, outcome)
        if self._is_server_waiting:
            self._is_server_waiting = False
            self._answer = outcome
        if outcome.kept:
            self._process.publish(Event(name="DetectionWanted"))

    def _keep(self, command: str | None, outcome: UpdateOutcome) -> None:
        """Log an outcome and keep it for the operator."""
        if outcome.failed:
            self._process.log.warning("no content from the server", reason=outcome.message)
        else:
            self._process.log.info("content from the server", outcome=outcome.message)
        refused = self._state.refused
        if outcome.refused:
            refused = (*refused, outcome.refused)[-_REFUSALS_KEPT:]
        self._done.add(command)
        self._state = FetchState(
            at=self._process.now(),
            command=command or self._state.command,
            offered=outcome.offered or self._state.offered,
            outcome=outcome.message,
            failed=outcome.failed,
            refused=refused,
        )
        self._process.state_store.write(FETCH_STATE, self._state)


def _first_due() -> float:
    """On the monotonic clock."""
    return time.monotonic() + random.uniform(0.5, 1.5) * _FIRST_AFTER_S  # noqa: S311 - spreads a fleet


def _fetching(settings: Settings) -> ScannerSpec | None:
    """The scanner whose content is fetched; None where the settings allow none."""
    for spec in registry.scanners():
        if spec.fetches_content(settings):
            return spec
    return None


def _not_allowed() -> str:
    names = [spec.content_setting for spec in registry.scanners() if spec.content_setting]
    return f"content from the server is not allowed: set {', '.join(names)}: missing, or newer"
