"""Reports for the tests of formats: ordinary, hostile, empty, large."""

from datetime import UTC, datetime, timedelta

from schemas.ids import ScanId
from schemas.manifest import Content
from schemas.report import (
    Fix,
    Profile,
    Reference,
    Report,
    RuleResult,
    RuleStatus,
    ScanStatus,
    Severity,
    summarize,
)
from schemas.request import Reason
from stages.formats.source import ReportSource

STARTED = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)
SCAN_ID = ScanId("20261123T060301Z-openscap-3f9c2a17")
PROFILE = Profile(
    name="CIS Level 1 Server",
    type="openscap",
    id="xccdf_org.ssgproject.content_profile_cis_level1_server",
    version="0.1.76",
)
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\x00\x1b[31m\u202egpj.exe\u202c"
FORMULA = "=cmd|' /C calc'!A0"


def rule(
    name: str,
    status: RuleStatus = "pass",
    severity: Severity = "medium",
    *,
    section: str | None = "System Settings > Accounts",
    finding: str | None = None,
    actual: str | None = None,
    expected: str | None = None,
    title: str | None = None,
    remediation: str | None = None,
) -> RuleResult:
    return RuleResult(
        rule_ref=f"xccdf_org.ssgproject.content_rule_{name}",
        title=title or f"Ensure {name} is right",
        status=status,
        severity=severity,
        section=section,
        description=f"What {name} is.",
        rationale=f"Why {name} matters.",
        finding=finding,
        actual=actual,
        expected=expected,
        remediation=remediation,
        references=(Reference(standard="https://nvd.nist.gov/800-53", id="AC-6(1)"),),
        other_fixes=(Fix(system="ansible", text=f"- name: {name}"),) if status == "fail" else (),
    )


def report(
    *results: RuleResult,
    status: ScanStatus = "completed",
    error: str | None = None,
    warnings: tuple[str, ...] = (),
    scan_id: ScanId | None = SCAN_ID,
    profile: Profile = PROFILE,
    at: datetime = STARTED,
) -> Report:
    return Report(
        scan_id=scan_id,
        profile=profile,
        status=status,
        error=error,
        started_at=at,
        completed_at=at + timedelta(seconds=42),
        summary=summarize(results),
        results=results,
        warnings=warnings,
        reasons=(Reason(source="schedule", at=at, detail="0 6 * * *"),),
        scanner_version="1.3.7",
        content=Content(
            path="/usr/share/xml/ssg-debian12-ds.xml", sha256="ab" * 32, source="installed"
        ),
    )


def of_every_status() -> Report:
    """One to six results of each status, so that no two counts are equal."""
    statuses: tuple[RuleStatus, ...] = ("pass", "fail", "warn", "skip", "notapplicable", "error")
    severities: tuple[Severity, ...] = ("critical", "high", "medium", "low", "unknown")
    results: list[RuleResult] = []
    for count, status in enumerate(statuses, 1):
        results += [_detailed(status, severities, count, number) for number in range(count)]
    return report(*results, warnings=("2 rules of the profile were dropped",))


def _detailed(
    status: RuleStatus, severities: tuple[Severity, ...], chapter: int, number: int
) -> RuleResult:
    return rule(
        f"{status}_{number}",
        status,
        severities[number % len(severities)],
        section=f"1.{chapter}.{number + 1}",
        finding=f"/etc/ssh/sshd_config: PermitRootLogin is yes ({number})",
        expected="PermitRootLogin no",
        actual="PermitRootLogin yes",
        remediation="sed -i 's/yes/no/' /etc/ssh/sshd_config",
    )


def hostile() -> Report:
    """Markup, formulas, control characters and right-to-left marks in every text of a scanner."""
    results = (
        rule(
            HOSTILE,
            "fail",
            "critical",
            title=HOSTILE,
            section=HOSTILE,
            finding=HOSTILE,
            actual=HOSTILE,
            expected=HOSTILE,
            remediation=HOSTILE,
        ),
        rule(FORMULA, "fail", title=FORMULA, section=FORMULA, finding=FORMULA, remediation=FORMULA),
        rule("]]>", "error", title="]]>", finding="--> ]]> </style></title>"),
    )
    profile = Profile(name=HOSTILE, type="openscap", id=HOSTILE, version=FORMULA)
    return report(*results, warnings=(HOSTILE, FORMULA), profile=profile)


def failed_scan() -> Report:
    """A scan that ended before it began."""
    return report(status="failed", error="the content has no profile cis_level9")


def large(rules: int, finding_bytes: int = 40) -> Report:
    """Many rules, every third one failed, with findings of that size."""
    statuses: tuple[RuleStatus, ...] = ("pass", "fail", "notapplicable")
    results = [
        rule(
            f"rule_{number}",
            statuses[number % 3],
            ("high", "medium", "low")[number % 3],
            section=f"{number // 100 + 1}.{number // 10 % 10 + 1}.{number % 10 + 1}",
            finding="x" * finding_bytes if number % 3 == 1 else None,
        )
        for number in range(rules)
    ]
    return report(*results)


def source(of: Report) -> ReportSource:
    return ReportSource(report=of, agent_version="1.0", host="web-01")
