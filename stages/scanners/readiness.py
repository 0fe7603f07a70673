"""Whether a scan by a scanner may run here, decided once for all stages and commands. Pure.

The caller passes what the answer depends on. The scan stage passes its settings alone: a scan that
an operator requests on the host runs whatever the server has switched off. Schedules and the
server's commands also pass the server's overrides, and the status for the server passes everything.
"""

from enum import Enum, auto

from schemas.capabilities import Detected
from schemas.records import Struct
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.scanners.spec import ScannerSpec


class Obstacle(Enum):
    """What prevents a scan, in the order of the checks."""

    COMPLIANCE_DISABLED = auto()
    SCANNER_DISABLED = auto()
    DISABLED_BY_SERVER = auto()
    SCANNER_DISABLED_BY_SERVER = auto()
    NOT_INSTALLED = auto()
    NOT_READY = auto()


BY_SERVER = frozenset({Obstacle.DISABLED_BY_SERVER, Obstacle.SCANNER_DISABLED_BY_SERVER})


class Refusal(Struct, frozen=True):
    """Why a scan would not run, with what to do."""

    obstacle: Obstacle
    reason: str


def refusal(
    spec: ScannerSpec,
    settings: Settings,
    overrides: ServerOverrides | None = None,
    detected: Detected | None = None,
) -> Refusal | None:
    """Why a scan would not run; None where it would, as far as is known."""
    return (
        _refusal_by_settings(spec, settings)
        or _refusal_by_server(spec, overrides)
        or _refusal_by_host(spec, detected)
    )


def is_left_out(spec: ScannerSpec, settings: Settings, *, installed: bool) -> bool:
    """Whether the settings want this scanner only where it is installed, and here it is not."""
    return spec.settings_in(settings).enabled == "auto" and not installed


def _refusal_by_settings(spec: ScannerSpec, settings: Settings) -> Refusal | None:
    if not settings.compliance.enabled:
        message = "compliance scans are switched off: set compliance.enabled: true"
        return Refusal(Obstacle.COMPLIANCE_DISABLED, message)
    if not spec.settings_in(settings).enabled:
        message = (
            f"{spec.title} scans are switched off: set compliance.{spec.section}.enabled: true"
        )
        return Refusal(Obstacle.SCANNER_DISABLED, message)
    return None


def _refusal_by_server(spec: ScannerSpec, overrides: ServerOverrides | None) -> Refusal | None:
    if overrides is None:
        return None
    if overrides.mode == "disabled":
        message = "compliance scans are switched off for this host by the server"
        return Refusal(Obstacle.DISABLED_BY_SERVER, message)
    if overrides.scanners.get(spec.key) is False:
        message = f"{spec.title} scans are switched off for this host by the server"
        return Refusal(Obstacle.SCANNER_DISABLED_BY_SERVER, message)
    return None


def _refusal_by_host(spec: ScannerSpec, detected: Detected | None) -> Refusal | None:
    if detected is None:
        return None
    found = detected.scanners.get(spec.key)
    if found is None or found.ready:
        return None
    message = "; ".join(found.problems)
    if found.installed:
        return Refusal(Obstacle.NOT_READY, message or f"{spec.title} can't run on this host")
    return Refusal(Obstacle.NOT_INSTALLED, message or f"{spec.title} is not on this host")
