"""What is reported to the server of this host: it offers only scanners that are `ready`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.capabilities import Detected, DetectedContent, DetectedScanner, ProfileInfo
from schemas.codec import plain
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.scanners.docker_bench.capability import DockerBenchDetection
from stages.scanners.openscap.capability import OpenSCAPDetection
from stages.scanners.settings import check_settings
from stages.trigger.capabilities import integration_status

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


def settings(**compliance: Any) -> Settings:
    checked, problems = check_settings({"compliance": compliance})
    assert problems == []
    return checked


@pytest.mark.parametrize(
    ("openscap", "docker", "status", "components"),
    [
        ("ready", "ready", "ready", ("ready", "ready")),
        ("ready", "missing", "ready", ("ready", "unavailable")),
        ("ready", "broken", "partial", ("ready", "failed")),
        ("broken", "ready", "partial", ("failed", "ready")),
        ("missing", "ready", "ready", ("unavailable", "ready")),
        ("broken", "broken", "error", ("failed", "failed")),
        ("missing", "missing", "error", ("unavailable", "unavailable")),
        ("broken", "missing", "error", ("failed", "unavailable")),
    ],
)
def test_only_a_scanner_that_would_run_is_reported_as_ready(
    openscap: str, docker: str, status: str, components: tuple[str, str]
) -> None:
    body = integration_status(detected(openscap, docker), settings(), ServerOverrides())
    assert body["status"] == status
    assert (body["components"]["openscap"], body["components"]["docker-bench"]) == components


@pytest.mark.parametrize(
    ("compliance", "overrides", "components"),
    [
        ({"enabled": False}, ServerOverrides(), ("unavailable", "unavailable")),
        (
            {"openscap": {"enabled": False}},
            ServerOverrides(),
            ("unavailable", "ready"),
        ),
        (
            {"docker_bench": {"enabled": False}},
            ServerOverrides(),
            ("ready", "unavailable"),
        ),
        ({}, ServerOverrides(mode="disabled"), ("unavailable", "unavailable")),
        ({}, ServerOverrides(mode="on-demand"), ("ready", "ready")),
        ({}, ServerOverrides(scanners={"openscap": False}), ("unavailable", "ready")),
    ],
)
def test_what_is_switched_off_is_not_ready(
    compliance: dict[str, Any], overrides: ServerOverrides, components: tuple[str, str]
) -> None:
    body = integration_status(detected(), settings(**compliance), overrides)
    assert (body["components"]["openscap"], body["components"]["docker-bench"]) == components
    assert ("switched off" in body["message"]) == (not body["enabled"])


def test_the_body_has_the_servers_fields_and_the_specifications_own_shape() -> None:
    found = detected(
        content_warning="content of Debian 11", os_id="debian", os_name="Debian GNU/Linux"
    )
    body = integration_status(found, settings(), ServerOverrides())
    assert body["integration"] == "compliance"
    assert body["enabled"] is True
    info = body["scanner_info"]
    assert info["available_profiles"] == [
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
