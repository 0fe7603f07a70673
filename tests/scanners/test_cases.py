"""Every case of a directory outside the project gives the answer that is written beside it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.report import Report, RuleResult
from stages.scanners.docker_bench.reading import read_docker_bench
from stages.scanners.openscap.openscap_report import read_openscap

pytestmark = pytest.mark.shared

FILE_TIME = datetime(2026, 11, 26, tzinfo=UTC)
TESTED = {
    "docker-json-mixed-layout.json",
    "docker-log-date-offset.log",
    "docker-log-two-runs.log",
    "evidence-value-lost-arf.xml",
    "one-rule-four-results-arf.xml",
    "overmasked-arf.xml",
    "secret-nested-assignment-arf.xml",
}
TESTED_ELSEWHERE = {
    "cron-star-in-day-of-month.txt",
    "rules-dropped-ds.xml",
    "two-checklists-ds.xml",
}


def bench(json_output: Path | None, log: Path | None) -> Report:
    return read_docker_bench(
        json_output.read_bytes() if json_output else None,
        log.read_bytes() if log else None,
        at=FILE_TIME,
    )


def arf(path: Path) -> Report:
    return read_openscap(None, lambda: path.open("rb"))


def rule(report: Report, name: str) -> RuleResult:
    return next(result for result in report.results if result.rule_ref.endswith(name))


def statuses(report: Report) -> dict[str, str]:
    return {result.rule_ref: result.status for result in report.results}


def texts(result: RuleResult) -> str:
    return "\n".join(filter(None, (result.finding, result.actual, result.expected)))


def test_every_case_is_tested(cases: Path) -> None:
    known = {path.name.removesuffix(".expected") for path in cases.glob("*.expected")}
    assert known == TESTED | TESTED_ELSEWHERE


def test_json_of_a_mixed_layout(cases: Path) -> None:
    report = bench(cases / "docker-json-mixed-layout.json", None)
    assert statuses(report) == {"2.1": "fail", "2.2": "pass", "2.3": "warn", "2.4": "fail"}
    assert (report.read_from, report.warnings) == ("JSON", ())


def test_a_log_with_a_date_and_its_offset(cases: Path) -> None:
    report = bench(None, cases / "docker-log-date-offset.log")
    assert report.started_at == datetime(2021, 3, 4, 14, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize("beside_json", [False, True])
def test_a_log_of_two_runs(cases: Path, beside_json: bool) -> None:
    json_output = cases / "docker-log-two-runs.json" if beside_json else None
    report = bench(json_output, cases / "docker-log-two-runs.log")
    assert statuses(report) == {"2.2": "pass", "2.3": "pass", "2.15": "fail"}
    assert report.started_at == datetime(2026, 6, 1, 3, tzinfo=UTC)
    assert any("holds 2 runs" in warning for warning in report.warnings)
    assert not any("different times" in warning for warning in report.warnings)


def test_evidence_keeps_what_a_pattern_requires(cases: Path) -> None:
    report = arf(cases / "evidence-value-lost-arf.xml")
    assert "600|[1-5][0-9]{2}|[1-9][0-9]?" in texts(rule(report, "tmout"))
    assert "[Nn][Oo]" in texts(rule(report, "emptypw"))
    assert "chmod" in texts(rule(report, "chmod"))
    assert "chown" in texts(rule(report, "chown"))
    assert len({result.finding for result in report.results}) == len(report.results)


def test_one_rule_with_four_results(cases: Path) -> None:
    report = arf(cases / "one-rule-four-results-arf.xml")
    (result,) = report.results
    assert (result.status, report.summary.failed, report.summary.total_rules) == ("fail", 1, 1)
    for text in ("pkg1", "pkg3", "RHSA-2026:1001", "RHSA-2026:1003"):
        assert text in (result.finding or "")


def test_what_is_not_a_secret_is_shown(cases: Path) -> None:
    path = cases / "overmasked-arf.xml"
    report = arf(path)
    lines = re.findall(r"textfilecontent_item.*?<[^>]*:text>([^<]+)<", path.read_text(), re.DOTALL)
    for result in report.results:
        assert "***" not in texts(result)
    for line in lines:
        assert any(line in texts(result) for result in report.results)


def test_a_secret_inside_a_value_is_masked(cases: Path) -> None:
    report = arf(cases / "secret-nested-assignment-arf.xml")
    assert "Tr0ub4dor" not in "\n".join(map(texts, report.results))
