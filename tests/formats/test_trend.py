"""The trend of a profile."""

import csv
import io
from datetime import timedelta

from schemas import codec
from stages.formats import trend
from stages.formats.trend import Trend, TrendPoint
from tests.formats import reports


def points() -> tuple[TrendPoint, ...]:
    results = [reports.rule(f"r{n}", "fail", "high") for n in range(4)]
    scans = []
    for day in range(5):
        passed = [reports.rule(f"p{n}") for n in range(day)]
        at = reports.STARTED + timedelta(days=day)
        scans.append(reports.report(*passed, *results[day:], at=at))
    scans.insert(2, reports.failed_scan())
    return tuple(trend.trend_point(report) for report in scans)


def test_a_failed_scan_is_a_gap_and_no_zero() -> None:
    point = trend.trend_point(reports.failed_scan())
    assert (point.score, point.status) == (None, "failed")


def test_a_scan_of_failed_rules_alone_has_score_zero() -> None:
    assert points()[0].score == 0.0


def test_the_sparkline_rises_from_the_lowest_block_to_the_highest() -> None:
    assert trend.sparkline([0.0, 50.0, None, 100.0]) == "▁▅·█"
    assert trend.sparkline([]) == ""
    assert trend.sparkline([0.0], high=0.0) == "█"


def test_the_text_has_a_line_per_scan() -> None:
    text = trend.trend_text(Trend(scanner="openscap", profile="CIS", points=points()))
    assert "▁▃·▅▆█" in text
    assert "0.00 % to 100.00 %" in text
    assert "4 failed (4 high)" in text
    assert text.count("2026-11-") == 6


def test_a_profile_without_a_score_says_so() -> None:
    assert "no kept scan has a score" in trend.trend_text(
        Trend(scanner="openscap", profile="CIS", points=())
    )


def test_the_csv_has_a_row_per_scan() -> None:
    text = trend.trend_csv([Trend(scanner="openscap", profile="=CIS", points=points())])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["profile"] for row in rows} == {"'=CIS"}
    assert [row["failed_high"] for row in rows] == ["4", "3", "0", "2", "1", "0"]
    assert [row["score"] for row in rows] == ["0.0", "25.0", "", "50.0", "75.0", "100.0"]


def test_each_profile_has_a_trend_of_its_own() -> None:
    other = codec.replace(reports.PROFILE, name="CIS Level 2")
    scans = [reports.report(), reports.report(profile=other), reports.report()]
    found = [(each.profile, len(each.points)) for each in trend.trends(scans)]
    assert found == [("CIS Level 1 Server", 2), ("CIS Level 2", 1)]
