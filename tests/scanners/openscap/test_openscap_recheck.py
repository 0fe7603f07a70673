"""How rules are evaluated again by the versions of oscap."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from schemas.codec import plain
from schemas.ids import ScanId
from schemas.manifest import Content, Manifest
from spool.raw import RawBox
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_recheck import plan_recheck
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.rechecking import KeptScan, RecheckPlan
from stages.scanners.runner import CannotRun
from tests.scanners.openscap.content_samples import datastream

AT = datetime(2026, 11, 26, tzinfo=UTC)
RULES = ["xccdf_a_rule_b", "xccdf_a_rule_c"]


def manifest(content: Path | None) -> Manifest:
    used = None
    if content is not None:
        used = Content(path=str(content), sha256="0" * 64, source="configured")
    return Manifest(
        scan_id=ScanId("20261126T073843Z-openscap-9c512a85"),
        scanner="openscap",
        outcome="finished",
        profile_id="xccdf_a_profile_p",
        content=used,
        started_at=AT,
        completed_at=AT,
        agent_version="1",
    )


def planned(content: Path | None, draft: Path, version: str) -> RecheckPlan | CannotRun:
    details = plain(OpenSCAPDetails(oscap_path="/usr/bin/oscap"))
    detected = DetectedScanner(installed=True, ready=True, version=version, details=details)
    scan = KeptScan(manifest(content), RawBox(draft / "spool"))
    return plan_recheck(OpenSCAPSettings(), detected, scan, RULES, draft)


@pytest.mark.parametrize(
    ("version", "batches"),
    [("1.2.17", [RULES[:1], RULES[1:]]), ("1.3.7", [RULES]), ("1.4.2", [RULES])],
)
def test_old_versions_evaluate_one_rule_a_run(
    tmp_path: Path, version: str, batches: list[list[str]]
) -> None:
    content = tmp_path / "ds.xml"
    content.write_bytes(datastream())
    plan = planned(content, tmp_path, version)
    assert isinstance(plan, RecheckPlan)
    assert [[part for part in run.command if part in RULES] for run in plan.runs] == batches
    for run in plan.runs:
        assert run.command[3:5] == ("--profile", "xccdf_a_profile_p")
    assert "has changed since the scan (SHA-256 000000000000 before" in plan.warnings[0]


def test_content_that_is_gone_and_a_scan_without_content_are_refused(tmp_path: Path) -> None:
    for content, reason in ((tmp_path / "gone.xml", "can't be read"), (None, "was not made by")):
        refused = planned(content, tmp_path, "1.3.7")
        assert isinstance(refused, CannotRun)
        assert reason in refused.reason
