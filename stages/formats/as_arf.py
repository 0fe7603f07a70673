"""The ARF byte for byte as oscap wrote it."""

from collections.abc import Iterator

from stages.formats.source import FormatError, ReportSource


def render(source: ReportSource) -> Iterator[bytes]:
    """Raises FormatError where the scan left no ARF."""
    chunks = source.raw_file("arf")
    if chunks is None:
        raise FormatError("this scan has no ARF")
    return chunks
