"""A waived rule in every format: neither a failure nor silently gone."""

import json
from datetime import date

import pytest

from schemas import codec
from schemas.report import AppliedWaiver, Report, RuleResult
from stages.formats import as_html, as_junit, as_oscal, as_sarif, as_text
from stages.formats.compare import compare
from stages.formats.metrics_records import profile_metrics
from tests.formats import reports
from tests.formats.reports import rule

WAIVER = AppliedWaiver(
    reason="legacy <host>",
    approved_by="Ann",
    ticket="OPS-7",
    expires=date(2027, 3, 31),
    status="fail",
)


def waived_rule(name: str = "umask", waiver: AppliedWaiver = WAIVER) -> RuleResult:
    finding = "waived until 2027-03-31 by Ann: legacy <host> (OPS-7). UMASK is 022"
    return codec.replace(rule(name, "skip", "high", finding=finding), waiver=waiver)


def report(*results: RuleResult, digest: str = "a" * 64) -> Report:
    return codec.replace(reports.report(*results), waivers=digest)


def rendered(module: object, shown: Report) -> str:
    chunks = module.render(reports.source(shown))  # type: ignore[attr-defined]
    return b"".join(chunks).decode()


def test_sarif_has_the_failure_with_its_suppression() -> None:
    run = json.loads(rendered(as_sarif, report(waived_rule(), rule("other", "fail"))))["runs"][0]
    waived, failed = run["results"]
    assert (waived["kind"], waived["level"]) == ("fail", "error")
    assert waived["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "legacy <host>",
            "properties": {"approvedBy": "Ann", "ticket": "OPS-7", "expires": "2027-03-31"},
        }
    ]
    assert waived["properties"]["status"] == "skip"
    assert "suppressions" not in failed


def test_junit_skips_the_case_with_the_approval() -> None:
    text = rendered(as_junit, report(waived_rule()))
    assert 'failures="0"' in text
    assert "waived until 2027-03-31 by Ann: legacy &lt;host&gt;" in text


def test_the_page_shows_the_approval_escaped() -> None:
    assert "waived until 2027-03-31 by Ann: legacy &lt;host&gt;" in rendered(
        as_html, report(waived_rule())
    )


@pytest.mark.parametrize("module", [as_text, as_html, as_junit, as_oscal])
def test_a_report_names_the_number_of_waived_rules_and_the_waivers(module: object) -> None:
    text = rendered(module, report(waived_rule(), rule("other", "fail")))
    assert f"1 rule (SHA-256 of the waivers: {'a' * 64})" in text


def test_sarif_has_both_as_properties() -> None:
    shown = rendered(as_sarif, report(rule("other")))
    properties = json.loads(shown)["runs"][0]["properties"]
    assert properties["waivers"] == {"sha256": "a" * 64, "rules": 0}


def test_a_comparison_names_changed_waivers() -> None:
    before = report(rule("umask", "fail", "high"))
    after = report(waived_rule(), digest="b" * 64)
    (change,) = compare(codec.replace(before, waivers=None), after).facts
    assert change.name == "waivers"
    assert (change.before, change.after) == (None, "1 waived (sha256 bbbbbbbbbbbb)")


def test_the_metrics_count_waived_rules_and_know_the_first_that_expires() -> None:
    later = codec.replace(WAIVER, expires=date(2028, 1, 1))
    shown = report(waived_rule("a", later), waived_rule("b"), rule("c", "fail"))
    metrics = profile_metrics(shown, shown)
    assert (metrics.waived, metrics.waiver_expires) == (2, date(2027, 3, 31))
    assert dict(metrics.failed)["high"] == 0


def test_an_open_ended_waiver_has_no_expiry() -> None:
    shown = report(waived_rule("a", codec.replace(WAIVER, expires=None)))
    assert profile_metrics(shown, shown).waiver_expires is None
