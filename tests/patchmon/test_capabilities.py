"""What the server is told of this host: it lets nobody ask for what is not `ready`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.capabilities import (
    ComplianceCapabilities,
    Detected,
    DockerBenchDetection,
    OpenSCAPDetection,
    ProfileInfo,
)
from schemas.schedule import ServerOverrides
from schemas.settings import ComplianceSettings, DockerBenchSettings, OpenSCAPSettings
from stages.patchmon.capabilities import status_body

PROFILE = ProfileInfo(
    id="xccdf_org.ssgproject.content_profile_cis",
    title="CIS Benchmark",
    description="All of it",
    file_path="/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml",
)


def detected(openscap: str = "ready", docker: str = "ready", **changes: Any) -> Detected:
    return Detected(
        capabilities=ComplianceCapabilities(
            openscap=OpenSCAPDetection(
                installed=openscap != "missing", version="1.3.7", available_profiles=(PROFILE,)
            ),
            docker_bench=DockerBenchDetection(
                docker_installed=docker != "missing", docker_version="27"
            ),
        ),
        at=datetime(2026, 6, 1, tzinfo=UTC),
        openscap_ready=openscap == "ready",
        docker_bench_ready=docker == "ready",
        content_file=PROFILE.file_path,
        **changes,
    )


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
def test_ready_is_said_only_of_a_scanner_that_would_run(
    openscap: str, docker: str, status: str, components: tuple[str, str]
) -> None:
    body = status_body(detected(openscap, docker), ComplianceSettings(), ServerOverrides())
    assert body["status"] == status
    assert (body["components"]["openscap"], body["components"]["docker-bench"]) == components


@pytest.mark.parametrize(
    ("compliance", "overrides", "components"),
    [
        (ComplianceSettings(enabled=False), ServerOverrides(), ("unavailable", "unavailable")),
        (
            ComplianceSettings(openscap=OpenSCAPSettings(enabled=False)),
            ServerOverrides(),
            ("unavailable", "ready"),
        ),
        (
            ComplianceSettings(docker_bench=DockerBenchSettings(enabled=False)),
            ServerOverrides(),
            ("ready", "unavailable"),
        ),
        (ComplianceSettings(), ServerOverrides(mode="disabled"), ("unavailable", "unavailable")),
        (ComplianceSettings(), ServerOverrides(mode="on-demand"), ("ready", "ready")),
        (ComplianceSettings(), ServerOverrides(openscap_enabled=False), ("unavailable", "ready")),
    ],
)
def test_what_is_switched_off_is_not_ready(
    compliance: ComplianceSettings, overrides: ServerOverrides, components: tuple[str, str]
) -> None:
    body = status_body(detected(), compliance, overrides)
    assert (body["components"]["openscap"], body["components"]["docker-bench"]) == components
    assert ("switched off" in body["message"]) == (not body["enabled"])


def test_the_body_has_the_servers_fields_and_the_specifications_own_shape() -> None:
    found = detected(
        content_warning="content of Debian 11", os_id="debian", os_name="Debian GNU/Linux"
    )
    body = status_body(found, ComplianceSettings(), ServerOverrides())
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
