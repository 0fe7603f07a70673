"""Comparing two scans: every changed rule is in one list, and "worse" is never missed."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from schemas import codec
from schemas.manifest import Content
from schemas.report import Report, RuleStatus
from stages.formats.compare import Comparison, compare, failure_ages
from stages.formats.comparison_views import (
    ages_text,
    comparison_html,
    comparison_text,
    render_comparison,
)
from stages.formats.source import FormatError
from tests.formats import reports
from tests.formats.reports import report, rule


def lists(comparison: Comparison) -> dict[str, list[str]]:
    """The lists that are not empty, with the short ids of their rules."""
    names = ("newly_failed", "fixed", "changed_finding", "changed_status", "added", "removed")
    found = {name: getattr(comparison, name) for name in names}
    return {
        name: [change.rule_ref.rpartition("_rule_")[2] for change in changes]
        for name, changes in found.items()
        if changes
    }


@pytest.mark.parametrize(
    ("before", "after", "expected", "worse"),
    [
        ("pass", "fail", "newly_failed", True),
        ("notapplicable", "fail", "newly_failed", True),
        ("pass", "error", "newly_failed", True),
        ("fail", "pass", "fixed", False),
        ("error", "pass", "fixed", False),
        ("fail", "notapplicable", "changed_status", False),
        ("fail", "skip", "changed_status", False),
        ("fail", "error", "changed_status", False),
        ("pass", "notapplicable", "changed_status", False),
        ("pass", "warn", "changed_status", False),
    ],
)
def test_a_change_of_status_is_in_one_list(
    before: RuleStatus, after: RuleStatus, expected: str, worse: bool
) -> None:
    comparison = compare(report(rule("a", before)), report(rule("a", after)))
    assert lists(comparison) == {expected: ["a"]}
    assert comparison.worse is worse


def test_equal_scans_have_no_change() -> None:
    same = reports.of_every_status()
    comparison = compare(same, same)
    assert lists(comparison) == {}
    assert not comparison.worse
    assert comparison.facts == ()


def test_a_failed_rule_with_another_finding_is_named() -> None:
    before = report(rule("a", "fail", finding="mode 0644"))
    after = report(rule("a", "fail", finding="mode 0666"))
    comparison = compare(before, after)
    assert lists(comparison) == {"changed_finding": ["a"]}
    assert comparison.changed_finding[0].finding_before == "mode 0644"
    assert not comparison.worse


def test_added_and_removed_rules_are_named_and_an_added_failure_is_worse() -> None:
    before = report(rule("a"), rule("gone", "fail"))
    after = report(rule("a"), rule("new"), rule("new_failure", "fail"))
    comparison = compare(before, after)
    assert lists(comparison) == {
        "newly_failed": ["new_failure"],
        "added": ["new"],
        "removed": ["gone"],
    }
    assert comparison.worse


def test_results_of_one_rule_are_matched_in_order() -> None:
    before = report(rule("a"), rule("a"), rule("a", "fail"))
    after = report(rule("a"), rule("a", "fail"), rule("a", "fail"))
    assert lists(compare(before, after)) == {"newly_failed": ["a"]}


def test_a_scan_that_failed_after_one_that_did_not_is_worse() -> None:
    comparison = compare(report(rule("a")), reports.failed_scan())
    assert comparison.worse
    assert lists(comparison) == {"removed": ["a"]}
    assert comparison.facts[-1].after == "failed"


def test_changed_content_profile_and_scanner_are_named() -> None:
    before = report(rule("a"))
    profile = codec.replace(before.profile, name="CIS Level 2", version="0.1.77")
    content = Content(
        path="/usr/share/xml/ssg-debian12-ds.xml", sha256="cd" * 32, source="installed"
    )
    after = codec.replace(before, profile=profile, content=content, scanner_version="1.4.2")
    names = [fact.name for fact in compare(before, after).facts]
    assert names == ["profile", "benchmark version", "content", "scanner version"]


def test_the_text_begins_with_the_verdict_and_shows_both_findings() -> None:
    before = report(rule("a", "fail", finding="mode 0644"), rule("b"))
    after = report(rule("a", "fail", finding="mode 0666"), rule("b", "fail", "high", finding="no"))
    text = comparison_text(compare(before, after))
    assert "Worse: 1 newly failed, 1 failed for another reason\n" in text
    assert "  high     Ensure b is right [b]\n      passed → failed\n      after   no\n" in text
    assert "      before  mode 0644\n      after   mode 0666\n" in text


def test_the_json_is_the_record() -> None:
    comparison = compare(report(rule("a")), report(rule("a", "fail")))
    written = json.loads(b"".join(render_comparison("json", comparison, "1")))
    assert written["worse"] is True
    assert written["newly_failed"][0]["status_after"] == "fail"


def test_the_page_escapes_hostile_text() -> None:
    html = comparison_html(compare(report(rule("a")), reports.hostile()), "1")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\u202e" not in html


def test_another_format_is_refused() -> None:
    with pytest.raises(FormatError, match="there are text, json, html"):
        list(render_comparison("csv", compare(report(), report()), "1"))


def course(*statuses: RuleStatus | None) -> list[Report]:
    """One scan a day, newest first; None is a scan that failed."""
    scans = []
    for day, status in enumerate(statuses):
        at = reports.STARTED + timedelta(days=day)
        results = () if status is None else (rule("a", status),)
        scan = report(*results, at=at, status="completed" if status else "failed")
        scans.append(scan)
    return scans[::-1]


def days(*statuses: RuleStatus | None) -> tuple[int, int | None]:
    """The day since when the rule fails, and the last good one."""
    (age,) = failure_ages(course(*statuses))
    good = (age.last_good.at - reports.STARTED).days if age.last_good else None
    return (age.failing_since.at - reports.STARTED).days, good


def test_a_failure_is_followed_back_to_the_last_scan_without_it() -> None:
    assert days("pass", "fail", "fail") == (1, 0)
    assert days("pass", "fail", "pass", "fail") == (3, 2)
    assert days("fail", "fail") == (0, None)
    assert days("notapplicable", "fail") == (1, 0)


def test_scans_that_show_nothing_of_the_rule_are_passed_over() -> None:
    assert days("pass", None, "fail") == (2, 0)
    assert days("pass", "error", "fail") == (2, 0)
    assert days("pass", "fail", "skip", "fail") == (1, 0)


def test_no_more_scans_are_read_than_needed() -> None:
    read = []

    def scans() -> Iterator[Report]:
        for scan in course("pass", "pass", "fail"):
            read.append(scan)
            yield scan

    failure_ages(scans())
    assert len(read) == 2


def test_another_version_and_another_fit_of_the_content_are_named() -> None:
    before = reports.report()
    assert before.content is not None
    content = codec.replace(before.content, version="0.1.77", fit="older")
    comparison = compare(before, codec.replace(before, content=content))
    assert [(fact.name, fact.before, fact.after) for fact in comparison.facts] == [
        ("content version", None, "0.1.77"),
        ("content fit", "unknown", "older"),
    ]
    assert "content version changed: none → 0.1.77" in comparison_text(comparison)


def test_changed_content_is_named_as_a_possible_cause() -> None:
    newest, older = course("pass", "fail")
    assert newest.content is not None
    content = codec.replace(newest.content, sha256="ef" * 32)
    ages = failure_ages([codec.replace(newest, content=content), older])
    assert "the content changed in between" in ages_text(ages)


def test_without_failures_there_is_nothing_to_report() -> None:
    assert ages_text(failure_ages(course("pass"))) == "no rule fails\n"
    assert failure_ages([]) == ()
