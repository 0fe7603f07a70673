"""Running OpenSCAP: `oscap xccdf eval` with XCCDF results and ARF.

Exit codes of `oscap xccdf eval`: 0 all rules pass, 2 at least one fails or is unknown, 1 error. 1
is not a finding: it is a failed scan, and so are a signal, and results that are missing or empty.

Security: the profile is one that the content lists; nothing of a request reaches the argument list
as it is.
"""

import errno
import os
from dataclasses import replace
from pathlib import Path

from schemas.capabilities import DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import convert
from schemas.ids import ScanId, requested_at
from schemas.manifest import Content
from schemas.request import Request
from spool.raw import Output
from stages.scanners.child import End, Limits
from stages.scanners.openscap import leftovers, profiles
from stages.scanners.openscap.openscap_detection import OpenSCAPDetails
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.usable_content import ContentError, usable_content
from stages.scanners.outputs import beginning, filled, whole_text
from stages.scanners.runner import CannotRun, Leftover, Plan, Progress, Verdict, error_of_end

_RESULTS, _ARF = "results.xml", "arf.xml"
_OUTPUTS = (
    Output("xccdf-results", _RESULTS),
    Output("arf", _ARF),
    Output("stdout", "stdout.log"),
    Output("stderr", "stderr.log"),
)
_COMPLETED = (0, 2)
_NO_ERROR = ("WARNING:", "W: ", "I: ", "D: ")
_MAX_LINE = 1000
_XCCDF_RESULTS = frozenset(
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

    def __init__(self, settings: OpenSCAPSettings, detected: DetectedScanner | None) -> None:
        self._settings = settings
        self._total_rules: int | None = None
        self._detected = detected or DetectedScanner(installed=False, ready=False)

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        detected, content = self._detected, self._detected.content
        if not detected.ready or content is None:
            return CannotRun("; ".join(detected.problems) or "OpenSCAP can't run on this host")
        chosen = profiles.resolve(request.profile or self._settings.profile, detected.profiles)
        if isinstance(chosen, profiles.Unknown):
            return CannotRun(chosen.reason, detected.warnings)
        details = convert(detected.details, OpenSCAPDetails)
        try:
            usable = usable_content(
                Path(content.file),
                draft,
                refuses_remote_parts=details.refuses_remote_parts,
                digests=details.content_digests,
            )
        except ContentError as error:
            return CannotRun(str(error), detected.warnings)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return CannotRun(f"{content.file}: the content can't be read: {error.strerror}")
        prepare, command = _commands(request, chosen.profile, content, usable.path, details, draft)
        remarks = [remark for remark in (usable.warning, chosen.why) if remark]
        warnings = (*detected.warnings, *remarks)
        self._total_rules = details.rule_counts.get(chosen.profile.id) or None
        return Plan(
            profile_id=chosen.profile.id,
            profile_title=chosen.profile.title,
            command=command,
            prepare=prepare,
            limits=Limits(self._settings.time_limit_s, self._settings.output_limit_mib << 20),
            scanner_version=detected.version,
            content=Content(
                path=content.file, sha256=usable.sha256, source=content.source, fit=content.fit
            ),
            warnings=warnings,
            total_rules=self._total_rules,
        )

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """A remediation that failed shows in the scan that follows it."""
        if end.ended_by:
            return CannotRun(f"oscap {end.ended_by.message}")
        return plan

    def again(self, end: End, plan: Plan) -> Plan | None:  # noqa: ARG002
        """Never: detection knows the options of this oscap."""
        return None

    def same_profile(self, profile: str | None) -> str | None:
        return self.named(profile)[0]

    def named(self, profile: str | None) -> tuple[str | None, str | None]:
        wanted = profile or self._settings.profile
        chosen = profiles.resolve(wanted, self._detected.profiles)
        if isinstance(chosen, profiles.Chosen):
            return chosen.profile.id, chosen.profile.title
        if wanted == profiles.AUTO:
            return None, None
        if isinstance(wanted, str):
            return None, wanted
        return None, wanted[0]

    def progress(self, line: str) -> Progress | None:
        """A line of `--progress-full` (`rule id|title|result`) or of `--progress` (`rule
        id:result`)."""
        separator = "|" if "|" in line else ":"
        rest, found, result = line.rpartition(separator)
        rule, _, title = rest.partition("|")
        if not found or result not in _XCCDF_RESULTS or " " in rule:
            return None
        return Progress(title or rule, result)

    def judge(self, end: End, draft: Path) -> Verdict:
        kept = tuple(output for output in _OUTPUTS if filled(draft / output.name))
        written = {output.name for output in kept}
        cause = _first_error(draft)
        if cause:
            end = replace(end, last_line=cause)
        error = error_of_end("oscap", end, _COMPLETED)
        if error is None and _RESULTS not in written:
            error = "oscap reported success, but wrote no results"
        if error is None and _ARF not in written:
            return Verdict(kept, None, ("oscap wrote no ARF: the report has no evidence",))
        if error is None:
            return Verdict(kept, None, self._rules_without_result(draft))
        return Verdict(kept, error)

    def _rules_without_result(self, draft: Path) -> tuple[str, ...]:
        """Some versions drop rules silently: fewer are evaluated than the profile selects."""
        if not self._total_rules:
            return ()
        evaluated = len(_evaluated_rules(draft))
        if evaluated >= self._total_rules:
            return ()
        dropped = self._total_rules - evaluated
        warning = (
            f"oscap evaluated {evaluated} of the {self._total_rules} rules that the profile "
            f"selects: {dropped} without a result"
        )
        return (warning,)

    def clean_up(self, scan_id: ScanId) -> None:
        """From the time of the request on: so a second attempt also finds what a crash left."""
        leftovers.remove(requested_at(scan_id), os.geteuid())

    def remove_leftovers(self, raw: Path) -> list[Leftover]:  # noqa: ARG002
        """Nothing: an oscap dies with the agent."""
        return []


def _commands(
    request: Request,
    profile: ProfileInfo,
    content: DetectedContent,
    file: Path,
    details: OpenSCAPDetails,
    draft: Path,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The remediation of one rule, to be run before; and the scan.

    The first is empty where none is requested.
    """
    profile_options = details.checklist_options.get(profile.id, ("--profile", profile.id))
    evaluate = (
        *(details.oscap_path, "xccdf", "eval", *profile_options),
        *_content_options(content, details),
    )
    prepare: tuple[str, ...] = ()
    remediate: tuple[str, ...] = ()
    if request.remediate and request.rule:
        prepare = (*evaluate, "--remediate", "--rule", request.rule, str(file))
    elif request.remediate:
        remediate = ("--remediate",)
    scan = (
        *evaluate,
        *remediate,
        details.progress_option,
        *("--results", str(draft / _RESULTS)),
        *("--results-arf", str(draft / _ARF)),
        str(file),
    )
    return prepare, scan


def _content_options(content: DetectedContent, details: OpenSCAPDetails) -> tuple[str, ...]:
    """Content of a package is valid: to validate it again takes a tenth of the time of a scan.

    A plain XCCDF file needs the CPE dictionary beside it: without one no rule would apply.
    """
    options: tuple[str, ...] = ()
    if content.source != "configured" and details.skip_validation_option:
        options = (details.skip_validation_option,)
    file = Path(content.file)
    stem, ending, _ = file.name.partition("-xccdf.xml")
    dictionary = file.with_name(f"{stem}-cpe-dictionary.xml")
    if ending and dictionary.is_file():
        options = (*options, "--cpe", str(dictionary))
    return options


def _evaluated_rules(draft: Path) -> set[str]:
    """The ids of the rules of which the progress shows a result."""
    rules = set()
    for line in whole_text(draft / "stdout.log").splitlines():
        separator = "|" if "|" in line else ":"
        rule, _, result = line.partition(separator)
        if result.rpartition(separator)[2] in _XCCDF_RESULTS:
            rules.add(rule)
    return rules


def _first_error(draft: Path) -> str | None:
    """The line of standard error that names the cause: the first that is no warning."""
    for line in beginning(draft / "stderr.log").splitlines():
        text = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(line.split()))
        if text and not text.startswith(_NO_ERROR):
            return text[:_MAX_LINE]
    return None
