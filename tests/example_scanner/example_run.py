"""Running the example scanner."""

from pathlib import Path

from schemas.capabilities import DetectedScanner
from schemas.ids import ScanId
from schemas.request import Request
from spool.raw import Output
from stages.scanners.captured_output import Line
from stages.scanners.child import ChildLimits, End
from stages.scanners.outputs import filled
from stages.scanners.runner import CannotRun, Leftover, Plan, Progress, Verdict, error_of_end
from tests.example_scanner.example_settings import ExampleSettings
from tests.example_scanner.example_spec import CHECKS, FIRST, FIRST_TITLE, PROFILE, PROFILE_TITLE

_FILE = "checks.txt"


class ExampleRunner:
    """The script on this host, as detected."""

    def __init__(self, settings: ExampleSettings, detected: DetectedScanner | None) -> None:
        self._settings = settings
        self._detected = detected

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        if self._detected is None or not self._detected.ready:
            return CannotRun(
                "; ".join(self._detected.problems) if self._detected else "no detection",
                "scanner-not-ready",
            )
        profile = _profile(request)
        if profile is None:
            titles = f"{PROFILE_TITLE} and {FIRST_TITLE}"
            return CannotRun(
                f"the profiles are {titles}, not {request.profile!r}", "unknown-profile"
            )
        checks = 1 if profile[0] == FIRST else self._settings.checks
        return Plan(
            profile_id=profile[0],
            profile_title=profile[1],
            command=("/bin/sh", self._settings.script, str(draft / _FILE), str(checks)),
            limits=ChildLimits(self._settings.time_limit_s, 8 << 20),
            scanner_version=self._detected.version,
        )

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        return plan

    def again(self, end: End, plan: Plan) -> Plan | None:
        return None

    def is_same_scan(self, request: Request, other: Request) -> bool:
        return _profile(request) is not None and _profile(request) == _profile(other)

    def named(self, request: Request) -> tuple[str | None, str | None]:
        return _profile(request) or (None, request.profile_text)

    def progress(self, line: Line) -> Progress | None:
        name, found, result = line.text.partition(": ")
        return Progress(name, result) if found else None

    def judge(self, end: End, draft: Path) -> Verdict:
        kept = [Output("stdout", "stdout.log")] if filled(draft / "stdout.log") else []
        if filled(draft / _FILE):
            kept.append(Output(CHECKS, _FILE))
        return Verdict(tuple(kept), error_of_end("the script", end, (0,)))

    def clean_up(self, scan_id: ScanId) -> None:
        """The script leaves nothing."""

    def remove_leftovers(self, raw: Path) -> list[Leftover]:
        return []


def _profile(request: Request) -> tuple[str, str] | None:
    """Id and title of the profile that is meant; None for one that there is not."""
    if request.profile in (None, PROFILE, PROFILE_TITLE):
        return PROFILE, PROFILE_TITLE
    if request.profile in (FIRST, FIRST_TITLE):
        return FIRST, FIRST_TITLE
    return None
