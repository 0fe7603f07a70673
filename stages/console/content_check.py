"""The content that each scanner would use, and whether it has the wanted profile."""

from collections.abc import Sequence

from schemas.capabilities import DetectedContent, DetectedScanner
from schemas.ids import Scanner
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.console.context import Context
from stages.console.kept_detection import kept_detection
from stages.formats.content_fit import FIT, content_line
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import readiness, registry
from stages.scanners.detection import kept_caches
from stages.scanners.host import this_platform
from stages.scanners.spec import ScannerSpec


def check_content(settings: Settings) -> tuple[list[KeyProblem], list[str]]:
    """Look at this host: problems of the profiles in the settings, and remarks on the content."""
    problems: list[KeyProblem] = []
    remarks: list[str] = []
    for spec in registry.scanners():
        if not _has_content_to_check(spec, settings):
            continue
        found = _detect_now(spec, settings)
        problems += spec.scan_problems(settings, found)
        problems += found.settings_problems
        if found.content is not None:
            remarks += _remarks(spec, found.content, found.warnings)
            continue
        reasons = "; ".join(found.problems)
        message = f"{spec.title} has no content to scan with: {reasons}"
        if spec.names_content(settings):
            problems.append(KeyProblem(None, message))
        else:
            remarks.append(message)
    return problems, remarks


def refuse_unknown_profile(context: Context, scanner: Scanner, profile: str | None) -> None:
    """Raises CommandError where the content in use has no such profile.

    What was detected last may confirm the profile. Else this command looks itself: nothing is
    detected yet, or the content has changed. Without readable content the request is made, and the
    scan fails with the reason.
    """
    if profile is None:
        return
    spec = registry.get(scanner)
    known = kept_detection(context.spool).get(scanner)
    if known and known.profiles and not spec.profile_problem(context.settings, known, profile):
        return
    if not _has_content_to_check(spec, context.settings):
        return
    found = _detect_now(spec, context.settings)
    problem = spec.profile_problem(context.settings, found, profile)
    if problem:
        raise CommandError(problem, Exit.USAGE)


def _has_content_to_check(spec: ScannerSpec, settings: Settings) -> bool:
    """Whether there is content to look for: a scanner that is switched off may lack it."""
    return spec.needs_content and readiness.refusal(spec, settings) is None


def _detect_now(spec: ScannerSpec, settings: Settings) -> DetectedScanner:
    cache = kept_caches(settings).get(spec.key, {})
    return spec.detect(settings, this_platform(), cache).scanner


def _remarks(spec: ScannerSpec, content: DetectedContent, warnings: Sequence[str]) -> list[str]:
    file = content_line(content.file, content.version)
    fit = f"{spec.title} content: {file} ({FIT[content.fit]})"
    return [fit, *content.remarks, *warnings]
