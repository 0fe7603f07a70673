"""What this host can scan with, and what is missing: each problem has a message with the command
that solves it.
"""

from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from schemas.settings import Settings
from stages.scanners.detection import detect_now
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.openscap import oscap_program
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import parse_os_release
from stages.scanners.settings import check_settings

ROCKY = parse_os_release(
    'ID=rocky\nVERSION_ID=9.3\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9.3"'
)


def detect_openscap(*directories: Path, **openscap: object) -> DetectedScanner:
    """On another system than the one that the tests run on."""
    return detect_now(settings(*directories, **openscap), ROCKY).scanners["openscap"]


def settings(*directories: Path, **openscap: object) -> Settings:
    found, problems = check_settings(
        {
            "compliance": {
                "openscap": {"content_dirs": [str(path) for path in directories], **openscap}
            }
        }
    )
    assert not problems
    return found


def an_oscap(directory: Path, version: str) -> Path:
    program = directory / "oscap"
    program.write_text(f"#!/bin/sh\necho 'OpenSCAP command line tool (oscap) {version}'\n")
    program.chmod(0o755)
    return program


def test_missing_scanner_missing_content_and_a_mismatch_are_three_messages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oscap_program, "PATH", str(tmp_path))
    empty, others = tmp_path / "empty", tmp_path / "others"
    empty.mkdir()
    others.mkdir()
    (others / "ssg-debian12-ds.xml").symlink_to(LINUX)
    command = "dnf install -y scap-security-guide"
    scanner = "oscap is not installed: dnf install -y openscap-scanner"
    missing = detect_openscap(empty, content_fallback="none")
    elsewhere = "(compliance.openscap.content_from_server: missing)."
    (first, second) = missing.problems
    assert first == scanner
    assert second.startswith(f"no SCAP content in {empty}. Content is in a package ({command}). ")
    assert second.endswith(elsewhere)
    an_oscap(tmp_path, "1.3.7")
    mismatch = detect_openscap(empty, others, content_fallback="none")
    (problem,) = mismatch.problems
    assert problem.startswith(f"no content in {others} is for this host (Rocky Linux 9.3). ")
    assert problem.endswith(elsewhere)
    assert not mismatch.ready
    assert (mismatch.installed, mismatch.version) == (True, "1.3.7")
    assert mismatch.specified["oscap_path"] == f"{tmp_path}/oscap"
    assert not mismatch.specified["available_profiles"]


def test_content_of_a_relative_is_taken_with_a_warning_that_has_the_command(tmp_path: Path) -> None:
    (tmp_path / "ssg-rhel9-ds.xml").symlink_to(LINUX)
    found = detect_openscap(tmp_path)
    assert found.content is not None
    assert found.content.file == str(tmp_path / "ssg-rhel9-ds.xml")
    assert found.content.fit == "related"
    assert "dnf upgrade -y scap-security-guide" in (found.content.warning or "")
    profile = found.profiles[0]
    assert (profile.title, profile.file_path) == ("Linux Baseline - Standard", found.content.file)


def test_the_first_directory_that_has_fitting_content_gives_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ssg-rl9-ds.xml").symlink_to(LINUX)
    (tmp_path / "a/ssg-rl8-ds.xml").symlink_to(LINUX)
    found = detect_openscap(tmp_path / "none", tmp_path / "a", tmp_path / "b")
    assert found.content is not None
    assert (found.content.file, found.warnings) == (str(tmp_path / "a/ssg-rl9-ds.xml"), ())
    assert found.specified["content_path"] == str(tmp_path / "a")


def test_a_setting_overrides_what_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "ssg-rl9-ds.xml").symlink_to(LINUX)
    chosen = tmp_path / "mine.xml"
    chosen.write_bytes(LINUX.read_bytes())
    found = detect_openscap(tmp_path, content=str(chosen))
    assert found.content is not None
    assert (found.content.file, found.content.source) == (str(chosen), "configured")
    assert found.content.warning is None
    gone = detect_openscap(tmp_path, content=str(tmp_path / "gone.xml"))
    assert (
        gone.problems[-1]
        == f"compliance.openscap.content: {tmp_path}/gone.xml: there is no such file"
    )


def test_content_that_is_refused_is_not_reported_as_missing(tmp_path: Path) -> None:
    (tmp_path / "ssg-rl9-ds.xml").symlink_to(LINUX)
    tmp_path.chmod(0o777)
    found = detect_openscap(tmp_path)
    (warning,) = found.warnings
    assert f"No SCAP content in {tmp_path} can be used: what is there is refused" in warning
    (problem,) = [problem for problem in found.problems if "content" in problem]
    assert problem.endswith(f"chmod go-w {tmp_path}")


@pytest.mark.parametrize("text", ["", "no content", "<Benchmark", "<!DOCTYPE a><Benchmark/>"])
def test_unreadable_content_is_a_problem_with_its_reason(tmp_path: Path, text: str) -> None:
    (tmp_path / "ssg-rl9-ds.xml").write_text(text)
    found = detect_openscap(tmp_path)
    assert not found.ready
    assert f"{tmp_path}/ssg-rl9-ds.xml: the content can't be read: " in found.problems[-1]


DEBIAN = parse_os_release('ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian GNU/Linux 12"')


def older_content(directory: Path) -> None:
    """Content of Debian 11, which by its CPE name applies there alone."""
    text = LINUX.read_text()
    at = text.index("<Profile ")
    cpe = '<platform idref="cpe:/o:debian:debian_linux:11"/>'
    (directory / "ssg-debian11-ds.xml").write_text(text[:at] + cpe + text[at:])


def detect_on_debian(directory: Path, **openscap: object) -> DetectedScanner:
    return detect_now(settings(directory, **openscap), DEBIAN).scanners["openscap"]


def test_where_only_content_of_another_release_is_there_auto_uses_the_baseline_and_says_so_first(
    tmp_path: Path,
) -> None:
    older_content(tmp_path)
    found = detect_on_debian(tmp_path)
    assert found.content is not None
    assert (found.content.file, found.content.source) == (str(LINUX), "own")
    assert found.content.fit == "baseline"
    assert found.warnings[0].startswith(
        "this host is scanned with the built-in baseline for any Linux. "
    )
    assert "ssg-debian11-ds.xml is for an older version" in found.warnings[0]
    assert "ssg-debian of Debian 13" in found.warnings[0]
    assert "may not apply" not in found.warnings[0]
    without = detect_on_debian(tmp_path / "none")
    assert without.content is not None
    assert without.content.fit == "baseline"


@pytest.mark.parametrize("how", [{"content_fallback": "none"}, {"profile": "standard"}])
def test_neither_a_named_profile_nor_an_unwanted_fallback_is_answered_with_the_baseline(
    tmp_path: Path, how: dict[str, str]
) -> None:
    older_content(tmp_path)
    found = detect_on_debian(tmp_path, **how)
    assert found.content is not None
    assert (found.content.file, found.content.fit) == (
        str(tmp_path / "ssg-debian11-ds.xml"),
        "older",
    )
    without = detect_on_debian(tmp_path / "none", **how)
    assert (without.content, without.ready) == (None, False)
    # The package of Debian 12 itself has nothing for Debian 12.
    assert "no SCAP content in " in without.problems[-1]
    assert "the package ssg-debian of Debian 13" in without.problems[-1]


def test_older_content_that_is_for_any_system_is_used(tmp_path: Path) -> None:
    (tmp_path / "ssg-debian11-ds.xml").symlink_to(LINUX)
    found = detect_on_debian(tmp_path)
    assert found.content is not None
    assert found.content.fit == "older"


def test_the_fit_of_a_configured_file_goes_by_its_name(tmp_path: Path) -> None:
    for name, fit in (("ssg-debian12-ds.xml", "exact"), ("mine.xml", "unknown")):
        (tmp_path / name).symlink_to(LINUX)
        found = detect_on_debian(tmp_path, content=str(tmp_path / name))
        assert found.content is not None
        assert found.content.fit == fit
    built_in = detect_on_debian(tmp_path, content=str(LINUX))
    assert built_in.content is not None
    assert (built_in.content.fit, built_in.content.warning) == ("baseline", None)


def test_an_oscap_that_reports_no_version_is_to_be_reinstalled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oscap_program, "PATH", str(tmp_path))
    an_oscap(tmp_path, "").write_text("#!/bin/sh\nexit 127\n")
    found = detect_openscap(tmp_path)
    assert found.problems[0].startswith(
        f"{tmp_path}/oscap does not report its version: dnf install -y"
    )


def test_the_three_directories_of_the_specification_are_the_first_by_default() -> None:
    assert OpenSCAPSettings().content_dirs[:3] == (
        "/usr/share/xml/scap/ssg/content",
        "/usr/share/scap-security-guide",
        "/opt/scap/content",
    )


@pytest.mark.parametrize("enabled", [True, "auto"])
def test_a_host_without_docker_lacks_it_only_where_docker_bench_is_enabled(
    enabled: object, tmp_path: Path
) -> None:
    section = {"enabled": enabled, "socket": str(tmp_path / "docker.sock")}
    chosen, problems = check_settings({"compliance": {"docker_bench": section}})
    assert not problems
    found = detect_now(chosen, ROCKY).scanners["docker-bench"]
    assert not found.ready
    assert bool(found.problems) == (enabled is True)
    if enabled == "auto":
        assert not found.installed


def test_docker_bench_is_enabled_where_docker_is_by_default() -> None:
    assert DockerBenchSettings().enabled == "auto"
