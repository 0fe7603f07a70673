"""The texts of every captured scan are as the pages need them on which they are read."""

import json
import lzma
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.codec import replace
from schemas.ids import new_scan_id
from schemas.report import Report
from stages.patchmon import body
from stages.scanners.docker_bench.reading import read_docker_bench
from stages.scanners.openscap.openscap_report import read_openscap
from tests.scanners.openscap.scap_samples import opener

pytestmark = pytest.mark.shared

AT = datetime(2026, 11, 26, tzinfo=UTC)
SOURCE_LINE = re.compile(r"\w[\w,]* ?\n(?![-*•$#]|\d+[.)])[a-z]{3,} [a-z]+ [a-z]+")
"""Prose that goes on in the next line."""


def captured(captures: Path) -> Iterator[tuple[str, Report]]:
    for path in sorted(captures.glob("oscap-*/*.xml.xz")):
        content = lzma.decompress(path.read_bytes())
        name = f"{path.parent.name}/{path.name}"
        if path.name.startswith("arf"):
            yield name, read_openscap(None, opener(content))
        else:
            yield name, read_openscap(opener(content), None)
    directory = captures / "docker-bench-1.6.0"
    log, json_output = ((directory / name).read_bytes() for name in ("bench.log", "bench.log.json"))
    yield "docker-bench, JSON", read_docker_bench(json_output, log, at=AT)
    yield "docker-bench, log", read_docker_bench(None, log, at=AT)


def test_every_text_of_the_captures(captures: Path) -> None:
    seen = 0
    for name, report in captured(captures):
        for result in report.results:
            where = f"{name}: {result.rule_ref}"
            assert len(result.section or "") <= 60, where
            assert not re.match(r"\d+(\.\d+)+ ", result.title), where
            assert "\n" not in result.title + (result.section or ""), where
            if not result.advice:
                assert not re.search(r"\n\s*\n\s*\n", result.remediation or ""), where
            for text in (result.title, result.section or "", result.finding or ""):
                classes = {unicodedata.bidirectional(character) for character in text}
                assert not classes & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI"}, where
            if report.profile.type == "docker-bench":
                assert result.description, where
                assert result.status != "fail" or result.finding, where
            seen += 1
    assert seen > 200


def test_prose_of_the_captures_is_not_wrapped_by_its_source(captures: Path) -> None:
    wrapped = []
    for name, report in captured(captures):
        for result in report.results:
            for text in (result.description, result.rationale):
                if found := SOURCE_LINE.search(text or ""):
                    wrapped.append(f"{name}: {result.rule_ref}: {found[0]!r}")
    assert wrapped == []


def test_every_rationale_of_the_captures_is_sent_with_the_description(captures: Path) -> None:
    for name, report in captured(captures):
        whole = replace(report, scan_id=new_scan_id(report.profile.type, AT, "00000001"))
        made = body.make(whole, 50_000_000, filed_under="CIS", with_hash=True, agent_version="1")
        for result in json.loads(made.content)["results"]:
            if result.get("rationale"):
                assert result["description"].endswith(f"Rationale: {result['rationale']}"), name
