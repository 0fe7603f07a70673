"""What the server's messages mean to an agent that has certain scanners. Pure.

A profile belongs to the scanner that offers it on this host; one that none offers, to the first.

A message of an unknown type is for another agent (`Ignored`). One of a known type with a field that
is not as it should be is never carried out. Where the server waits for an answer it gets one: a
request for a scan becomes one that fails with the reason, a request for a remediation is declined.
All else is `Invalid`.
"""

from collections.abc import Mapping

from schemas.codec import SchemaError
from schemas.ids import Scanner
from schemas.records import Struct
from schemas.request import Refusal
from schemas.schedule import Mode, ServerOverrides
from stages.patchmon import server_messages
from stages.patchmon.server_messages import (
    SCAN_TYPES,
    ApplyConfig,
    ComplianceConfig,
    ComplianceScan,
    ComplianceScanCancel,
    ComplianceTrigger,
    Header,
    InstallScanner,
    KnownScanner,
    KnownScanners,
    RefreshIntegrationStatus,
    RemediateRule,
    ReportNow,
    ServerMessage,
    SettingsUpdate,
    UpdateNow,
    UpgradeSsg,
)

_MODES: dict[object, Mode] = {True: "enabled", False: "disabled", "on-demand": "on-demand"}


class Wanted(Struct, frozen=True):
    """One scan that the server wants; profile None is the configured one."""

    scanner: Scanner
    profile: str | None = None
    implied: bool = False
    """Not requested by name: passed over where this host does not have the scanner, or it is
    switched off."""


class Scan(Struct, frozen=True):
    wanted: tuple[Wanted, ...]
    request_id: str | None = None
    remediate: bool = False
    rule: str | None = None
    fetch_remote: bool = False
    """The content may get parts of itself from other hosts."""
    refusal: Refusal | None = None
    """Why it can't be carried out: the scans fail with it, so that the server shows the reason."""


class Apply(Struct, frozen=True):
    """Settings of the server's; None in a field: it leaves that open."""

    overrides: ServerOverrides


class Decline(Struct, frozen=True):
    """A command that can't be carried out, and does not request a scan."""

    reason: str


class Ignored(Struct, frozen=True):
    for_another_agent: str | None = None
    """The type, where it is one that PatchMon's own agent knows."""


class Invalid(Struct, frozen=True):
    reason: str


Command = (
    Scan
    | ComplianceScanCancel
    | Apply
    | RefreshIntegrationStatus
    | UpgradeSsg
    | InstallScanner
    | Decline
)
Message = Command | Ignored | Invalid


def understand(
    text: str | bytes, scanners: KnownScanners, offered: Mapping[str, Scanner]
) -> Message:
    """What a message means to an agent that has these scanners.

    `offered`: the scanner of each profile of this host, by every name of the profile.
    """
    if isinstance(text, bytes):
        return Invalid("a binary message")
    try:
        header = server_messages.read_header(text)
    except SchemaError as error:
        return Invalid(f"not a JSON object: {error}")
    try:
        message = server_messages.read(text, header.type, scanners)
    except SchemaError as error:
        return _malformed(header, f"{header.type}: {error}", scanners)
    return _meaning(message, scanners, offered)


def _malformed(header: Header, reason: str, scanners: KnownScanners) -> Message:
    """What becomes of a message of which a field is not as it should be."""
    if header.type == "remediate_rule":
        return Decline(f"refused, malformed request: {reason}")
    if header.type not in SCAN_TYPES:
        return Invalid(reason)
    return _malformed_scan(header.profile_type, reason, scanners)


def _malformed_scan(profile_type: object, reason: str, scanners: KnownScanners) -> Scan:
    scanner = _named_by_key(profile_type, scanners) or scanners[0]
    refusal = Refusal(reason=f"malformed request: {reason}", cause="malformed-request")
    return Scan((Wanted(scanner.key),), refusal=refusal)


def _meaning(
    message: ServerMessage | None, scanners: KnownScanners, offered: Mapping[str, Scanner]
) -> Message:
    match message:
        case None:
            return Ignored()
        case ReportNow():
            return Ignored("report_now")
        case UpdateNow():
            return Ignored("update_now")
        case ComplianceTrigger():
            return _trigger(message, scanners, offered)
        case ComplianceScan():
            return _scan(message, scanners, offered)
        case RemediateRule():
            wanted = Wanted(scanners[0].key)
            request_id = message.request_id or None
            return Scan((wanted,), request_id, remediate=True, rule=message.rule_id)
        case SettingsUpdate():
            return _settings(message)
        case ApplyConfig():
            return _config(message, scanners)
    return message


def _trigger(
    message: ComplianceTrigger, scanners: KnownScanners, offered: Mapping[str, Scanner]
) -> Scan:
    wanted = _wanted_by_profile(message.profile, scanners, offered)
    return Scan((wanted,), message.request_id or None)


def _scan(message: ComplianceScan, scanners: KnownScanners, offered: Mapping[str, Scanner]) -> Scan:
    by_profile = _wanted_by_profile(message.profile_id, scanners, offered)
    only = _only_scanner(message, by_profile, scanners)
    wanted: list[Wanted] = []
    for scanner in scanners:
        is_meant = only is None or scanner is only
        if is_meant and server_messages.switch(message, scanner) is not False:
            wanted.append(_wanted(message, scanner, by_profile, is_only=only is not None))
    if not wanted:
        reason = "every scanner that it names is switched off in the same message"
        return _malformed_scan(message.profile_type, f"compliance_scan: {reason}", scanners)
    return Scan(
        tuple(wanted),
        message.request_id or None,
        remediate=message.enable_remediation is True,
        fetch_remote=message.fetch_remote_resources is True,
    )


def _only_scanner(
    message: ComplianceScan, by_profile: Wanted, scanners: KnownScanners
) -> KnownScanner | None:
    """The one scanner that is meant, by its own name or by that of its profile."""
    if message.profile_id and by_profile.profile is None:
        return _named_by_key(by_profile.scanner, scanners)
    return _named_by_key(message.profile_type, scanners)


def _wanted(
    message: ComplianceScan, scanner: KnownScanner, by_profile: Wanted, *, is_only: bool
) -> Wanted:
    """The scan of one scanner. One with a profile name of its own has no other profile."""
    if not message.profile_id or by_profile.profile is None or scanner.profile_names:
        return Wanted(scanner.key, implied=not is_only)
    if is_only or scanner.key == by_profile.scanner:
        return Wanted(scanner.key, message.profile_id)
    # A request for all scanners with a profile of another one: this one scans its configured
    # profile, where it can.
    return Wanted(scanner.key, implied=True)


def _wanted_by_profile(
    profile: str | None, scanners: KnownScanners, offered: Mapping[str, Scanner]
) -> Wanted:
    """The scan that the name of a profile means; without a profile where it names a scanner."""
    if not profile:
        return Wanted(scanners[0].key)
    for scanner in scanners:
        if profile in scanner.profile_names:
            return Wanted(scanner.key)
    owner = _named_by_key(offered.get(profile), scanners)
    if owner is not None:
        return Wanted(owner.key, profile)
    for scanner in scanners:
        if profile in (scanner.key, scanner.title):
            return Wanted(scanner.key)
    return Wanted(scanners[0].key, profile)


def _named_by_key(key: object, scanners: KnownScanners) -> KnownScanner | None:
    for scanner in scanners:
        if scanner.key == key:
            return scanner
    return None


def _settings(message: SettingsUpdate) -> Message:
    if message.compliance_scan_interval is None and message.update_interval is None:
        return Ignored()
    return Apply(
        ServerOverrides(
            interval_minutes=message.compliance_scan_interval,
            update_interval_minutes=message.update_interval,
        )
    )


def _config(message: ApplyConfig, scanners: KnownScanners) -> Message:
    if message.config is None:
        return Invalid("apply_config: config: is missing")
    compliance = message.config.compliance
    if compliance is None:
        return Ignored()
    return Apply(_overrides(compliance, scanners))


def _overrides(compliance: ComplianceConfig, scanners: KnownScanners) -> ServerOverrides:
    switches: dict[Scanner, bool] = {}
    for scanner in scanners:
        is_on = server_messages.switch(compliance, scanner)
        if is_on is not None:
            switches[scanner.key] = is_on
    return ServerOverrides(mode=_MODES.get(compliance.enabled), scanners=switches)
