"""What this host can scan now: what was detected, without what is switched off. Pure."""

from typing import Any

from schemas.capabilities import Detected
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.patchmon.capabilities import Component, ScannerStatus, status_body
from stages.scanners import registry
from stages.scanners.readiness import Obstacle, refusal
from stages.scanners.spec import ScannerSpec

_FOR_ALL = frozenset({Obstacle.COMPLIANCE_DISABLED, Obstacle.DISABLED_BY_SERVER})


def integration_status(
    detected: Detected, settings: Settings, overrides: ServerOverrides
) -> dict[str, Any]:
    """The body that reports to the server what it may request."""
    scanners: list[ScannerStatus] = []
    disabled: str | None = None
    for spec in registry.scanners():
        if spec.key not in detected.scanners:
            continue
        component = _component(spec, settings, overrides, detected)
        found = detected.scanners[spec.key]
        scanners.append(ScannerStatus(spec.key, spec.section, component, found))
        refused = refusal(spec, settings, overrides)
        if refused and refused.obstacle in _FOR_ALL:
            disabled = refused.reason
    return status_body(detected, scanners, disabled)


def _component(
    spec: ScannerSpec, settings: Settings, overrides: ServerOverrides, detected: Detected
) -> Component:
    refused = refusal(spec, settings, overrides, detected)
    if refused is None:
        return "ready"
    if refused.obstacle is Obstacle.NOT_READY:
        return "failed"
    return "unavailable"
