"""`show`: one scan, one of its rules, or its fixes."""

import json
from pathlib import Path

import pytest

from schemas.report import RuleResult
from spool.spool import Spool
from tests.console.program import agent
from tests.ship.ship_spool import report, scan_id

RULES = tuple(
    RuleResult(rule_ref=f"xccdf_x_rule_{name}", title=name, status="fail", remediation=fix)
    for name, fix in (("umask", "umask 027"), ("login_umask", None), ("bash_umask", None))
)


@pytest.fixture
def scan(config: Path, tmp_path: Path) -> str:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(report(1, results=RULES))
    return scan_id(1)


def test_a_rule_is_named_by_its_id_or_by_an_end_that_is_its_alone(config: Path, scan: str) -> None:
    for name in ("umask", "xccdf_x_rule_umask"):
        found = json.loads(agent("show", scan, "--rule", name, "--json", config=config).stdout)
        assert found["rule_ref"] == "xccdf_x_rule_umask"
    assert "login_umask" in agent("show", scan, "--rule", "login_umask", config=config).stdout
    assert "has no rule none" in agent("show", scan, "--rule", "none", config=config, code=1).stderr


def test_a_rule_is_named_by_title_section_or_a_part_and_a_mistake_gets_suggestions(
    config: Path,
) -> None:
    rules = tuple(
        RuleResult(rule_ref=f"xccdf_x_rule_{name}", title=title, status="pass", section=section)
        for name, title, section in (
            ("sysctl_symlinks", "Ensure symlinks are protected", "1.5.1"),
            ("sysctl_hardlinks", "Ensure hard links are protected", "1.5.10"),
        )
    )
    spool = Spool(config.parent / "spool")
    spool.prepare()
    spool.reports.write(report(1, results=rules))
    for name in ("ensure symlinks are protected", "1.5.1", "symlinks", "sysctl_symlinks"):
        shown = agent("show", "last", "--rule", name, config=config).stdout
        assert "xccdf_x_rule_sysctl_symlinks" in shown
    failed = agent("show", "last", "--rule", "sysctl_symlink", config=config)
    assert "sysctl_symlinks" in failed.stdout
    suggested = agent("show", "last", "--rule", "sysctl_simlinks", config=config, code=1).stderr
    assert "did you mean sysctl_symlinks" in suggested
    both = agent("show", "last", "--rule", "protected", config=config, code=1).stderr
    assert "can mean 2 rules: sysctl_symlinks, sysctl_hardlinks" in both


def test_rules_are_listed_by_status_and_sorted(config: Path) -> None:
    rules = tuple(
        RuleResult(rule_ref=f"xccdf_x_rule_{name}", title=name, status=status, section=section)  # type: ignore[arg-type]
        for name, status, section in (
            ("bad", "fail", "1.10"),
            ("good", "pass", "1.9"),
            ("absent", "notapplicable", "1.2"),
        )
    )
    spool = Spool(config.parent / "spool")
    spool.prepare()
    spool.reports.write(report(1, results=rules))

    def listed(*options: str) -> list[str]:
        lines = agent("show", "last", *options, config=config).stdout.splitlines()
        header = max(n for n, line in enumerate(lines) if line.startswith("status "))
        return [line.split()[2] for line in lines[header + 1 :]]

    assert listed() == ["bad"]
    assert listed("--all", "--sort", "section") == ["absent", "good", "bad"]
    assert listed("--all", "--sort", "content") == ["bad", "good", "absent"]
    assert listed("--status", "pass,notapplicable", "--sort", "rule") == ["absent", "good"]
    wrong = agent("show", "last", "--status", "passed", config=config, code=2).stderr
    assert "must be one of pass, fail" in wrong


def test_an_end_of_more_than_one_rule_names_them_all(config: Path, scan: str) -> None:
    rules = tuple(
        RuleResult(rule_ref=f"xccdf_x_rule_{n}", title=n, status="fail") for n in ("a_end", "b_end")
    )
    spool = Spool(config.parent / "spool")
    spool.reports.write(report(2, results=rules))
    output = agent("show", scan_id(2), "--rule", "end", config=config, code=1).stderr
    assert "end can mean 2 rules: a_end, b_end" in output


def test_fixes_are_runnable_text_and_none_is_a_bad_answer_in_either_form(
    config: Path, scan: str
) -> None:
    assert "umask 027" in agent("show", scan, "--fix", "sh", config=config).stdout
    assert json.loads(agent("show", scan, "--fix", "sh", "--json", config=config).stdout) == {
        "xccdf_x_rule_umask": "umask 027"
    }
    assert (
        "none of the 3 failed rules has a fix for ansible"
        in agent("show", scan, "--fix", "ansible", config=config, code=1).stderr
    )
    failed = json.loads(
        agent("show", scan, "--fix", "ansible", "--json", config=config, code=1).stdout
    )
    assert failed["exit_code"] == 1


def test_the_slowest_rules_come_first_and_their_durations_add_up(config: Path) -> None:
    rules = tuple(
        RuleResult(
            rule_ref=f"xccdf_x_rule_{number}", title="t", status="pass", duration_s=number / 4
        )
        for number in range(14)
    )
    unknown = RuleResult(rule_ref="xccdf_x_rule_none", title="t", status="fail")
    spool = Spool(config.parent / "spool")
    spool.prepare()
    spool.reports.write(report(1, results=(*rules, unknown)))
    shown = agent("show", "last", "--slowest", config=config).stdout.splitlines()
    assert shown[1].split() == ["3.250", "s", "pass", "13", "t"]
    assert len(shown) == 12
    assert shown[-1] == "together 21.2 s; all rules took 22.8 s"
    found = json.loads(agent("show", "last", "--slowest", "--json", config=config).stdout)
    assert found[0] == {
        "rule_ref": "xccdf_x_rule_13",
        "title": "t",
        "status": "pass",
        "duration_s": 3.25,
    }


def test_a_scan_without_durations_has_no_slowest_rules(config: Path, scan: str) -> None:
    done = agent("show", scan, "--slowest", config=config, code=1)
    assert "did not report how long each rule took" in done.stderr
