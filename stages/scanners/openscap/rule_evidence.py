"""Why a rule came out as it did: what was found, what was expected, and one sentence that joins them. Pure.

From OVAL results where there are any, else from what a script wrote and from the scanner's own messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from stages.scanners.openscap.oval.criteria import (
    FailedGroup,
    FailedPart,
    Unexplained,
    decided,
    failed_part,
    holds,
)
from stages.scanners.openscap.oval.criterion_wording import Explanation, tell
from stages.scanners.openscap.oval.explanations import told
from stages.scanners.openscap.oval.oval_model import CriteriaNode, Definition, OvalResults
from stages.scanners.openscap.oval.secrets import MAX_CHARACTERS, masked, masked_looks
from stages.scanners.openscap.xccdf.xccdf_results import Check, Outcome
from stages.scap.xccdf_text import one_line

_MAX_TEXT = 4000
_SCRIPT_LINES = 10
_MAX_DEFINITIONS = 200
_BROKEN_WHEN_TRUE = frozenset(("vulnerability", "patch"))
"""Definitions of these classes are true where something is wrong."""
_OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
_REASONS = {
    "error": "the check ended with an error",
    "unknown": "the check's result is unknown",
    "notchecked": "the rule was not checked",
    "fixed": "the rule failed and was fixed by the scanner",
    "informational": "the check informs and does not judge",
}
_TOLD = frozenset(("fail", *_REASONS))


@dataclass(frozen=True)
class Evidence:
    finding: str | None = None
    actual: str | None = None
    expected: str | None = None


def evidence(outcome: Outcome, all_findings: Mapping[str, OvalResults]) -> Evidence:
    """The evidence of one rule result. `all_findings` are OVAL results by the id of their report."""
    extra = _remarks(outcome)
    if outcome.result not in _TOLD:
        return Evidence(finding=_text(extra) if extra else None)
    parts = [part for check in outcome.checks for part in _of_check(outcome, check, all_findings)]
    parts = list(dict.fromkeys(parts))
    messages = [masked(message) for message in outcome.messages]
    if not parts:
        return _without_check(outcome, messages, extra)
    finding = [*extra, *(part.finding for part in parts), *messages]
    return Evidence(
        finding=_text(finding),
        actual=_text([part.actual for part in parts]),
        expected=_text([part.expected for part in parts]),
    )


def _without_check(outcome: Outcome, messages: Sequence[str], extra: Sequence[str]) -> Evidence:
    """All that is left to say: the scanner's messages, or what its result word means."""
    if outcome.result == "fail":
        reason = _text(messages) or "the check failed; the results do not say why"
        expected = "the rule's check to pass"
    else:
        reason = _text([_REASONS[outcome.result], *messages]) or ""
        if outcome.result == "notchecked" and not messages:
            reason += f": {_not_checked(outcome)}"
        expected = None
    actual = _text(messages) or (
        "the results hold no details" if outcome.result == "fail" else None
    )
    return Evidence(finding=_text([*extra, reason]), actual=actual, expected=expected)


def _not_checked(outcome: Outcome) -> str:
    systems = sorted({check.system for check in outcome.checks if check.system})
    if not systems:
        return "it has no check that this scanner can run, look at it by hand"
    return f"the scanner can't run checks of {', '.join(systems)}"


def _remarks(outcome: Outcome) -> list[str]:
    texts = []
    if outcome.instances:
        texts.append(f"for {', '.join(masked(instance) for instance in outcome.instances)}")
    for override in outcome.overrides:
        by = f" by {override.authority}" if override.authority else ""
        remark = f": {override.remark}" if override.remark else ""
        texts.append(f"result changed{by} from {override.old} to {override.new}{remark}")
    return texts


def _of_check(
    outcome: Outcome, check: Check, all_findings: Mapping[str, OvalResults]
) -> list[Explanation]:
    if check.outputs:
        return [_script(check, outcome.result)]
    if check.system and check.system != _OVAL:
        return []
    findings = _findings(check, all_findings)
    if findings is None:
        return []
    if check.name is not None:
        definition = findings.definitions.get(check.name)
        return _of_definition(definition, findings, check, outcome) if definition else []
    return [
        told
        for definition in islice(findings.definitions.values(), _MAX_DEFINITIONS)
        for told in _of_definition(definition, findings, check, outcome)
    ]


def _findings(check: Check, all_findings: Mapping[str, OvalResults]) -> OvalResults | None:
    """By the report that the check refers to; without one, those that know the definition."""
    named = all_findings.get((check.href or "").removeprefix("#"))
    if named is not None:
        return named
    knowing = [found for found in all_findings.values() if check.name in found.definitions]
    return knowing[0] if len(knowing) == 1 else None


def _of_definition(
    definition: Definition, findings: OvalResults, check: Check, outcome: Outcome
) -> list[Explanation]:
    wanted = (definition.kind not in _BROKEN_WHEN_TRUE) != check.negate
    if holds(definition.result, wanted):
        return []
    if outcome.result == "fail" and definition.result not in ("true", "false"):
        return []

    def lookup(name: str) -> CriteriaNode | None:
        extended = findings.definitions.get(name)
        return extended.tree if extended else None

    def title(name: str) -> str | None:
        extended = findings.definitions.get(name)
        return extended.title if extended else None

    reason: FailedPart
    if definition.tree is None or definition.kind == "patch":
        reason = Unexplained(definition.id, wanted, definition.result)
    else:
        reason = failed_part(definition.tree, wanted, lookup)
    return [told(_trimmed(reason, outcome.result), lambda demand: tell(demand, findings), title)]


def _trimmed(reason: FailedPart, result: str) -> FailedPart:
    """Of an error, what is in error; of a failure, what failed and not what was never evaluated."""
    if not isinstance(reason, FailedGroup):
        return reason
    parts = [_trimmed(part, result) for part in reason.parts]
    if result in ("error", "unknown"):
        open_ended = [part for part in parts if not decided(part)]
        parts = open_ended or parts
    return parts[0] if len(parts) == 1 else FailedGroup(reason.mode, tuple(parts))


def _script(check: Check, result: str) -> Explanation:
    """What a script check wrote, its last lines where there are many."""
    outputs = [text[-MAX_CHARACTERS:] for _, text in check.outputs]
    lines = [line for text in outputs for line in masked(text).splitlines() if line.strip()]
    shown = "\n".join(lines[-_SCRIPT_LINES:]) or "the script wrote nothing"
    name = check.href or "the script"
    last = one_line(lines[-1]) if lines else "it wrote nothing"
    return Explanation(f"{name} to end with pass", shown, f"{name} ended with {result}: {last}")


def _text(texts: Sequence[str]) -> str | None:
    """The texts as one, bounded."""
    merged = masked_looks("; ".join(dict.fromkeys(text for text in texts if text)))
    return (merged if len(merged) <= _MAX_TEXT else merged[: _MAX_TEXT - 1] + "…") or None
