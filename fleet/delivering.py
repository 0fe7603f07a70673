"""`fleet deliver`: the newest scans of an archive to a server, for instance after it was lost.

Promises: of each host and profile the newest completed scan goes, each under the host's own
credentials, oldest first. A receipt in the archive for that server is written before the next scan
of the host goes; a scan that has one is not sent again. No more requests than the server takes go
out within a minute for one host.

Security: the credentials are in a file that others can't read, and in no log and no receipt.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from fleet.archive import Archive, month_of
from fleet.errors import FleetError
from fleet.parse_chunk import report_name
from schemas import codec
from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report
from schemas.settings import ServerSettings
from spool import frame
from spool.errors import EntryError
from stages.patchmon import body, outcome
from stages.patchmon.client import HttpClient
from stages.patchmon.credentials import Credentials, exposed
from stages.patchmon.outcome import Accepted, Outcome, Refused, Reply
from stages.patchmon.server_access import ServerAccess, submission
from stages.runtime import plain_file
from stages.runtime.settings_file import plain_values
from stages.runtime.version import AGENT_VERSION
from stages.ship import filing, receipts
from stages.ship.backoff import Pace

_MAX_BYTES = 64 * 1024 * 1024
_BODY_LIMIT = 5 * 1024 * 1024
_PER_MINUTE = 9
"""The server's limiter allows ten."""
_HOSTS_AT_ONCE = 4
_TRIES = 3
_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0


class HostCredentials(Record, frozen=True, kw_only=True):
    """Those of one host at the server."""

    id: str
    key: str


class DeliveryMap(Record, frozen=True, kw_only=True):
    """The file of `--map`: the server, and credentials by the hosts' keys in the archive."""

    server: ServerSettings
    hosts: dict[str, HostCredentials]


@dataclass(frozen=True)
class ScanToDeliver:
    host: str
    scan_id: ScanId
    profile: str


@dataclass(frozen=True)
class Delivered:
    """What became of one scan: a receipt, or why there is none yet."""

    scan: ScanToDeliver
    receipt: Receipt | None
    reason: str | None = None


def read_map(path: Path) -> DeliveryMap:
    """Raises FleetError."""
    problem = exposed(path)
    if problem is not None:
        raise FleetError(problem)
    try:
        values, problems = plain_values(plain_file.read(path, _MAX_BYTES))
    except OSError as error:
        raise FleetError(f"{path}: can't be read: {error.strerror}") from error
    if problems:
        raise FleetError(f"{path}: {problems[0]}")
    try:
        found = codec.convert(values, DeliveryMap)
    except codec.SchemaError as error:
        raise FleetError(f"{path}: {error}") from error
    if found.server.url is None:
        raise FleetError(f"{path}: server.url: is missing")
    return found


def plan(
    archive: Archive, newest: Sequence[dict[str, Any]], delivery_map: DeliveryMap
) -> tuple[list[ScanToDeliver], list[str]]:
    """What is to be sent, oldest first for each host, and the hosts without credentials."""
    wanted: list[ScanToDeliver] = []
    unknown: set[str] = set()
    for row in sorted(newest, key=lambda row: str(row["scan_id"])):
        scan = ScanToDeliver(row["host"], ScanId(row["scan_id"]), row["profile"])
        if scan.host not in delivery_map.hosts:
            unknown.add(scan.host)
        elif not archive.has(_receipt_name(delivery_map.server, scan)):
            wanted.append(scan)
    return wanted, sorted(unknown)


def deliver(
    archive: Archive,
    wanted: Sequence[ScanToDeliver],
    delivery_map: DeliveryMap,
    on_delivered: Callable[[Delivered], None],
) -> None:
    """Send everything, several hosts at once and one scan after the other for each."""
    by_host: dict[str, list[ScanToDeliver]] = {}
    for scan in wanted:
        by_host.setdefault(scan.host, []).append(scan)
    with ThreadPoolExecutor(_HOSTS_AT_ONCE) as pool:
        hosts = [
            pool.submit(_deliver_host, archive, scans, delivery_map) for scans in by_host.values()
        ]
        for host in as_completed(hosts):
            for delivered in host.result():
                on_delivered(delivered)


def _deliver_host(
    archive: Archive, scans: Sequence[ScanToDeliver], delivery_map: DeliveryMap
) -> list[Delivered]:
    credentials = delivery_map.hosts[scans[0].host]
    access = ServerAccess(delivery_map.server, Credentials(credentials.id, credentials.key))
    client = HttpClient(access)
    pace = Pace()
    done: list[Delivered] = []
    try:
        for scan in scans:
            delivered = _deliver_scan(archive, scan, access, client, pace)
            done.append(delivered)
            if delivered.receipt is None:
                # The next scans of this host would fare the same.
                break
            archive.write(
                _receipt_name(delivery_map.server, scan),
                frame.seal("receipt", codec.encode(delivered.receipt)),
            )
    finally:
        client.close()
    return done


def _deliver_scan(
    archive: Archive, scan: ScanToDeliver, access: ServerAccess, client: HttpClient, pace: Pace
) -> Delivered:
    try:
        sealed = archive.read(report_name(scan.host, scan.scan_id))
        report = codec.decode(frame.unseal("report", sealed), Report)
    except (OSError, EntryError, codec.SchemaError) as error:
        return Delivered(scan, None, f"its report can't be read: {error}")
    name = filing.name_at_the_server(scan.scan_id, report.profile.name, report.status)
    made = body.make(
        report, _BODY_LIMIT, filed_under=name, with_hash=True, agent_version=AGENT_VERSION
    )
    request = submission(scan.scan_id, AGENT_VERSION)
    result: Outcome | None = None
    for attempt in range(1, _TRIES + 1):
        _wait_for_turn(pace)
        result = _outcome(client.send(request, made.content))
        if isinstance(result, Accepted | Refused):
            receipt = receipts.answered(
                scan.scan_id,
                name,
                report.status,
                made,
                result,
                datetime.now(UTC),
                destination=access.url,
                attempts=attempt,
                remarks=(),
            )
            return Delivered(scan, receipt, result.message)
        if not isinstance(result, outcome.Temporary) or attempt == _TRIES:
            break
        time.sleep(min(max(result.asked_s, _WAIT_S), _LONGEST_WAIT_S))
    return Delivered(scan, None, result.message if result else "not sent")


def _outcome(answer: Any) -> Outcome:
    if isinstance(answer, Reply):
        return outcome.decide(answer, datetime.now(UTC))
    result: Outcome = answer
    return result


def _wait_for_turn(pace: Pace) -> None:
    time.sleep(pace.due_in_s(time.monotonic(), _PER_MINUTE))
    pace.sent(time.monotonic())


def _receipt_name(server: ServerSettings, scan: ScanToDeliver) -> str:
    digest = sha256((server.url or "").rstrip("/").encode()).hexdigest()[:12]
    month = month_of(scan.scan_id)
    return f"receipts/{digest}/host={scan.host}/month={month}/{scan.scan_id}.receipt"
