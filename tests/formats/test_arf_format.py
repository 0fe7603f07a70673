"""ARF: the scanner's own bytes."""

from collections.abc import Iterator

import pytest

from schemas.manifest import Role
from stages.formats import as_arf
from stages.formats.source import FormatError, ReportSource
from tests.formats import reports


def test_the_arf_comes_byte_for_byte() -> None:
    def raw_file(role: Role) -> Iterator[bytes]:
        assert role == "arf"
        return iter([b"<arf>\xff", b"\x00</arf>"])

    source = ReportSource(report=reports.report(), agent_version="1", raw_file=raw_file)
    assert b"".join(as_arf.render(source)) == b"<arf>\xff\x00</arf>"


def test_a_scan_without_an_arf_says_so() -> None:
    with pytest.raises(FormatError, match="this scan has no ARF"):
        as_arf.render(reports.source(reports.report()))
