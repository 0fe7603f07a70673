"""What an end of oscap means: only exit codes 0 and 2, with results, are a scan."""

from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from stages.scanners.captured_output import Line
from stages.scanners.child import Cause, End, EndedBy
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings

WELL = End(0, None, None, "")


@pytest.fixture
def oscap() -> OpenSCAP:
    return OpenSCAP(OpenSCAPSettings(), DetectedScanner(installed=True, ready=True))


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    for name in ("results.xml", "arf.xml"):
        (tmp_path / name).write_text("<Benchmark/>")
    return tmp_path


@pytest.mark.parametrize("code", [0, 2])
def test_zero_and_two_with_results_are_a_scan(oscap: OpenSCAP, draft: Path, code: int) -> None:
    verdict = oscap.judge(End(code, None, None, ""), draft)
    assert (verdict.error, verdict.warnings) == (None, ())
    assert {output.role for output in verdict.outputs} == {"xccdf-results", "arf"}


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (
            End(1, None, None, "OpenSCAP Error: no such profile"),
            "exit code 1: OpenSCAP Error: no such profile",
        ),
        (End(3, None, None, ""), "exit code 3"),
        (End(None, 11, None, ""), "ended by signal 11"),
        (
            End(None, 9, EndedBy(Cause.TIME_LIMIT, "took longer than its limit of 60 s"), ""),
            "time limit: oscap took longer than its limit of 60 s",
        ),
        (
            End(None, 15, EndedBy(Cause.CANCELLED, "cancelled by the server"), ""),
            "cancelled by the server",
        ),
    ],
)
def test_every_other_end_is_a_failed_scan_with_its_reason(
    oscap: OpenSCAP, draft: Path, end: End, message: str
) -> None:
    assert message in (oscap.judge(end, draft).error or "")


@pytest.mark.parametrize("how", ["missing", "empty", "symlink", "directory"])
def test_results_that_are_missing_or_empty_are_a_failed_scan(
    oscap: OpenSCAP, draft: Path, how: str
) -> None:
    results = draft / "results.xml"
    results.unlink()
    if how == "empty":
        results.touch()
    elif how == "symlink":
        results.symlink_to("/etc/passwd")
    elif how == "directory":
        results.mkdir()
    assert "wrote no results" in (oscap.judge(WELL, draft).error or "")


def test_a_missing_arf_is_a_warning_and_no_failure(oscap: OpenSCAP, draft: Path) -> None:
    (draft / "arf.xml").unlink()
    verdict = oscap.judge(WELL, draft)
    assert (verdict.error, verdict.warnings) == (
        None,
        ("oscap wrote no ARF: the report has no evidence",),
    )


def test_lines_of_both_kinds_of_progress_are_understood(oscap: OpenSCAP) -> None:
    reported = [
        oscap.progress(Line(line))
        for line in (
            "xccdf_rule_a|Title: of | a|pass",
            "xccdf_rule_b:notapplicable",
            "---evaluation",
            "WARNING: Datastream component points out to the remote: error",
            "xccdf_rule_c|Title|no such word",
            "",
        )
    ]
    assert [(p.rule, p.result) for p in reported if p] == [
        ("Title: of | a", "pass"),
        ("xccdf_rule_b", "notapplicable"),
    ]
