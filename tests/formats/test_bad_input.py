"""Bad input: every format shows what is there and breaks nothing."""

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from schemas import codec
from schemas.report import Report, RuleResult
from spool.spool import Spool
from stages.formats import registry
from stages.formats.compare import compare
from stages.formats.comparison_views import FORMATS, render_comparison
from stages.formats.metrics import openmetrics
from stages.formats.metrics_records import MetricsSnapshot, profile_metrics
from stages.formats.trend import trend_csv, trend_text, trends
from stages.formats.visible import visible
from tests.console.program import agent
from tests.formats import reports

KEYS = registry.names()
MIB = 1024 * 1024
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]"
)
RIGHT_TO_LEFT = "\u202e\u2066\u200fgpj.exe\u2069\u202c"


def rendered(key: str, report: Report) -> str:
    return b"".join(registry.render(key, reports.source(report))).decode()


class _Page(HTMLParser):
    """The text of a page without its script and style, and the tags that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.parts: list[str] = []
        self.feed(page.partition("<body>")[2])
        self.text = "".join(self.parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["script"]:
            self.parts.append(data)


def _strings(value: object) -> list[str]:
    """All strings of a JSON document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return []


def json_text(written: str) -> str:
    return "\n".join(_strings(json.loads(written)))


def xml_text(written: str) -> str:
    parts: list[str] = []
    for element in ElementTree.fromstring(written).iter():
        parts += [*element.attrib.values(), element.text or ""]
    return "\n".join(parts)


def csv_text(written: str) -> str:
    csv.field_size_limit(4 * MIB)
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    return "\n".join(cell for row in rows for cell in row)


READ: dict[str, Callable[[str], str]] = {
    "text": str,
    "json": json_text,
    "html": lambda page: _Page(page).text,
    "csv": csv_text,
    "junit": xml_text,
    "sarif": json_text,
    "oscal": lambda written: json_text(written).replace("\\", ""),
}
"""What a reader of each format finds in it."""
FOUND = {
    "markup": "<script>alert(1)</script>",
    "formula": "=cmd|' /C calc'!A0",
    "html end": "--> ]]> </style></title></script>",
    "template": "{{7*7}}{% raw %}",
    "separators": '","=1+1","',
    "colours": "\x1b[31mred\x1b[0m",
    "right to left": RIGHT_TO_LEFT,
    "lines": "one\ntwo\u2028three\x85four",
}


def bad_rule(text: str) -> RuleResult:
    return reports.rule(text, "fail", title=text, section=text, finding=text, remediation=text)


def test_every_format_takes_part() -> None:
    assert set(READ) == set(KEYS)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", FOUND)
def test_a_text_of_the_scanner_is_shown_and_does_nothing(key: str, name: str) -> None:
    text = FOUND[name]
    written = rendered(key, reports.report(bad_rule(text), warnings=(text,)))
    assert not INVISIBLE.search(written.replace("\r\n", "\n"))
    shown = READ[key](written)
    if key == "oscal":
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        text = text.replace("\\", "")
    first = text.split("\n")[0].split("\u2028")[0]
    assert first in shown or visible(first) in shown or visible(first).replace("\\", "") in shown


@pytest.mark.parametrize("name", FOUND)
def test_a_page_has_no_more_elements_than_its_own(name: str) -> None:
    ordinary = _Page(rendered("html", reports.report(bad_rule("x"), warnings=("x",))))
    page = _Page(rendered("html", reports.report(bad_rule(FOUND[name]), warnings=("x",))))
    assert page.tags == ordinary.tags
    assert "49" not in page.text


@pytest.mark.parametrize("key", KEYS)
def test_a_finding_of_1_mib_is_there_as_a_whole(key: str) -> None:
    finding = "x" * MIB
    written = rendered(key, reports.report(reports.rule("a", "fail", finding=finding)))
    assert finding in READ[key](written)


@pytest.mark.parametrize("key", KEYS)
def test_5000_rules_are_all_there(key: str) -> None:
    shown = READ[key](rendered(key, reports.large(5000)))
    for number in (0, 2500, 4999):
        assert f"rule_{number}" in shown


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_scan_that_ended_before_it_began_is_not_a_clean_one(key: str, status: str) -> None:
    report = codec.replace(reports.failed_scan(), status=status, error="unknown profile: cis9")
    shown = READ[key](rendered(key, report))
    assert status in shown.lower()
    assert "unknown profile: cis9" in shown
    assert "100" not in shown.replace("100755", "")


@pytest.mark.parametrize("key", KEYS)
def test_partial_results_are_in_no_count(key: str) -> None:
    done = reports.rule("done", "pass", title="Evaluated in time")
    report = codec.replace(reports.failed_scan(), partial_results=(done,))
    shown = READ[key](rendered(key, report))
    assert "100.00" not in shown
    if key in ("text", "html", "json"):
        assert "Evaluated in time" in shown
    else:
        assert "Evaluated in time" not in shown


def test_comparison_trend_and_metrics_are_harmless_too() -> None:
    before, after = reports.report(), reports.hostile()
    comparison = compare(before, after)
    texts = [b"".join(render_comparison(key, comparison, "1")).decode() for key in FORMATS]
    found = trends([after])
    texts += [trend_text(found[0]), trend_csv(found).replace("\r\n", "\n")]
    snapshot = MetricsSnapshot(agent_version="1", profiles=[profile_metrics(after, after)])
    texts.append(openmetrics(snapshot).decode())
    for text in texts:
        assert not INVISIBLE.search(text)


@pytest.mark.parametrize("key", KEYS)
def test_a_report_of_a_newer_format_is_named_and_nothing_is_written(
    key: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yml"
    settings = {"spool": {"path": str(tmp_path / "spool")}, "runtime_dir": str(tmp_path / "run")}
    config.write_text(json.dumps(settings))
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(reports.of_every_status())
    path = spool.reports.path / f"{reports.SCAN_ID}.report"
    path.write_bytes(path.read_bytes().replace(b" 1 ", b" 2 ", 1))
    target = tmp_path / "report"
    done = agent("show", "last", "--format", key, "-o", str(target), config=config, code=3)
    assert f"{reports.SCAN_ID}.report" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()
    assert path.exists()
