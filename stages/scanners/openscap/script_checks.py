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
from stages.scanners.openscap.xccdf.xccdf_results import Check, RuleOutcome
from stages.scap.xml_elements import fragment, local, text_of
from stages.scap.xml_errors import ScapError

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
    outcomes: Iterable[RuleOutcome], checks: ScriptChecks
) -> dict[str | None, ScriptOutput]:
    """The output of each script that checks one rule only: of others oscap keeps only the last."""
    uses: Counter[str] = Counter()
    for outcome in outcomes:
        uses.update(outcome.scripts)
    return {name: output for name, output in checks.outputs.items() if uses[name] == 1}


def with_outputs(
    outcomes: Sequence[RuleOutcome], outputs: Mapping[str | None, ScriptOutput]
) -> list[RuleOutcome]:
    """The outcomes of a rule; their checks get the output that was kept beside the results."""
    found = []
    for outcome in outcomes:
        own_checks = [_with_output(check, outputs) for check in outcome.checks]
        found.append(replace(outcome, checks=tuple(own_checks)))
    return found


def _with_output(check: Check, outputs: Mapping[str | None, ScriptOutput]) -> Check:
    return replace(check, outputs=check.outputs or outputs.get(check.href, ()))


def lacked_capabilities(rule: RuleResult, scripts: Sequence[str], checks: ScriptChecks) -> bool:
    """Whether scripts check the rule that may not do all that they need."""
    return bool(scripts and checks.missing_capabilities) and rule.status in _REACHED


def in_error(rule: RuleResult, scripts: Sequence[str], checks: ScriptChecks) -> RuleResult:
    """A rule whose scripts lacked capabilities: whatever they found, it is not known."""
    reason = (
        f"checked by the script {', '.join(scripts)}, which may not do all that it needs here "
        f"(no {', '.join(checks.missing_capabilities)}): {_REMEDY}"
    )
    return codec.replace(rule, status="error", finding=reason, actual=None, expected=None)


def warnings(names: Sequence[str]) -> list[str]:
    """A warning that these rules are in error because their scripts lacked capabilities."""
    if not names:
        return []
    shown = listed(names, _MOST_NAMED)
    warning = (
        f"{len(names)} of the rules are checked by scripts that may not do all that they need "
        f"here, and are in error: {_REMEDY}: {shown}"
    )
    return [warning]
