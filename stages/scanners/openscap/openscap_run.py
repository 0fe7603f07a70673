"""Running OpenSCAP: `oscap xccdf eval` with XCCDF results and ARF.

Exit codes of `oscap xccdf eval`: 0 all rules pass, 2 at least one fails or is unknown, 1 error. 1
is not a finding: it is a failed scan, and so are a signal, and results that are missing or empty.

Security: the profile is one that the content lists; nothing of a request reaches the argument list
as it is.
"""

import os
import time
from pathlib import Path

from schemas.capabilities import DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import encode, replace
from schemas.ids import ScanId, requested_at, short_rule_id
from schemas.manifest import Content, TailoringFile
from schemas.request import Request
from spool.raw import Output
from stages.runtime.printable import counted
from stages.scanners.captured_output import Line, printable_line
from stages.scanners.child import Cause, ChildLimits, End
from stages.scanners.openscap import (
    kept_tailoring,
    leftovers,
    profile_choice,
    rule_progress,
    scan_choice,
    script_results,
)
from stages.scanners.openscap.kept_tailoring import TailoringError, copy_tailoring
from stages.scanners.openscap.left_out_paths import left_out_paths
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_command import ARF, RESULTS, ScanFiles, scan_command
from stages.scanners.openscap.oscap_environment import environment
from stages.scanners.openscap.rule_progress import ProgressReader, RuleProgress
from stages.scanners.openscap.usable_content import ContentError, usable_content
from stages.scanners.outputs import beginning, filled
from stages.scanners.runner import CannotRun, Leftover, Plan, Progress, Verdict, error_of_end

_OUTPUTS = (
    Output("xccdf-results", RESULTS),
    Output("arf", ARF),
    Output("stdout", "stdout.log"),
    Output("stderr", "stderr.log"),
    Output(rule_progress.ROLE, rule_progress.FILE),
    Output(script_results.ROLE, script_results.FILE),
    Output(kept_tailoring.ROLE, kept_tailoring.FILE),
)
_COMPLETED = (0, 2)
_NOT_FETCHED = (
    "the server requested to fetch parts of the content from other hosts "
    "(fetch_remote_resources): nothing was fetched; "
    "set compliance.openscap.fetch_remote_resources: true to allow it"
)
_NO_ERROR = ("WARNING:", "W: ", "I: ", "D: ")
_MAX_LINE = 1000


class OpenSCAP:
    """The OpenSCAP scanner on this host, as detected."""

    def __init__(self, settings: OpenSCAPSettings, detected: DetectedScanner | None) -> None:
        self._settings = settings
        self._total_rules = 0
        """0 where it is not known."""
        self._progress = ProgressReader()
        self._detected = detected or DetectedScanner(installed=False, ready=False)
        self._offers = scan_choice.offers(settings, self._detected)

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        scan = scan_choice.choose(request, self._offers)
        detected, content = scan.offer.detected, scan.offer.detected.content
        if not detected.ready or content is None:
            return _not_ready(detected)
        if isinstance(scan, scan_choice.NoScan):
            return CannotRun(scan.reason, "unknown-profile", detected.warnings)
        of_one_title = scan_choice.other_of_its_title(scan, self._offers)
        if of_one_title is not None:
            return CannotRun(of_one_title, "title-in-use", detected.warnings)
        details, chosen = scan.offer.details, scan.chosen
        content, details = _content_of(chosen.profile, content, details)
        tailoring = details.tailored.get(chosen.profile.id)
        try:
            usable = usable_content(
                Path(content.file),
                draft,
                refuses_remote_parts=details.refuses_remote_parts,
                published_sha256=details.content_sha256,
                must_copy=content.source == "server",
            )
            tailoring_copy = _tailoring_copy(tailoring, draft)
        except ContentError as error:
            return CannotRun(str(error), "content-unusable", detected.warnings)
        except TailoringError as error:
            return CannotRun(str(error), "tailoring-unusable", detected.warnings)
        request, remarks = self._within_settings(request)
        if tailoring is not None:
            remarks += details.tailoring_warnings
        if chosen.why:
            remarks.append(chosen.why)
        left_out = left_out_paths(self._settings.ignore_paths)
        variables = environment(self._settings, detected.version, left_out)
        warnings = (*detected.warnings, *usable.warnings, *variables.warnings, *remarks)
        files = ScanFiles(usable.path, tailoring_copy)
        self._total_rules = details.rule_counts.get(chosen.profile.id, 0)
        return Plan(
            profile_id=chosen.profile.id,
            profile_title=chosen.profile.title,
            command=scan_command(request, chosen.profile, content, files, details, draft),
            limits=ChildLimits(self._settings.time_limit_s, self._settings.output_limit_mib << 20),
            scanner_version=detected.version,
            content=_content_in_manifest(content, usable.sha256),
            tailoring=tailoring,
            not_searched=variables.not_searched,
            warnings=warnings,
            environment=variables.variables,
            total_rules=self._total_rules or None,
        )

    def _within_settings(self, request: Request) -> tuple[Request, list[str]]:
        """The request without what the settings do not allow, and remarks on that."""
        if not request.fetch_remote or self._settings.fetch_remote_resources:
            return request, []
        return replace(request, fetch_remote=False), [_NOT_FETCHED]

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:  # noqa: ARG002
        """Nothing is run before a scan."""
        return plan

    def again(self, end: End, plan: Plan) -> Plan | None:  # noqa: ARG002
        """Never: detection knows the options of this oscap."""
        return None

    def is_same_scan(self, request: Request, other: Request) -> bool:
        first = scan_choice.choose(request, self._offers)
        second = scan_choice.choose(other, self._offers)
        if isinstance(first, scan_choice.NoScan) or isinstance(second, scan_choice.NoScan):
            return False
        return first.identity == second.identity

    def named(self, request: Request) -> tuple[str | None, str | None]:
        scan = scan_choice.choose(request, self._offers)
        if isinstance(scan, scan_choice.ChosenScan):
            return scan.chosen.profile.id, scan.chosen.profile.title
        wanted = request.profile or scan.offer.settings.profile
        if wanted == profile_choice.AUTO:
            return None, None
        if isinstance(wanted, str):
            return None, wanted
        return None, wanted[0]

    def progress(self, line: Line) -> Progress | None:
        evaluated = self._progress.read(line)
        if evaluated is None:
            return None
        return Progress(evaluated.title, evaluated.results[0])

    def judge(self, end: End, draft: Path) -> Verdict:
        self._progress.ended(time.monotonic())
        progress = self._progress.report()
        # First: they are among the outputs that are kept.
        _write_own_files(progress, draft)
        kept = tuple(output for output in _OUTPUTS if filled(draft / output.name))
        written = {output.name for output in kept}
        error = self._error(end, progress, draft)
        if error is None and RESULTS not in written:
            error = "oscap reported success, but wrote no results"
        if error:
            return Verdict(kept, error)
        if ARF not in written:
            return Verdict(kept, None, ("oscap wrote no ARF: the report has no evidence",))
        return Verdict(kept, None, self._rules_without_result(progress))

    def _error(self, end: End, progress: RuleProgress, draft: Path) -> str | None:
        """Why a run failed, by its end and by what oscap printed."""
        cause = _first_error(draft)
        if cause:
            end = replace(end, last_line=cause)
        error = error_of_end("oscap", end, _COMPLETED)
        if end.cause is Cause.TIME_LIMIT:
            return f"{error}: {self._where_the_time_went(progress)}"
        return error

    def _where_the_time_went(self, progress: RuleProgress) -> str:
        """How far a scan over its time limit came, and what to do."""
        done = f"{counted(len(progress.evaluated), 'rule')} done"
        if self._total_rules:
            done = f"{len(progress.evaluated)} of {counted(self._total_rules, 'rule')} done"
        unfinished = progress.unfinished
        if unfinished is None:
            return f"{done}, none in progress: raise compliance.openscap.time_limit_s"
        rule = short_rule_id(unfinished.rule)
        return (
            f"rule {rule} in progress for {unfinished.duration_s:.0f} s, {done}: raise "
            "compliance.openscap.time_limit_s, or leave the rule out by a tailoring"
        )

    def _rules_without_result(self, progress: RuleProgress) -> tuple[str, ...]:
        """A warning where fewer rules were evaluated than selected: some versions drop rules."""
        evaluated = len({rule.rule for rule in progress.evaluated})
        dropped = self._total_rules - evaluated
        if dropped <= 0:
            return ()
        warning = (
            f"oscap evaluated {evaluated} of the {self._total_rules} rules that the profile "
            f"selects: {dropped} without a result"
        )
        return (warning,)

    def clean_up(self, scan_id: ScanId) -> None:
        """Since the request, so that a second attempt also finds what a crash left."""
        leftovers.remove(requested_at(scan_id), os.geteuid())

    def remove_leftovers(self, raw: Path) -> list[Leftover]:  # noqa: ARG002
        """Nothing: an oscap dies with the agent."""
        return []


def _not_ready(detected: DetectedScanner) -> CannotRun:
    reason = "; ".join(detected.problems) or "OpenSCAP can't run on this host"
    if not detected.installed:
        return CannotRun(reason, "scanner-missing")
    if detected.content is None:
        return CannotRun(reason, "content-missing")
    return CannotRun(reason, "scanner-not-ready")


def _content_of(
    profile: ProfileInfo, chosen: DetectedContent, details: OpenSCAPDetails
) -> tuple[DetectedContent, OpenSCAPDetails]:
    """The chosen content; for a profile of another file that file instead."""
    other = details.other_content.get(profile.file_path)
    if other is None:
        return chosen, details
    content = replace(chosen, file=profile.file_path, version=other.version, origin=other.origin)
    return content, replace(details, content_sha256=other.sha256)


def _content_in_manifest(content: DetectedContent, sha256: str) -> Content:
    return Content(
        path=content.file,
        sha256=sha256,
        source=content.source,
        fit=content.fit,
        version=content.version,
        origin=content.origin,
    )


def _tailoring_copy(tailoring: TailoringFile | None, draft: Path) -> Path | None:
    if tailoring is None:
        return None
    return copy_tailoring(tailoring, draft)


def _write_own_files(progress: RuleProgress, draft: Path) -> None:
    """Write the files that the runner adds to those of oscap. Raises OSError."""
    if progress != RuleProgress():
        (draft / rule_progress.FILE).write_bytes(encode(progress))
    scripts = script_results.collected(draft)
    if scripts:
        (draft / script_results.FILE).write_bytes(encode(scripts))


def _first_error(draft: Path) -> str | None:
    """The line of standard error that names the cause: the first that is not a warning."""
    for line in beginning(draft / "stderr.log").splitlines():
        text = printable_line(line)
        if text and not text.startswith(_NO_ERROR):
            return text[:_MAX_LINE]
    return None
