"""Carrying out the server's commands: each becomes an entry before anything else happens.

What the server has set at run time (mode, switches, interval) is kept in the stage's state and
takes precedence over the settings file; without that state the settings file decides. `disabled`
stops schedules and refuses scans that the server requests; `on-demand` only stops schedules. What
an operator requests on the host is always carried out.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.codec import replace
from schemas.event import Event
from schemas.fixes import Remediation
from schemas.records import Struct
from schemas.request import Reason, Refusal, Request
from schemas.schedule import OVERRIDES_STATE, ServerOverrides, overrides_for
from spool.layout import new_command_id
from stages.patchmon import commands
from stages.patchmon.capabilities import NO_ANSWERS, CommandAnswers
from stages.patchmon.commands import Wanted
from stages.patchmon.progress import ProgressQueue
from stages.patchmon.server_messages import (
    ComplianceScanCancel,
    InstallScanner,
    RefreshIntegrationStatus,
    RemediateRule,
    UpgradeSsg,
    type_of,
)
from stages.runtime.process import Process
from stages.scanners import readiness, registry
from stages.trigger import detected_host
from stages.trigger.remediations import Remediations
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scan_budget import MOST_A_DAY, ScanBudget

_TOO_MANY = Refusal(
    reason=f"too many requests: the server has requested {MOST_A_DAY} scans within a day",
    cause="too-many-requests",
)
_LOG_AGAIN_AFTER_S = 60.0


class _ScanInProgress(Struct, frozen=True):
    """A command whose requests are made, but may not all be on disk."""

    command: commands.Scan
    requests: Sequence[Request]


class ServerCommands:
    """The server's commands, one after the other."""

    def __init__(
        self,
        process: Process,
        request_writer: RequestWriter,
        progress: ProgressQueue,
        fetch_content: Callable[[], str | None],
    ) -> None:
        """`fetch_content` starts an update of the server's content; else it returns the reason."""
        self._process = process
        self._request_writer = request_writer
        self._progress = progress
        self._fetch_content = fetch_content
        self._detection = detected_host.Detection(process)
        self._last_refusal = ""
        self._last_refusal_at = 0.0
        self._budget = ScanBudget()
        self._remediations = Remediations(process)
        self._in_progress: _ScanInProgress | None = None
        self._answers = NO_ANSWERS
        self._answered_at = 0.0
        self._kept = process.state_store.read(OVERRIDES_STATE, ServerOverrides)

    def carry_out(self, command: commands.Command) -> None:
        """Raises StorageError; the command has to be carried out again then."""
        match command:
            case commands.Scan():
                self._scan(command)
            case ComplianceScanCancel():
                self._request_writer.cancel_all(self._reason(None))
            case commands.Apply():
                self._apply(command.overrides)
            case RefreshIntegrationStatus():
                self._detect_again()
            case UpgradeSsg():
                self._upgrade_content()
            case InstallScanner():
                self._refuse_installation()
            case commands.Decline():
                self._decline(command.reason)

    @property
    def overrides(self) -> ServerOverrides:
        """What the server of the settings has set."""
        return overrides_for(self._kept, self._process.settings.server.url)

    @property
    def answers(self) -> CommandAnswers:
        """What an integration status has to answer to the server's last commands."""
        return self._answers.after(time.monotonic() - self._answered_at)

    def answer_refused(self) -> None:
        """Answer requests that were refused because there were too many. Raises StorageError."""
        for wanted in self._budget.answers(time.monotonic()):
            request = self._request_writer.make(
                wanted.scanner, wanted.profile, self._reason(None), refusal=_TOO_MANY
            )
            self._request_writer.write(request)

    def due_in_s(self) -> float:
        return self._budget.due_in_s(time.monotonic())

    def _detect_again(self) -> None:
        """The last detection is sent at once, and a new one if it differs. How often there is a new
        one is decided in scan, whose work it is.
        """
        self._process.publish(Event(name="DetectionWanted"))

    def _scan(self, command: commands.Scan) -> None:
        refusal = command.refusal
        if refusal is None and command.remediate:
            refusal = self._remediation_refusal()
        if command.rule is not None:
            self._fix_rule(command, command.rule, refusal)
            return
        # The requests are made once: where the disk was in the way, the command comes again, and
        # must write the same ones.
        if self._in_progress is None or self._in_progress.command is not command:
            self._in_progress = _ScanInProgress(command, self._requests(command, refusal))
        for request in self._in_progress.requests:
            self._request_writer.write(request)
        if command.remediate and refusal is None:
            self._fix_after(self._in_progress.requests)
        self._in_progress = None

    def _remediation_refusal(self) -> Refusal | None:
        reason = self._remediations.refusal()
        if reason is None:
            return None
        return Refusal(reason=reason, cause="remediation-not-allowed")

    def _fix_rule(self, command: commands.Scan, rule: str, refusal: Refusal | None) -> None:
        """A fix is followed by a scan, so it counts as one."""
        if refusal is None and not self._budget.take(time.monotonic()):
            refusal = _TOO_MANY
        if refusal is not None:
            self._decline(f"{type_of(RemediateRule)} refused: {refusal.reason}")
            return
        remediation = Remediation(reason=self._reason(command.request_id), rule=rule)
        self._remediations.request(new_command_id(self._process.now()), remediation)

    def _fix_after(self, requests: Sequence[Request]) -> None:
        """Fix what these scans find."""
        for request in requests:
            spec = registry.get(request.scanner)
            if request.refusal is None and spec.read_scripts is not None:
                remediation = Remediation(reason=request.reason, after=request.scan_id)
                self._remediations.request(new_command_id(request.reason.at), remediation)

    def answer_remediations(self) -> None:
        """Report what could not be fixed. Raises StorageError."""
        for problem in self._remediations.take_outcomes():
            self._decline(problem)

    def _requests(self, command: commands.Scan, refusal: Refusal | None) -> list[Request]:
        """A scan that is refused is requested, too: it fails with the reason, which the server
        shows.
        """
        requests: list[Request] = []
        for wanted in self._possible(command.wanted):
            if not self._budget.take(time.monotonic()):
                self._budget.refused(wanted)
                self._refuse(_TOO_MANY.reason)
                continue
            found = refusal or self._switched_off(wanted)
            if found is not None:
                self._log_refusal(found.reason)
            requests.append(self._request(command, wanted, found))
        return requests

    def _request(self, command: commands.Scan, wanted: Wanted, refusal: Refusal | None) -> Request:
        spec = registry.get(wanted.scanner)
        return self._request_writer.make(
            wanted.scanner,
            wanted.profile,
            self._reason(command.request_id),
            fetch_remote=command.fetch_remote and spec.needs_content,
            refusal=refusal,
        )

    def _possible(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """The scans whose scanner this host has and nothing has switched off, and those that name
        their scanner.

        If none is left, the first: a failed scan shows the server the reason.
        """
        missing = detected_host.missing(self._detection.detected)
        possible: list[Wanted] = []
        for one in wanted:
            is_passed_over = one.scanner in missing or self._switched_off(one) is not None
            if not (one.implied and is_passed_over):
                possible.append(one)
        return possible or wanted[:1]

    def _switched_off(self, wanted: Wanted) -> Refusal | None:
        spec = registry.get(wanted.scanner)
        refused = readiness.refusal(spec, self._process.settings, self.overrides)
        if refused is None:
            return None
        return Refusal(reason=f"switched off: {refused.reason}", cause="switched-off")

    def _apply(self, new: ServerOverrides) -> None:
        url = self._process.settings.server.url
        if new.url not in (None, url):
            # It was set by the server of earlier settings.
            return
        changes: dict[str, Any] = {}
        for name in ("mode", "interval_minutes", "update_interval_minutes"):
            value = getattr(new, name)
            if value is not None:
                changes[name] = value
        if new.scanners:
            changes["scanners"] = {**self.overrides.scanners, **new.scanners}
        after = replace(self.overrides, **changes)
        if after != self.overrides:
            after = replace(after, url=url, since=self._process.now())
            self._process.state_store.write(OVERRIDES_STATE, after)
            self._kept = after
            if new.scanners:
                changes["scanners"] = _switches(after.scanners)
            self._process.log.info("server settings applied", **changes)

    def _refuse(self, message: str) -> None:
        self._log_refusal(message)
        self._progress.refuse(message, self._process.now())

    def _decline(self, message: str, install: str | None = None) -> None:
        """Refuse what does not request a scan: the next integration status has the reason."""
        self._refuse(message)
        self._answers = CommandAnswers(refusal=message, install=install)
        self._answered_at = time.monotonic()

    def _refuse_installation(self) -> None:
        reason = (
            f"{type_of(InstallScanner)} refused: it changes this host; "
            "install software with the host's own tools"
        )
        self._decline(reason, install=reason)

    def _upgrade_content(self) -> None:
        refusal = self._fetch_content()
        if refusal:
            reason = f"{type_of(UpgradeSsg)} refused: {refusal}"
            self._decline(reason, install=reason)
        else:
            self._process.log.info("fetching content, as the server requests")

    def answer_content(self, failure: str | None) -> None:
        """What came of the server's request for newer content; None: the status shows what is
        there now."""
        self._answers = NO_ANSWERS
        if failure is not None:
            self._answers = CommandAnswers(refusal=f"{type_of(UpgradeSsg)}: {failure}")
            self._answered_at = time.monotonic()

    def _log_refusal(self, message: str) -> None:
        now = time.monotonic()
        is_repeated = message == self._last_refusal
        if not is_repeated or now - self._last_refusal_at >= _LOG_AGAIN_AFTER_S:
            self._last_refusal = message
            self._last_refusal_at = now
            self._process.log.warning("server command refused", reason=message)

    def _reason(self, request_id: str | None) -> Reason:
        return Reason(source="server", at=self._process.now(), request_id=request_id)


def _switches(scanners: Mapping[str, bool]) -> str:
    """`openscap on, docker-bench off`."""
    names = {True: "on", False: "off"}
    return ", ".join(f"{key} {names[is_on]}" for key, is_on in scanners.items())
