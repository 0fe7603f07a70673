"""Real scans: the evidence agrees with the scanner's HTML report, the counts with its output."""

import lzma
import re
from collections import Counter
from pathlib import Path

import pytest

from schemas.report import Report, RuleResult
from stages.scanners.openscap.openscap_report import Options, read_openscap
from tests.scanners.openscap.oscap_html import ShownRule, ShownTest, shown_rules
from tests.scanners.openscap.real_scans import CONTENT, debian_content, own_profile, quick, scan
from tests.scanners.openscap.scap_samples import opener


def report_of(where: Path) -> Report:
    return read_openscap(
        lambda: (where / "r.xml").open("rb"), lambda: (where / "arf.xml").open("rb")
    )


def octal(permissions: str) -> str | None:
    """`rw-r--r--` as `644`."""
    if not re.fullmatch(r"[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-]", permissions):
        return None
    bits = "".join("0" if letter == "-" else "1" for letter in permissions)
    return "".join(str(int(bits[at : at + 3], 2)) for at in (0, 3, 6))


def assert_shown(rule: RuleResult, test: ShownTest) -> None:
    """What the HTML report shows of a failing test is the rule's actual value."""
    assert rule.actual is not None
    if not test.rows:
        assert "not found" in rule.actual, rule
        return
    for row in test.rows[:10]:
        named = [cell for cell in row if len(cell) > 1 and cell.rstrip("/")[:200] in rule.actual]
        assert named, (rule, row)
        modes = [mode for cell in row if (mode := octal(cell))]
        assert all(mode in rule.actual for mode in modes if "mode" in rule.actual), (rule, row)


def assert_agrees(report: Report, shown: dict[str, ShownRule]) -> None:
    failed = [rule for rule in report.results if rule.status == "fail"]
    assert Counter(rule.rule_ref for rule in failed) == Counter(
        name for name, rule in shown.items() if rule.result == "fail"
    )
    for rule in failed:
        assert rule.finding, rule
        assert rule.actual, rule
        assert rule.expected, rule
        assert "the results hold no details" not in rule.actual or not shown[rule.rule_ref].tests
        for test in shown[rule.rule_ref].tests:
            if test.result == "false":
                assert_shown(rule, test)


def results_printed(output: str) -> Counter[str]:
    return Counter(
        line.split("\t")[-1].strip() for line in output.split("\n") if line.startswith("Result")
    )


@pytest.mark.oscap
def test_evidence_of_the_own_content_agrees_with_the_scanner(tmp_path: Path) -> None:
    scan(CONTENT / "compliance-agent-linux-ds.xml", own_profile(), tmp_path)
    assert_agrees(report_of(tmp_path), shown_rules((tmp_path / "report.html").read_text()))


@pytest.mark.oscap
def test_every_result_of_the_scanner_is_counted(tmp_path: Path) -> None:
    output = scan(CONTENT / "every-result-ds.xml", "every_result", tmp_path)
    report = report_of(tmp_path)
    printed = results_printed(output)
    assert report.summary.total_rules == printed.total()
    assert report.summary.passed == printed["pass"]
    assert report.summary.failed == printed["fail"]
    assert report.summary.errors == printed["error"]
    assert report.summary.not_applicable == printed["notapplicable"]
    assert all(rule.finding for rule in report.results if rule.status in ("fail", "error"))


@pytest.mark.oscap
def test_the_arf_alone_gives_the_same_report(tmp_path: Path) -> None:
    scan(CONTENT / "every-result-ds.xml", "every_result", tmp_path)
    alone = read_openscap(None, lambda: (tmp_path / "arf.xml").open("rb"))
    assert alone == report_of(tmp_path)


@pytest.mark.oscap
@pytest.mark.shared
@pytest.mark.parametrize("profile", ["anssi_bp28_high", "anssi_bp28_enhanced"])
def test_evidence_of_a_large_profile_agrees_with_the_scanner(
    captures: Path, tmp_path: Path, profile: str
) -> None:
    output = scan(debian_content(captures, tmp_path), profile, tmp_path, *quick())
    report = report_of(tmp_path)
    printed = results_printed(output)
    assert (report.summary.passed, report.summary.failed) == (printed["pass"], printed["fail"])
    assert report.summary.failed > 2
    assert_agrees(report, shown_rules((tmp_path / "report.html").read_text()))
    assert all(rule.section and rule.description and rule.title for rule in report.results)


@pytest.mark.shared
def test_a_captured_scan_counts_as_its_test_result_does(captures: Path) -> None:
    where = captures / "oscap-1.3.7-debian12-standard"
    text, arf = (lzma.decompress((where / f"{name}.xml.xz").read_bytes()) for name in ("r", "arf"))
    report = read_openscap(opener(text), opener(arf), Options(include_notselected=True))
    message = Counter(re.findall(r"<result>(\w+)</result>", text.decode()))
    assert report.summary.total_rules == message.total() == 591
    assert report.summary.passed == message["pass"]
    assert report.summary.failed == message["fail"]
    assert report.summary.not_applicable == message["notapplicable"] + message["notselected"]
