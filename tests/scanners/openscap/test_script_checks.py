"""Checks by script (SCE): their output, how to run them by hand, and what they may not do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from schemas.report import Report
from stages.scanners.openscap import script_results
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.scan_files import Options
from stages.scanners.openscap.script_checks import ScriptChecks, read_script_results
from stages.scanners.openscap.script_results import (
    SCRIPT_CAPABILITIES,
    ScriptResults,
    missing_capabilities,
)
from stages.scanners.platform import parse_os_release
from tests.scanners.openscap.scap_samples import opener

SCE = "http://open-scap.org/page/SCE"
SCRIPTS = {
    "talks": "echo 'table inet filter: no base chain <x>'; echo why >&2; exit $XCCDF_RESULT_FAIL",
    "silent": "exit $XCCDF_RESULT_FAIL",
    "passes": "exit $XCCDF_RESULT_PASS",
    "inapplicable": "exit $XCCDF_RESULT_NOT_APPLICABLE",
}
RULE = """<Rule id="xccdf_x_rule_{name}" selected="true">
<title>Rule {name}</title>
<check system="{system}">
<check-content-ref href="{name}.sh"/>
</check>
</Rule>
"""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a scan by the real oscap."""
    where = tmp_path_factory.mktemp("scripts")
    for name, text in SCRIPTS.items():
        script = where / f"{name}.sh"
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    rules = "".join(RULE.format(name=name, system=SCE) for name in SCRIPTS)
    (where / "xccdf.xml").write_text(
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_x_benchmark_b"\n'
        ' resolved="1">\n<status date="2026-01-01">draft</status>\n<title>B</title>\n'
        f"<version>1</version>\n{rules}</Benchmark>\n"
    )
    command = [shutil.which("oscap") or "oscap", "xccdf", "eval", "--check-engine-results"]
    command += ["--results", "results.xml", "--results-arf", "arf.xml", "xccdf.xml"]
    done = subprocess.run(command, cwd=where, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 2), done.stderr
    return where


def report_of(scanned: Path, scripts: ScriptResults | None) -> Report:
    checks = read_script_results(scripts or ScriptResults())
    return read_openscap(
        lambda: (scanned / "results.xml").open("rb"),
        lambda: (scanned / "arf.xml").open("rb"),
        Options(script_checks=checks),
    )


def by_name(report: Report) -> dict[str, tuple[str, str]]:
    return {
        rule.title.removeprefix("Rule "): (rule.status, rule.finding or "")
        for rule in report.results
    }


@pytest.mark.oscap
def test_the_output_of_a_script_is_the_evidence(scanned: Path) -> None:
    collected = script_results.collected(scanned)
    assert collected is not None
    assert len(collected.files) == len(SCRIPTS)
    results = by_name(report_of(scanned, ScriptResults(files=collected.files)))
    status, finding = results["talks"]
    assert status == "fail"
    assert finding.startswith("talks.sh ended with fail: ")
    status, finding = results["silent"]
    assert status == "fail"
    assert "the script silent.sh ended with fail: it wrote nothing; to run it" in finding
    assert "XCCDF_RESULT_PASS=101 XCCDF_RESULT_FAIL=102 bash silent.sh" in finding
    assert results["passes"] == ("pass", "")
    assert results["inapplicable"] == ("notapplicable", "")
    (rule,) = [one for one in report_of(scanned, collected).results if "talks" in one.rule_ref]
    if not collected.missing_capabilities:
        assert "no base chain <x>" in (rule.actual or "")


@pytest.mark.oscap
def test_results_without_output_name_the_script_and_how_to_run_it(scanned: Path) -> None:
    status, finding = by_name(report_of(scanned, None))["talks"]
    assert status == "fail"
    assert finding.startswith(
        "the script talks.sh ended with fail; the results hold no output of it; "
    )
    assert finding.endswith("bash talks.sh")


@pytest.mark.oscap
def test_without_capabilities_a_check_by_script_has_no_verdict(scanned: Path) -> None:
    report = report_of(scanned, ScriptResults(missing_capabilities=("CAP_NET_ADMIN",)))
    results = by_name(report)
    for name in ("talks", "silent", "passes"):
        status, finding = results[name]
        assert status == "error"
        assert f"checked by the script {name}.sh" in finding
        assert "no CAP_NET_ADMIN" in finding
        assert "install --with-script-checks" in finding
    assert results["inapplicable"] == ("notapplicable", "")
    assert report.summary.errors == 3
    assert any("3 of the rules are checked by scripts" in warning for warning in report.warnings)


def test_other_rules_keep_their_results_where_capabilities_are_missing() -> None:
    results = """<TestResult xmlns="http://checklists.nist.gov/xccdf/1.2" id="r"
      end-time="2026-01-01T00:00:00Z">
      <rule-result idref="rule"><result>fail</result>
      <check system="http://oval.mitre.org/XMLSchema/oval-definitions-5">
      <check-content-ref href="oval.xml" name="oval:x:def:1"/></check></rule-result>
      </TestResult>"""
    options = Options(script_checks=ScriptChecks(missing_capabilities=("CAP_NET_ADMIN",)))
    (rule,) = read_openscap(opener(results), None, options).results
    assert rule.status == "fail"


@pytest.mark.parametrize(
    ("mask", "missing"),
    [
        ("000001ffffffffff", ()),
        ("0000000000000004", tuple(SCRIPT_CAPABILITIES)),
        ("0000000000000000", tuple(SCRIPT_CAPABILITIES)),
        (f"{sum(1 << bit for bit in SCRIPT_CAPABILITIES.values()):016x}", ()),
    ],
)
def test_capabilities_are_those_of_this_process(
    tmp_path: Path, mask: str, missing: tuple[str, ...]
) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapEff:\t{mask}\n")
    assert missing_capabilities(status) == missing


@pytest.mark.parametrize("text", ["", "<a", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a/>"])
def test_files_that_oscap_did_not_write_are_left_out(text: str) -> None:
    assert not any(read_script_results(ScriptResults(files=(text,))).outputs.values())


def test_long_files_and_links_are_not_collected(tmp_path: Path) -> None:
    assert script_results.collected(tmp_path) is None
    (tmp_path / "long.result.xml").write_text("x" * 100_000)
    (tmp_path / "link.result.xml").symlink_to("/etc/passwd")
    (tmp_path / "short.result.xml").write_text("<a/>")
    collected = script_results.collected(tmp_path)
    assert collected is not None
    assert collected.files == ("<a/>",)


def test_content_with_checks_by_script_is_named(tmp_path: Path) -> None:
    rules = "".join(RULE.format(name=name, system=SCE) for name in SCRIPTS)
    content = tmp_path / "ssg-debian12-xccdf.xml"
    content.write_text(
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="b"><title>B</title>'
        f'<Profile id="p"><title>P</title></Profile>{rules}</Benchmark>'
    )
    settings = OpenSCAPSettings(content=str(content))
    found = detect(settings, parse_os_release("ID=debian\nVERSION_ID=12"), {}).scanner.content
    assert found is not None
    (remark,) = found.remarks
    assert remark.startswith("4 of its rules are checked by script (SCE)")
