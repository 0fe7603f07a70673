"""The HTML report: what is in the page, without a browser."""

import re
from pathlib import Path

import pytest

from schemas import codec
from schemas.report import Reference, Report
from stages.formats import as_html
from stages.formats.source import ReportSource
from stages.formats.trend import trend_point
from tests.console.program import agent
from tests.formats import reports


def page(report: Report) -> str:
    return b"".join(as_html.render(reports.source(report))).decode()


def test_the_headline_counts_failures_and_their_severity() -> None:
    assert as_html.headline(reports.of_every_status()) == (
        "2 of 12 applicable rules failed, 2 of high or critical severity. "
        "6 rules could not be evaluated. 3 rules ended with a warning."
    )


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        (
            reports.failed_scan(),
            "The scan failed: it shows nothing about the compliance of this host.",
        ),
        (reports.report(), "The scan evaluated no rule."),
        (reports.report(reports.rule("a", "notapplicable")), "No rule applies to this host."),
        (reports.report(reports.rule("a")), "The only applicable rule did not fail."),
    ],
)
def test_the_headline_never_calls_silence_clean(report: Report, headline: str) -> None:
    assert as_html.headline(report) == headline


def test_both_scores_are_named_with_their_meaning() -> None:
    html = page(reports.report(reports.rule("a"), reports.rule("b", "notapplicable")))
    assert "100.00 %" in html
    assert "1 of the 1 rules that apply to this host passed" in html
    assert "50.00 %" in html
    assert "1 of all 2 rules passed, also counting those that are skipped or do not apply" in html


def test_warnings_come_before_the_rules() -> None:
    html = page(reports.of_every_status())
    assert html.index("2 rules of the profile were dropped") < html.index('class="rule"')


def test_the_page_names_host_profile_content_and_requester() -> None:
    html = page(reports.of_every_status())
    for text in (
        "web-01",
        "CIS Level 1 Server",
        "0.1.76",
        "ssg-debian12-ds.xml",
        "by the schedule",
    ):
        assert text in html


def test_the_page_refers_to_nothing_outside() -> None:
    html = page(reports.of_every_status())
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b", html)
    assert not re.search(r"""\b(src|srcset|action|poster)\s*=""", html.split("<script>")[0])
    assert "@import" not in html
    assert "url(" not in html


def test_a_reference_is_a_link_only_where_it_is_a_web_address() -> None:
    references = (
        Reference(standard="javascript:alert(1)", id="1"),
        Reference(standard="https://nvd.nist.gov/800-53", id="AC-6"),
    )
    rule = reports.rule("a", "fail")
    html = page(reports.report(codec.replace(rule, references=references)))
    assert 'href="javascript:' not in html
    assert '<a href="https://nvd.nist.gov/800-53" rel="noopener noreferrer">NIST 800-53</a>' in html


def test_results_of_one_rule_have_links_of_their_own() -> None:
    html = page(reports.report(*[reports.rule("same", "fail") for _ in range(3)]))
    anchors = re.findall(r'class="rule" id="([^"]+)"', html)
    assert anchors == ["rule-same", "rule-same-2", "rule-same-3"]


def test_partial_results_of_a_failed_scan_are_shown_failed_ones_first() -> None:
    partial = (reports.rule("a", "pass"), reports.rule("b", "fail"))
    html = page(codec.replace(reports.failed_scan(), partial_results=partial))
    assert "They are not counted and not part of any score." in html
    assert html.index("Ensure b is right") < html.index("Ensure a is right")
    assert "This scan has no results of rules." not in html


def test_the_trend_is_drawn_from_two_scores_on() -> None:
    report = reports.of_every_status()
    point = trend_point(report)
    source = ReportSource(report=report, agent_version="1", history=(point, point))
    assert "<polyline" in b"".join(as_html.render(source)).decode()
    assert "<polyline" not in page(report)


def test_the_page_is_at_most_half_as_large_again_as_the_json() -> None:
    """With texts of the length that they have in the SCAP Security Guide."""
    ordinary = reports.of_every_status()
    rules = tuple(
        codec.replace(
            result,
            rule_ref=f"{result.rule_ref}_{number}",
            description="A sentence of a description. " * 20,
            rationale="A sentence of a rationale. " * 12,
        )
        for number in range(20)
        for result in ordinary.results
    )
    report = codec.replace(ordinary, results=rules)
    assert len(page(report).encode()) <= 1.5 * len(codec.pretty(report))


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["oscap-1.3.7-debian12-standard/arf.xml.xz", "docker-bench-1.6.0/bench.log.json"]
)
def test_the_page_of_a_captured_scan_is_no_larger_either(captures: Path, name: str) -> None:
    path = str(captures / name)
    html = agent("parse", path, "--format", "html").stdout
    assert len(html.encode()) <= 1.5 * len(agent("parse", path, "--json").stdout.encode())
