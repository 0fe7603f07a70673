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


def test_an_end_of_more_than_one_rule_names_them_all(config: Path, scan: str) -> None:
    rules = tuple(
        RuleResult(rule_ref=f"xccdf_x_rule_{n}", title=n, status="fail") for n in ("a_end", "b_end")
    )
    spool = Spool(config.parent / "spool")
    spool.reports.write(report(2, results=rules))
    told = agent("show", scan_id(2), "--rule", "end", config=config, code=1).stderr
    assert "xccdf_x_rule_a_end, xccdf_x_rule_b_end" in told


def test_fixes_are_runnable_text_and_none_is_a_bad_answer_in_either_form(
    config: Path, scan: str
) -> None:
    assert "umask 027" in agent("show", scan, "--fix", "sh", config=config).stdout
    assert json.loads(agent("show", scan, "--fix", "sh", "--json", config=config).stdout) == {
        "xccdf_x_rule_umask": "umask 027"
    }
    assert (
        "no ansible fix for the 3 failed rules"
        in agent("show", scan, "--fix", "ansible", config=config, code=1).stderr
    )
    failed = json.loads(
        agent("show", scan, "--fix", "ansible", "--json", config=config, code=1).stdout
    )
    assert failed["exit_code"] == 1
