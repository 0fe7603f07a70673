"""`config check` and `scan` look a profile up in the content of the host."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.capabilities import DETECTED_STATE
from spool.spool import Spool
from stages.scanners.detection import detect_now
from stages.scanners.openscap.content import EVERY_RESULT, LINUX
from stages.scanners.settings import check_settings
from tests.console.program import agent

pytestmark = pytest.mark.slow


def configured(config: Path, **openscap: Any) -> None:
    settings = json.loads(config.read_text())
    settings["compliance"] = {"openscap": {"content": str(EVERY_RESULT), **openscap}}
    config.write_text(json.dumps(settings))


def test_config_check_names_the_content_and_how_well_it_fits(config: Path) -> None:
    configured(config, profile="linux_standard", content=str(LINUX))
    checked = json.loads(agent("config", "check", "--json", config=config).stdout)
    content = f"OpenSCAP content: {LINUX}, version 1.0.0 (built-in baseline for any Linux)"
    assert content in checked["remarks"]


def test_config_check_finds_a_profile_that_the_content_does_not_have(config: Path) -> None:
    configured(config, profile="all_pas")
    shown = agent("config", "check", config=config, code=2).stdout
    assert (
        "compliance.openscap.profile: unknown profile: 'all_pas' is not in the content; nearest: "
        in shown
    )
    assert "all_pass" in shown
    configured(config, profile=["cis_level1_server", "all_pass"])
    agent("config", "check", config=config)
    configured(config, profile=[])
    assert "compliance.openscap.profile" in agent("config", "check", config=config, code=2).stdout


def test_config_check_without_content_reports_it(config: Path, tmp_path: Path) -> None:
    configured(config, content=None, content_dirs=[str(tmp_path)], content_fallback="none")
    checked = json.loads(agent("config", "check", "--json", config=config).stdout)
    (remark,) = [text for text in checked["remarks"] if text.startswith("OpenSCAP")]
    assert remark.startswith("OpenSCAP has no content to scan with: ")
    assert f"no SCAP content in {tmp_path}" in remark


def test_a_scan_with_a_profile_that_the_content_does_not_have_is_not_requested(
    config: Path,
) -> None:
    configured(config)
    # Nothing is detected yet: the command looks itself.
    agent("scan", "--profile", "all_pas", config=config, code=2)
    values = json.loads(config.read_text())
    settings, problems = check_settings(values)
    assert not problems
    spool = Spool(Path(values["spool"]["path"]))
    spool.prepare()
    spool.state_store("scan").write(DETECTED_STATE, detect_now(settings))
    refused = agent("scan", "--profile", "all_pas", config=config, code=2)
    assert "unknown profile: 'all_pas' is not in the content; nearest: " in refused.stderr
    assert json.loads(agent("list", "--json", config=config).stdout) == []
    agent("scan", "--profile", "all_pass", config=config)
    # The content has changed since the detection: what is there now counts.
    configured(config, content=str(LINUX))
    agent("scan", "--profile", "linux_strict", config=config)


def test_content_that_is_named_and_not_there_is_a_problem(config: Path, tmp_path: Path) -> None:
    for name in (str(tmp_path / "gone-ds.xml"), "ubuntu2404_CIS_1"):
        configured(config, content=name)
        shown = agent("config", "check", config=config, code=2).stdout
        assert f"no content to scan with: compliance.openscap.content: {name}: " in shown


def test_config_check_names_content_from_the_server_without_a_server(config: Path) -> None:
    remark = "compliance.openscap.content_from_server: has no effect without server.url"
    assert remark not in agent("config", "check", config=config).stdout
    configured(config, content_from_server="missing")
    assert f"note: {remark}" in agent("config", "check", config=config).stdout
