"""The settings: every key, its type, its bounds and its default.

The keys of the specification's `config.yml` keep their names and places. `schemas.settings_check`
makes these records of plain values and finds all problems.

The sections of the scanners (`compliance.openscap`, …) belong to the scanners: `settings_record`
adds them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeVar

from msgspec import Meta

from schemas.notice import NoticeEvent
from schemas.planned_scan import PlannedScan
from schemas.records import Record, Section, extended
from schemas.values import (
    AbsolutePath,
    Megabytes,
    ProfileText,
    ProxyUrl,
    Text,
    TimeLimit,
    Url,
)

S = TypeVar("S", bound="ScannerSettings")


class ServerSettings(Record, frozen=True, kw_only=True):
    """The server that results are sent to."""

    url: Url | None = None
    """Base URL of the PatchMon server. Default: none, results stay in the spool."""
    ca_file: AbsolutePath | None = None
    """CA certificates (PEM) to trust instead of the system's. Default: the system's."""
    verify: bool = True
    """false: accept any certificate. Anyone on the network path can then read and alter what is
    sent; use this for trying out only.
    """
    client_certificate: AbsolutePath | None = None
    """A client certificate (PEM) that identifies this host. Default: none."""
    client_key: AbsolutePath | None = None
    """Its private key, without a passphrase. Default: in the certificate's file."""
    proxy: ProxyUrl | None = None
    """A proxy for all requests, or `none`.

    Default: from the environment (HTTPS_PROXY, NO_PROXY, …).
    """
    report_host: bool = True
    """Ping the server and send it this host's name, system and agent version.

    false: for hosts on which PatchMon's own agent does that.
    """


class DeliverySettings(Record, frozen=True, kw_only=True):
    """What is sent, and how fast."""

    backlog: Literal["all", "latest"] = "all"
    """After an outage: send every scan, oldest first, or only the newest result of each profile."""
    send_failed: bool = True
    """Whether failed and cancelled scans are sent; they never replace a good result."""
    per_minute: Annotated[int, Meta(ge=0, le=6000)] = 9
    """Reports sent within any 60 s; the server refuses more than 10. 0: no limit."""
    body_limit_kib: Annotated[int, Meta(ge=16, le=1024 * 1024)] = 5120
    """Maximum length of a request in KiB; a longer one is sent without its longest texts."""
    compliance_hash: bool = True
    """Send the digest by which servers from 2.1.0 check that a scan arrived unchanged."""


class ApiSettings(Record, frozen=True, kw_only=True):
    """The host's credentials.

    The key comes from here, from a file, or from systemd's credential `api-key`.
    """

    id: Text | None = None
    """The host's API id, `patchmon_…`."""
    key: Text | None = None
    """The API key itself; the settings file must then not be readable by everyone."""
    key_file: AbsolutePath | None = None
    """A file that contains the API key and nothing else."""


class ScannerSettings(Section, frozen=True, kw_only=True):
    """What every scanner's section contains."""

    enabled: bool | Literal["auto"] = True
    """false: requests for this scanner are answered with a failed scan. `auto`: schedules and
    detection leave the scanner out where this host does not have it."""
    schedule: Text | None = None
    """A cron expression of five fields. Default: no schedule."""

    @property
    def planned_scans(self) -> tuple[PlannedScan, ...]:
        """The scans that the section is for; the first is meant where a request names none."""
        return (PlannedScan(schedule=self.schedule),)


class ScheduleSettings(Record, frozen=True, kw_only=True):
    """How schedules are carried out."""

    time_zone: ProfileText | None = None
    """The time zone of cron expressions, for example `Europe/Berlin`.

    Default: the host's.
    """
    splay_s: Annotated[int, Meta(ge=0, le=24 * 3600)] = 600
    """Seconds over which a fleet's scans are spread: each host always waits the same share."""
    missed: Literal["once", "skip"] = "once"
    """After missed runs (host off, agent stopped, suspended): make up for them with one scan, or
    with none."""
    catch_up_after_s: Annotated[int, Meta(ge=0, le=24 * 3600)] = 120
    """Seconds from the start or the wake-up to that scan, so that nothing is scanned at boot."""


class CommandSettings(Record, frozen=True, kw_only=True):
    """Which commands of the server are accepted."""

    enabled: bool = True
    """Accept the server's commands over a WebSocket, and report what this host can scan."""
    allow_remediation: bool = False
    """Let the server request fixes, which change this host; needs `install --with-remediation`."""


class WaiverSettings(Record, frozen=True, kw_only=True):
    """Where the waivers are, the approved exceptions."""

    directory: AbsolutePath = "/etc/compliance-agent/waivers.d"
    """The directory of the waiver files, `*.yml`."""
    open_ended: bool = False
    """true: a waiver need not have a date on which it expires."""


class FixSettings(Record, frozen=True, kw_only=True):
    """How `compliance-agent fix` changes this host."""

    directory: AbsolutePath = "/var/lib/compliance-agent/fixes"
    """Where the files are kept as they were before a fix; root's alone, outside of the spool."""
    copied: tuple[AbsolutePath, ...] = ("/etc",)
    """Directories that are copied before a fix, beside the files that its scripts name."""
    keep_last: Annotated[int, Meta(ge=1, le=1000)] = 5
    """Fixes that can be undone; the copies of older ones are removed."""
    time_limit_s: TimeLimit = 600
    """Seconds after which the script of a rule is ended."""


class ComplianceSettings(Record, frozen=True, kw_only=True):
    """What is scanned, and when."""

    enabled: bool = True
    """false: no schedule runs, and every request results in a failed scan."""
    schedules: ScheduleSettings = ScheduleSettings()
    server_commands: CommandSettings = CommandSettings()
    waivers: WaiverSettings = WaiverSettings()
    fixes: FixSettings = FixSettings()
    raw_output: bool = False
    """Also send the scanner's own output (`raw_output`)."""

    def section(self, record: type[S]) -> S:
        """The section of one scanner, found by its record; the defaults if there is no such
        section."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if type(value) is record:
                return value
        return record()


class SpoolSettings(Record, frozen=True, kw_only=True):
    """Where the spool is, and how long finished scans are kept."""

    path: AbsolutePath = "/var/lib/compliance-agent/spool"
    """The spool directory; it must be on a local disk."""
    keep_days: Annotated[int, Meta(ge=0, le=36500)] = 30
    """Days that a finished scan is kept, counted back from the newest one."""
    keep_last: Annotated[int, Meta(ge=1, le=100000)] = 20
    """Scans that are always kept, however old."""
    min_free_mib: Megabytes = 64
    """Free space in MiB that a scan needs to start; with less it waits."""
    check_every_s: Annotated[float, Meta(ge=0.05, le=60)] = 30.0
    """The interval in seconds at which a stage looks for work without being notified."""


class NotifySettings(Record, frozen=True, kw_only=True):
    """A command that is run when an administrator should know something."""

    command: tuple[Text, ...] = ()
    """Program and arguments; the notice is JSON on its standard input. No shell. Default: none."""
    events: tuple[NoticeEvent, ...] = ("worse", "failed", "refused")
    """The events for which it is run."""
    time_limit_s: Annotated[int, Meta(ge=1, le=300)] = 30
    """Seconds after which the command is ended."""


class MetricsSettings(Record, frozen=True, kw_only=True):
    """Metrics for Prometheus."""

    textfile: AbsolutePath | None = None
    """The directory of node_exporter's textfile collector, in which `compliance_agent.prom` is kept
    up to date. Default: none."""


class LogSettings(Record, frozen=True, kw_only=True):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""


class Settings(Record, frozen=True, kw_only=True):
    """All of `config.yml`."""

    server: ServerSettings = ServerSettings()
    api: ApiSettings = ApiSettings()
    delivery: DeliverySettings = DeliverySettings()
    compliance: ComplianceSettings = ComplianceSettings()
    spool: SpoolSettings = SpoolSettings()
    runtime_dir: AbsolutePath = "/run/compliance-agent"
    """Where the doorbells' sockets lie."""
    notify: NotifySettings = NotifySettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    @property
    def keep(self) -> timedelta:
        return timedelta(days=self.spool.keep_days)


def settings_record(sections: Mapping[str, type[ScannerSettings]]) -> type[Settings]:
    """The record of all settings with these sections under `compliance`, one per scanner."""
    compliance = extended(
        ComplianceSettings, {name: (kind, kind()) for name, kind in sections.items()}
    )
    return extended(Settings, {"compliance": (compliance, compliance())})
