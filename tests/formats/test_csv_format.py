"""CSV: no cell is a formula, and no scan is empty."""

import csv
import io

import pytest

from schemas.report import Report
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


def test_a_scan_without_results_is_one_row_with_its_error() -> None:
    (row,) = rows(reports.failed_scan())
    assert (row["scan_status"], row["rule"], row["status"]) == ("failed", "", "")
    assert row["scan_error"] == "the content has no profile cis_level9"
