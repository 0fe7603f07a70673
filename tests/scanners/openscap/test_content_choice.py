"""Which content a host is scanned with, from wherever it lies, and what is refused."""

import os
from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from schemas.codec import convert
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from stages.scanners.openscap import usg
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import Platform, parse_os_release
from stages.scanners.runner import CannotRun, Plan
from tests.scanners.openscap.content_samples import AT, SCE, datastream, guide, stored

DEBIAN = parse_os_release("ID=debian\nVERSION_ID=12\nPRETTY_NAME='Debian 12'")
JAMMY = parse_os_release("ID=ubuntu\nVERSION_ID=22.04\nID_LIKE=debian\nUBUNTU_CODENAME=jammy")


def settings(*directories: Path, **openscap: object) -> OpenSCAPSettings:
    values = {"content_dirs": [str(path) for path in directories], **openscap}
    return convert(values, OpenSCAPSettings)


def found(
    wanted: OpenSCAPSettings, host: Platform = DEBIAN, spool: Path | None = None
) -> DetectedScanner:
    return detect(wanted, host, {}, spool).scanner


def plan(
    wanted: OpenSCAPSettings, scanner: DetectedScanner, draft: Path, profile: str | None = None
) -> Plan | CannotRun:
    draft.mkdir(exist_ok=True)
    reason = Reason(source="operator", at=AT)
    scan_id = new_scan_id("openscap", AT)
    request = Request(scan_id=scan_id, scanner="openscap", profile=profile, reason=reason)
    return OpenSCAP(wanted, scanner).plan(request, draft)


def a_directory(tmp_path: Path, content: bytes | None = None) -> Path:
    directory = tmp_path / "content"
    directory.mkdir()
    (directory / "ssg-debian12-ds.xml").write_bytes(content or datastream())
    return directory


def test_content_that_others_may_change_is_refused_with_the_remedy(tmp_path: Path) -> None:
    directory = a_directory(tmp_path)
    wanted = settings(directory, content_fallback="none")
    assert found(wanted).ready
    for path in (directory, directory / "ssg-debian12-ds.xml"):
        path.chmod(0o777)
        refused = found(wanted)
        assert not refused.ready
        assert (
            f"content is not read: {path}: mode 0777 lets other users write" in refused.problems[0]
        )
        assert f"chmod go-w {path}" in refused.problems[0]
        path.chmod(0o755)
    named = settings(content=str(directory / "ssg-debian12-ds.xml"))
    directory.chmod(0o777)
    assert "compliance.openscap.content: " in found(named).problems[0]


def test_a_file_in_a_directory_such_as_tmp_is_to_be_moved(tmp_path: Path) -> None:
    directory = a_directory(tmp_path)
    directory.chmod(0o1777)
    file = directory / "ssg-debian12-ds.xml"
    (problem,) = found(settings(content=str(file))).problems
    assert problem == (
        f"compliance.openscap.content: {file}: is in {directory}, where every user can write: "
        "move it to a directory that only root can write"
    )


def test_a_file_that_is_too_long_is_refused_by_its_length(tmp_path: Path) -> None:
    directory = a_directory(tmp_path)
    file = directory / "ssg-debian12-ds.xml"
    os.truncate(file, 2 << 30)
    refused = found(settings(directory, content_fallback="none"))
    assert not refused.ready
    assert f"{file}: has 2048 MiB, content has 512 MiB at most" in refused.problems[0]


def test_a_channel_is_named_with_its_version_and_older_ones_can_be_selected(
    tmp_path: Path,
) -> None:
    guide(tmp_path / "usg", {"ubuntu2204_CIS_1": "v1.0.0", "ubuntu2204_CIS_2": "v2.0.0"})
    wanted = settings(tmp_path / "usg")
    newest = found(wanted, JAMMY)
    assert newest.content is not None
    assert (newest.content.fit, newest.content.version) == ("exact", "v2.0.0")
    assert newest.content.origin == "Ubuntu Security Guide, channel ubuntu2204_CIS_2"
    for profile, channel, version in (
        (None, "ubuntu2204_CIS_2", "v2.0.0"),
        ("cis_level1_server", "ubuntu2204_CIS_2", "v2.0.0"),
        ("cis_level1_server-v2.0.0", "ubuntu2204_CIS_2", "v2.0.0"),
        ("cis_level1_server-v1.0.0", "ubuntu2204_CIS_1", "v1.0.0"),
        ("disa_stig-v1.0.0", "ubuntu2204_CIS_1", "v1.0.0"),
    ):
        planned = plan(wanted, newest, tmp_path / "draft", profile)
        assert isinstance(planned, Plan), planned
        assert planned.content is not None
        assert f"/{channel}/" in planned.content.path
        assert planned.content.version == version
        assert planned.command[-1].endswith("/draft/content.xml")
    stig = plan(wanted, newest, tmp_path / "draft", "disa_stig")
    assert isinstance(stig, Plan)
    assert (stig.profile_id or "").endswith("_profile_stig")
    older = settings(tmp_path / "usg", content="ubuntu2204_CIS_1")
    assert "/ubuntu2204_CIS_1/" in getattr(found(older, JAMMY).content, "file", "")
    unknown = found(settings(tmp_path / "usg", content="ubuntu2204_CIS_9"), JAMMY)
    assert unknown.problems[-1] == (
        "compliance.openscap.content: no channel ubuntu2204_CIS_9; "
        "there are: ubuntu2204_CIS_2, ubuntu2204_CIS_1"
    )


def test_a_profile_of_the_setting_may_name_an_older_benchmark(tmp_path: Path) -> None:
    guide(tmp_path / "usg", {"ubuntu2204_CIS_1": "v1.0.0", "ubuntu2204_CIS_2": "v2.0.0"})
    wanted = settings(tmp_path / "usg", profile="cis_level1_server-v1.0.0")
    planned = plan(wanted, found(wanted, JAMMY), tmp_path / "draft")
    assert isinstance(planned, Plan), planned
    assert planned.content is not None
    assert "/ubuntu2204_CIS_1/" in planned.content.path
    option = planned.command.index("--profile")
    assert planned.command[option + 1].endswith("_profile_cis_level1_server")


def test_the_list_of_the_guide_is_not_read_where_others_may_change_it(tmp_path: Path) -> None:
    guide(tmp_path / "usg", {"ubuntu2204_CIS_1": "v1.0.0"})
    (tmp_path / "usg/benchmarks.json").chmod(0o666)
    refused = found(settings(tmp_path / "usg", content_fallback="none"), JAMMY)
    assert not refused.ready
    listed = tmp_path / "usg/benchmarks.json"
    assert f"content is not read: {listed}: mode 0666 lets other users write" in refused.problems[0]


def test_the_guides_default_tailoring_is_named_where_it_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, captures: Path
) -> None:
    usg_directory = captures / "usg-benchmarks"
    default = tmp_path / "default-tailoring.xml"
    default.write_bytes(
        (usg_directory / "ubuntu2204_CIS_1/tailoring/cis_level1_server-tailoring.xml").read_bytes()
    )
    monkeypatch.setattr(usg, "DEFAULT_TAILORING", default)
    unused = found(settings(usg_directory), JAMMY).content
    assert unused is not None
    scripts, remark = unused.remarks
    assert scripts.startswith("17 of its rules are checked by script")
    assert remark.startswith(f"{default} is not used: ")
    used = found(settings(usg_directory, tailoring=str(default)), JAMMY).content
    assert used is not None
    assert used.remarks[-1] == f"tailored by {default}"


def test_a_tailoring_is_used_where_a_setting_names_it(tmp_path: Path, captures: Path) -> None:
    directory = captures / "usg-benchmarks"
    file = directory / "ubuntu2204_CIS_1/tailoring/cis_level1_server-tailoring.xml"
    wanted = settings(directory, tailoring=str(file))
    scanner = found(wanted, JAMMY)
    planned = plan(wanted, scanner, tmp_path / "draft")
    assert isinstance(planned, Plan), planned
    assert (planned.profile_id or "").endswith("cis_level1_server_customized")
    option = planned.command.index("--tailoring-file")
    copy = Path(planned.command[option + 1])
    assert copy.parent == tmp_path / "draft"
    assert copy.read_bytes() == file.read_bytes()
    assert planned.profile_title == "CIS Ubuntu 22.04 Level 1 Server Benchmark [CUSTOMIZED]"
    assert scanner.content is not None
    assert scanner.content.remarks[-1] == f"tailored by {file}"
    elsewhere = settings(a_directory(tmp_path), tailoring=str(file))
    refused = found(elsewhere)
    assert not refused.ready
    assert (
        f"compliance.openscap.tailoring: {file}: line 5: is for other content"
        in refused.problems[-1]
    )


def test_added_content_comes_first_and_the_servers_only_where_nothing_fits_as_well(
    tmp_path: Path,
) -> None:
    spool = tmp_path / "spool"
    directory = a_directory(tmp_path)
    sent = stored(spool, "server", datastream(version="0.1.80"))
    chosen = {}
    for mode in ("never", "missing", "newer"):
        scanner = found(settings(directory, content_from_server=mode), DEBIAN, spool)
        assert scanner.content is not None
        chosen[mode] = (scanner.content.source, scanner.content.version)
    assert chosen == {
        "never": ("installed", "0.1.76"),
        "missing": ("installed", "0.1.76"),
        "newer": ("server", "0.1.80"),
    }
    alone = settings(content_from_server="missing")
    scanner = found(alone, DEBIAN, spool)
    assert scanner.content is not None
    assert (scanner.content.file, scanner.content.origin) == (
        str(sent.path),
        "server, for a test",
    )
    planned = plan(alone, scanner, tmp_path / "draft")
    assert isinstance(planned, Plan), planned
    assert planned.command[-1] == str(tmp_path / "draft/content.xml")
    assert planned.content is not None
    assert (planned.content.source, planned.content.version) == ("server", "0.1.80")
    stored(spool, "added", datastream(version="0.1.70"))
    both = found(settings(directory, content_from_server="newer"), DEBIAN, spool)
    assert getattr(both.content, "source", None) == "server"
    added = found(settings(directory, content_from_server="missing"), DEBIAN, spool)
    assert getattr(added.content, "source", None) == "added"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (datastream(system=SCE), "has checks that are scripts (http://open-scap.org/page/SCE)"),
        (datastream("rhel9"), "is for another product than debian12"),
        (datastream(remote="https://x.example/a.xml"), "refers to https://x.example/a.xml"),
        (b"<html/>", "expected"),
        (datastream()[:-200], ""),
    ],
    ids=["scripts", "product", "remote", "html", "cut"],
)
def test_content_from_the_server_is_checked_again_before_it_is_used(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    spool = tmp_path / "spool"
    entry = stored(spool, "server", content)
    wanted = settings(content_from_server="missing", content_fallback="none")
    refused = found(wanted, DEBIAN, spool)
    assert not refused.ready
    assert f"content is not used: {entry.path}: " in refused.problems[0]
    assert reason in refused.problems[0]


def test_content_from_the_server_that_was_changed_is_refused(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    entry = stored(spool, "server", datastream())
    wanted = settings(content_from_server="missing")
    scanner = found(wanted, DEBIAN, spool)
    entry.path.write_bytes(datastream(system=SCE))
    refused = plan(wanted, scanner, tmp_path / "draft")
    assert isinstance(refused, CannotRun)
    assert "its SHA-256 is not the published one" in refused.reason
    again = found(settings(content_from_server="missing", content_fallback="none"), DEBIAN, spool)
    assert "its SHA-256 is not the recorded one" in again.problems[0]


@pytest.mark.oscap
def test_a_trial_finds_that_content_of_a_relative_does_not_apply_and_is_kept(
    tmp_path: Path,
) -> None:
    content = Path("/usr/share/xml/scap/ssg/content/ssg-ubuntu2004-ds.xml")
    if not content.exists():
        pytest.skip("needs the package ssg-debderived")
    (tmp_path / "ssg-rhel9-ds.xml").symlink_to(content)
    rocky = parse_os_release('ID=rocky\nVERSION_ID=9.3\nID_LIKE="rhel centos fedora"')
    result = detect(settings(tmp_path), rocky, {})
    assert result.scanner.content is not None
    assert (result.scanner.content.file, result.scanner.content.fit) == (str(LINUX), "baseline")
    assert "No rule of the installed content would apply" in result.scanner.warnings[0]
    assert list(result.cache["trials"].values()) == [False]
    again = detect(settings(tmp_path), rocky, result.cache)
    assert again.scanner.content == result.scanner.content
    # A profile that is named is not replaced.
    named = detect(settings(tmp_path, profile="standard"), rocky, {}).scanner
    assert getattr(named.content, "fit", None) == "related"
    (tmp_path / "ssg-rhel9-ds.xml").unlink()
    (tmp_path / "ssg-rhel9-ds.xml").symlink_to(LINUX)
    applies = detect(settings(tmp_path), rocky, result.cache).scanner
    assert getattr(applies.content, "fit", None) == "related"


def test_details_name_what_the_runner_needs(tmp_path: Path) -> None:
    scanner = found(settings(a_directory(tmp_path)))
    details = convert(scanner.details, OpenSCAPDetails)
    assert details.oscap_path
    assert details.rule_counts
