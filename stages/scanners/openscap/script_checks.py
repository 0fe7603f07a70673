"""Checks by script (SCE): their output as evidence, and results that the scan could not reach.

Where the scanning process lacks capabilities that scripts commonly need, neither a failed nor a
passed check by script says anything about the host: the rule is in error, with that reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from schemas import codec
from schemas.codec import replace
from schemas.records import Struct, field
from schemas.report import RuleResult
from stages.runtime.printable import listed
from stages.scanners.openscap.script_results import ScriptResults
from stages.scanners.openscap.xccdf.xccdf_results import Check, Outcome
from stages.scap.xml_records import ScapError, fragment, local, text_of

_REACHED = frozenset(("pass", "fail", "error", "warn", "skip"))
_REMEDY = "allow it by compliance-agent install --with-script-checks, or scan as root"
_MOST_NAMED = 20

ScriptOutput: TypeAlias = tuple[tuple[str, str], ...]
"""Stream and text."""


class ScriptChecks(Struct, frozen=True):
    """What is known of the scripts of one scan."""

    missing_capabilities: tuple[str, ...] = ()
    outputs: Mapping[str, ScriptOutput] = field(default_factory=dict)
    """By the name of a script."""


def read_script_results(results: ScriptResults) -> ScriptChecks:
    """The output of scripts; files that are not as oscap writes them are left out."""
    outputs: dict[str, ScriptOutput] = {}
    for text in results.files:
        try:
            root = fragment(text.encode())
        except ScapError:
            continue
        streams = root.iterchildren("{*}stdout", "{*}stderr")
        outputs[root.get("script-path", "")] = tuple(
            (local(stream), text_of(stream)) for stream in streams
        )
    return ScriptChecks(results.missing_capabilities, outputs)


def outputs_of_one_rule(
    outcomes: Iterable[Outcome], checks: ScriptChecks
) -> dict[str | None, ScriptOutput]:
    """The output of each script that checks one rule only: of others oscap keeps only the last."""
    uses: Counter[str] = Counter()
    for outcome in outcomes:
        uses.update(outcome.scripts)
    return {name: output for name, output in checks.outputs.items() if uses[name] == 1}


def with_outputs(
    outcomes: Sequence[Outcome], outputs: Mapping[str | None, ScriptOutput]
) -> list[Outcome]:
    """The outcomes of a rule; their checks get the output that was kept beside the results."""
    found = []
    for outcome in outcomes:
        own_checks = [_with_output(check, outputs) for check in outcome.checks]
        found.append(replace(outcome, checks=tuple(own_checks)))
    return found


def _with_output(check: Check, outputs: Mapping[str | None, ScriptOutput]) -> Check:
    return replace(check, outputs=check.outputs or outputs.get(check.href, ()))


def not_reached(rule: RuleResult, scripts: Sequence[str], checks: ScriptChecks) -> RuleResult:
    """The rule; in error where scripts check it and lacked capabilities."""
    if not scripts or not checks.missing_capabilities or rule.status not in _REACHED:
        return rule
    reason = (
        f"checked by the script {', '.join(scripts)}, which may not do all that it needs here "
        f"(no {', '.join(checks.missing_capabilities)}): {_REMEDY}"
    )
    return codec.replace(rule, status="error", finding=reason, actual=None, expected=None)


def warnings(rules: Sequence[RuleResult]) -> list[str]:
    """A warning that rules are in error because their scripts lacked capabilities."""
    names = [rule.rule_ref for rule in rules if (rule.finding or "").endswith(_REMEDY)]
    if not names:
        return []
    shown = listed(names, _MOST_NAMED)
    warning = (
        f"{len(names)} of the rules are checked by scripts that may not do all that they need "
        f"here, and are in error: {_REMEDY}: {shown}"
    )
    return [warning]
