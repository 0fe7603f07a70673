"""Content with several checklists, content of which oscap drops rules, and runs that fail."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import new_scan_id
from schemas.report import Report
from schemas.request import Reason, Request
from stages.scanners.captured_output import Line
from stages.scanners.child import End
from stages.scanners.openscap import openscap_detection
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import CannotRun, Verdict
from stages.scap.content_profiles import discover
from stages.scap.rule_counts import count_rules

pytestmark = pytest.mark.oscap

DS = "http://scap.nist.gov/schema/scap/source/1.2"
OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
XCCDF = "http://checklists.nist.gov/xccdf/1.2"
AT = datetime(2026, 11, 26, tzinfo=UTC)


def component(letter: str, rules: int) -> str:
    """A benchmark whose profile `standard` selects so many rules, each for a missing file."""
    names = [f"xccdf_org.x_rule_{letter}{number}" for number in range(rules)]
    selects = "\n".join(f'<select idref="{name}" selected="true"/>' for name in names)
    checks = "".join(
        f'\n<Group id="xccdf_org.x_group_{name[-2:]}"><title>G</title>\n'
        f'<Rule id="{name}" selected="false"><title>Rule {name[-2:]}</title>'
        f'<check system="{OVAL}"><check-content-ref href="o.xml" name="oval:x:def:1"/></check>'
        "</Rule>\n</Group>\n"
        for name in names
    )
    return (
        f'<ds:component id="scap_org.x_comp_{letter}" timestamp="2026-01-01T00:00:00">'
        f'<Benchmark xmlns="{XCCDF}" id="xccdf_org.x_benchmark_{letter}" resolved="1">'
        f'<status date="2026-01-01">draft</status><title>Checklist {letter}</title>'
        f'<version>1</version><Profile id="xccdf_org.x_profile_standard"><title>Standard</title>'
        f"\n{selects}\n</Profile>{checks}</Benchmark></ds:component>"
    )


def datastream(*components: str) -> str:
    letters = "abc"[: len(components)]
    checklists = "".join(
        f'<ds:component-ref id="scap_org.x_cref_{letter}" xlink:href="#scap_org.x_comp_{letter}">'
        '<cat:catalog><cat:uri name="o.xml" uri="#scap_org.x_cref_o"/></cat:catalog>'
        "</ds:component-ref>"
        for letter in letters
    )
    return (
        f'<ds:data-stream-collection xmlns:ds="{DS}" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:cat="urn:oasis:names:tc:entity:xmlns:xml:catalog" id="scap_org.x_collection_c" '
        'schematron-version="1.2"><ds:data-stream id="scap_org.x_datastream_d" scap-version="1.2" '
        f'use-case="OTHER"><ds:checklists>{checklists}</ds:checklists><ds:checks><ds:component-ref '
        'id="scap_org.x_cref_o" xlink:href="#scap_org.x_comp_o"/></ds:checks></ds:data-stream>'
        f'{"".join(components)}<ds:component id="scap_org.x_comp_o" '
        f'timestamp="2026-01-01T00:00:00"><oval_definitions xmlns="{OVAL}" '
        f'xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" xmlns:unix="{OVAL}#unix">'
        "<generator><oval:schema_version>5.10</oval:schema_version>"
        "<oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator><definitions>"
        '<definition class="compliance" id="oval:x:def:1" version="1"><metadata><title>t</title>'
        "<description>d</description></metadata><criteria><criterion "
        'test_ref="oval:x:tst:1"/></criteria></definition></definitions><tests><unix:file_test '
        'id="oval:x:tst:1" version="1" check="all" check_existence="at_least_one_exists" '
        'comment="c"><unix:object object_ref="oval:x:obj:1"/></unix:file_test></tests><objects>'
        '<unix:file_object id="oval:x:obj:1" version="1"><unix:filepath>/nonexistent/file'
        "</unix:filepath></unix:file_object></objects></oval_definitions></ds:component>"
        "</ds:data-stream-collection>"
    )


def scan(
    content: Path, profile: str, draft: Path
) -> tuple[tuple[str, ...], Verdict, Report | None]:
    """The warnings of the plan, and the outcome of the run.

    Detected, planned, run and judged as the scan stage does, and read as parse does.
    """
    settings = OpenSCAPSettings(content=str(content))
    found = openscap_detection.detect(settings, parse_os_release("ID=debian\nVERSION_ID=12"), {})
    runner = OpenSCAP(settings, found.scanner)
    request = Request(
        scan_id=new_scan_id("openscap", AT),
        scanner="openscap",
        profile=profile,
        reason=Reason(source="operator", at=AT),
    )
    draft.mkdir(exist_ok=True)
    plan = runner.plan(request, draft)
    assert not isinstance(plan, CannotRun), plan
    done = subprocess.run(plan.command, cwd=draft, capture_output=True, timeout=120, check=False)
    for line in done.stdout.decode().splitlines():
        runner.progress(Line(line))
    (draft / "stderr.log").write_bytes(done.stderr)
    verdict = runner.judge(End(done.returncode, None, None, ""), draft)
    if verdict.error:
        return plan.warnings, verdict, None
    return plan.warnings, verdict, read(draft)


def read(draft: Path) -> Report:
    return read_openscap(
        lambda: (draft / "results.xml").open("rb"), lambda: (draft / "arf.xml").open("rb")
    )


def compact(content: str) -> str:
    """Without white space between elements."""
    return re.sub(r">\s+<", "><", content)


def test_profiles_of_the_same_id_are_distinguished_and_each_is_scanned(tmp_path: Path) -> None:
    content = tmp_path / "two-ds.xml"
    content.write_text(datastream(component("a", 3), component("b", 1)))
    found = discover(content)
    assert [(profile.id, profile.title) for profile in found.profiles] == [
        ("xccdf_org.x_profile_standard", "Standard"),
        ("xccdf_org.x_profile_standard@xccdf_org.x_benchmark_b", "Standard (Checklist b)"),
    ]
    assert [list(counts.values()) for counts in count_rules(content).selected] == [[3], [1]]
    for number, letter, rules in ((0, "a", 3), (1, "b", 1)):
        _, verdict, report = scan(content, found.profiles[number].id, tmp_path / letter)
        assert (verdict.error, verdict.warnings) == (None, ())
        assert report is not None
        assert [rule.title for rule in report.results] == [
            f"Rule {letter}{number}" for number in range(rules)
        ]
        assert report.warnings == ()


def test_content_with_one_checklist_needs_no_further_option(tmp_path: Path) -> None:
    content = tmp_path / "one-ds.xml"
    content.write_text(datastream(component("a", 1)))
    assert discover(content).checklists == {}


def test_the_reason_of_a_failed_run_is_the_first_error_of_oscap(tmp_path: Path) -> None:
    content = tmp_path / "one-ds.xml"
    content.write_text(datastream(component("a", 1)))
    oscap = shutil.which("oscap") or "oscap"
    command = [oscap, "xccdf", "eval", "--profile", "other", str(content)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    (tmp_path / "stderr.log").write_bytes(done.stderr)
    last_line = done.stderr.decode().splitlines()[-1]
    runner = OpenSCAP(OpenSCAPSettings(), None)
    error = runner.judge(End(done.returncode, None, None, last_line), tmp_path).error or ""
    assert 'No profile matching suffix "other" was found' in error
    assert "oscap info" not in error


@pytest.mark.parametrize(
    ("stderr", "cause"),
    [
        ("WARNING: remote part\nW: oscap: odd\nOpenSCAP Error: first\nsecond [x.c:1]\n", "first"),
        ("E: oscap: no memory\nOpenSCAP Error: later\n", "no memory"),
        ("WARNING: remote part\n", "the last line"),
    ],
)
def test_warnings_are_not_a_reason(tmp_path: Path, stderr: str, cause: str) -> None:
    (tmp_path / "stderr.log").write_text(stderr)
    runner = OpenSCAP(OpenSCAPSettings(), None)
    error = runner.judge(End(1, None, None, "the last line"), tmp_path).error or ""
    assert error.endswith(cause)


@pytest.mark.shared
def test_the_case_of_two_checklists(cases: Path, tmp_path: Path) -> None:
    content = cases / "two-checklists-ds.xml"
    names = [profile.short_name for profile in discover(content).profiles]
    assert names == ["one", "two"]
    _, verdict, report = scan(content, "two", tmp_path / "draft")
    assert verdict.error is None
    assert report is not None
    (result,) = report.results
    assert result.status == "fail"
    assert "/nonexistent/file" in (result.finding or "")


@pytest.mark.shared
def test_the_case_of_dropped_rules(cases: Path, tmp_path: Path) -> None:
    content = cases / "rules-dropped-ds.xml"
    planned, verdict, report = scan(content, "all", tmp_path / "draft")
    assert report is not None
    assert [rule.status for rule in report.results] == ["pass", "pass", "fail"]
    assert (verdict.warnings, report.warnings) == ((), ())
    (warning,) = planned
    assert "lacks white space before 10 elements of its checklist" in warning


def test_rules_that_oscap_drops_are_counted_and_named(tmp_path: Path) -> None:
    """Without the copy that has line breaks."""
    content = tmp_path / "compact-ds.xml"
    content.write_text(compact(datastream(component("a", 3))))
    oscap = shutil.which("oscap") or "oscap"
    draft = tmp_path / "draft"
    draft.mkdir()
    command = [oscap, "xccdf", "eval", "--profile", "standard", "--progress-full"]
    command += ["--results", "results.xml", "--results-arf", "arf.xml", str(content)]
    subprocess.run(command, cwd=draft, capture_output=True, timeout=120, check=False)
    (warning,) = read(draft).warnings
    assert "of 3 rules that the profile selects ha" in warning
    assert "xccdf_org.x_rule_a" in warning
    _, verdict, report = scan(content, "standard", tmp_path / "again")
    assert (verdict.error, verdict.warnings) == (None, ())
    assert report is not None
    assert [rule.title for rule in report.results] == ["Rule a0", "Rule a1", "Rule a2"]
