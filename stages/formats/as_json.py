"""The report record as JSON, indented."""

from collections.abc import Iterator

from schemas import codec
from stages.formats.source import ReportSource


def render(source: ReportSource) -> Iterator[bytes]:
    yield codec.pretty(source.report).encode()
    yield b"\n"
