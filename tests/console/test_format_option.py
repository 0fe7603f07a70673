"""`show --format` and `parse --format` as an operator calls them."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.manifest import Manifest
from spool.raw import Output
from spool.spool import Spool
from stages.formats import registry as formats
from stages.scanners import registry
from tests.console.program import agent
from tests.formats import reports
from tests.scanners.openscap.scap_samples import Rule, arf

pytestmark = pytest.mark.slow

ARF = b"<arf>\xc3\xa9</arf>"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """With one scan: its raw entry and its report."""
    found = Spool(tmp_path / "spool")
    found.claim("scan")
    draft = found.raw.draft(reports.SCAN_ID)
    (draft / "arf.xml").write_bytes(ARF)
    manifest = Manifest(
        scan_id=reports.SCAN_ID,
        scanner="openscap",
        outcome="finished",
        started_at=reports.STARTED,
        completed_at=reports.STARTED,
        agent_version="1",
    )
    found.raw.publish(manifest, (Output("arf", "arf.xml"),))
    found.release()
    found.claim("parse")
    found.reports.write(reports.of_every_status())
    return found


BEGINNINGS = {
    "text": "Host ",
    "json": "{",
    "html": "<!DOCTYPE html>",
    "csv": '"host","scan_id"',
    "junit": "<?xml",
    "sarif": "{",
    "oscal": "{",
    "arf": "<arf>",
}


@pytest.mark.parametrize("key", BEGINNINGS)
def test_show_prints_the_format(spool: Spool, config: Path, key: str) -> None:
    assert agent("show", "last", "--format", key, config=config).stdout.startswith(BEGINNINGS[key])


def test_every_format_is_tried() -> None:
    assert set(BEGINNINGS) == {*formats.names(), *registry.raw_formats()}


def test_the_arf_comes_byte_for_byte(spool: Spool, config: Path, tmp_path: Path) -> None:
    output = tmp_path / "arf.xml"
    agent("show", "last", "--format", "arf", "-o", str(output), config=config)
    assert output.read_bytes() == ARF


def test_an_output_file_is_readable_by_its_owner_alone(
    spool: Spool, config: Path, tmp_path: Path
) -> None:
    output = tmp_path / "report.html"
    agent("show", "last", "--format", "html", "-o", str(output), config=config)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_a_format_that_the_scan_has_nothing_for_leaves_no_file(
    spool: Spool, config: Path, tmp_path: Path
) -> None:
    spool.release()
    spool.claim("scan")
    spool.raw.remove(reports.SCAN_ID)
    output = tmp_path / "arf.xml"
    done = agent("show", "last", "--format", "arf", "-o", str(output), config=config, code=1)
    assert "this scan has no ARF" in done.stderr
    assert not output.exists()


def test_what_can_not_be_written_leaves_the_file_that_was_there(
    spool: Spool, config: Path, tmp_path: Path
) -> None:
    output = tmp_path / "report"
    output.write_text("as it was")
    output.chmod(0o644)
    spool.release()
    spool.claim("scan")
    spool.raw.remove(reports.SCAN_ID)
    options = ("-o", str(output))
    agent("show", "last", "--format", "arf", *options, config=config, code=1)
    assert output.read_text() == "as it was"
    limit = f"ulimit -f 1; exec {sys.executable} -m stages.console.main show last --format html"
    command = ["/bin/sh", "-c", f"{limit} -o {output} --config {config}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert output.read_text() == "as it was"
    assert sorted(tmp_path.glob("*report*")) == [output]
    agent("show", "last", "--format", "html", *options, config=config)
    assert output.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(output.stat().st_mode) == 0o644


def test_a_device_and_a_link_to_one_are_written_to(spool: Spool, config: Path) -> None:
    for output in ("/dev/stdout", "/dev/null"):
        shown = agent("show", "last", "--format", "html", "-o", output, config=config).stdout
        assert shown.startswith("<!DOCTYPE html>") == (output == "/dev/stdout")
    full = agent("show", "last", "--format", "html", "-o", "/dev/full", config=config, code=3)
    assert "/dev/full: can't be written: No space left on device; free some" in full.stderr


def test_a_scan_without_a_report_yet_is_an_error(config: Path) -> None:
    scan_id = agent("scan", config=config).stdout.strip()
    done = agent("show", scan_id, "--format", "html", config=config, code=1)
    assert "has no report yet" in done.stderr


def test_parse_prints_the_format(tmp_path: Path) -> None:
    path = tmp_path / "arf.xml"
    path.write_text(arf([Rule("a"), Rule("b")]))
    assert agent("parse", str(path), "--format", "html").stdout.startswith("<!DOCTYPE html>")
    assert json.loads(agent("parse", str(path), "--format", "sarif").stdout)["version"] == "2.1.0"
    assert agent("parse", str(path), "--format", "text").stdout.startswith("Profile ")


def test_a_reader_that_has_gone_is_not_an_error(spool: Spool, config: Path) -> None:
    program = f"{sys.executable} -m stages.console.main"
    command = f"{program} show last --format html --config {config} | head -c 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "<"
    assert done.stderr == ""
