"""The steps of `connect` as they are shown: on a terminal at once, in `--json` at the end."""

from schemas.records import Record
from stages.console.connect.connection_files import ConnectionFiles
from stages.console.output import show_json, show_progress, unicode_text
from stages.patchmon import connection_test
from stages.patchmon.connection_test import Step, StepName, StepResult
from stages.patchmon.credentials import Credentials
from stages.patchmon.server_access import ServerAccess
from stages.runtime.exits import Exit
from stages.runtime.settings_file import DEFAULT_PATH
from stages.scanners import registry

_RESTART = (
    "running services use the new key only after a restart: "
    "systemctl restart compliance-agent.target"
)
_STYLES = {
    StepResult.OK: "green",
    StepResult.WARNING: "yellow",
    StepResult.FAILED: "red",
    StepResult.SKIPPED: "dim",
}


class Connected(Record, frozen=True, kw_only=True):
    """What `connect --json` prints."""

    url: str
    api_id: str
    steps: tuple[Step, ...]
    written: tuple[str, ...]
    """The files that were changed."""
    remarks: tuple[str, ...]


class Connection:
    """Carries out the steps, shows each as soon as it is done, and collects them for `--json`."""

    def __init__(self, *, as_json: bool, is_tested: bool) -> None:
        self._as_json = as_json
        self._is_tested = is_tested
        self._steps: list[Step] = []
        self._written: list[str] = []
        self._remarks: list[str] = []

    def take_steps(self, access: ServerAccess, names: tuple[StepName, ...]) -> None:
        """Test these steps. Others that have to come first are shown where they fail."""
        if not self._is_tested:
            return
        for step in connection_test.run(access, registry.scanners()):
            if step.name in names or step.result is StepResult.FAILED:
                self._add(step)
            if step.name == names[-1]:
                break

    @property
    def has_failed(self) -> bool:
        """Whether a step has failed."""
        return any(step.result is StepResult.FAILED for step in self._steps)

    def refuse(self, access: ServerAccess) -> Exit:
        """The end where a step failed before anything was written."""
        self._add_remark("nothing was written")
        return self.finish(access)

    def write(self, files: ConnectionFiles, found: Credentials) -> None:
        for path in files.write(found):
            self._written.append(unicode_text(path))
            self._show(f"written: {path}")
        if not self._written:
            self._show("settings and key are the same as before")
        if files.settings_path == DEFAULT_PATH and self._written:
            self._add_remark(_RESTART)

    def finish(self, access: ServerAccess) -> Exit:
        """The end of the output."""
        if self._as_json:
            self._show_json(access)
        if self.has_failed:
            return Exit.NO
        return Exit.OK

    def add_remarks(self, remarks: list[str]) -> None:
        for remark in remarks:
            self._add_remark(remark)

    def _add_remark(self, remark: str) -> None:
        self._remarks.append(remark)
        self._show(f"note: {remark}", "yellow")

    def _add(self, step: Step) -> None:
        self._steps.append(step)
        self._show(f"{step.name}: {step.result}: {step.message}", _STYLES[step.result])
        if step.action is not None:
            self._show(f"    {step.action}")

    def _show(self, line: str, style: str | None = None) -> None:
        show_progress(line, style, as_json=self._as_json)

    def _show_json(self, access: ServerAccess) -> None:
        api_id = ""
        if access.credentials is not None:
            api_id = access.credentials.id
        show_json(
            Connected(
                url=access.url,
                api_id=api_id,
                steps=tuple(self._steps),
                written=tuple(self._written),
                remarks=tuple(self._remarks),
            )
        )
