"""Checks to rule results.

The scanner has no descriptions: that of a rule is made from its check, its group and the impact of
its remediation. A failed check without details has a finding that says so.

Source: the agent specification's `mapDockerBenchStatus` and `inferSeverity`.
"""

from collections.abc import Iterable, Mapping

from schemas.numbers import whole_number
from schemas.report import RuleResult, RuleStatus, Severity
from stages.scanners.docker_bench.reading.bench_output import (
    BenchCheck,
    BenchOutput,
    BenchResult,
)
from stages.scanners.docker_bench.reading.finding_text import bounded
from stages.scanners.secrets import masked_text
from stages.scanners.shown_text import plain_characters, short_section, without_number

_STATUS: Mapping[BenchResult, RuleStatus] = {
    BenchResult.MISSING: "error",
    BenchResult.PASS: "pass",
    BenchResult.NOTE: "skip",
    BenchResult.INFO: "warn",
    BenchResult.WARN: "fail",
}
_HIGH_SEVERITY = ("1.", "2.", "5.")

# The benchmark's own names: with `-c` the scanner prints checks without their group.
_SECTIONS = {
    "1": "Host Configuration",
    "2": "Docker daemon configuration",
    "3": "Docker daemon configuration files",
    "4": "Container Images and Build File",
    "5": "Container Runtime",
    "6": "Docker Security Operations",
    "7": "Docker Swarm Configuration",
    "8": "Docker Enterprise Configuration",
    "C": "Community contributed checks",
}


def rule_results(output: BenchOutput) -> tuple[RuleResult, ...]:
    """Every check once, in the benchmark's order."""
    checks = sorted(output.checks.values(), key=lambda check: _order(check.id))
    return tuple(_rule_result(check, output.sections) for check in checks)


def _rule_result(check: BenchCheck, sections: Mapping[str, str]) -> RuleResult:
    title = without_number(plain_characters(check.title or ""), check.id) or f"Check {check.id}"
    section = _section(check, sections)
    return RuleResult(
        rule_ref=check.id,
        title=title,
        status=_STATUS[check.result],
        severity=_severity(check.id),
        section=short_section(section),
        description=_masked(_description(check, title, section)),
        finding=_masked(bounded(_each_line_once(_findings(check, title)))),
        remediation=_masked(check.remediation),
        advice=check.remediation is not None,
    )


def _findings(check: BenchCheck, title: str) -> list[str]:
    findings = [plain_characters(text) for text in check.findings]
    if check.result is BenchResult.MISSING:
        return ["the output holds no result of this check", *findings]
    if check.result is BenchResult.WARN and not findings:
        return [f"the check printed WARN without details; not fulfilled: {title}"]
    return findings


def _description(check: BenchCheck, title: str, section: str) -> str:
    text = f"{title}. Check {check.id} of the CIS Docker Benchmark, section {section}."
    if check.impact:
        text += f"\n\nImpact of the remediation: {check.impact}"
    return text


def _masked(text: str | None) -> str | None:
    """Names and details come from the host and may hold a secret: `--env DB_PASSWORD=…`."""
    if text is None:
        return None
    return masked_text(text)


def _each_line_once(findings: Iterable[str]) -> list[str]:
    """Several results of one check may list the same items."""
    lines: dict[str, None] = {}
    for text in findings:
        lines |= dict.fromkeys(text.split("\n"))
    return list(lines)


def _severity(number: str) -> Severity:
    if number.startswith(_HIGH_SEVERITY):
        return "high"
    return "medium"


def _section(check: BenchCheck, sections: Mapping[str, str]) -> str:
    number = check.group or check.id.split(".", 1)[0]
    name = sections.get(number, _SECTIONS.get(number))
    if name is None:
        return number
    return f"{number} - {name}"


def _order(number: str) -> list[tuple[int, int, str]]:
    """1.9 before 1.10, numbers before letters."""
    return [_part_order(part) for part in number.split(".")]


def _part_order(part: str) -> tuple[int, int, str]:
    number = whole_number(part)
    if number is None:
        return (1, 0, part)
    return (0, number, "")
