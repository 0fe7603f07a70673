"""Both scores, under the same two names in every format."""

import re

import pytest

from schemas.report import RuleStatus, summarize
from stages.formats import registry
from stages.formats.compare import compare
from stages.formats.comparison_views import comparison_html, comparison_text
from stages.formats.metrics import openmetrics
from stages.formats.metrics_records import MetricsSnapshot, profile_metrics
from tests.formats import reports

SCORE, APPLICABLE = "4.76", "8.33"
NAMES = re.compile(r"applicable[ _-]?score", re.IGNORECASE)

SUMMARIES: dict[tuple[RuleStatus, ...], tuple[float, float | None]] = {
    (): (0.0, None),
    ("pass",): (100.0, 100.0),
    ("pass", "fail", "notapplicable", "skip"): (25.0, 50.0),
    ("pass", "fail", "error", "warn"): (25.0, 25.0),
    ("notapplicable", "skip"): (0.0, None),
    ("pass", "pass", "fail"): (66.67, 66.67),
}


@pytest.mark.parametrize("statuses", SUMMARIES)
def test_one_counts_all_rules_and_one_those_that_apply(statuses: tuple[RuleStatus, ...]) -> None:
    results = tuple(reports.rule(f"r{n}", status) for n, status in enumerate(statuses))
    summary = summarize(results)
    assert (summary.score, summary.applicable_score) == SUMMARIES[statuses]


@pytest.mark.parametrize("key", registry.names())
def test_every_format_gives_both_scores(key: str) -> None:
    written = b"".join(registry.render(key, reports.source(reports.of_every_status()))).decode()
    assert NAMES.search(written)
    for value in (SCORE, APPLICABLE):
        assert value in written


def test_comparison_and_metrics_give_both_scores() -> None:
    report = reports.of_every_status()
    comparison = compare(report, report)
    snapshot = MetricsSnapshot(agent_version="1", profiles=[profile_metrics(report, report)])
    for text in (
        comparison_text(comparison),
        comparison_html(comparison, "1"),
        openmetrics(snapshot).decode(),
    ):
        assert NAMES.search(text)
        assert SCORE in text
        assert APPLICABLE in text
