"""Paths that are left out: what the real oscap does not find, and which rules say so."""

from pathlib import Path

import pytest

from schemas.codec import convert
from schemas.manifest import Manifest
from schemas.report import Report
from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.host import this_platform
from stages.scanners.openscap import oscap_program
from stages.scanners.openscap.left_out_paths import left_out_paths
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_environment import can_ignore_paths
from stages.scanners.settings import check_settings
from tests.scanners.openscap.oscap_runs import scanned
from tests.scanners.openscap.walking_content import (
    OTHERS,
    PROFILE,
    RULE,
    SEARCHING,
    walking_content,
)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())


def scan(process: Process, tmp_path: Path) -> tuple[Manifest, Report, str]:
    """A scan that leaves out one directory that exists and one that does not; and its ARF."""
    top = tmp_path / "top"
    left_out = f"{top}/left-out"
    content = walking_content(tmp_path, top)
    settings = convert(
        {
            "content": str(content),
            "profile": PROFILE,
            "ignore_paths": [left_out, f"{top}/missing"],
        },
        OpenSCAPSettings,
    )
    manifest, report = scanned(settings, process)
    assert manifest.outcome == "finished", manifest.error
    assert {rule.status for rule in report.results} == {"pass"}
    (arf,) = [file for file in manifest.files if file.role == "arf"]
    with process.spool.raw.open_file(manifest.scan_id, arf) as stream:
        return manifest, report, stream.read().decode()


def check_left_out(manifest: Manifest, report: Report, arf: str, left_out: str) -> None:
    assert manifest.not_searched == report.not_searched == (left_out,)
    assert report.warnings == ()
    findings = {rule.rule_ref.removeprefix(RULE): rule.finding for rule in report.results}
    assert findings == {
        **dict.fromkeys(SEARCHING, f"not searched: {left_out}"),
        **dict.fromkeys(OTHERS),
    }
    assert f"{left_out}/a.conf<" not in arf
    # A directory above is not found either.
    assert '<object id="oval:x:obj:5" version="1" flag="does not exist"/>' in arf
    assert f"{left_out.rpartition('/')[0]}/b.conf<" in arf


@pytest.mark.oscap
def test_what_is_left_out_is_named_or_that_it_is_searched(process: Process, tmp_path: Path) -> None:
    version = oscap_program.find(this_platform()).version
    manifest, report, arf = scan(process, tmp_path)
    left_out = f"{tmp_path}/top/left-out"
    if can_ignore_paths(version):
        check_left_out(manifest, report, arf, left_out)
        return
    assert manifest.not_searched == report.not_searched == ()
    (warning,) = report.warnings
    assert warning == (
        f"compliance.openscap.ignore_paths has no effect: oscap {version} does not know it, 1.3.10 "
        f"and later do: {left_out} are searched"
    )
    assert {rule.finding for rule in report.results} == {None}
    assert f"{left_out}/a.conf<" in arf


@pytest.mark.booted
@pytest.mark.timeout(900)
def test_a_newer_oscap_leaves_a_path_out(new_oscap: str, process: Process, tmp_path: Path) -> None:
    assert can_ignore_paths(new_oscap)
    check_left_out(*scan(process, tmp_path), f"{tmp_path}/top/left-out")


def test_links_are_followed_where_root_has_made_them(tmp_path: Path) -> None:
    real = tmp_path / "data"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to("data")
    over = tmp_path / "over"
    over.symlink_to(link)
    missing = tmp_path / "missing"
    given = [str(path) for path in (link, over, real, missing)]
    assert left_out_paths(given) == (str(real),)


def test_a_link_that_leads_to_everything_or_in_circles_is_not_followed(tmp_path: Path) -> None:
    everything = tmp_path / "everything"
    everything.symlink_to("/")
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    given = [str(everything), str(circle)]
    assert left_out_paths(given) == tuple(given)


def test_a_link_in_a_directory_of_others_is_not_followed(tmp_path: Path) -> None:
    open_directory = tmp_path / "open"
    open_directory.mkdir()
    open_directory.chmod(0o777)
    link = open_directory / "link"
    link.symlink_to(tmp_path)
    assert left_out_paths([str(link)]) == (str(link),)


@pytest.mark.parametrize(
    "path", ["/", "relative", "/a:b", "/a/", "/a/..", "/../a", "/.", "//a", ""]
)
def test_a_path_that_can_not_be_left_out_is_a_problem_of_the_settings(path: str) -> None:
    _, problems = check_settings({"compliance": {"openscap": {"ignore_paths": ["/ok", path]}}})
    (problem,) = problems
    assert str(problem).startswith(
        "compliance.openscap.ignore_paths[1]: must be an absolute path other"
    )


def test_paths_of_the_settings_may_have_dots_and_blanks_in_names() -> None:
    paths = ["/.snapshots", "/a/..b", "/srv/old files/x"]
    _, problems = check_settings({"compliance": {"openscap": {"ignore_paths": paths}}})
    assert problems == []
