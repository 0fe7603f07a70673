"""The evidence of a rule result: what was found, what was expected, and one sentence of both. Pure.

It comes from OVAL results where there are any, else from the output of a script check, else from
the scanner's own messages.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from schemas.records import Struct
from stages.scanners.openscap.oval.criteria import (
    FailedGroup,
    FailedPart,
    Unexplained,
    decided,
    failed_part,
    holds,
)
from stages.scanners.openscap.oval.criterion_wording import explain_criterion
from stages.scanners.openscap.oval.explanations import Explanation, explanation
from stages.scanners.openscap.oval.oval_model import CriteriaNode, Definition, OvalResults
from stages.scanners.openscap.xccdf.xccdf_results import SCRIPT_SYSTEM, Check, RuleOutcome
from stages.scanners.secrets import MAX_CHARACTERS, masked, masked_forms
from stages.scap.xccdf_text import one_line

PLACEHOLDER = "the results do not say why"
"""In the finding of a failed rule for which the results hold no evidence."""
_MAX_TEXT = 4000
_SCRIPT_LINES = 10
_MAX_DEFINITIONS = 200
_VIOLATED_WHEN_TRUE = frozenset(("vulnerability", "patch"))
"""Definitions of these classes are true where something is wrong."""
_MISSING = Definition("", "", None, "unknown", None)
_REASONS = {
    "error": "the check ended with an error",
    "unknown": "the check's result is unknown",
    "notchecked": "the rule was not checked",
    "fixed": "the rule failed and was fixed by the scanner",
    "informational": "the check is informational and has no verdict",
}
_EXPLAINED = frozenset(("fail", *_REASONS))


class Evidence(Struct, frozen=True):
    finding: str | None = None
    actual: str | None = None
    expected: str | None = None


def evidence(outcome: RuleOutcome, all_results: Mapping[str, OvalResults]) -> Evidence:
    """The evidence of one rule result. `all_results` are OVAL results by the id of their report."""
    remarks = _remarks(outcome)
    if outcome.result not in _EXPLAINED:
        return Evidence(finding=merged_texts(remarks))
    explanations: dict[Explanation, None] = {}
    for check in outcome.checks:
        explanations |= dict.fromkeys(_explain_check(outcome, check, all_results))
    messages = list(map(masked, outcome.messages))
    if not explanations:
        return _without_explanation(outcome, messages, remarks)
    findings: list[str] = []
    facts: list[str] = []
    expected: list[str] = []
    for part in explanations:
        findings.append(part.finding)
        facts += part.facts
        expected.append(part.expected)
    return Evidence(
        finding=merged_texts([*remarks, *findings, *messages]),
        actual=merged_texts(facts),
        expected=merged_texts(expected),
    )


def _without_explanation(
    outcome: RuleOutcome, messages: Sequence[str], remarks: Sequence[str]
) -> Evidence:
    """The evidence without an explanation: the scanner's messages, or what the result means."""
    if outcome.result == "fail":
        reason = merged_texts(messages) or f"the check failed; {PLACEHOLDER}"
        return Evidence(
            finding=merged_texts([*remarks, reason]),
            actual=merged_texts(messages) or "the results hold no details",
            expected="the rule's check to pass",
        )
    reason = _REASONS[outcome.result]
    if outcome.result == "notchecked" and not messages:
        reason += f": {_reason_not_checked(outcome)}"
    return Evidence(
        finding=merged_texts([*remarks, reason, *messages]), actual=merged_texts(messages)
    )


def _reason_not_checked(outcome: RuleOutcome) -> str:
    systems = sorted({check.system for check in outcome.checks if check.system})
    if not systems:
        return "it has no automated check, review it manually"
    return f"the scanner does not support checks of {', '.join(systems)}"


def _remarks(outcome: RuleOutcome) -> list[str]:
    """The instances that the result is for, and the overrides that changed it."""
    remarks = []
    if outcome.instances:
        instances = list(map(masked, outcome.instances))
        remarks.append(f"for {', '.join(instances)}")
    for override in outcome.overrides:
        remarks.append(
            f"result changed by {override.authority} from {override.old} to {override.new}: "
            f"{masked(override.remark)}"
        )
    return remarks


def _explain_check(
    outcome: RuleOutcome, check: Check, all_results: Mapping[str, OvalResults]
) -> list[Explanation]:
    if check.outputs or check.system == SCRIPT_SYSTEM:
        return [_explain_script(check, outcome.result)]
    results = _results_of(check, all_results)
    if results is None:
        # It is not a check by OVAL, or its results are not in the ARF.
        return []
    found = [
        _explain_definition(definition, results, check, outcome)
        for definition in _definitions_of(check, results)
    ]
    return list(filter(None, found))


def _definitions_of(check: Check, results: OvalResults) -> list[Definition]:
    """The definition that the check names; for a check without a name those of the whole file."""
    if check.name is None:
        return list(islice(results.definitions.values(), _MAX_DEFINITIONS))
    if check.name not in results.definitions:
        return []
    return [results.definitions[check.name]]


def _results_of(check: Check, all_results: Mapping[str, OvalResults]) -> OvalResults | None:
    """The results that the check refers to, or the only ones that have its definition."""
    named = all_results.get(check.report)
    if named is not None:
        return named
    candidates = [one for one in all_results.values() if check.name in one.definitions]
    if len(candidates) == 1:
        return candidates[0]
    return None


def _explain_definition(
    definition: Definition, results: OvalResults, check: Check, outcome: RuleOutcome
) -> Explanation | None:
    """Why the definition is not as the rule requires; None where it is, or was not decided."""
    # A definition of a setting has to be true, one of a vulnerability false; a negated check means
    # the opposite.
    violated_when_true = definition.definition_class in _VIOLATED_WHEN_TRUE
    expected = violated_when_true == check.negate
    if holds(definition.result, expected):
        return None
    # It did not make the rule fail: to report it as violated would be wrong.
    if outcome.result == "fail" and definition.result not in ("true", "false"):
        return None

    def tree_of(name: str) -> CriteriaNode | None:
        return results.definitions.get(name, _MISSING).tree

    def title_of(name: str) -> str | None:
        return results.definitions.get(name, _MISSING).title

    part: FailedPart = Unexplained(definition.id, expected, definition.result)
    # The tests of a patch describe the whole advisory, which people know by its title.
    if definition.tree is not None and definition.definition_class != "patch":
        part = _relevant(failed_part(definition.tree, expected, tree_of), outcome.result)
    return explanation(part, lambda criterion: explain_criterion(criterion, results), title_of)


def _relevant(part: FailedPart, result: str) -> FailedPart:
    """For a rule in error only the parts in error: failed parts did not decide the result."""
    if not isinstance(part, FailedGroup):
        return part
    parts = [_relevant(inner, result) for inner in part.parts]
    undecided = [inner for inner in parts if not decided(inner)]
    if undecided and result in ("error", "unknown"):
        parts = undecided
    if len(parts) == 1:
        return parts[0]
    return FailedGroup(part.mode, tuple(parts))


def _explain_script(check: Check, result: str) -> Explanation:
    """The output of a script check; its last lines where there are many."""
    name = check.href or "the script"
    expected = f"{name} to end with pass"
    lines = _output_lines(check)
    if lines:
        actual = "\n".join(lines[-_SCRIPT_LINES:])
        finding = f"{name} ended with {result}: {one_line(lines[-1])}"
    elif check.outputs:
        actual = "the script wrote nothing"
        finding = f"the script {name} ended with {result}: it wrote nothing; {_by_hand(name)}"
    else:
        actual = f"{name} ended with {result}"
        finding = (
            f"the script {name} ended with {result}; the results hold no output of it; "
            f"{_by_hand(name)}"
        )
    return Explanation(expected, (actual,), finding, finding)


def _by_hand(name: str) -> str:
    return (
        "to run it by hand as root: unpack the content (oscap ds sds-split FILE DIRECTORY), then "
        f"XCCDF_RESULT_PASS=101 XCCDF_RESULT_FAIL=102 bash {one_line(name)}"
    )


def _output_lines(check: Check) -> list[str]:
    lines = []
    for _, text in check.outputs:
        for line in masked(text[-MAX_CHARACTERS:]).splitlines():
            if line.strip():
                lines.append(line)
    return lines


def merged_texts(texts: Sequence[str | None]) -> str | None:
    """The texts as one of bounded length; None where there is none."""
    merged = masked_forms("; ".join(dict.fromkeys(filter(None, texts))))
    if len(merged) > _MAX_TEXT:
        merged = merged[: _MAX_TEXT - 1] + "…"
    return merged or None
