"""The table of formats. A new format is a module beside this one and a line here.

A format's module offers `render(source: ReportSource) -> Iterator[bytes]`. It is imported when it
is used: `--format csv` loads no template engine.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import cast

from schemas.records import Struct
from stages.formats.source import FormatError, ReportSource

Render = Callable[[ReportSource], Iterator[bytes]]


class FormatSpec(Struct, frozen=True):
    """One format: the name for `--format`, its module, the usual file suffix, a line of help."""

    key: str
    module: str
    suffix: str
    summary: str
    from_report: bool = True
    """Made from the report alone; false: from the scanner's own files."""


FORMATS = (
    FormatSpec("text", "stages.formats.as_text", ".txt", "plain text"),
    FormatSpec("json", "stages.formats.as_json", ".json", "the report record"),
    FormatSpec("html", "stages.formats.as_html", ".html", "one self-contained page"),
    FormatSpec("csv", "stages.formats.as_csv", ".csv", "one row per rule"),
    FormatSpec("junit", "stages.formats.as_junit", ".xml", "JUnit XML, for CI servers"),
    FormatSpec("sarif", "stages.formats.as_sarif", ".sarif", "SARIF 2.1.0, for code scanning"),
    FormatSpec("oscal", "stages.formats.as_oscal", ".json", "OSCAL assessment results 1.1"),
    FormatSpec(
        "arf", "stages.formats.as_arf", ".xml", "the ARF as oscap wrote it", from_report=False
    ),
)


def names() -> tuple[str, ...]:
    return tuple(spec.key for spec in FORMATS)


def names_from_report() -> tuple[str, ...]:
    """The formats for a report without a raw entry."""
    return tuple(spec.key for spec in FORMATS if spec.from_report)


def get(key: str) -> FormatSpec:
    """The format of that name. Raises FormatError."""
    for spec in FORMATS:
        if spec.key == key:
            return spec
    raise FormatError(f"no format {key}; there are {', '.join(names())}")


def render(key: str, source: ReportSource) -> Iterator[bytes]:
    """The report in that format, in chunks. Raises FormatError."""
    module = importlib.import_module(get(key).module)
    return cast(Render, module.render)(source)
