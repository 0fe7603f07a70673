"""Whether a scan may run is decided once, and every refusal names what to change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.capabilities import Detected, DetectedScanner
from schemas.schedule import ServerOverrides
from stages.scanners import registry
from stages.scanners.readiness import Obstacle, refusal
from stages.scanners.settings import check_settings

AT = datetime(2026, 6, 1, tzinfo=UTC)
SPECS = registry.scanners()


def detected(*, installed: bool, ready: bool) -> Detected:
    found = DetectedScanner(installed=installed, ready=ready, problems=("apt-get install it",))
    return Detected(at=AT, scanners={spec.key: found for spec in SPECS})


READY = detected(installed=True, ready=True)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
@pytest.mark.parametrize(
    ("compliance", "section", "overrides", "found", "obstacle"),
    [
        ({}, {}, ServerOverrides(), READY, None),
        ({"enabled": False}, {}, ServerOverrides(mode="enabled"), READY, "COMPLIANCE_DISABLED"),
        ({}, {"enabled": False}, ServerOverrides(), READY, "SCANNER_DISABLED"),
        ({}, {}, ServerOverrides(mode="disabled"), READY, "DISABLED_BY_SERVER"),
        ({}, {}, ServerOverrides(mode="on-demand"), READY, None),
        ({}, {}, None, None, None),
        ({}, {}, None, detected(installed=False, ready=False), "NOT_INSTALLED"),
        ({}, {}, None, detected(installed=True, ready=False), "NOT_READY"),
    ],
)
def test_the_first_obstacle_is_the_reason(
    spec: Any,
    compliance: dict[str, Any],
    section: dict[str, Any],
    overrides: ServerOverrides | None,
    found: Detected | None,
    obstacle: str | None,
) -> None:
    settings, problems = check_settings({"compliance": {**compliance, spec.section: section}})
    assert problems == []
    refused = refusal(spec, settings, overrides, found)
    if obstacle is None:
        assert refused is None
        return
    assert refused is not None
    assert refused.obstacle is Obstacle[obstacle]
    if obstacle == "SCANNER_DISABLED":
        assert refused.reason.endswith(f"set compliance.{spec.section}.enabled: true")
    if found is not READY:
        assert refused.reason == "apt-get install it"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
def test_the_server_switches_one_scanner_off_and_no_other(spec: Any) -> None:
    settings, _ = check_settings({})
    overrides = ServerOverrides(scanners={spec.key: False})
    for other in SPECS:
        refused = refusal(other, settings, overrides)
        assert (refused is not None) == (other is spec)
