"""What this host reports to the server: the server offers only what is `ready`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.capabilities import Detected, DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import plain, replace
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.patchmon.capabilities import CommandAnswers
from stages.scanners.docker_bench.docker_bench_capability import DockerBenchDetection
from stages.scanners.openscap.openscap_capability import OpenSCAPDetection
from stages.scanners.settings import check_settings
from stages.trigger import integration_status as reported

PROFILE = ProfileInfo(
    id="xccdf_org.ssgproject.content_profile_cis",
    title="CIS Benchmark",
    description="All of it",
    file_path="/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml",
)


def detected(openscap: str = "ready", docker: str = "ready", **changes: Any) -> Detected:
    content = DetectedContent(
        file=PROFILE.file_path, source="installed", warning=changes.pop("content_warning", None)
    )
    scanners = {
        "openscap": DetectedScanner(
            installed=openscap != "missing",
            ready=openscap == "ready",
            version="1.3.7",
            profiles=(PROFILE,),
            content=content,
            specified=plain(OpenSCAPDetection(installed=openscap != "missing")),
        ),
        "docker-bench": DetectedScanner(
            installed=docker != "missing",
            ready=docker == "ready",
            specified=plain(DockerBenchDetection(docker_installed=docker != "missing")),
        ),
    }
    return Detected(at=datetime(2026, 6, 1, tzinfo=UTC), scanners=scanners, **changes)


def integration_status(*arguments: Any) -> Any:
    """The body as the server gets it."""
    return plain(reported.integration_status(*arguments))


def settings(**compliance: Any) -> Settings:
    checked, problems = check_settings({"compliance": compliance})
    assert problems == []
    return checked


@pytest.mark.parametrize(
    ("openscap", "docker", "status", "ready"),
    [
        ("ready", "ready", "ready", {"openscap", "docker-bench"}),
        ("ready", "missing", "ready", {"openscap"}),
        ("ready", "broken", "ready", {"openscap"}),
        ("broken", "ready", "ready", {"docker-bench"}),
        ("missing", "ready", "ready", {"docker-bench"}),
        ("broken", "broken", "error", set()),
        ("missing", "missing", "error", set()),
    ],
)
def test_only_scanners_that_would_run_are_named_and_the_rest_does_not_hold_them_up(
    openscap: str, docker: str, status: str, ready: set[str]
) -> None:
    body = integration_status(detected(openscap, docker), settings(), ServerOverrides())
    assert body["status"] == status
    assert body["components"] == dict.fromkeys(ready, "ready")
    assert ("docker_bench_available" in body["scanner_info"]) == ("docker-bench" in ready)
    warning = body["scanner_info"]["mismatch_warning"]
    assert ("OpenSCAP" in warning) == ("openscap" not in ready)
    assert ("Docker Bench" in warning) == (docker == "broken"), "it is not expected everywhere"
    assert body["scanner_info"]["content_mismatch"] is bool(warning)


@pytest.mark.parametrize(
    ("compliance", "overrides", "ready"),
    [
        ({"enabled": False}, ServerOverrides(), set()),
        ({"openscap": {"enabled": False}}, ServerOverrides(), {"docker-bench"}),
        ({"docker_bench": {"enabled": False}}, ServerOverrides(), {"openscap"}),
        ({}, ServerOverrides(mode="disabled"), set()),
        ({}, ServerOverrides(mode="on-demand"), {"openscap", "docker-bench"}),
        ({}, ServerOverrides(scanners={"openscap": False}), {"docker-bench"}),
    ],
)
def test_a_scanner_that_is_switched_off_is_not_mentioned(
    compliance: dict[str, Any], overrides: ServerOverrides, ready: set[str]
) -> None:
    body = integration_status(detected(), settings(**compliance), overrides)
    assert set(body["components"]) == ready
    assert set(body["capabilities"]) == {key.replace("-", "_") for key in ready}
    assert ("switched off" in body["message"]) == (not body["enabled"])


def test_a_host_without_docker_has_nothing_to_report() -> None:
    body = integration_status(detected(docker="missing"), settings(), ServerOverrides())
    assert (body["message"], body["scanner_info"]["mismatch_warning"]) == ("ready", "")
    assert body["scanner_info"]["content_mismatch"] is False
    assert body["capabilities"]["docker_bench"]["docker_installed"] is False


@pytest.mark.parametrize(
    "compliance", [{"docker_bench": {"enabled": True}}, {"openscap": {"enabled": False}}]
)
def test_docker_is_missing_where_the_settings_expect_it_or_there_is_no_other_scanner(
    compliance: dict[str, Any],
) -> None:
    body = integration_status(detected(docker="missing"), settings(**compliance), ServerOverrides())
    reason = "Docker Bench can't run: Docker Bench is not on this host"
    assert body["scanner_info"]["mismatch_warning"] == reason


def test_where_docker_bench_is_off_no_docker_is_advised() -> None:
    off = ServerOverrides(scanners={"docker-bench": False})
    body = integration_status(detected(docker="missing"), settings(), off)
    assert "ocker" not in body["message"] + body["scanner_info"]["mismatch_warning"]


def test_an_agent_whose_compliance_is_off_at_the_server_never_reports_it_enabled() -> None:
    body = integration_status(detected(), settings(), ServerOverrides(mode="disabled"))
    assert body["enabled"] is False


def test_the_configured_profile_comes_first_and_docker_bench_last() -> None:
    other = replace(PROFILE, id="xccdf_org.ssgproject.content_profile_standard", title="Standard")
    found = detected()
    both = replace(found.scanners["openscap"], profiles=(PROFILE, other))
    found = replace(found, scanners={**found.scanners, "openscap": both})
    body = integration_status(found, settings(openscap={"profile": "standard"}), ServerOverrides())
    profiles = body["scanner_info"]["available_profiles"]
    assert [profile["id"] for profile in profiles] == ["standard", "cis", "docker-bench"]
    assert profiles[-1]["type"] == "docker-bench"


def test_a_refusal_is_shown_beside_ready_and_an_installation_gets_its_events() -> None:
    answers = CommandAnswers(refusal="no: not here", install="no: not here")
    body = integration_status(detected(), settings(), ServerOverrides(), answers)
    assert body["status"] == "ready"
    assert body["scanner_info"]["mismatch_warning"] == "no: not here"
    (event,) = body["install_events"]
    assert event == {"step": "complete", "status": "failed", "message": "no: not here"}


def test_the_body_has_the_servers_fields_and_the_specifications_own_shape() -> None:
    found = detected(
        content_warning="content of Debian 11", os_id="debian", os_name="Debian GNU/Linux"
    )
    body = integration_status(found, settings(), ServerOverrides())
    assert body["integration"] == "compliance"
    assert body["enabled"] is True
    info = body["scanner_info"]
    assert info["available_profiles"][:1] == [
        {
            "id": "cis",
            "name": "CIS Benchmark",
            "description": "All of it",
            "type": "openscap",
            "xccdf_id": PROFILE.id,
            "category": "compliance",
        }
    ]
    assert info["content_file"] == "ssg-debian12-ds.xml"
    assert (info["content_mismatch"], info["mismatch_warning"]) == (True, "content of Debian 11")
    assert set(body["capabilities"]["openscap"]) == {
        "installed",
        "version",
        "oscap_path",
        "content_path",
        "available_profiles",
    }
    assert set(body["capabilities"]["docker_bench"]) == {
        "docker_installed",
        "docker_version",
        "docker_bench_method",
    }


def test_the_profiles_of_the_settings_come_first_in_their_order() -> None:
    base = PROFILE.id.removesuffix("cis")
    profiles = [
        replace(PROFILE, id=f"{base}{name}", title=name) for name in ("anssi", "cis", "pci", "stig")
    ]
    host = detected()
    openscap = replace(host.scanners["openscap"], profiles=tuple(profiles))
    host = replace(host, scanners={**host.scanners, "openscap": openscap})
    scans = [{"profile": ["none", "stig"], "schedule": None}, {"profile": "cis", "schedule": None}]
    body = integration_status(host, settings(openscap={"scans": scans}), ServerOverrides())
    offered = [profile["id"] for profile in body["scanner_info"]["available_profiles"]]
    assert offered == ["stig", "cis", "anssi", "pci", "docker-bench"]
