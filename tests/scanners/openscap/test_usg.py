"""The content of the Ubuntu Security Guide, in its new and its old layout."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.capabilities import DetectedScanner
from schemas.codec import convert
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.usg import channels
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import CannotRun, Plan
from tests.scanners.openscap.test_usable_content import AT

JAMMY = parse_os_release("ID=ubuntu\nVERSION_ID=22.04\nID_LIKE=debian\nUBUNTU_CODENAME=jammy")
MINT = parse_os_release(
    'ID=linuxmint\nVERSION_ID=21.3\nID_LIKE="ubuntu debian"\nUBUNTU_CODENAME=jammy'
)


def guide(directory: Path, *channels: tuple[str, int, bool]) -> dict[str, Any]:
    """A package with channels of Ubuntu 22.04: name, number, and whether it is the latest."""
    listed = []
    for name, number, is_latest in channels:
        path = directory / name / "ssg-ubuntu2204-ds.xml.gz"
        path.parent.mkdir()
        path.write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        entry = {"path": f"{name}/{path.name}", "sha256": digest}
        listed.append(
            {
                "id": name,
                "cac_product": "ubuntu2204",
                "channel_number": number,
                "is_latest": is_latest,
                "data_files": {"datastream_gz": entry},
            }
        )
    content = {"version": 1, "release_channels": listed}
    (directory / "benchmarks.json").write_text(json.dumps(content))
    return content


def detected(directory: Path, host: Any = JAMMY) -> DetectedScanner:
    settings = OpenSCAPSettings(content_dirs=(str(directory),), content_fallback="none")
    return detect(settings, host, {}).scanner


def plan(found: DetectedScanner, draft: Path) -> Plan | CannotRun:
    reason = Reason(source="operator", at=AT)
    scan_id = new_scan_id("openscap", AT)
    request = Request(scan_id=scan_id, scanner="openscap", reason=reason)
    return OpenSCAP(OpenSCAPSettings(), found).plan(request, draft)


def test_the_real_package_is_the_content_of_ubuntu_22_04(captures: Path, tmp_path: Path) -> None:
    found = detected(captures / "usg-benchmarks")
    assert found.content is not None
    assert (found.content.fit, found.warnings) == ("exact", ())
    assert "/ubuntu2204_CIS_1/" in found.content.file
    planned = plan(found, tmp_path)
    assert isinstance(planned, Plan), planned
    assert (planned.profile_id or "").endswith("_profile_cis_level1_server")
    details = convert(found.details, OpenSCAPDetails)
    packed = Path(found.content.file).read_bytes()
    assert details.content_sha256 == hashlib.sha256(packed).hexdigest()
    assert Path(planned.command[-1]).parent == tmp_path


def test_a_relative_of_ubuntu_uses_it_with_a_warning(captures: Path) -> None:
    found = detected(captures / "usg-benchmarks", MINT)
    assert found.content is not None
    assert (found.content.fit, len(found.warnings)) == ("related", 1)


def test_the_latest_channel_of_this_release_is_taken(tmp_path: Path) -> None:
    guide(tmp_path, ("a_1", 1, False), ("a_3", 3, True), ("a_2", 2, False))
    found = channels(tmp_path, "ubuntu2204")
    assert [channel.id for channel in found] == ["a_3", "a_2", "a_1"]
    assert channels(tmp_path, "ubuntu2404") == ()
    assert channels(tmp_path / "a_1", "ubuntu2204") == ()


def test_a_file_with_another_digest_is_refused(captures: Path, tmp_path: Path) -> None:
    shutil.copytree(captures / "usg-benchmarks", tmp_path / "usg")
    found = detected(tmp_path / "usg")
    file = tmp_path / "usg/ubuntu2204_CIS_1/ssg-ubuntu2204-ds.xml.gz"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"x")
    refused = plan(found, tmp_path)
    assert isinstance(refused, CannotRun)
    assert f"{file}: its SHA-256 is not the published one" in refused.reason
    again = detected(tmp_path / "usg")
    assert not again.ready
    assert any(f"{file}: its SHA-256 is not the one" in problem for problem in again.problems)


def outside(content: dict[str, Any]) -> None:
    content["release_channels"][0]["data_files"]["datastream_gz"]["path"] = "../../etc/passwd"


def gone(content: dict[str, Any]) -> None:
    content["release_channels"][0]["data_files"]["datastream_gz"]["path"] = "gone/ds.xml.gz"


def no_channels(content: dict[str, Any]) -> None:
    del content["release_channels"]


def a_text(content: dict[str, Any]) -> None:
    content["release_channels"] = "ubuntu2204"


def without_number(content: dict[str, Any]) -> None:
    content["release_channels"][0]["channel_number"] = "first"


@pytest.mark.parametrize("change", [outside, gone, no_channels, a_text, without_number])
def test_a_wrong_list_is_refused_with_its_file(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    content = guide(tmp_path, ("a_1", 1, True))
    change(content)
    (tmp_path / "benchmarks.json").write_text(json.dumps(content))
    assert any(str(tmp_path) in problem for problem in detected(tmp_path).problems)


@pytest.mark.oscap
def test_in_the_old_layout_the_xccdf_file_is_used_with_its_cpe_dictionary(tmp_path: Path) -> None:
    benchmark = tmp_path / "ssg-ubuntu2204-xccdf.xml"
    benchmark.write_text(
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="b">'
        '<Profile id="xccdf_c_profile_cis_level1_server"><title>P</title></Profile></Benchmark>'
    )
    dictionary = tmp_path / "ssg-ubuntu2204-cpe-dictionary.xml"
    dictionary.write_text("<cpe-list/>")
    checks = tmp_path / "ssg-ubuntu2204-oval.xml"
    checks.write_text("<oval_definitions/>")
    found = detected(tmp_path)
    assert found.content is not None
    assert (found.content.file, found.content.fit) == (str(benchmark), "exact")
    draft = tmp_path / "draft"
    draft.mkdir()
    planned = plan(found, draft)
    assert isinstance(planned, Plan), planned
    assert planned.command[planned.command.index("--cpe") + 1] == str(dictionary)
    # There is no white space in it, so oscap gets a copy; the checks are found beside it.
    assert planned.command[-1] == str(draft / "content.xml")
    assert (draft / "ssg-ubuntu2204-oval.xml").samefile(checks)


def test_a_datastream_is_preferred_to_the_xccdf_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ssg-ubuntu2204-xccdf.xml").write_text("<Benchmark/>")
    (tmp_path / "ssg-ubuntu2204-ds.xml").symlink_to(LINUX)
    found = detected(tmp_path)
    assert found.content is not None
    assert found.content.file == str(tmp_path / "ssg-ubuntu2204-ds.xml")
