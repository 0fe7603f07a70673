"""OSCAL: valid against NIST's model, observations for all rules, findings by control."""

import json
from typing import Any

import pytest
from oscal_bindings import parse_oscal

from schemas import codec
from schemas.report import Reference, Report
from stages.formats import as_oscal
from tests.formats import reports

REPORTS = {
    "every status": reports.of_every_status(),
    "hostile": reports.hostile(),
    "failed scan": reports.failed_scan(),
    "no rules": reports.report(),
    "loose files": codec.replace(reports.of_every_status(), scan_id=None),
}


def written(report: Report) -> bytes:
    return b"".join(as_oscal.render(reports.source(report)))


def result(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(report))["assessment-results"]["results"][0]
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_the_document_is_valid_against_the_model(name: str) -> None:
    parse_oscal(written(REPORTS[name]))


def test_a_document_that_breaks_the_model_is_noticed() -> None:
    broken = written(reports.report()).replace(b'"start"', b'"begin"')
    with pytest.raises(Exception, match="validation error"):
        parse_oscal(broken)


def test_identifiers_differ_and_references_lead_to_them() -> None:
    found = result(reports.of_every_status())
    observations = [each["uuid"] for each in found["observations"]]
    assert len(set(observations)) == 21
    for finding in found["findings"]:
        for related in finding["related-observations"]:
            assert related["observation-uuid"] in observations


def test_rules_of_one_control_are_one_finding() -> None:
    passed, failed = reports.rule("a"), reports.rule("b", "fail")
    found = result(reports.report(passed, failed))
    (finding,) = found["findings"]
    assert finding["target"]["target-id"] == "ac-6.1_smt"
    assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    assert finding["description"] == "1 of 2 applicable rules passed"
    assert found["reviewed-controls"] == {
        "control-selections": [{"include-controls": [{"control-id": "ac-6.1"}]}]
    }


def test_a_control_whose_rules_all_pass_is_satisfied() -> None:
    (finding,) = result(reports.report(reports.rule("a")))["findings"]
    assert finding["target"]["status"]["state"] == "satisfied"


def test_a_control_that_was_not_evaluated_is_not_satisfied() -> None:
    (finding,) = result(reports.report(reports.rule("a"), reports.rule("b", "error")))["findings"]
    assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "other"}


def test_a_control_without_an_applicable_rule_has_no_finding() -> None:
    assert "findings" not in result(reports.report(reports.rule("a", "notapplicable")))


def test_a_failed_rule_without_a_control_is_a_finding_of_its_own() -> None:
    other = (Reference(standard="CIS Docker", id="1.1.3"),)
    rule = codec.replace(reports.rule("1.1.3", "fail"), references=other)
    found = result(reports.report(rule))
    assert found["findings"][0]["target"]["target-id"] == "rule-1.1.3"
    assert found["reviewed-controls"] == {"control-selections": [{"include-all": {}}]}


def test_markdown_and_markup_of_the_scanner_are_escaped() -> None:
    assert as_oscal.markdown("<b>*x*</b>") == r"&lt;b&gt;\*x\*&lt;/b&gt;"
