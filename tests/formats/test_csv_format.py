"""CSV: no cell is a formula, and no scan is empty."""

import csv
import io
from datetime import date

import pytest

from schemas import codec
from schemas.report import AppliedTailoring, AppliedWaiver, Report
from stages.formats import as_csv
from stages.formats.visible import harmless_cell
from tests.formats import reports


def rows(report: Report) -> list[dict[str, str]]:
    written = b"".join(as_csv.render(reports.source(report))).decode()
    return list(csv.DictReader(io.StringIO(written, newline="")))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", " =1", "\xa0=1", "＝1", "|cmd", "%0"],
)
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["", "a=b", "PermitRootLogin yes", "1.2.3", "/etc/passwd"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert harmless_cell(text) == text


def test_no_cell_of_a_hostile_report_begins_like_a_formula() -> None:
    for row in rows(reports.hostile()):
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_a_quote_never_ends_its_cell() -> None:
    (row,) = rows(reports.report(reports.rule("a", "fail", finding='x","=1+1","y\r\nz')))
    assert row["finding"] == 'x","=1+1","y\\r\nz'


def test_waived_and_fixed_rules_tailoring_and_paths_left_out_have_columns() -> None:
    waiver = AppliedWaiver(
        reason="legacy", approved_by="Ann", ticket="OPS-7", expires=date(2027, 3, 31), status="fail"
    )
    open_ended = codec.replace(waiver, ticket=None, expires=None)
    found = codec.replace(
        reports.report(
            codec.replace(reports.rule("a", "skip"), waiver=waiver),
            codec.replace(reports.rule("b", "skip"), waiver=open_ended),
            codec.replace(reports.rule("c"), fixed_at=reports.STARTED),
            reports.rule("d", "skip"),
        ),
        tailoring=AppliedTailoring(path="/etc/t.xml"),
        not_searched=("/a", "/b"),
    )
    columns = ("status_without_waiver", "waived_by", "waiver_ticket", "waiver_expires", "fixed_at")
    cells = [[row[column] for column in columns] for row in rows(found)]
    assert cells == [
        ["fail", "Ann", "OPS-7", "2027-03-31", ""],
        ["fail", "Ann", "", "never", ""],
        ["", "", "", "", "2026-11-23T06:03:01+00:00"],
        ["", "", "", "", ""],
    ]
    scan_cells = {(row["tailoring"], row["not_searched"]) for row in rows(found)}
    assert scan_cells == {("/etc/t.xml", "/a; /b")}


def test_a_scan_without_results_is_one_row_with_its_error() -> None:
    (row,) = rows(reports.failed_scan())
    assert (row["scan_status"], row["rule"], row["status"]) == ("failed", "", "")
    assert row["scan_error"] == "the content has no profile cis_level9"
