"""What this host can scan, in the server's form. Pure.

Source: `POST /api/v1/hosts/integration-status` of the released servers; the specification's own
form goes along.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from schemas.capabilities import Detected, DetectedContent, DetectedScanner, ProfileInfo
from schemas.ids import Scanner

Component = Literal["ready", "failed", "unavailable"]
_MAX_MESSAGE_CHARS = 1000


@dataclass(frozen=True)
class ScannerStatus:
    """One scanner. `ready` only where a scan requested now would run."""

    key: Scanner
    section: str
    """Before `_version` and `_available` in the body."""
    component: Component
    found: DetectedScanner


def status_body(
    detected: Detected, scanners: Sequence[ScannerStatus], disabled: str | None
) -> dict[str, Any]:
    """The body of an integration status. `disabled`: why no scanner may run; None if they may."""
    messages = list(detected.problems)
    if disabled:
        messages.insert(0, disabled)
    return {
        "integration": "compliance",
        "enabled": disabled is None,
        "status": _status([scanner.component for scanner in scanners]),
        "message": "; ".join(messages)[:_MAX_MESSAGE_CHARS] or "ready",
        "components": {scanner.key: scanner.component for scanner in scanners},
        "scanner_info": _scanner_info(detected, scanners),
        "capabilities": {scanner.section: scanner.found.specified for scanner in scanners},
    }


def _status(components: Sequence[Component]) -> str:
    """What the host does not have, or has switched off, is no fault of the rest."""
    if "ready" not in components:
        return "error"
    if "failed" in components:
        return "partial"
    return "ready"


def _scanner_info(detected: Detected, scanners: Sequence[ScannerStatus]) -> dict[str, Any]:
    content = _content(scanners)
    info: dict[str, Any] = {}
    for scanner in scanners:
        info[f"{scanner.section}_version"] = scanner.found.version or ""
        info[f"{scanner.section}_available"] = scanner.found.ready
    return {
        **info,
        "content_file": PurePath(content.file).name if content else "",
        "content_package": "",
        "ssg_version": content.version or "" if content else "",
        "available_profiles": [
            _profile(profile, scanner.key)
            for scanner in scanners
            for profile in scanner.found.profiles
        ],
        "os_name": detected.os_name,
        "os_version": detected.os_version,
        "os_family": detected.os_family,
        "content_mismatch": content is not None and content.warning is not None,
        "mismatch_warning": content.warning or "" if content else "",
    }


def _content(scanners: Sequence[ScannerStatus]) -> DetectedContent | None:
    """The server has room for the content of one scanner: that of the first that has any."""
    return next((scanner.found.content for scanner in scanners if scanner.found.content), None)


def _profile(profile: ProfileInfo, scanner: Scanner) -> dict[str, str]:
    return {
        "id": profile.short_name,
        "name": profile.title,
        "description": profile.description,
        "type": scanner,
        "xccdf_id": profile.id,
        "category": "compliance",
    }
