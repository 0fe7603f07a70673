"""What the server wants fixed: requests for the service that fixes, and what it answered.

The trigger stage has no rights to change this host, and the scan stage is read-only. A request is
an entry in `requests/`; compliance-agent-remediate.path sees it and starts the service, whose
outcome is an entry in `fixes/`. Then the request is removed here.
"""

from collections.abc import Iterator
from pathlib import Path

from schemas.fixes import FixRun, Remediation
from schemas.ids import short_rule_id
from spool.errors import EntryError, NewerFormatError
from spool.layout import entry_name
from spool.pending import carried_out
from stages.runtime.process import Process

PATH_UNIT = "compliance-agent-remediate.path"
UNIT_DIRECTORIES = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
_NOT_ALLOWED = (
    "remediation not allowed: it changes this host; "
    "set compliance.server_commands.allow_remediation to allow it"
)
_NOT_INSTALLED = (
    "remediation not installed: it needs compliance-agent-remediate.service: "
    "compliance-agent install --with-remediation"
)


class Remediations:
    """The requests in `requests/`, and their outcomes."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._is_checked = False

    def refusal(self) -> str | None:
        """Why nothing is fixed for the server on this host."""
        if not self._process.settings.compliance.server_commands.allow_remediation:
            return _NOT_ALLOWED
        if not any((Path(directory) / PATH_UNIT).exists() for directory in UNIT_DIRECTORIES):
            return _NOT_INSTALLED
        return None

    def request(self, command_id: str, remediation: Remediation) -> None:
        """Raises StorageError."""
        self._spool.requests.remediations.write(command_id, remediation)
        self._process.log.info(
            "remediation requested",
            fix=command_id,
            rule=remediation.rule,
            scan_id=remediation.after,
        )

    def take_outcomes(self) -> Iterator[str]:
        """Why requests came to nothing, in part or at all. Raises StorageError."""
        self._report_newer_requests()
        waiting = self._spool.requests.remediations.ids()
        for command_id in carried_out(waiting, self._spool.fixes.fixes.ids()):
            name = entry_name(command_id, "fix")
            if self._process.is_set_aside(name):
                continue
            try:
                problem = problem_of(self._spool.fixes.fixes.read(command_id))
            except NewerFormatError as error:
                self._process.report_newer(name, error)
                continue
            except EntryError as error:
                problem = f"its outcome can't be read: {error}"
            self._spool.requests.remediations.remove(command_id)
            self._process.log.info("remediation done", fix=command_id, problem=problem)
            if problem is not None:
                yield f"remediation: {problem}"

    def _report_newer_requests(self) -> None:
        """Name the requests that a later version of this stage has left. It alone writes them, so
        they are there at its start.
        """
        if self._is_checked:
            return
        for command_id in self._spool.pending_remediations():
            try:
                self._spool.requests.remediations.read(command_id)
            except NewerFormatError as error:
                self._process.report_newer(entry_name(command_id, "remediation"), error)
            except EntryError:
                # The service answers it.
                continue
        self._is_checked = True


def problem_of(run: FixRun) -> str | None:
    """Why not every rule is fixed, by the first that is not; None where every one is."""
    if run.error is not None:
        return run.error
    left = [rule for rule in run.rules if rule.outcome != "fixed"]
    if not left:
        return None
    first = left[0]
    name = short_rule_id(first.rule_ref)
    return (
        f"{len(run.rules) - len(left)} of {len(run.rules)} rules fixed; "
        f"{name} {first.outcome}: {first.reason}"
    )
