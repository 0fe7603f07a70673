"""What this host can scan now: what was detected, less what the settings or the server have
switched off.
"""

from schemas.capabilities import Detected
from schemas.codec import replace
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.patchmon.capabilities import (
    NO_ANSWERS,
    CommandAnswers,
    IntegrationStatus,
    ScannerStatus,
    status_body,
)
from stages.scanners import registry
from stages.scanners.readiness import Obstacle, is_left_out, refusal

_FOR_ALL = frozenset({Obstacle.COMPLIANCE_DISABLED, Obstacle.DISABLED_BY_SERVER})
_BY_HOST = frozenset({Obstacle.NOT_INSTALLED, Obstacle.NOT_READY})


def integration_status(
    detected: Detected,
    settings: Settings,
    overrides: ServerOverrides,
    answers: CommandAnswers = NO_ANSWERS,
) -> IntegrationStatus:
    """The body that lists what the server may request; scanners that are off are left out."""
    scanners: list[ScannerStatus] = []
    disabled: str | None = None
    for spec in registry.scanners():
        found = detected.scanners.get(spec.key)
        if found is None:
            continue
        problem: str | None = None
        refused = refusal(spec, settings, overrides, detected)
        if refused is not None:
            if refused.obstacle in _FOR_ALL:
                disabled = refused.reason
            if refused.obstacle not in _BY_HOST:
                continue
            problem = refused.reason
        planned = tuple(filter(None, spec.planned_profiles(settings, found)))
        is_expected = not is_left_out(spec, settings, installed=found.installed)
        scanners.append(
            ScannerStatus(spec.key, spec.section, spec.title, found, problem, planned, is_expected)
        )
    if not any(scanner.is_expected for scanner in scanners):
        # A host without any scanner reports what is missing.
        scanners = [replace(scanner, is_expected=True) for scanner in scanners]
    return status_body(detected, scanners, disabled, answers)
