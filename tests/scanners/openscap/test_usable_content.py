"""What is given to oscap: the installed file, or a copy that this version can read."""

import bz2
import gzip
import hashlib
import lzma
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.capabilities import DetectedContent, DetectedScanner
from schemas.codec import plain
from schemas.ids import new_scan_id
from schemas.manifest import ContentSource
from schemas.request import Reason, Request
from stages.scanners.captured_output import Line
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.usable_content import ContentError, usable_content
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import CannotRun, Plan
from stages.scap.content_profiles import discover
from tests.scanners.openscap.real_scans import debian_content, quick, scan
from tests.scanners.openscap.scap_samples import opener
from tests.scanners.test_detection import an_oscap

AT = datetime(2026, 11, 26, tzinfo=UTC)
REMOTE = b"https://www.debian.org/security/oval/oval-definitions-bookworm.xml.bz2"
DEBIAN = parse_os_release("ID=debian\nVERSION_ID=12")


def planned(
    file: Path, draft: Path, source: ContentSource = "installed", **details: object
) -> Plan | CannotRun:
    """The plan of a scan with the first profile of a file."""
    detected = DetectedScanner(
        installed=True,
        ready=True,
        profiles=discover(file).profiles,
        content=DetectedContent(file=str(file), source=source),
        details=plain(OpenSCAPDetails(oscap_path="/usr/bin/oscap", **details)),  # type: ignore[arg-type]
    )
    scan_id = new_scan_id("openscap", AT)
    reason = Reason(source="operator", at=AT)
    request = Request(scan_id=scan_id, scanner="openscap", reason=reason)
    return OpenSCAP(OpenSCAPSettings(), detected).plan(request, draft)


def test_a_plain_file_is_given_to_oscap_as_it_is(tmp_path: Path) -> None:
    for refuses in (True, False):
        usable = usable_content(LINUX, tmp_path, refuses_remote_parts=refuses)
        assert usable.path == LINUX
        assert usable.sha256 == hashlib.sha256(LINUX.read_bytes()).hexdigest()
        assert usable.warnings == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_a_compressed_file_is_detected_and_unpacked_for_the_scan(
    tmp_path: Path, ending: str, pack: "type[object]"
) -> None:
    packed = tmp_path / f"ssg-debian12-ds.xml.{ending}"
    packed.write_bytes(pack(LINUX.read_bytes()))  # type: ignore[call-arg,arg-type]
    draft = tmp_path / "draft"
    draft.mkdir()
    found = detect(OpenSCAPSettings(content_dirs=(str(tmp_path),)), DEBIAN, {}).scanner
    assert found.content is not None
    assert (found.content.file, found.content.fit) == (str(packed), "exact")
    plan = planned(packed, draft)
    assert isinstance(plan, Plan)
    assert plan.command[-1] == str(draft / "content.xml")
    assert (draft / "content.xml").read_bytes() == LINUX.read_bytes()
    assert plan.content is not None
    assert plan.content.path == str(packed)
    assert plan.content.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()


def test_a_damaged_file_and_a_wrong_digest_are_refused_with_the_file(tmp_path: Path) -> None:
    packed = tmp_path / "ds.xml.gz"
    whole = gzip.compress(LINUX.read_bytes())
    packed.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ContentError, match=r"ds\.xml\.gz: the content can't be unpacked"):
        usable_content(packed, tmp_path, refuses_remote_parts=False)
    packed.write_bytes(whole)
    right = hashlib.sha256(whole).hexdigest()
    with pytest.raises(ContentError, match=r"ds\.xml\.gz.* SHA-256 is not the published one"):
        usable_content(packed, tmp_path, refuses_remote_parts=False, published_sha256="0" * 64)
    usable_content(packed, tmp_path, refuses_remote_parts=False, published_sha256=right)


@pytest.mark.oscap
def test_oscap_1_2_gets_a_copy_without_remote_parts_and_newer_ones_the_file(
    captures: Path, tmp_path: Path
) -> None:
    content = tmp_path / "ds.xml"
    whole = lzma.decompress((captures / "ssg-debian12-ds.xml.xz").read_bytes())
    content.write_bytes(whole)
    assert REMOTE in whole
    plan = planned(content, tmp_path, refuses_remote_parts=False)
    assert isinstance(plan, Plan)
    assert plan.command[-1] == str(content)
    plan = planned(content, tmp_path, refuses_remote_parts=True)
    assert isinstance(plan, Plan)
    copy = Path(plan.command[-1])
    assert copy == tmp_path / "content.xml"
    assert REMOTE.decode() in plan.warnings[0]
    assert "a copy without them" in plan.warnings[0]
    removed = set(whole.splitlines()) - set(copy.read_bytes().splitlines())
    assert len(removed) == 2
    assert all(b"oval-definitions-bookworm" in line for line in removed)
    done = subprocess.run(
        ["oscap", "info", copy], capture_output=True, text=True, check=True, timeout=120
    )
    assert "remote" not in done.stderr
    assert discover(copy).profiles[0].id == discover(content).profiles[0].id


@pytest.mark.oscap
def test_a_copy_without_remote_parts_gives_the_same_results(captures: Path, tmp_path: Path) -> None:
    content = debian_content(captures, tmp_path)
    plan = planned(content, tmp_path, refuses_remote_parts=True)
    assert isinstance(plan, Plan)
    printed = []
    for number, file in enumerate((content, Path(plan.command[-1]))):
        where = tmp_path / str(number)
        where.mkdir()
        output = scan(file, "standard", where, *quick())
        printed.append([line for line in output.splitlines() if line.startswith(("Rule", "Res"))])
    assert printed[0] == printed[1]
    assert len(printed[0]) > 20


@pytest.mark.parametrize(
    ("version", "usage", "details"),
    [
        ("1.2.17", "--progress --skip-valid", (None, "--skip-valid", True)),
        (
            "1.3.9",
            "--progress --progress-full --skip-valid --skip-validation",
            ("--progress-full", "--skip-validation", False),
        ),
        (
            "1.4.2",
            "--progress-full --skip-validation",
            ("--progress-full", "--skip-validation", False),
        ),
        ("1.0", "", (None, None, True)),
    ],
)
def test_options_go_by_what_this_oscap_knows(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    version: str,
    usage: str,
    details: tuple[str | None, str | None, bool],
) -> None:
    monkeypatch.setattr("stages.scanners.openscap.oscap_program.PATH", str(tmp_path))
    program = an_oscap(tmp_path, version)
    program.write_text(program.read_text() + f"echo '{usage}'\n")
    found = detect(OpenSCAPSettings(content=str(LINUX)), DEBIAN, {}).scanner.details
    names = ("progress_option", "skip_validation_option", "refuses_remote_parts")
    assert tuple(found.get(name) for name in names) == details


def test_only_content_of_a_package_is_not_validated_again(tmp_path: Path) -> None:
    for source, is_skipped in (("installed", True), ("own", True), ("configured", False)):
        plan = planned(LINUX, tmp_path, source, skip_validation_option="--skip-valid")  # type: ignore[arg-type]
        assert isinstance(plan, Plan)
        assert ("--skip-valid" in plan.command) is is_skipped


def test_a_plain_xccdf_file_is_given_with_the_cpe_dictionary_beside_it(tmp_path: Path) -> None:
    benchmark = tmp_path / "ssg-debian12-xccdf.xml"
    benchmark.write_text(
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="b">'
        '<Profile id="p"><title>P</title></Profile></Benchmark>'
    )
    plan = planned(benchmark, tmp_path)
    assert isinstance(plan, Plan)
    assert "--cpe" not in plan.command
    dictionary = tmp_path / "ssg-debian12-cpe-dictionary.xml"
    dictionary.write_text("<cpe-list/>")
    plan = planned(benchmark, tmp_path)
    assert isinstance(plan, Plan)
    assert plan.command[plan.command.index("--cpe") + 1] == str(dictionary)


def test_recorded_results_of_1_2_17_give_the_counts_of_their_files(captures: Path) -> None:
    recorded = captures / "oscap-1.2.17-own-standard"
    results = lzma.decompress((recorded / "results.xml.xz").read_bytes()).decode()
    arf = lzma.decompress((recorded / "arf.xml.xz").read_bytes()).decode()
    report = read_openscap(opener(results), opener(arf))
    summary = report.summary
    assert (summary.passed, summary.failed, summary.not_applicable) == (8, 4, 3)
    assert report.scanner_version == "1.2.17"
    runner = OpenSCAP(OpenSCAPSettings(), None)
    lines = (recorded / "stdout.txt").read_text().splitlines()
    progress = [runner.progress(Line(line)) for line in lines]
    assert len([one for one in progress if one]) == summary.total_rules == 15
