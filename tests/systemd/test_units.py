"""The units: their exposure, with reasons, and their agreement with the spool and the stages."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from spool.layout import DIRECTORIES, OUTBOX, STAGES
from stages.console.install.install_paths import (
    CONFIG,
    CONFIG_PATH,
    KEY,
    REMEDIATE_PATH,
    REMEDIATE_SERVICE,
    REMEDIATE_UNITS,
    RETRY_SERVICE,
    RETRY_TIMER,
    TARGET,
)
from stages.runtime.exits import Exit
from stages.scanners.openscap.script_results import SCRIPT_CAPABILITIES

SYSTEMD = Path(__file__).parents[2] / "systemd"
HIGHEST_EXPOSURE = {"trigger": 1.3, "scan": 2.5, "parse": 0.5, "ship": 1.3}
ROOT = "/var/lib/compliance-agent/spool"


def unit(stage: str) -> str:
    return (SYSTEMD / f"compliance-agent-{stage}.service").read_text()


def comments(stage: str) -> str:
    return " ".join(line.lstrip("# ") for line in unit(stage).splitlines() if line.startswith("#"))


def problems_of_units(analyze: str, *paths: Path) -> list[str]:
    """What `systemd-analyze verify` finds wrong with our units, a line each."""
    done = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    output = (done.stdout + done.stderr).splitlines()
    return [line for line in output if "compliance-agent" in line]


@pytest.fixture
def analyze() -> str:
    path = shutil.which("systemd-analyze")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("systemd-analyze is missing, and CI must have it")
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    return path


@cache
def security(analyze: str, stage: str, *options: str) -> str:
    path = str(SYSTEMD / f"compliance-agent-{stage}.service")
    command = [analyze, "security", "--offline=true", "--no-pager", *options, path]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.mark.parametrize("stage", STAGES)
def test_the_exposure_of_a_unit_is_within_its_limit(stage: str, analyze: str) -> None:
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", security(analyze, stage))
    assert found
    assert float(found[1]) <= HIGHEST_EXPOSURE[stage]


@pytest.mark.parametrize("stage", STAGES)
def test_a_comment_gives_the_reason_for_each_remaining_point(stage: str, analyze: str) -> None:
    items: list[dict[str, Any]] = json.loads(security(analyze, stage, "--json=short"))
    remaining = [item["name"] for item in items if float(item["exposure"] or 0) > 0]
    assert remaining
    reasons = comments(stage)
    for name in remaining:
        assert keyword(name) in reasons, f"{name}: no reason for it in the unit"


def keyword(name: str) -> str:
    """The word that a comment on an item of `systemd-analyze security` must contain."""
    families = {"~AF_UNIX": "AF_UNIX", "~AF_(INET|INET6)": "AF_INET", "~AF_NETLINK": "AF_NETLINK"}
    setting, _, rest = name.partition("=")
    if setting == "RestrictAddressFamilies":
        return families[rest]
    if setting == "CapabilityBoundingSet":
        return "capability"
    return f"{setting.split('/')[0]}="


@pytest.mark.parametrize("stage", STAGES)
def test_systemd_analyze_verify_finds_nothing_in_a_unit(
    stage: str, analyze: str, tmp_path: Path
) -> None:
    path = tmp_path / f"compliance-agent-{stage}.service"
    path.write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit(stage), flags=re.MULTILINE)
    )
    assert problems_of_units(analyze, path) == []


def test_there_is_a_unit_for_every_stage_and_the_target_wants_all_of_them() -> None:
    wanted = re.findall(
        r"compliance-agent-(\w+)\.service", (SYSTEMD / "compliance-agent.target").read_text()
    )
    assert sorted(wanted) == sorted(STAGES)
    assert {path.name for path in SYSTEMD.glob("*.service")} == {
        RETRY_SERVICE,
        REMEDIATE_SERVICE,
        *(f"compliance-agent-{stage}.service" for stage in STAGES),
    }
    for stage in STAGES:
        assert re.search(rf"^ExecStart=\S+ stage {stage}$", unit(stage), re.MULTILINE)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_not_started_again_after_an_exit_code_that_a_restart_does_not_cure(
    stage: str,
) -> None:
    found = re.search(r"^RestartPreventExitStatus=(.+)$", unit(stage), re.MULTILINE)
    assert found
    codes = {int(code) for code in found[1].split()}
    assert {Exit.USAGE, Exit.UNUSABLE, Exit.BUSY} <= codes
    assert not codes & {Exit.BUG, Exit.UNAVAILABLE}
    assert "Restart=always" in unit(stage).splitlines()


def test_failed_stages_are_started_when_the_settings_or_the_key_have_changed() -> None:
    path_unit = (SYSTEMD / CONFIG_PATH).read_text().splitlines()
    assert f"PathChanged={CONFIG}" in path_unit
    assert f"PathChanged={KEY}" in path_unit
    assert f"PartOf={TARGET}" in path_unit
    assert f"Unit={RETRY_SERVICE}" in path_unit
    assert f"Wants={CONFIG_PATH}" in (SYSTEMD / TARGET).read_text().splitlines()
    assert "--state=failed" in (SYSTEMD / RETRY_SERVICE).read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_a_failed_stage_is_started_again_until_its_cause_is_gone(stage: str) -> None:
    assert f"OnFailure={RETRY_TIMER}" in unit(stage).splitlines()
    timer = (SYSTEMD / RETRY_TIMER).read_text().splitlines()
    assert f"PartOf={TARGET}" in timer
    assert f"systemctl --no-block stop {RETRY_TIMER}" in (SYSTEMD / RETRY_SERVICE).read_text()


def test_only_trigger_and_ship_get_the_api_key() -> None:
    credential = re.compile(r"^LoadCredential=", re.MULTILINE)
    assert {stage for stage in STAGES if credential.search(unit(stage))} == {"trigger", "ship"}


def test_tmpfiles_creates_every_directory_of_the_spool_with_its_owner() -> None:
    made = {path: facts for path, facts in directories() if path.startswith(ROOT)}
    assert made == {
        f"{ROOT}/{place.path}".rstrip("/"): (f"{place.mode:04o}", place.owner, place.group)
        for place in DIRECTORIES
    }


def test_no_directory_of_the_spool_is_accessible_to_others() -> None:
    assert [place.path for place in DIRECTORIES if place.mode & 0o027] == []


def test_every_box_has_a_directory_for_entries_history_and_quarantine() -> None:
    places = {place.path: place.stage for place in DIRECTORIES}
    for stage, box in OUTBOX.items():
        assert {places[box], places[f"history/{box}"], places[f"quarantine/{box}"]} == {stage}
        assert places[f"state/{stage}"] == stage


def test_sysusers_creates_every_user_and_group_that_is_used() -> None:
    text = (SYSTEMD / "compliance-agent.sysusers.conf").read_text()
    groups = set(re.findall(r"^[gu] (\S+)", text, re.MULTILINE)) | {"root"}
    users = set(re.findall(r"^u (\S+)", text, re.MULTILINE)) | {"root"}
    for _, (_, user, group) in directories():
        assert user in users
        assert group in groups
    for stage in STAGES:
        for user in re.findall(r"^User=(\S+)", unit(stage), re.MULTILINE):
            assert user in users
        for line in re.findall(r"^(?:Supplementary)?Groups?=(.+)", unit(stage), re.MULTILINE):
            assert set(line.split()) <= groups


def directories() -> list[tuple[str, tuple[str, str, str]]]:
    """Path, mode, user and group of every line of tmpfiles.d that makes a directory."""
    rows = [
        line.split()
        for line in (SYSTEMD / "compliance-agent.tmpfiles.conf").read_text().splitlines()
    ]
    return [(row[1], (row[2], row[3], row[4])) for row in rows if row and row[0] == "d"]


def test_script_checks_are_given_the_capabilities_that_reports_name() -> None:
    drop_in = (SYSTEMD / "compliance-agent-scan.script-checks.conf").read_text()
    found = re.search(r"^CapabilityBoundingSet=(.*)$", drop_in, re.MULTILINE)
    assert found
    assert set(found[1].split()) == set(SCRIPT_CAPABILITIES)
    for name in SCRIPT_CAPABILITIES:
        assert name in "".join(line for line in drop_in.splitlines() if line.startswith("#"))


def test_the_service_for_fixes_is_not_wanted_by_the_target_and_starts_by_requests_alone() -> None:
    target = (SYSTEMD / TARGET).read_text()
    assert not any(name in target for name in REMEDIATE_UNITS)
    path = (SYSTEMD / REMEDIATE_PATH).read_text().splitlines()
    assert f"PathExistsGlob={ROOT}/requests/*.remediation" in path
    assert f"Unit={REMEDIATE_SERVICE}" in path
    service = (SYSTEMD / REMEDIATE_SERVICE).read_text().splitlines()
    assert "[Install]" not in service
    assert "Type=oneshot" in service
    assert not any(line.startswith("LoadCredential=") for line in service)
    for lines in (path, service):
        assert f"PartOf={TARGET}" in lines


def test_systemd_analyze_verify_finds_nothing_in_the_units_for_fixes(
    analyze: str, tmp_path: Path
) -> None:
    for name in REMEDIATE_UNITS:
        text = (SYSTEMD / name).read_text()
        replaced = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(replaced)
    paths = [tmp_path / name for name in REMEDIATE_UNITS]
    assert problems_of_units(analyze, *paths) == []


def test_the_service_for_fixes_has_no_right_that_no_fix_needs(analyze: str) -> None:
    found = json.loads(security(analyze, "remediate", "--json=short"))
    exposure = {item["name"]: float(item["exposure"] or 0) for item in found}
    for setting in (
        *(f"CapabilityBoundingSet=~CAP_{name}" for name in ("SYS_MODULE", "SYS_RAWIO", "SYS_BOOT")),
        *(
            f"SystemCallFilter=~@{name}"
            for name in ("clock", "debug", "module", "raw-io", "reboot")
        ),
        *("ProtectClock=", "ProtectKernelLogs=", "RestrictRealtime=", "LockPersonality="),
    ):
        assert exposure[setting] == 0, setting
