"""Carrying out what the server says: a command is an entry before anything else happens.

What the server has set at run time (mode, toggles, interval) is kept in the stage's notes and comes before the
settings file; losing the note, the settings file decides again. `disabled` stops schedules and refuses the server's
own scans; `on-demand` stops schedules alone. What an operator asks for on the host is always carried out.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.codec import replace
from schemas.event import Event
from schemas.request import Reason, Request
from schemas.schedule import ServerOverrides
from stages.patchmon import commands
from stages.patchmon.commands import Wanted
from stages.patchmon.progress import Progress
from stages.runtime.process import Process
from stages.scanners import readiness, registry
from stages.trigger import host
from stages.trigger.request_writer import RequestWriter

NOTE = "overrides"
_MOST_SCANS = 1000
"""Each is an entry in every box, also where its profile does not exist: a server must not fill the disk."""
_DAY_S = 24 * 3600.0
_TELL_AGAIN_S = 60.0
_DETECT_AGAIN_S = 30.0


class Commands:
    """The server's commands, one after the other."""

    def __init__(self, process: Process, request_writer: RequestWriter, progress: Progress) -> None:
        self._process = process
        self._request_writer = request_writer
        self._progress = progress
        self._detection = host.Detection(process)
        self._detected_at = -_DETECT_AGAIN_S
        self._refused = ("", 0.0)
        self._asked: deque[float] = deque(maxlen=_MOST_SCANS)
        self._at_hand: tuple[commands.Scan, list[Request]] | None = None
        self.overrides = process.state_store.read(NOTE, ServerOverrides) or ServerOverrides()

    def carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.Scan):
            self._scan(command)
        elif isinstance(command, commands.Cancel):
            self._request_writer.cancel_all(self._reason(None))
        elif isinstance(command, commands.Apply):
            self._apply(command.overrides)
        elif isinstance(command, commands.Refresh):
            self._detect_anew()
        elif isinstance(command, commands.Install):
            self._refuse(
                f"{command.what} changes this host: install software with the host's own tools"
            )

    def _detect_anew(self) -> None:
        """What is known is sent at once, and again where it has changed. Not often: detection is work."""
        now = time.monotonic()
        if now - self._detected_at >= _DETECT_AGAIN_S:
            self._detected_at = now
            self._process.publish(Event(name="DetectionWanted"))

    def _scan(self, command: commands.Scan) -> None:
        if (
            command.remediate
            and not self._process.settings.compliance.server_commands.allow_remediation
        ):
            self._refuse(
                f"{'remediate_rule' if command.rule else 'enable_remediation'} changes this host, and that is not "
                "allowed here: set compliance.server_commands.allow_remediation"
            )
            return
        # Made once: a command that comes again, because the disk was in the way, asks for the same scans again.
        if self._at_hand is None or self._at_hand[0] is not command:
            self._at_hand = (command, [*self._requests(command)])
        for request in self._at_hand[1]:
            self._request_writer.write(request)
        self._at_hand = None

    def _requests(self, command: commands.Scan) -> Iterator[Request]:
        for wanted in self._worth_asking(command.wanted):
            if refusal := self._refusal(wanted):
                self._refuse(refusal)
                continue
            self._asked.append(time.monotonic())
            yield self._request_writer.make(
                wanted.scanner,
                wanted.profile,
                self._reason(command.request_id),
                remediate=command.remediate and registry.get(wanted.scanner).remediates,
                rule=command.rule,
            )

    def _worth_asking(self, every: Sequence[Wanted]) -> Sequence[Wanted]:
        """What this host has, or was asked for by name; where that is nothing, a failed scan has to say so."""
        missing = host.missing(self._detection.detected)
        return [one for one in every if not (one.implied and one.scanner in missing)] or every[:1]

    def _refusal(self, wanted: Wanted) -> str | None:
        if len(self._asked) == _MOST_SCANS and time.monotonic() - self._asked[0] < _DAY_S:
            return f"the server has asked for {_MOST_SCANS} scans within a day: no more are taken for now"
        spec = registry.get(wanted.scanner)
        refused = readiness.refusal(spec, self._process.settings, self.overrides)
        # What the settings switch off becomes a request all the same: the failed scan shows the reason to the server.
        if refused and refused.obstacle in readiness.BY_SERVER:
            return refused.reason
        return None

    def _apply(self, new: ServerOverrides) -> None:
        changes: dict[str, Any] = {}
        if new.mode is not None:
            changes["mode"] = new.mode
        if new.interval_minutes is not None:
            changes["interval_minutes"] = new.interval_minutes
        if new.scanners:
            changes["scanners"] = {**self.overrides.scanners, **new.scanners}
        after = replace(self.overrides, **changes)
        if after != self.overrides:
            self._process.state_store.write(NOTE, after)
            self.overrides = after
            self._process.log.info("settings of the server taken over", **changes)

    def _refuse(self, message: str) -> None:
        now = time.monotonic()
        if message != self._refused[0] or now - self._refused[1] >= _TELL_AGAIN_S:
            self._refused = (message, now)
            self._process.log.warning("server command refused", why=message)
        self._progress.refuse(message, self._process.now())

    def _reason(self, request_id: str | None) -> Reason:
        return Reason(source="server", at=self._process.now(), request_id=request_id)
