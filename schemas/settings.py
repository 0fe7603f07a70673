"""The settings: every key, its type, its bounds and its default.

The keys of the specification's `config.yml` keep their names and places. All problems are reported
at once, each with its path (`server.url`); an unknown key is a problem and names the nearest known
one.

The sections of the scanners (`compliance.openscap`, …) belong to the scanners: `settings_record`
adds them.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from schemas.expected import item_kind, kind_of, mismatch
from schemas.notice import NoticeEvent
from schemas.records import Record, extended
from schemas.values import (
    AbsolutePath,
    Megabytes,
    ProfileText,
    ProxyUrl,
    Text,
    Url,
)

R = TypeVar("R", bound=Record)
S = TypeVar("S", bound="ScannerSettings")
G = TypeVar("G", bound="Settings")


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


class ScannerSettings(Record, frozen=True, kw_only=True):
    """What every scanner's section contains."""

    enabled: bool | Literal["auto"] = True
    """false: requests for this scanner are answered with a failed scan. `auto`: schedules and
    detection leave the scanner out where this host does not have it."""
    schedule: Text | None = None
    """A cron expression of five fields. Default: no schedule."""


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
    """Let the server request scans that change this host (oscap --remediate)."""


class ComplianceSettings(Record, frozen=True, kw_only=True):
    """What is scanned, and when."""

    enabled: bool = True
    """false: no schedule runs, and every request results in a failed scan."""
    schedules: ScheduleSettings = ScheduleSettings()
    server_commands: CommandSettings = CommandSettings()
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
    look_every_s: Annotated[float, Meta(ge=0.05, le=60)] = 15.0
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


def check_settings(values: object, record: type[G]) -> tuple[G, list[str]]:
    """Settings from plain values, and all problems, each with its path.

    With problems, defaults stand in.
    """
    problems: list[str] = []
    return _check(values, record, "", problems), problems


def every_key(record: type[Record], path: str = "") -> Iterator[tuple[str, Any]]:
    """All keys by their full path, each with its default."""
    for field in msgspec.structs.fields(record):
        kind = _record(field.type)
        if kind:
            yield from every_key(kind, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", field.default


def _check(values: object, record: type[R], path: str, problems: list[str]) -> R:
    if values is None:
        return record()
    if not isinstance(values, Mapping):
        problems.append(
            f"{path.rstrip('.') or 'the file'}: must be a mapping of keys, is {kind_of(values)}"
        )
        return record()
    known = {field.name: field for field in msgspec.structs.fields(record)}
    taken: dict[str, Any] = {}
    for key, value in values.items():
        name = key
        if key not in known:
            near = _nearest(str(key), known)
            problems.append(f"{path}{_shown(key)}: no such key{_suggestion(near, known)}")
            if near is None or near in values or _record(known[near].type) is None:
                continue
            # A section with a misspelt name: its content has problems of its own.
            name = near
        kind = _record(known[name].type)
        if kind:
            taken[name] = _check(value, kind, f"{path}{key}.", problems)
            continue
        found = list(_mismatches(value, known[name].type, f"{path}{key}"))
        problems += found
        if not found:
            taken[name] = msgspec.convert(value, known[name].type)
    return record(**taken)


def _mismatches(value: object, kind: Any, path: str) -> Iterator[str]:
    """What is wrong with one value, and with each item of a list."""
    item = item_kind(kind)
    if item is not None and isinstance(value, list):
        problems: list[str] = []
        for number, each in enumerate(value):
            problems += _mismatches(each, item, f"{path}[{number}]")
        if problems:
            yield from problems
            return
    if isinstance(value, str) and not value.isprintable():
        yield f"{path}: holds characters that can't be printed"
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        yield f"{path}: {mismatch(value, kind)}"


def _record(kind: object) -> type[Record] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Record) else None


def unknown_keys(values: object, record: type[Record]) -> list[str]:
    """Keys of a mapping that its record does not have, each with a suggestion."""
    if not isinstance(values, Mapping):
        return []
    known = {field.name: field for field in msgspec.structs.fields(record)}
    problems = []
    for key in values:
        if key not in known:
            suggestion = _suggestion(_nearest(str(key), known), known)
            problems.append(f"{_shown(key)}: no such key{suggestion}")
    return problems


def _nearest(key: str, known: Mapping[str, object]) -> str | None:
    import difflib  # only a mistake needs it

    return next(iter(difflib.get_close_matches(key, known, n=1)), None)


def _suggestion(near: str | None, known: Mapping[str, object]) -> str:
    if near is not None:
        return f"; did you mean {near}?"
    return f"; known here: {', '.join(known)}"


def _shown(key: object) -> str:
    return key if isinstance(key, str) and key.isprintable() else ascii(key)
