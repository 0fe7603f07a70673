"""The table of formats. A new format is a module beside this one and a line here.

A format's module offers `render(source: ReportSource) -> Iterator[bytes]`. It is imported when it
is used: `--format csv` loads no template engine.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import cast

from stages.formats.source import FormatError, ReportSource

Render = Callable[[ReportSource], Iterator[bytes]]

MODULES = {
    "text": "stages.formats.as_text",
    "json": "stages.formats.as_json",
    "html": "stages.formats.as_html",
    "csv": "stages.formats.as_csv",
    "junit": "stages.formats.as_junit",
    "sarif": "stages.formats.as_sarif",
    "oscal": "stages.formats.as_oscal",
}
"""The module of each format, by its name for `--format`."""


def names() -> tuple[str, ...]:
    return tuple(MODULES)


def render(key: str, source: ReportSource) -> Iterator[bytes]:
    """The report in that format, in chunks. Raises FormatError."""
    if key not in MODULES:
        raise FormatError(f"no format {key}; there are {', '.join(names())}")
    module = importlib.import_module(MODULES[key])
    return cast(Render, module.render)(source)
