"""A fleet report as HTML, JSON and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from importlib import resources

import jinja2

from fleet.fleet_report import FleetReport
from schemas import codec
from schemas.ids import short_rule_id
from schemas.records import Record
from stages.formats import page
from stages.formats.visible import harmless_cell, visible_line

Part = tuple[str, Sequence[str], list[list[str]]]
"""Title, columns and rows."""

FORMATS = ("text", "html", "json", "csv")
_NOT_IN_BRIEF = frozenset({"scan_id", "sha256"})
_NUMBERS = frozenset({"score", "applicable score", "failed", "waived", "hosts"})
_TIMES = frozenset({"completed at", "failing since", "last scan at", "expires"})
_DAY_CHARS = len("2026-11-26")
_SHORTER = {
    "completed at": "completed",
    "applicable score": "applicable",
    "benchmark version": "version",
}
_PARTS: Mapping[str, str] = {
    "hosts": "Hosts by score",
    "rules": "Rules by number of failing hosts",
    "worse": "What got worse",
    "silent": "Hosts without a new scan",
    "content": "Content in use",
    "waivers": "Waivers in force",
}


def as_json(report: FleetReport) -> str:
    return codec.pretty(report) + "\n"


def as_csv(report: FleetReport) -> str:
    """One table after the other, each below a line with its title."""
    target = io.StringIO()
    writer = csv.writer(target)
    for title, columns, rows in parts(report):
        writer.writerow([title])
        writer.writerow(columns)
        writer.writerows([list(map(harmless_cell, row)) for row in rows])
        writer.writerow([])
    return target.getvalue()


def as_html(report: FleetReport, archive: str) -> str:
    """One self-contained page, which uses no network and no script."""
    style = resources.files("fleet").joinpath("templates", "fleet.css").read_text("utf-8")
    environment = page.environment().overlay(loader=jinja2.PackageLoader("fleet"))
    return environment.get_template("fleet.html.jinja").render(
        report=report,
        archive=archive,
        parts=parts(report, brief=True),
        numbers=_NUMBERS,
        times=_TIMES,
        style=style,
        policy=page.content_security_policy(style),
    )


def parts(report: FleetReport, *, brief: bool = False) -> list[Part]:
    """The tables of the report; with `brief` without columns that are too wide for a terminal."""
    since = {"worse": report.worse_since, "silent": report.silent_since}
    found: list[Part] = []
    for name, title in _PARTS.items():
        heading = title
        if name in since:
            day = since[name]
            if day is None:
                continue
            heading = f"{title} since {_cell(day)}"
        records: Sequence[Record] = getattr(report, name)
        found.append(_part(heading, records, brief=brief))
    return found


def for_terminal(part: Part) -> Part:
    """A part with days in the place of times, and a shorter heading, for 80 columns."""
    title, columns, rows = part
    shorter = []
    for row in rows:
        shorter.append([_terminal_cell(*pair) for pair in zip(columns, row, strict=True)])
    return title, [_SHORTER.get(column, column) for column in columns], shorter


def _terminal_cell(column: str, text: str) -> str:
    if column in _TIMES:
        return text[:_DAY_CHARS]
    return text


def _part(title: str, records: Sequence[Record], *, brief: bool) -> Part:
    if not records:
        return title, [], []
    fields = list(records[0].__struct_fields__)
    if brief:
        fields = [field for field in fields if field not in _NOT_IN_BRIEF]
    rows = [_row(record, fields, brief=brief) for record in records]
    return title, [field.replace("_", " ") for field in fields], rows


def _row(record: Record, fields: Sequence[str], *, brief: bool) -> list[str]:
    cells = []
    for field in fields:
        text = _cell(getattr(record, field))
        if brief and field == "rule_ref":
            text = short_rule_id(text)
        cells.append(text)
    return cells


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if hasattr(value, "hour"):
        return f"{value:%Y-%m-%d %H:%M}"
    return visible_line(str(value))
