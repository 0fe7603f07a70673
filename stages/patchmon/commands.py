"""The server's messages over the WebSocket, checked field by field. Pure.

A message is a JSON object with a `type`. Unknown types are for another agent (`Ignored`); a known
type with a field
that is not as it should be is never carried out. Where the server waits for an answer it gets one:
a request for a
scan becomes one that fails with the reason, a request for a remediation is declined. All else is
`Invalid`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from schemas.codec import SchemaError, decode_any
from schemas.ids import Scanner
from schemas.schedule import Mode, ServerOverrides

MAX_MESSAGE_BYTES = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_INTERVAL = range(60, 10081)
_UPDATE_INTERVAL = range(1, 10081)
_FOR_ANOTHER_AGENT = frozenset({"report_now", "update_now"})


@dataclass(frozen=True)
class Wanted:
    """One scan that the server wants; profile None is the configured one."""

    scanner: Scanner
    profile: str | None = None
    implied: bool = False
    """Not requested by name: passed over where this host does not have the scanner."""


@dataclass(frozen=True)
class Scan:
    wanted: tuple[Wanted, ...]
    request_id: str | None = None
    remediate: bool = False
    rule: str | None = None
    refusal: str | None = None
    """Why it can't be carried out: the scans fail with it, so that the server shows the reason."""


@dataclass(frozen=True)
class Cancel:
    pass


@dataclass(frozen=True)
class Apply:
    """Settings of the server's; None in a field: it says nothing of that."""

    overrides: ServerOverrides


@dataclass(frozen=True)
class Refresh:
    """The server wants to know what this host can scan."""


@dataclass(frozen=True)
class Install:
    """A request for software on this host."""

    what: Literal["upgrade_ssg", "install_scanner"]


@dataclass(frozen=True)
class Decline:
    """A command that can't be carried out, and is no request for a scan."""

    reason: str


@dataclass(frozen=True)
class Ignored:
    for_another_agent: str | None = None
    """The type, where it is one that PatchMon's own agent knows."""


@dataclass(frozen=True)
class Invalid:
    reason: str


Command = Scan | Cancel | Apply | Refresh | Install | Decline
Message = Command | Ignored | Invalid


class _FieldError(ValueError):
    pass


class KnownScanner(Protocol):
    """What the server's messages name a scanner by. The first of all scanners is the one that a
    profile is of.
    """

    @property
    def key(self) -> Scanner: ...

    @property
    def section(self) -> str:
        """Before `_enabled` in messages."""

    @property
    def title(self) -> str:
        """Its name in messages for people."""

    @property
    def profile_names(self) -> frozenset[str]:
        """Names in the place of a profile that mean this scanner."""


KnownScanners = Sequence[KnownScanner]


def understand(text: str | bytes, scanners: KnownScanners) -> Message:
    """What a message means to an agent that has these scanners."""
    if isinstance(text, bytes):
        return Invalid("a binary message")
    try:
        message = decode_any(text)
    except SchemaError as error:
        return Invalid(f"not JSON: {error}")
    if not isinstance(message, dict):
        return Invalid("not a JSON object")
    kind = message.get("type")
    if not isinstance(kind, str):
        return Ignored()
    if kind in _FOR_ANOTHER_AGENT:
        return Ignored(kind)
    reader = _READERS.get(kind)
    if reader is None:
        return Ignored()
    try:
        return reader(message, scanners)
    except _FieldError as error:
        return _refused(message, f"{kind}: {error}", scanners)


def _refused(message: Mapping[str, Any], reason: str, scanners: KnownScanners) -> Message:
    """What becomes of a message of which a field is not as it should be."""
    kind = message["type"]
    if kind == "remediate_rule":
        return Decline(f"refused, malformed request: {reason}")
    if kind not in ("compliance_trigger", "compliance_scan"):
        return Invalid(reason)
    named = [scanner.key for scanner in scanners if message.get("profile_type") == scanner.key]
    scanner = named[0] if named else scanners[0].key
    return Scan((Wanted(scanner),), refusal=f"malformed request: {reason}")


def _trigger(message: Mapping[str, Any], scanners: KnownScanners) -> Message:
    profile = _text(message, "profile")
    request_id = _text(message, "request_id")
    named = _named_by_profile(profile, scanners)
    if named:
        return Scan((Wanted(named.key),), request_id)
    return Scan((Wanted(scanners[0].key, profile),), request_id)


def _scan(message: Mapping[str, Any], scanners: KnownScanners) -> Message:
    kind = _text(message, "profile_type") or "all"
    profile = _id(message, "profile_id")
    named = _named_by_profile(profile, scanners)
    if named:
        kind, profile = named.key, None
    for_one = any(scanner.key == kind for scanner in scanners)
    wanted: list[Wanted] = []
    for scanner in scanners:
        is_enabled = _flag(message, f"{scanner.section}_enabled", default=True)
        is_excluded = for_one and scanner.key != kind
        if is_enabled and not is_excluded:
            has_profile = _takes_profile(scanner, scanners, for_one=for_one) and profile is not None
            wanted.append(_wanted(scanner, profile, for_one=for_one, has_profile=has_profile))
    if not wanted:
        raise _FieldError("every scanner that it names is switched off in the same message")
    remediate = _flag(message, "enable_remediation", default=False)
    # Checked like every field; nothing is fetched whatever it says, since the scanner has no
    # network.
    _optional_flag(message, "fetch_remote_resources")
    return Scan(tuple(wanted), _text(message, "request_id"), remediate)


def _takes_profile(scanner: KnownScanner, scanners: KnownScanners, *, for_one: bool) -> bool:
    """A profile is that of the named scanner, or of the first one; one with a profile name of its
    own has no other.
    """
    if scanner.profile_names:
        return False
    return for_one or scanner is scanners[0]


def _wanted(
    scanner: KnownScanner, profile: str | None, *, for_one: bool, has_profile: bool
) -> Wanted:
    if has_profile:
        return Wanted(scanner.key, profile)
    return Wanted(scanner.key, implied=not for_one)


def _cancel(message: Mapping[str, Any], scanners: KnownScanners) -> Message:  # noqa: ARG001
    return Cancel()


def _refresh(message: Mapping[str, Any], scanners: KnownScanners) -> Message:  # noqa: ARG001
    return Refresh()


def _settings_update(message: Mapping[str, Any], scanners: KnownScanners) -> Message:  # noqa: ARG001
    minutes = _minutes(message, "compliance_scan_interval", _INTERVAL)
    update_minutes = _minutes(message, "update_interval", _UPDATE_INTERVAL)
    if minutes is None and update_minutes is None:
        return Ignored()
    return Apply(ServerOverrides(interval_minutes=minutes, update_interval_minutes=update_minutes))


def _minutes(message: Mapping[str, Any], name: str, bounds: range) -> int | None:
    value = message.get(name)
    if value is not None and (type(value) is not int or value not in bounds):
        raise _FieldError(
            f"{name} is not a whole number of minutes from {bounds[0]} to {bounds[-1]}"
        )
    return value


def _apply_config(message: Mapping[str, Any], scanners: KnownScanners) -> Message:
    config = message.get("config")
    if not isinstance(config, dict):
        raise _FieldError("config is not an object")
    compliance = config.get("compliance")
    if compliance is None:
        return Ignored()
    if not isinstance(compliance, dict):
        raise _FieldError("config.compliance is not an object")
    enabled: dict[Scanner, bool] = {}
    for scanner in scanners:
        flag = _optional_flag(compliance, f"{scanner.section}_enabled")
        if flag is not None:
            enabled[scanner.key] = flag
    return Apply(ServerOverrides(mode=_mode(compliance.get("enabled")), scanners=enabled))


def _mode(value: object) -> Mode | None:
    if value is None:
        return None
    if value is True:
        return "enabled"
    if value is False:
        return "disabled"
    if value == "on-demand":
        return "on-demand"
    raise _FieldError('config.compliance.enabled is not true, false or "on-demand"')


def _remediate_rule(message: Mapping[str, Any], scanners: KnownScanners) -> Message:
    rule = _id(message, "rule_id")
    if rule is None or rule.startswith(("-", ".")):
        raise _FieldError("rule_id is missing, or is no id")
    return Scan((Wanted(scanners[0].key),), _text(message, "request_id"), remediate=True, rule=rule)


def _named_by_profile(profile: str | None, scanners: KnownScanners) -> KnownScanner | None:
    """The scanner that is meant by the name of a profile."""
    if profile is None:
        return None
    return next((scanner for scanner in scanners if profile in scanner.profile_names), None)


def _text(message: Mapping[str, Any], name: str) -> str | None:
    """A text of at most 256 printable characters; empty is absent."""
    value = message.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 256 or not value.isprintable():
        raise _FieldError(f"{name} is not a text of at most 256 printable characters")
    return value


def _id(message: Mapping[str, Any], name: str) -> str | None:
    value = _text(message, name)
    if value is not None and not _ID.fullmatch(value):
        raise _FieldError(f"{name} is not an id (letters, digits, _ . -)")
    return value


def _flag(message: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = _optional_flag(message, name)
    return default if value is None else value


def _optional_flag(message: Mapping[str, Any], name: str) -> bool | None:
    value = message.get(name)
    if value is not None and not isinstance(value, bool):
        raise _FieldError(f"{name} is not true or false")
    return value


_READERS: Mapping[str, Callable[[Mapping[str, Any], KnownScanners], Message]] = {
    "compliance_trigger": _trigger,
    "compliance_scan": _scan,
    "compliance_scan_cancel": _cancel,
    "settings_update": _settings_update,
    "apply_config": _apply_config,
    "refresh_integration_status": _refresh,
    "remediate_rule": _remediate_rule,
    "upgrade_ssg": lambda *_: Install("upgrade_ssg"),
    "install_scanner": lambda *_: Install("install_scanner"),
}
