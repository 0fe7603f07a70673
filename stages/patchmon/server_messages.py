"""The messages over the WebSocket as they are sent: a record for each, tagged by its `type`.

Sources: the agent specification (`compliance_trigger`) and released servers (all others). The
receiver reads `ScanProgress` as it is here; it sends whatever an administrator or a test gives it,
so that messages can be wrong.

Diagnostics: SchemaError names the field that is not as it should be.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, Protocol

from schemas import codec
from schemas.ids import Scanner
from schemas.records import Record, extended
from schemas.values import MessageId, MessageText, ScanInterval, UpdateInterval

MAX_MESSAGE_BYTES = 64 * 1024
SCAN_TYPES = frozenset({"compliance_trigger", "compliance_scan"})
"""The messages that request a scan."""

ScanPhase = Literal[
    "started", "evaluating", "parsing", "sending", "completed", "failed", "cancelled"
]


class KnownScanner(Protocol):
    """How the server's messages name a scanner."""

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


class _Message(Record, frozen=True, kw_only=True, tag_field="type"):
    """A text in any of them is one printable line, and an empty one is absent."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str) and not value.isprintable():
                raise ValueError(f"{name}: is not a text of printable characters")


class ComplianceTrigger(_Message, frozen=True, kw_only=True, tag="compliance_trigger"):
    """A request for one scan, as the specification has it."""

    profile: MessageText | None = None
    request_id: MessageText | None = None


class ComplianceScan(_Message, frozen=True, kw_only=True, tag="compliance_scan"):
    """A request for scans, as released servers send it.

    Each scanner adds a switch, `docker_bench_enabled` for instance.
    """

    profile_type: MessageText | None = None
    profile_id: MessageId | None = None
    request_id: MessageText | None = None
    enable_remediation: bool | None = None
    fetch_remote_resources: bool | None = None


class ComplianceScanCancel(_Message, frozen=True, kw_only=True, tag="compliance_scan_cancel"):
    """A request to cancel all scans that are waiting or running."""


class SettingsUpdate(_Message, frozen=True, kw_only=True, tag="settings_update"):
    """Settings of the server for all hosts."""

    compliance_scan_interval: ScanInterval | None = None
    update_interval: UpdateInterval | None = None


class ComplianceConfig(Record, frozen=True, kw_only=True):
    """Each scanner adds a switch, as in `ComplianceScan`."""

    enabled: bool | Literal["on-demand"] | None = None


class HostConfig(Record, frozen=True, kw_only=True):
    """What is set for one host; the parts for other agents are not read."""

    compliance: ComplianceConfig | None = None


class ApplyConfig(_Message, frozen=True, kw_only=True, tag="apply_config"):
    """Settings of the server for this host."""

    config: HostConfig | None = None


class RefreshIntegrationStatus(
    _Message, frozen=True, kw_only=True, tag="refresh_integration_status"
):
    """The server wants to know what this host can scan."""


class UpgradeSsg(_Message, frozen=True, kw_only=True, tag="upgrade_ssg"):
    """A request for newer security content on this host."""


class InstallScanner(_Message, frozen=True, kw_only=True, tag="install_scanner"):
    """A request for a scanner on this host."""


class RemediateRule(_Message, frozen=True, kw_only=True, tag="remediate_rule"):
    """A request to fix one rule."""

    rule_id: MessageId
    request_id: MessageText | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        # The scanner would take it for an option, or for a hidden file.
        if not self.rule_id or self.rule_id.startswith(("-", ".")):
            raise ValueError("rule_id: is not an id")


class ReportNow(_Message, frozen=True, kw_only=True, tag="report_now"):
    """For PatchMon's own agent."""


class UpdateNow(_Message, frozen=True, kw_only=True, tag="update_now"):
    """For PatchMon's own agent."""


class ScanProgress(
    Record, frozen=True, kw_only=True, tag_field="type", tag="compliance_scan_progress"
):
    """From the agent to the server: how far a scan is."""

    phase: ScanPhase
    profile_name: str
    message: str
    progress: int
    """Percent."""
    error: str
    timestamp: datetime


ServerMessage = (
    ComplianceTrigger
    | ComplianceScan
    | ComplianceScanCancel
    | SettingsUpdate
    | ApplyConfig
    | RefreshIntegrationStatus
    | UpgradeSsg
    | InstallScanner
    | RemediateRule
    | ReportNow
    | UpdateNow
)

_PLAIN: tuple[type[Record], ...] = (
    ComplianceTrigger,
    ComplianceScanCancel,
    SettingsUpdate,
    RefreshIntegrationStatus,
    UpgradeSsg,
    InstallScanner,
    RemediateRule,
    ReportNow,
    UpdateNow,
)


class Header(Record, frozen=True, kw_only=True):
    """What is read of a message first."""

    type: Any = None
    profile_type: Any = None


def read_header(text: str) -> Header:
    """Raises SchemaError for what is not a JSON object."""
    return codec.decode(text, Header)


def read(text: str, kind: object, scanners: KnownScanners) -> ServerMessage | None:
    """The message of this type; None for one of a type that is for another agent.

    Raises SchemaError.
    """
    if not isinstance(kind, str):
        return None
    records = _records(tuple(scanner.section for scanner in scanners))
    record = records.get(kind)
    if record is None:
        return None
    message: ServerMessage = codec.decode(text, record)
    return message


def type_of(record: type[Record]) -> str:
    """The type by which the server names such messages."""
    return str(record.__struct_config__.tag)


def switch(message: Record, scanner: KnownScanner) -> bool | None:
    """Whether a message switches a scanner on or off; None where it leaves that open."""
    value: bool | None = getattr(message, f"{scanner.section}_enabled", None)
    return value


@lru_cache(maxsize=8)
def _records(sections: tuple[str, ...]) -> dict[str, Any]:
    """The records by their type, with the switches of these scanners."""
    switches: dict[str, tuple[object, object]] = {}
    for section in sections:
        switches[f"{section}_enabled"] = (bool | None, None)
    compliance = extended(ComplianceConfig, switches)
    host = extended(HostConfig, {"compliance": (compliance | None, None)})
    apply = extended(ApplyConfig, {"config": (host | None, None)})
    records = (*_PLAIN, extended(ComplianceScan, switches), apply)
    return {type_of(record): record for record in records}
