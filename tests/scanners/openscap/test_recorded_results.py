"""Recorded results of each version of oscap give the counts that are in their files."""

import lzma
import re
from collections import Counter
from pathlib import Path

import pytest

from schemas.report import Report
from stages.scanners.openscap.openscap_report import read_openscap
from tests.scanners.openscap.scap_samples import opener

pytestmark = pytest.mark.shared
# The test result is the last part of a results file and comes before the OVAL results in an ARF,
# whose own results are attributes or upper case.
RESULT = re.compile(rb"<(?:\w+:)?result>([a-z]+)</")
NOT_EVALUATED = {"notselected"}


def version_of(path: Path) -> str:
    """The version of oscap, from a directory such as `oscap-1.2.17-own-standard`."""
    return path.parent.name.split("-")[1]


def read(path: Path, content: bytes) -> Report:
    if path.name.startswith("arf"):
        return read_openscap(None, opener(content))
    return read_openscap(opener(content), None)


def test_the_counts_of_recorded_results_are_those_of_their_files(captures: Path) -> None:
    versions = set()
    for path in sorted(captures.glob("oscap-*/*.xml.xz")):
        where = f"{path.parent.name}/{path.name}"
        content = lzma.decompress(path.read_bytes())
        report = read(path, content)
        counted = Counter(result.decode() for result in RESULT.findall(content))
        evaluated = sum(number for name, number in counted.items() if name not in NOT_EVALUATED)
        summary = report.summary
        assert summary.total_rules == evaluated, where
        assert summary.passed == counted["pass"] + counted["fixed"], where
        assert summary.failed == counted["fail"], where
        assert summary.not_applicable == counted["notapplicable"], where
        assert summary.errors == counted["error"] + counted["unknown"], where
        version = version_of(path)
        assert report.scanner_version == version, where
        versions.add(version.rpartition(".")[0])
    assert versions >= {"1.2", "1.3"}
