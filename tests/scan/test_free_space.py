"""A scan waits for free space; the log, `list` and `status` give the reason."""

import json
import os
from pathlib import Path

import pytest

from spool.spool import Spool
from stages.console.main import main
from stages.runtime.exits import Exit
from stages.scan import free_space
from tests.pipeline.agent import an_agent, until


def test_the_scan_command_warns_that_the_scan_waits_for_free_space(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "config.yml"
    values = {
        "spool": {"path": str(tmp_path / "spool"), "min_free_mib": 1024 * 1024},
        "runtime_dir": str(tmp_path),
    }
    config.write_text(json.dumps(values))
    if free_space.why_scans_wait(tmp_path, 1024 * 1024) is None:
        pytest.skip("this disk has more than a TiB free")
    assert main(["scan", "--config", str(config)]) == 0
    assert (
        "a scan needs 1048576 MiB (spool.min_free_mib): free some space" in capsys.readouterr().err
    )


def test_free_space_is_compared_with_what_a_scan_needs(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    free_mib = status.f_bavail * status.f_frsize >> 20
    assert free_space.why_scans_wait(tmp_path, max(1, free_mib // 2)) is None
    message = free_space.why_scans_wait(tmp_path, free_mib * 2 + 64) or ""
    assert f"a scan needs {free_mib * 2 + 64} MiB (spool.min_free_mib): free some space" in message


@pytest.mark.oscap
def test_a_scan_that_waits_for_free_space_runs_once_there_is_enough(
    small_disk: Path,
) -> None:
    with an_agent() as agent:
        agent.settings["spool"] = {
            "path": str(small_disk / "spool"),
            "check_every_s": 0.5,
            "min_free_mib": 64,
        }
        agent.configure()
        agent.run("scan", "--profile", "all_pass")
        agent.start("trigger", "scan", "parse")
        until(lambda: "MiB free, a scan needs 64 MiB" in agent.log("scan"), "the stage waits")
        (row,) = json.loads(agent.run("list", "--json"))
        assert (
            "MiB free, a scan needs 64 MiB (spool.min_free_mib): free some space"
            in row["pending_reason"]
        )
        assert (
            json.loads(agent.run("status", "--json", code=None))["blocked_reason"]
            == row["pending_reason"]
        )
        assert "scans wait" in agent.run("status", code=Exit.UNUSABLE)
        behind = json.loads(agent.run("scan", "--profile", "slow", "--json"))["scan_id"]
        agent.run("cancel", behind)
        spool = Spool(small_disk / "spool")
        until(
            lambda: behind in spool.reports.ids(), "a cancelled scan does not wait for free space"
        )
        assert spool.reports.read(behind).status == "cancelled"
        agent.settings["spool"]["min_free_mib"] = 4
        agent.configure()
        until(lambda: row["scan_id"] in spool.reports.ids(), "the scan is done")
        row = json.loads(agent.run("list", "--json"))[0]
        assert "MiB free" not in (row["pending_reason"] or "")
        assert json.loads(agent.run("status", "--json"))["blocked_reason"] is None
