"""Evaluating some rules of a scan again: `oscap xccdf eval --rule`.

Content, tailoring and profile are those of the scan, as its manifest names them. Versions of oscap
before 1.3 evaluate the last `--rule` alone, so they are run once for each rule.

Diagnostics: CannotRun with what to do.
"""

from collections.abc import Sequence
from pathlib import Path

from schemas.capabilities import DetectedScanner
from schemas.manifest import Content
from stages.scanners.child import ChildLimits
from stages.scanners.openscap import scan_choice
from stages.scanners.openscap.kept_tailoring import TailoringError, unpack_kept_tailoring
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_command import ARF, RESULTS, content_options
from stages.scanners.openscap.oscap_environment import environment, version_numbers
from stages.scanners.openscap.usable_content import ContentError, UsableContent, usable_content
from stages.scanners.rechecking import KeptScan, RecheckPlan, RuleRun
from stages.scanners.runner import CannotRun

_COMPLETED = (0, 2)
_SEVERAL_RULES_FROM = (1, 3)


def plan_recheck(
    settings: OpenSCAPSettings,
    detected: DetectedScanner,
    scan: KeptScan,
    rules: Sequence[str],
    draft: Path,
) -> RecheckPlan | CannotRun:
    """The runs for these rules, whose files lie in `draft`."""
    manifest = scan.manifest
    details = scan_choice.details_for(manifest, scan_choice.offers(settings, detected))
    content = manifest.content
    if not details.oscap_path:
        return CannotRun(
            "; ".join(detected.problems) or "oscap is not on this host", "scanner-not-ready"
        )
    if content is None or manifest.profile_id is None:
        return CannotRun(
            f"{manifest.scan_id} was not made by a scan of this host: scan it again",
            "content-missing",
        )
    try:
        usable = usable_content(
            Path(content.path),
            draft,
            refuses_remote_parts=details.refuses_remote_parts,
            must_copy=content.source == "server",
        )
        tailoring = _tailoring(scan, draft)
    except (ContentError, TailoringError) as error:
        return CannotRun(str(error), "content-unusable")
    variables = environment(settings, detected.version, manifest.not_searched)
    profile = details.profile_options.get(manifest.profile_id, ("--profile", manifest.profile_id))
    evaluate = (
        *(details.oscap_path, "xccdf", "eval", *tailoring, *profile),
        *content_options(content.source, Path(content.path), details),
    )
    limits = ChildLimits(settings.time_limit_s, settings.output_limit_mib << 20)
    runs = []
    for number, batch in enumerate(_batches(rules, detected.version)):
        directory = draft / f"run-{number}"
        directory.mkdir()
        results, arf = directory / RESULTS, directory / ARF
        output = ("--results", str(results), "--results-arf", str(arf))
        command = (*evaluate, *_rule_options(batch), *output, str(usable.path))
        runs.append(
            RuleRun(command, (results, arf), _COMPLETED, limits, directory, variables.variables)
        )
    warnings = (*_changed(content, usable), *usable.warnings, *variables.warnings)
    return RecheckPlan("oscap", tuple(runs), warnings)


def _rule_options(rules: Sequence[str]) -> list[str]:
    options: list[str] = []
    for rule in rules:
        options += ("--rule", rule)
    return options


def _tailoring(scan: KeptScan, draft: Path) -> tuple[str, ...]:
    """The option that names the tailoring of the scan. Raises TailoringError."""
    if scan.manifest.tailoring is None:
        return ()
    copy = unpack_kept_tailoring(scan.raw, scan.manifest, draft)
    if copy is None:
        raise TailoringError(f"{scan.manifest.scan_id}: its tailoring is not kept: scan again")
    return ("--tailoring-file", str(copy))


def _batches(rules: Sequence[str], version: str | None) -> list[Sequence[str]]:
    if version_numbers(version) >= _SEVERAL_RULES_FROM:
        return [rules]
    return [[rule] for rule in rules]


def _changed(content: Content, usable: UsableContent) -> tuple[str, ...]:
    if usable.sha256 == content.sha256:
        return ()
    warning = (
        f"{content.path} has changed since the scan (SHA-256 {content.sha256[:12]} before, "
        f"{usable.sha256[:12]} now): the rules may be other ones; scan again"
    )
    return (warning,)
