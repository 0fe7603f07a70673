"""Running OpenSCAP: `oscap xccdf eval` with XCCDF results and ARF.

Exit codes of `oscap xccdf eval`: 0 all pass, 2 at least one fail or unknown, 1 error. 1 is not a finding: it is a
failed scan, and so are a signal, and results that are missing or empty.

Security: the profile is one that the content lists; nothing of a request reaches the argument list as it is.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from schemas.capabilities import Detected
from schemas.ids import ScanId, requested_at
from schemas.manifest import Content
from schemas.request import Request
from schemas.settings import OpenSCAPSettings
from spool.raw import Output
from stages.scanners.child import End, Limits
from stages.scanners.openscap import leftovers, profiles
from stages.scanners.outputs import filled
from stages.scanners.runner import CannotRun, Plan, Progress, Verdict

_RESULTS, _ARF = "results.xml", "arf.xml"
_RESULT_WORDS = frozenset(
    [
        "pass",
        "fail",
        "error",
        "unknown",
        "notapplicable",
        "notchecked",
        "notselected",
        "informational",
        "fixed",
    ]
)


class OpenSCAP:
    """The OpenSCAP scanner on this host, as detected."""

    def __init__(
        self,
        settings: OpenSCAPSettings,
        detected: Detected,
        rule_count: Callable[[str], int | None],
    ) -> None:
        self._settings = settings
        self._detected = detected
        self._rule_count = rule_count

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        openscap = self._detected.capabilities.openscap
        if (
            openscap is None
            or not self._detected.openscap_ready
            or self._detected.content_file is None
        ):
            return CannotRun(
                "; ".join(self._detected.problems) or "OpenSCAP can't run on this host"
            )
        chosen = profiles.resolve(
            request.profile or self._settings.profile, openscap.available_profiles
        )
        if isinstance(chosen, profiles.Unknown):
            return CannotRun(chosen.reason, _known(self._detected.content_warning))
        try:
            digest = _digest(Path(self._detected.content_file))
        except OSError as error:
            return CannotRun(
                f"{self._detected.content_file}: the content can't be read: {error.strerror}"
            )
        evaluate = (openscap.oscap_path, "xccdf", "eval", "--profile", chosen.profile.id)
        one_rule = (
            *evaluate,
            "--remediate",
            "--rule",
            request.rule or "",
            self._detected.content_file,
        )
        return Plan(
            profile_id=chosen.profile.id,
            profile_title=chosen.profile.title,
            command=(
                *evaluate,
                *(("--remediate",) if request.remediate and not request.rule else ()),
                self._detected.progress_option,
                *("--results", str(draft / _RESULTS)),
                *("--results-arf", str(draft / _ARF)),
                self._detected.content_file,
            ),
            prepare=one_rule if request.remediate and request.rule else (),
            limits=Limits(self._settings.time_limit_s, self._settings.output_limit_mib << 20),
            scanner_version=openscap.version,
            content=Content(
                path=self._detected.content_file,
                sha256=digest,
                source=self._detected.content_source or "installed",
            ),
            warnings=_known(self._detected.content_warning, chosen.why),
            total_rules=self._rule_count(chosen.profile.id),
        )

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """A remediation that failed shows in the scan that follows it."""
        return CannotRun(f"oscap {end.ended_by}") if end.ended_by else plan

    def again(self, end: End, plan: Plan) -> Plan | None:  # noqa: ARG002
        """oscap told its version and options beforehand."""
        return None

    def same_profile(self, profile: str | None) -> str | None:
        return self.named(profile)[0]

    def named(self, profile: str | None) -> tuple[str | None, str | None]:
        openscap = self._detected.capabilities.openscap
        known = openscap.available_profiles if openscap else ()
        wanted = profile or self._settings.profile
        chosen = profiles.resolve(wanted, known)
        if isinstance(chosen, profiles.Chosen):
            return chosen.profile.id, chosen.profile.title
        return None, None if wanted == profiles.AUTO else wanted

    def progress(self, line: str) -> Progress | None:
        """A line of `--progress-full` (`rule id|title|result`) or of `--progress` (`rule id:result`)."""
        rest, bar, result = line.rpartition("|" if "|" in line else ":")
        rule, _, title = rest.partition("|")
        if not bar or result not in _RESULT_WORDS or " " in rule:
            return None
        return Progress(title or rule, result)

    def judge(self, end: End, draft: Path) -> Verdict:
        error = _error(end)
        if error is None and not filled(draft / _RESULTS):
            error = "oscap ended as if all were well, but wrote no results"
        lacking = error is None and not filled(draft / _ARF)
        kept: list[Output] = []
        for role, name in (
            ("xccdf-results", _RESULTS),
            ("arf", _ARF),
            ("stdout", "stdout.log"),
            ("stderr", "stderr.log"),
        ):
            if filled(draft / name):
                kept.append(Output(role, name))  # type: ignore[arg-type]
        warning = "oscap wrote no ARF: the report has no evidence"
        return Verdict(tuple(kept), error, (warning,) if lacking else ())

    def clean_up(self, scan_id: ScanId) -> None:
        """Since the scan was asked for: what a crash of this process left is found when the scan is tried again."""
        leftovers.remove(requested_at(scan_id), os.geteuid())


def _known(*warnings: str | None) -> tuple[str, ...]:
    return tuple(warning for warning in warnings if warning)


def _error(end: End) -> str | None:
    if end.ended_by:
        return f"oscap {end.ended_by}" if not end.ended_by.startswith("cancelled") else end.ended_by
    said = f": {end.last_words}" if end.last_words else ""
    if end.signal is not None:
        return f"oscap was ended by signal {end.signal}{said}"
    if end.exit_code not in (0, 2):
        return f"oscap ended with exit code {end.exit_code}{said}"
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
