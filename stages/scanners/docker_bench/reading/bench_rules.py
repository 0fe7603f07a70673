"""Checks to rule results.

Source: the agent specification's `mapDockerBenchStatus` and `inferSeverity`.
"""

from collections.abc import Iterable, Mapping

from schemas.report import RuleResult, RuleStatus, Severity
from stages.scanners.docker_bench.reading.bench_output import BenchCheck, BenchOutput
from stages.scanners.docker_bench.reading.finding_text import bounded
from stages.scanners.secrets import masked_text

_STATUS: dict[str, RuleStatus] = {"PASS": "pass", "WARN": "fail", "INFO": "warn", "NOTE": "skip"}
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
    status: RuleStatus = "error"
    findings = ["the output holds no result of this check", *check.findings]
    if check.result is not None:
        status = _STATUS.get(check.result, "skip")
        findings = list(check.findings)
    return RuleResult(
        rule_ref=check.id,
        title=check.title or f"Check {check.id}",
        status=status,
        severity=_severity(check.id),
        section=_section(check, sections),
        finding=_masked(bounded(_each_line_once(findings))),
        remediation=_masked(_remediation(check)),
        advice=check.remediation is not None,
    )


def _masked(text: str | None) -> str | None:
    """Names and details are chosen on the host: `--env DB_PASSWORD=…` may be among them."""
    if text is None:
        return None
    return masked_text(text)


def _each_line_once(findings: Iterable[str]) -> list[str]:
    """Several results of one check may list the same items."""
    lines = [line for text in findings for line in text.split("\n")]
    return list(dict.fromkeys(lines))


def _severity(number: str) -> Severity:
    if number.startswith(_HIGH_SEVERITY):
        return "high"
    return "medium"


def _section(check: BenchCheck, sections: Mapping[str, str]) -> str:
    number = check.group or check.id.split(".", 1)[0]
    name = sections.get(number) or _SECTIONS.get(number)
    if name is None:
        return number
    return f"{number} - {name}"


def _remediation(check: BenchCheck) -> str | None:
    if check.remediation and check.impact:
        return f"{check.remediation}\nImpact: {check.impact}"
    return check.remediation


def _order(number: str) -> list[tuple[int, int, str]]:
    """1.9 before 1.10, numbers before letters."""
    return [_part_order(part) for part in number.split(".")]


def _part_order(part: str) -> tuple[int, int, str]:
    if part.isdecimal():
        return (0, int(part), "")
    return (1, 0, part)
