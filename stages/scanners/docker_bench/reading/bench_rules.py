"""Checks to rule results. Source: the agent specification's `mapDockerBenchStatus` and `inferSeverity`."""

from schemas.report import RuleResult, RuleStatus, Severity
from stages.scanners.docker_bench.reading.bench_output import Check, Output
from stages.scanners.docker_bench.reading.finding_text import bounded

_STATUS: dict[str, RuleStatus] = {"PASS": "pass", "WARN": "fail", "INFO": "warn", "NOTE": "skip"}

# The benchmark's own names: with `-c` the scanner prints checks without their group.
_GROUPS = {
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


def rule_results(output: Output) -> tuple[RuleResult, ...]:
    """Every check once, in the benchmark's order."""
    checks = sorted(output.checks.values(), key=lambda check: _order(check.id))
    return tuple(_rule_result(check, output.sections) for check in checks)


def _rule_result(check: Check, sections: dict[str, str]) -> RuleResult:
    found = bounded(check.findings)
    if check.word is None:
        found = bounded(["the output holds no result of this check", *check.findings])
    return RuleResult(
        rule_ref=check.id,
        title=check.title or f"Check {check.id}",
        status="error" if check.word is None else _STATUS.get(check.word, "skip"),
        severity=_severity(check.id),
        section=_section(check, sections),
        finding=found,
        remediation=_remediation(check),
        advice=check.remediation is not None,
    )


def _severity(number: str) -> Severity:
    return "high" if number.startswith(("1.", "2.", "5.")) else "medium"


def _section(check: Check, sections: dict[str, str]) -> str:
    number = check.group or check.id.split(".", 1)[0]
    name = sections.get(number) or _GROUPS.get(number)
    return f"{number} - {name}" if name else number


def _remediation(check: Check) -> str | None:
    if check.remediation and check.impact:
        return f"{check.remediation}\nImpact: {check.impact}"
    return check.remediation


def _order(number: str) -> list[tuple[int, int, str]]:
    """1.9 before 1.10, numbers before letters."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in number.split(".")]
