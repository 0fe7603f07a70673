"""A fleet report as HTML, JSON and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence

import jinja2

from fleet.fleet_report import FleetReport
from schemas import codec
from schemas.records import Record
from stages.formats import page
from stages.formats.visible import harmless_cell, visible_line

FORMATS = ("text", "html", "json", "csv")
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
        writer.writerows([[harmless_cell(cell) for cell in row] for row in rows])
        writer.writerow([])
    return target.getvalue()


def as_html(report: FleetReport, archive: str) -> str:
    style = page.style_sheet()
    environment = page.environment().overlay(loader=jinja2.PackageLoader("fleet"))
    return environment.get_template("fleet.html.jinja").render(
        report=report,
        archive=archive,
        parts=parts(report),
        style=style,
        policy=page.content_security_policy(style),
    )


def parts(report: FleetReport) -> list[tuple[str, Sequence[str], list[list[str]]]]:
    """Title, columns and rows of each table; a question that was not put is left out."""
    found: list[tuple[str, Sequence[str], list[list[str]]]] = []
    for name, title in _PARTS.items():
        records: Sequence[Record] = getattr(report, name)
        since = {"worse": report.worse_since, "silent": report.silent_since}.get(name, True)
        if since is None:
            continue
        columns = records[0].__struct_fields__ if records else ()
        rows = [[_cell(getattr(record, column)) for column in columns] for record in records]
        found.append((title, [column.replace("_", " ") for column in columns], rows))
    return found


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if hasattr(value, "hour"):
        return f"{value:%Y-%m-%d %H:%M}"
    return visible_line(str(value))
