"""Every format has the same counts by status, whatever the report."""

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

import pytest

from stages.formats import breakdown, registry
from stages.formats.source import FormatError
from tests.formats import reports

Count = Callable[[bytes], Counter[str]]

REPORTS = {
    "every status": reports.of_every_status(),
    "hostile": reports.hostile(),
    "failed before it began": reports.failed_scan(),
    "no rules": reports.report(),
    "5,000 rules": reports.large(5000),
    "a finding of 1 MB": reports.large(6, 1024 * 1024),
}


def json_counts(written: bytes) -> Counter[str]:
    return Counter(result["status"] for result in json.loads(written)["results"])


def csv_counts(written: bytes) -> Counter[str]:
    csv.field_size_limit(4 * 1024 * 1024)
    rows = csv.DictReader(io.StringIO(written.decode(), newline=""))
    return Counter(row["status"] for row in rows if row["rule"])


def sarif_counts(written: bytes) -> Counter[str]:
    (run,) = json.loads(written)["runs"]
    return Counter(result["properties"]["status"] for result in run["results"])


def junit_counts(written: bytes) -> Counter[str]:
    counts: Counter[str] = Counter()
    for case in ElementTree.fromstring(written).iter("testcase"):
        if case.get("classname") == "scan":
            continue
        passes = not len(case) or case[0].tag == "system-out"
        counts["pass" if passes else case[0].get("type", "")] += 1
    return counts


def text_counts(written: bytes) -> Counter[str]:
    line = re.compile(r"^  (pass|fail|warn|skip|notapplicable|error) ", re.MULTILINE)
    return Counter(line.findall(written.decode()))


def html_counts(written: bytes) -> Counter[str]:
    return Counter(re.findall(r'class="rule" id="[^"]+" data-status="(\w+)"', written.decode()))


def oscal_counts(written: bytes) -> Counter[str]:
    (result,) = json.loads(written)["assessment-results"]["results"]
    properties = [prop for each in result.get("observations", ()) for prop in each["props"]]
    return Counter(prop["value"] for prop in properties if prop["name"] == "status")


COUNTS: Mapping[str, Count] = {
    "text": text_counts,
    "json": json_counts,
    "csv": csv_counts,
    "html": html_counts,
    "junit": junit_counts,
    "sarif": sarif_counts,
    "oscal": oscal_counts,
}


@pytest.mark.parametrize("key", COUNTS)
@pytest.mark.parametrize("name", REPORTS)
def test_counts_by_status_are_those_of_the_report(key: str, name: str) -> None:
    report = REPORTS[name]
    written = b"".join(registry.render(key, reports.source(report)))
    expected = {status: n for status, n in breakdown.count_by_status(report.results).items() if n}
    assert dict(COUNTS[key](written)) == expected


def test_every_format_takes_part() -> None:
    assert set(registry.names()) == set(COUNTS)


@pytest.mark.parametrize("key", COUNTS)
def test_a_failed_scan_never_reads_as_a_clean_one(key: str) -> None:
    written = b"".join(registry.render(key, reports.source(reports.failed_scan()))).decode()
    assert "failed" in written
    assert "the content has no profile cis_level9" in written


@pytest.mark.parametrize("key", COUNTS)
def test_the_same_report_gives_the_same_bytes(key: str) -> None:
    def written() -> bytes:
        return b"".join(registry.render(key, reports.source(reports.of_every_status())))

    assert written() == written()


def test_an_unknown_format_is_named_with_those_that_exist() -> None:
    with pytest.raises(FormatError, match="no format pdf; there are text, json"):
        registry.render("pdf", reports.source(reports.report()))


def test_a_format_loads_only_its_own_module() -> None:
    code = (
        "import sys\n"
        "from stages.formats import registry\n"
        "registry.names()\n"
        "print([m for m in sys.modules if m.startswith('stages.formats.as_') or m == 'jinja2'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
