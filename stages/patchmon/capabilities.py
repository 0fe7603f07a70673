"""What this host can scan, as the server wants to hear it. Pure.

Source: `POST /api/v1/hosts/integration-status` of the released servers; the specification's own shape rides along.
"""

from pathlib import PurePath
from typing import Any, Literal

from schemas.capabilities import Detected, ProfileInfo
from schemas.codec import plain
from schemas.schedule import ServerOverrides
from schemas.settings import ComplianceSettings

Component = Literal["ready", "failed", "unavailable"]


def status_body(
    detected: Detected, compliance: ComplianceSettings, overrides: ServerOverrides
) -> dict[str, Any]:
    """The body of an integration status. A component is `ready` only when a scan asked for now would really run."""
    openscap, docker = detected.capabilities.openscap, detected.capabilities.docker_bench
    enabled = compliance.enabled and overrides.mode != "disabled"
    off = None if enabled else "compliance scans are switched off for this host"
    components: dict[str, Component] = {
        "openscap": _component(
            detected.openscap_ready,
            bool(openscap and openscap.installed),
            enabled and compliance.openscap.enabled and overrides.openscap_enabled is not False,
        ),
        "docker-bench": _component(
            detected.docker_bench_ready,
            bool(docker and docker.docker_installed),
            enabled
            and compliance.docker_bench.enabled
            and overrides.docker_bench_enabled is not False,
        ),
    }
    return {
        "integration": "compliance",
        "enabled": enabled,
        "status": _status(components),
        "message": "; ".join(filter(None, (off, *detected.problems, detected.docker_problem)))[
            :1000
        ]
        or "ready",
        "components": components,
        "scanner_info": _scanner_info(detected),
        "capabilities": plain(detected.capabilities),
    }


def _component(ready: bool, installed: bool, enabled: bool) -> Component:
    if not installed or not enabled:
        return "unavailable"
    return "ready" if ready else "failed"


def _status(components: dict[str, Component]) -> str:
    """What the host does not have, or has switched off, is no fault of the rest."""
    present = [word for word in components.values() if word != "unavailable"]
    if "ready" not in present:
        return "error"
    return "partial" if "failed" in present else "ready"


def _scanner_info(detected: Detected) -> dict[str, Any]:
    openscap, docker = detected.capabilities.openscap, detected.capabilities.docker_bench
    return {
        "openscap_version": openscap.version if openscap else "",
        "openscap_available": detected.openscap_ready,
        "content_file": PurePath(detected.content_file).name if detected.content_file else "",
        "content_package": "",
        "ssg_version": detected.content_version or "",
        "available_profiles": [_profile(profile) for profile in openscap.available_profiles]
        if openscap
        else [],
        "docker_bench_available": bool(docker and detected.docker_bench_ready),
        "os_name": detected.os_name,
        "os_version": detected.os_version,
        "os_family": detected.os_family,
        "content_mismatch": detected.content_warning is not None,
        "mismatch_warning": detected.content_warning or "",
    }


def _profile(profile: ProfileInfo) -> dict[str, str]:
    return {
        "id": profile.id.rpartition("_profile_")[2],
        "name": profile.title,
        "description": profile.description,
        "type": "openscap",
        "xccdf_id": profile.id,
        "category": "compliance",
    }
