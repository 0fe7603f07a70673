"""OpenSCAP's files to a report: XCCDF results, ARF, or both.

The newest TestResult is reported. A rule with several results counts once, with the worst of them.
With both files the results decide and the ARF gives the evidence. An ARF that cannot be read, or
that is of another scan, costs the evidence, with a warning. A scan in which no rule applied is a
failed scan.

Diagnostics: ScapError where the results (or an ARF that stands alone) cannot be read; its text is
one line.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas import codec
from schemas.report import Fix, Profile, Report, RuleResult, RuleStatus, ScanStatus, summarize
from stages.runtime.printable import by_number
from stages.scanners.openscap import script_checks
from stages.scanners.openscap.cut_off import cut_off_objects, rules_cut_off
from stages.scanners.openscap.distinct_findings import check_names, distinct_findings
from stages.scanners.openscap.left_out import rules_not_searched
from stages.scanners.openscap.results_file import Opener
from stages.scanners.openscap.rule_evidence import Evidence, merged_texts
from stages.scanners.openscap.rule_instances import by_rule, evidence_of_rule, worst
from stages.scanners.openscap.scan_files import (
    ArfEvidence,
    Options,
    SelectedScan,
    content_of_arf,
    read_files,
    reported_outcomes,
)
from stages.scanners.openscap.scan_warnings import (
    cut_off_warning,
    other_results,
    rules_without_result,
    zone_is_assumed,
)
from stages.scanners.openscap.tailored_scan import applied_tailoring
from stages.scanners.openscap.xccdf.rule_texts import RuleTexts, read_severity
from stages.scanners.openscap.xccdf.xccdf_results import RuleOutcome, TestResult, in_utc
from stages.scanners.secret_fixes import masked_fix
from stages.scanners.shown_text import plain_characters
from stages.scap.tailoring import tailored_title

__all__ = ["Opener", "Options", "read_openscap"]

STATUS: Mapping[str, RuleStatus] = {
    "pass": "pass",
    "fixed": "pass",
    "fail": "fail",
    "informational": "warn",
    "notselected": "notapplicable",
    "notapplicable": "notapplicable",
    "notchecked": "skip",
    "error": "error",
}
"""The specification's `mapResultStatus`, and `fixed` as XCCDF scores it; any other is `skip`."""
_EVALUATED = frozenset(("pass", "fail", "warn", "error"))
_BY_DEFAULT = Options()


def read_openscap(
    results: Opener | None, arf: Opener | None, options: Options = _BY_DEFAULT
) -> Report:
    """The report of one scan. Raises ScapError."""
    scan, arf_evidence = read_files(results, arf, options)
    rules, lacking = _rule_results(scan, arf_evidence, options)
    cut_off: list[str] = []
    missing = rules_without_result(scan.test_result, scan.benchmark, scan.tailoring)
    if arf is not None:
        rules, cut_off = _with_cut_off(rules, arf, arf_evidence, options)
        rules = _with_left_out(rules, arf, options)
        if _may_lack_rules(scan, rules):
            content = content_of_arf(scan, arf, options)
            missing = rules_without_result(scan.test_result, content, scan.tailoring)
    warnings = [
        *arf_evidence.warnings,
        *other_results(scan.others, options.zone),
        *_zone_warning(scan.test_result, options),
        *missing,
        *cut_off,
        *script_checks.warnings(lacking),
    ]
    error = _reason_without_result(rules, selects_rules=bool(missing))
    status: ScanStatus = "completed"
    if error:
        # A score of 0 with nothing behind it would read as the worst of all hosts.
        status, rules = "failed", ()
    started, completed = _times(scan.test_result, options)
    return Report(
        profile=_profile(scan),
        status=status,
        error=error,
        started_at=started,
        completed_at=completed,
        summary=summarize(rules),
        results=rules,
        warnings=tuple(warnings),
        host=scan.test_result.target,
        scanner_version=scan.test_result.scanner_version,
        tailoring=applied_tailoring(scan),
    )


def _rule_results(
    scan: SelectedScan, arf_evidence: ArfEvidence, options: Options
) -> tuple[tuple[RuleResult, ...], list[str]]:
    """The rules, and the names of those whose scripts lacked capabilities."""
    reported = reported_outcomes(scan.test_result, options)
    rules = by_rule(reported)
    outputs = script_checks.outputs_of_one_rule(reported, options.script_checks)
    found = []
    lacking = []
    for rule, outcomes in rules.items():
        counterparts = _counterparts(outcomes, arf_evidence)
        evidence = evidence_of_rule(
            script_checks.with_outputs(counterparts, outputs), arf_evidence.oval_results
        )
        outcome = worst(outcomes)
        result = _rule_result(outcome, evidence, scan)
        if script_checks.lacked_capabilities(result, outcome.scripts, options.script_checks):
            result = script_checks.in_error(result, outcome.scripts, options.script_checks)
            lacking.append(result.rule_ref)
        found.append(codec.replace(result, duration_s=options.durations_s.get(rule)))
    names = list(map(check_names, rules.values()))
    return tuple(distinct_findings(found, names)), lacking


def _with_cut_off(
    rules: tuple[RuleResult, ...], arf: Opener, arf_evidence: ArfEvidence, options: Options
) -> tuple[tuple[RuleResult, ...], list[str]]:
    """The rules with a finding on items that were cut off, and a warning that names these rules."""
    objects = cut_off_objects(arf_evidence.oval_results.values())
    if not objects:
        return rules, []
    messages = rules_cut_off(arf, options.limits, objects)
    found = []
    named = []
    for rule in rules:
        message = messages.get(rule.rule_ref)
        if message is None:
            found.append(rule)
            continue
        text = f"oscap did not look at everything: {message}"
        found.append(codec.replace(rule, finding=merged_texts([text, rule.finding])))
        named.append(rule.rule_ref)
    return tuple(found), cut_off_warning(named)


def _with_left_out(
    rules: tuple[RuleResult, ...], arf: Opener, options: Options
) -> tuple[RuleResult, ...]:
    """The rules with a finding on paths that they would have searched and that were left out."""
    if not options.not_searched:
        return rules
    not_searched = rules_not_searched(arf, options.limits, options.not_searched)
    found = []
    for rule in rules:
        paths = not_searched.get(rule.rule_ref)
        if paths is None or rule.status not in _EVALUATED:
            found.append(rule)
            continue
        text = f"not searched: {', '.join(paths)}"
        found.append(codec.replace(rule, finding=merged_texts([rule.finding, text])))
    return tuple(found)


def _rule_result(outcome: RuleOutcome, found: Evidence, scan: SelectedScan) -> RuleResult:
    texts = scan.benchmark.texts(outcome.idref, scan.text_options)
    severity = texts.severity
    if outcome.severity:
        severity = read_severity(outcome.severity)
    remediation, is_advice = _remediation(texts)
    return RuleResult(
        rule_ref=outcome.idref,
        title=texts.title or outcome.idref,
        status=STATUS.get(outcome.result, "skip"),
        severity=severity,
        section=texts.section,
        groups=texts.groups,
        description=texts.description,
        rationale=texts.rationale,
        finding=_plain_evidence(found.finding),
        actual=_plain_evidence(found.actual),
        expected=_plain_evidence(found.expected),
        remediation=remediation,
        advice=is_advice,
        references=texts.references,
        other_fixes=_fixes_without_secrets(texts),
    )


def _remediation(texts: RuleTexts) -> tuple[str | None, bool]:
    """The remediation, and whether it is only advice: so is a script with a masked secret."""
    remediation = texts.remediation
    if remediation is None:
        return None, False
    shown = masked_fix(remediation)
    if shown == remediation or texts.remediation_is_advice:
        return shown, texts.remediation_is_advice
    return f"# Not runnable: a secret in this fix is masked.\n{shown}", True


def _fixes_without_secrets(texts: RuleTexts) -> tuple[Fix, ...]:
    """A playbook with a masked secret would set that secret to the mask, so it is left out."""
    return tuple(fix for fix in texts.other_fixes if masked_fix(fix.text) == fix.text)


def _plain_evidence(text: str | None) -> str | None:
    """Evidence without hidden characters; a mark shows where a name on the host has one."""
    if text is None:
        return None
    return plain_characters(text, replacement="\ufffd")


def _counterparts(
    outcomes: Sequence[RuleOutcome], arf_evidence: ArfEvidence
) -> Sequence[RuleOutcome]:
    """The same results in the ARF: only their checks refer to its OVAL results.

    Where the ARF has other results for the rule, it is not trusted to explain these.
    """
    counterparts = arf_evidence.outcomes.get(outcomes[0].idref, ())
    if [one.result for one in counterparts] != [one.result for one in outcomes]:
        return outcomes
    return counterparts


def _profile(scan: SelectedScan) -> Profile:
    """The profile of the scan; without one the title is the benchmark's."""
    identifier = scan.test_result.profile
    if identifier is None:
        name = scan.benchmark.title or scan.benchmark.id
    else:
        titles = {**scan.benchmark.profiles, **scan.tailoring.titles}
        name = titles.get(identifier) or identifier.rpartition("_profile_")[2]
        if scan.is_tailored:
            name = tailored_title(name)
    return Profile(
        name=name or "OpenSCAP",
        type="openscap",
        id=identifier,
        version=scan.test_result.version or scan.benchmark.version,
    )


def _zone_warning(test_result: TestResult, options: Options) -> list[str]:
    if options.times_are_known or test_result.has_zone:
        return []
    return [zone_is_assumed(options.zone)]


def _times(test_result: TestResult, options: Options) -> tuple[datetime, datetime]:
    started = in_utc(test_result.started_at, options.zone)
    # A clock that was set back during the scan does not make it end before it began.
    return started, max(started, in_utc(test_result.completed_at, options.zone))


def _may_lack_rules(scan: SelectedScan, rules: tuple[RuleResult, ...]) -> bool:
    """Whether the scanner may have lost rules while it read the content.

    Some versions lose an element that follows another without white space. The results then hold a
    benchmark without the rule, but the profile that selects it; the ARF holds the content itself.
    """
    profile = scan.test_result.profile
    if not rules:
        return True
    return profile is not None and bool(scan.benchmark.selection.unknown(profile))


def _reason_without_result(rules: tuple[RuleResult, ...], *, selects_rules: bool) -> str | None:
    """Why these rules show nothing about the host; None where they do."""
    if not rules:
        if selects_rules:
            return "nothing was evaluated: the scanner dropped every rule that the profile selects"
        return "nothing was evaluated: the profile selects no rules; choose another profile"
    if any(rule.status != "notapplicable" for rule in rules):
        return None
    every_rule = by_number(
        len(rules), "the only rule of the profile is", f"all {len(rules)} rules of the profile are"
    )
    return (
        f"nothing applied: {every_rule} for another system; use content made for this distribution"
        " and release"
    )
