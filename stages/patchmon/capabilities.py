"""What this host can scan, in the server's form. Pure.

Source: `POST /api/v1/hosts/integration-status` of the released servers; the specification's own
form goes along.

The server's page offers a scan of all scanners only where every component that is named is
`ready`, so one that can't run is left out. The page shows `message` only beside `partial` and
`error`; beside `ready` the one free text that an administrator sees is `mismatch_warning`: the
reason of a scanner that can't run, and what was refused, go there.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from schemas.capabilities import Detected, DetectedContent, DetectedScanner, ProfileInfo
from schemas.ids import Scanner
from schemas.records import Record, Struct

_MAX_MESSAGE_CHARS = 1000
_REFUSAL_HOLDS_S = 24 * 3600.0
"""How long a refusal is shown on the server's page."""
_INSTALL_HOLDS_S = 60.0
"""An answer to an installation that came with a later status could end another installation."""


class InstallEvent(Record, frozen=True, kw_only=True):
    """How an installation that the server requested has ended."""

    step: str
    status: str
    message: str


class IntegrationStatus(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an integration status."""

    integration: str
    enabled: bool
    status: Literal["ready", "error"]
    message: str
    components: Mapping[Scanner, str]
    scanner_info: Mapping[str, Any]
    """Each scanner adds a version and whether it is available."""
    capabilities: Mapping[str, Any]
    install_events: tuple[InstallEvent, ...] = ()
    """Left out where there are none: an empty list would take away those that the server has."""


class ScannerStatus(Struct, frozen=True):
    """One scanner that is switched on here and at the server."""

    key: Scanner
    section: str
    """Before `_version` and `_available` in the body."""
    title: str
    found: DetectedScanner
    problem: str | None = None
    """Why a scan requested now would not run; None where it would."""
    planned: tuple[ProfileInfo, ...] = ()
    """The profiles of the scans in the settings, in their order."""
    is_expected: bool = True
    """False: nothing is wrong with a host that does not have this scanner."""


class CommandAnswers(Struct, frozen=True):
    """The outcomes of the server's last commands, where an integration status is the answer."""

    refusal: str | None = None
    install: str | None = None
    """Why software was not installed."""

    def after(self, age_s: float) -> "CommandAnswers":
        """What is left of them after so many seconds."""
        if age_s > _REFUSAL_HOLDS_S:
            return NO_ANSWERS
        if age_s > _INSTALL_HOLDS_S:
            return CommandAnswers(refusal=self.refusal)
        return self


NO_ANSWERS = CommandAnswers()


def status_body(
    detected: Detected,
    scanners: Sequence[ScannerStatus],
    disabled: str | None,
    answers: CommandAnswers = NO_ANSWERS,
) -> IntegrationStatus:
    """The integration status. `disabled`: why no scanner may run; None if they may."""
    ready = [scanner for scanner in scanners if scanner.problem is None]
    status: Literal["ready", "error"] = "error"
    if ready:
        status = "ready"
    remarks = list(_remarks(scanners, disabled, answers))
    install_events: tuple[InstallEvent, ...] = ()
    if answers.install is not None:
        install_events = (InstallEvent(step="complete", status="failed", message=answers.install),)
    return IntegrationStatus(
        integration="compliance",
        enabled=disabled is None,
        status=status,
        message=_joined(remarks) or "ready",
        components={scanner.key: "ready" for scanner in ready},
        scanner_info=_scanner_info(detected, ready, remarks),
        capabilities={scanner.section: scanner.found.specified for scanner in scanners},
        install_events=install_events,
    )


def _remarks(
    scanners: Sequence[ScannerStatus], disabled: str | None, answers: CommandAnswers
) -> Iterator[str]:
    if answers.refusal is not None:
        yield answers.refusal
    if disabled is not None:
        yield disabled
    for scanner in scanners:
        if scanner.problem is None:
            yield from scanner.found.warnings
        elif scanner.is_expected:
            yield f"{scanner.title} can't run: {scanner.problem}"


def _joined(remarks: Sequence[str]) -> str:
    return "; ".join(remarks)[:_MAX_MESSAGE_CHARS]


def _scanner_info(
    detected: Detected, ready: Sequence[ScannerStatus], remarks: Sequence[str]
) -> dict[str, Any]:
    info: dict[str, Any] = {}
    for scanner in ready:
        info[f"{scanner.section}_version"] = scanner.found.version or ""
        info[f"{scanner.section}_available"] = True
    content = _content(ready)
    if content is not None:
        info["content_file"] = PurePath(content.file).name
        info["content_package"] = ""
        info["ssg_version"] = content.version or ""
    return {
        **info,
        "available_profiles": list(_profiles(ready)),
        "os_name": detected.os_name,
        "os_version": detected.os_version,
        "os_family": detected.os_family,
        "content_mismatch": bool(remarks),
        "mismatch_warning": _joined(remarks),
    }


def _content(ready: Sequence[ScannerStatus]) -> DetectedContent | None:
    """The server has a place for the content of one scanner: that of the first that has any."""
    return next((scanner.found.content for scanner in ready if scanner.found.content), None)


def _profiles(ready: Sequence[ScannerStatus]) -> Iterator[dict[str, str]]:
    """The profiles of the settings first, for the page preselects the first; scanners without
    profiles last.
    """
    for scanner in ready:
        profiles = {info.id: info for info in (*scanner.planned, *scanner.found.profiles)}
        for info in profiles.values():
            yield _profile(info, scanner.key)
    for scanner in ready:
        if not scanner.found.profiles:
            yield {"id": scanner.key, "name": scanner.title, "type": scanner.key}


def _profile(profile: ProfileInfo, scanner: Scanner) -> dict[str, str]:
    return {
        "id": profile.short_name,
        "name": profile.title,
        "description": profile.description,
        "type": scanner,
        "xccdf_id": profile.id,
        "category": "compliance",
    }
