"""Several results of one rule as one: the worst counts, and every instance is named. Pure.

In XCCDF a rule has several results if it is checked once per instance (per network interface, per
user) or once per definition (`multi-check`, an advisory each). The server keeps one result per
rule: if all were sent, the last would hide the others. So a rule with the results fail, pass and
fail becomes one failed rule, and its finding names the instance of each result:

    2 of 3 results are fail; eth1: fail: …; eth2: fail: …; eth0: pass
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.codec import replace
from schemas.records import Struct
from stages.runtime.printable import by_number
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.rule_evidence import Evidence, evidence, merged_texts
from stages.scanners.openscap.xccdf.xccdf_results import RuleOutcome
from stages.scanners.secrets import masked

_PLACES: Mapping[str, int] = {
    "fail": 0,
    "error": 1,
    "unknown": 2,
    "notchecked": 3,
    "informational": 4,
    "fixed": 5,
    "pass": 6,
    "notapplicable": 7,
    "notselected": 8,
}
"""The worst result first."""


class _Instance(Struct, frozen=True):
    name: str
    outcome: RuleOutcome
    evidence: Evidence


def by_rule(outcomes: Iterable[RuleOutcome]) -> dict[str, list[RuleOutcome]]:
    """The outcomes of each rule, in the order of the file."""
    rules: dict[str, list[RuleOutcome]] = {}
    for outcome in outcomes:
        rules.setdefault(outcome.idref, []).append(outcome)
    return rules


def worst(outcomes: Sequence[RuleOutcome]) -> RuleOutcome:
    """The outcome that counts for the rule; of equal ones the first."""
    return min(outcomes, key=_place)


def worst_result(results: Iterable[str]) -> str:
    """The result that counts, of several of one rule."""
    return min(results, key=_place_of)


def evidence_of_rule(
    outcomes: Sequence[RuleOutcome], all_results: Mapping[str, OvalResults]
) -> Evidence:
    """The evidence of all results of one rule."""
    if len(outcomes) == 1:
        return evidence(outcomes[0], all_results)
    numbered = enumerate(outcomes, 1)
    instances = [_instance(outcome, number, all_results) for number, outcome in numbered]
    if not any(map(_is_described, instances)):
        return Evidence()
    instances.sort(key=lambda instance: _place(instance.outcome))
    result = instances[0].outcome.result
    deciding = [one for one in instances if one.outcome.result == result]
    return Evidence(
        finding=merged_texts([_summary(result, instances), *map(_finding, instances)]),
        actual=merged_texts(_actual_texts(deciding)),
        expected=merged_texts([one.evidence.expected for one in deciding]),
    )


def _instance(
    outcome: RuleOutcome, number: int, all_results: Mapping[str, OvalResults]
) -> _Instance:
    names = list(map(masked, outcome.instances))
    names = names or _definition_titles(outcome, all_results) or [f"result {number}"]
    # The instances are in the name already.
    unnamed = replace(outcome, instances=())
    return _Instance(", ".join(names), outcome, evidence(unnamed, all_results))


def _definition_titles(outcome: RuleOutcome, all_results: Mapping[str, OvalResults]) -> list[str]:
    titles: dict[str, None] = {}
    for results in all_results.values():
        for check in outcome.checks:
            definition = results.definitions.get(check.name or "")
            if definition is not None and definition.title:
                titles[definition.title] = None
    return list(titles)


def _is_described(instance: _Instance) -> bool:
    return bool(instance.outcome.instances or instance.evidence.finding)


def _summary(result: str, instances: Sequence[_Instance]) -> str:
    """`2 of 3 results are fail`"""
    count = [instance.outcome.result for instance in instances].count(result)
    return f"{count} of {len(instances)} results {by_number(count, 'is', 'are')} {result}"


def _actual_texts(instances: Iterable[_Instance]) -> list[str]:
    texts = []
    for one in instances:
        if one.evidence.actual:
            texts.append(f"{one.name}: {one.evidence.actual}")
    return texts


def _finding(instance: _Instance) -> str:
    """`eth1: fail: …`"""
    text = f"{instance.name}: {instance.outcome.result}"
    if instance.evidence.finding:
        text += f": {instance.evidence.finding}"
    return text


def _place(outcome: RuleOutcome) -> int:
    return _place_of(outcome.result)


def _place_of(result: str) -> int:
    return _PLACES.get(result, _PLACES["unknown"])
