"""JUnit XML: the structure that junit-10.xsd of Jenkins' xUnit plugin requires."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from schemas.report import Report
from stages.formats import as_junit
from tests.formats import reports

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "property": {"name", "value"},
}
OPTIONAL = {
    "testsuite": {"skipped", "time", "timestamp", "hostname"},
    "testcase": {"classname", "time"},
    "skipped": {"type", "message"},
    "error": {"type", "message"},
    "failure": {"type", "message"},
}


def written(report: Report) -> Element:
    return ElementTree.fromstring(b"".join(as_junit.render(reports.source(report))))


def check(element: Element) -> None:
    """What the schema requires of an element and of all below it."""
    required = REQUIRED.get(element.tag, set())
    allowed = required | OPTIONAL.get(element.tag, set())
    assert required <= set(element.attrib) <= allowed, element.tag
    for child in element:
        assert child.tag in CHILDREN.get(element.tag, set()), f"{child.tag} in {element.tag}"
        check(child)


@pytest.mark.parametrize(
    "report",
    [reports.of_every_status(), reports.hostile(), reports.failed_scan(), reports.report()],
    ids=["every status", "hostile", "failed scan", "no rules"],
)
def test_the_file_has_the_structure_of_the_schema(report: Report) -> None:
    root = written(report)
    assert root.tag == "testsuites"
    check(root)


def test_the_suite_counts_what_its_cases_are() -> None:
    (suite,) = written(reports.of_every_status())
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases)) == "21"
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == "2"
    assert suite.get("errors") == str(len(suite.findall("testcase/error"))) == "6"
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped"))) == "12"


def test_a_scan_that_failed_breaks_the_pipeline() -> None:
    (suite,) = written(reports.failed_scan())
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("message") == "failed: the content has no profile cis_level9"


def test_characters_that_xml_cannot_hold_are_spelled_out() -> None:
    (suite,) = written(reports.hostile())
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "<script>alert(1)</script>" in (failure.text or "")
    assert r"\x00\x1b[31m\u202egpj.exe" in (failure.text or "")
