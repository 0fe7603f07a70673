"""`show --fix`: the fixes of what failed, of one rule, and why there is none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import ScanId
from schemas.report import Fix, Profile, Report, RuleResult, RuleStatus, summarize
from spool.spool import Spool
from stages.console.main import main
from stages.runtime.exits import Exit

SCAN = ScanId("20261123T060301Z-openscap-3f9c2a17")
AT = datetime(2026, 11, 23, tzinfo=UTC)


def rule(name: str, status: RuleStatus, *systems: str) -> RuleResult:
    fixes = tuple(
        Fix(system=system, text=f"{system} of {name}") for system in systems if system != "sh"
    )
    shell = f"sh of {name}\n  indented" if "sh" in systems else None
    advice = "advice" in systems
    return RuleResult(
        rule_ref=f"org_rule_{name}",
        title=name,
        status=status,
        remediation="Ask somebody." if advice else shell,
        advice=advice,
        other_fixes=() if advice else fixes,
    )


class Show:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._config, self._capsys = root / "config.yml", capsys
        self._config.write_text(f"spool: {{path: {root}/spool}}\nruntime_dir: {root}/run\n")
        rules = (
            rule("failed", "fail", "sh", "ansible"),
            rule("poor", "fail", "sh"),
            rule("passed", "pass", "sh"),
            rule("absent", "notapplicable"),
            rule("broken", "error", "puppet"),
            rule("advised", "fail", "advice"),
        )
        profile = Profile(name="Standard", type="openscap")
        report = Report(
            scan_id=SCAN,
            profile=profile,
            status="completed",
            started_at=AT,
            completed_at=AT,
            summary=summarize(rules),
            results=rules,
        )
        spool = Spool(root / "spool")
        spool.prepare()
        spool.reports.write(report)

    def __call__(self, *message: str, expect: Exit = Exit.OK) -> str:
        code = main(["show", "--config", str(self._config), str(SCAN), *message])
        captured = self._capsys.readouterr()
        assert code == expect, captured.err
        return captured.out + captured.err


@pytest.fixture
def show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    return Show(tmp_path, capsys)


def test_the_fixes_of_all_failed_rules_are_printed_as_they_are(show: Show) -> None:
    assert show("--fix", "sh") == (
        "# org_rule_failed\nsh of failed\n  indented\n\n# org_rule_poor\nsh of poor\n  indented\n\n"
    )
    assert show("--fix", "ansible") == "# org_rule_failed\nansible of failed\n\n"


def test_the_fix_of_one_rule_is_printed_whatever_became_of_it(show: Show) -> None:
    assert "sh of passed" in show("--rule", "passed", "--fix", "sh")
    assert "puppet of broken" in show("--rule", "broken", "--fix", "puppet")


@pytest.mark.parametrize(
    ("message", "output"),
    [
        (
            ("--rule", "passed", "--fix", "ansible"),
            "org_rule_passed passed: the report keeps only the sh fix",
        ),
        (
            ("--rule", "absent", "--fix", "ansible"),
            "org_rule_absent does not apply here: the report keeps",
        ),
        (
            ("--rule", "absent", "--fix", "sh"),
            "org_rule_absent has no fix",
        ),
        (
            ("--rule", "advised", "--fix", "sh"),
            "org_rule_advised has no sh fix; it has advice as text, without --fix",
        ),
        (
            ("--rule", "failed", "--fix", "puppet"),
            "org_rule_failed has no puppet fix; it has sh, ansible",
        ),
        (("--fix", "puppet"), "none of the 3 failed rules has a fix for puppet"),
    ],
)
def test_a_missing_fix_is_reported_with_the_reason(
    show: Show, message: tuple[str, ...], output: str
) -> None:
    assert output in show(*message, expect=Exit.NO)
