"""JUnit XML as Jenkins, GitLab and others read it: a suite per scan, a test case per rule.

A rule that fails is a failure, one that could not be evaluated an error; rules that were skipped,
do not apply, or only warn are skipped with their status as the type. A scan that did not complete
is one test case with an error, so that a pipeline does not pass on it.

Source: junit-10.xsd of Jenkins' xUnit plugin; the format has no standard.
"""

import io
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import XMLGenerator

from schemas.ids import short_rule_id
from schemas.report import Report, RuleResult, RuleStatus
from stages.formats import breakdown
from stages.formats.scan_facts import outcome, scan_facts, score_lines
from stages.formats.source import ReportSource
from stages.formats.visible import visible, visible_line

_ELEMENT: Mapping[RuleStatus, str | None] = {
    "pass": None,
    "fail": "failure",
    "error": "error",
    "warn": "skipped",
    "skip": "skipped",
    "notapplicable": "skipped",
}
_RULES_PER_CHUNK = 100


def render(source: ReportSource) -> Iterator[bytes]:
    target = io.StringIO()
    writer = XMLGenerator(target, encoding="utf-8", short_empty_elements=True)
    report = source.report
    writer.startDocument()
    _start(writer, "testsuites", {})
    _start(writer, "testsuite", _suite(source))
    _properties(writer, source)
    if report.status != "completed":
        _scan_case(writer, report)
    for number, result in enumerate(report.results, 1):
        _case(writer, result)
        if number % _RULES_PER_CHUNK == 0:
            yield _taken(target)
    if report.warnings:
        _text(writer, "system-out", "\n".join(report.warnings))
    writer.endElement("testsuite")
    writer.endElement("testsuites")
    writer.endDocument()
    yield _taken(target)


def _taken(target: io.StringIO) -> bytes:
    """The text that was written since the last call."""
    written = target.getvalue().encode()
    target.seek(0)
    target.truncate()
    return written


def _suite(source: ReportSource) -> dict[str, str]:
    report = source.report
    counts = breakdown.count_by_status(report.results)
    elements = [_ELEMENT[result.status] for result in report.results]
    errors = counts["error"]
    tests = len(report.results)
    if report.status != "completed":
        errors += 1
        tests += 1
    seconds = (report.completed_at - report.started_at).total_seconds()
    return {
        "name": report.profile.name,
        "tests": str(tests),
        "failures": str(counts["fail"]),
        "errors": str(errors),
        "skipped": str(elements.count("skipped")),
        "time": f"{max(seconds, 0.0):.3f}",
        "timestamp": f"{report.started_at:%Y-%m-%dT%H:%M:%S}",
        "hostname": source.host or "unknown",
    }


def _properties(writer: XMLGenerator, source: ReportSource) -> None:
    _start(writer, "properties", {})
    for label, value in (*scan_facts(source), *score_lines(source.report)):
        _start(writer, "property", {"name": label, "value": value})
        writer.endElement("property")
    writer.endElement("properties")


def _scan_case(writer: XMLGenerator, report: Report) -> None:
    _start(writer, "testcase", {"classname": "scan", "name": "The scan completes"})
    _text(writer, "error", outcome(report), {"type": report.status, "message": outcome(report)})
    writer.endElement("testcase")


def _case(writer: XMLGenerator, result: RuleResult) -> None:
    section = breakdown.section_title(result)
    # The id keeps apart rules that share a title.
    name = f"{result.title} [{short_rule_id(result.rule_ref)}]"
    attributes = {"classname": visible_line(section), "name": name}
    if result.duration_s is not None:
        attributes["time"] = f"{result.duration_s:.3f}"
    _start(writer, "testcase", attributes)
    element = _ELEMENT[result.status]
    if element:
        attributes = {"type": result.status, "message": _message(result)}
        _text(writer, element, _details(result), attributes)
    elif result.finding:
        # The finding of a rule that passed names what was not checked.
        _text(writer, "system-out", result.finding, {})
    writer.endElement("testcase")


def _message(result: RuleResult) -> str:
    if result.finding:
        return result.finding
    return breakdown.STATUS_LABELS[result.status]


def _details(result: RuleResult) -> str:
    texts = (
        ("rule", result.rule_ref),
        ("severity", result.severity),
        ("finding", result.finding),
        ("expected", result.expected),
        ("actual", result.actual),
        ("rationale", result.rationale),
        (breakdown.remediation_label(result), result.remediation),
    )
    return "\n".join(f"{name}: {text}" for name, text in texts if text)


def _start(writer: XMLGenerator, name: str, attributes: Mapping[str, str]) -> None:
    """Start an element; characters that XML cannot hold are spelled out in its attributes."""
    harmless = {key: visible_line(value) for key, value in attributes.items()}
    writer.startElement(name, harmless)  # type: ignore[arg-type]


def _text(
    writer: XMLGenerator, name: str, text: str, attributes: Mapping[str, str] | None = None
) -> None:
    _start(writer, name, attributes or {})
    writer.characters(visible(text))
    writer.endElement(name)
