"""`fleet deliver`: the newest scans of an archive to a server, for instance after it was lost.

Promises: the newest completed scan of each host and profile is sent, oldest first, under the host's
own credentials. Its receipt for that server is written to the archive before the next scan of the
host is sent; a scan that has one is not sent again. For one host no more requests are sent in a
minute than the server accepts.

Security: the credentials are in a file that others can't read, and in no log and no receipt.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

from fleet.archive import Archive, month_of
from fleet.parse_chunk import report_name
from schemas import codec
from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.records import Record, Struct
from schemas.report import Report
from schemas.settings import ServerSettings
from spool import frame
from spool.errors import EntryError
from stages.patchmon import body, key_check
from stages.patchmon.client import HttpClient
from stages.patchmon.credentials import Credentials, exposed
from stages.patchmon.outcome import Accepted, Outcome, Paused, Refused, Temporary
from stages.patchmon.server_access import ServerAccess, submission
from stages.runtime import plain_file
from stages.runtime.command_error import CommandError, file_errors
from stages.runtime.exits import Exit
from stages.runtime.settings_file import plain_values
from stages.runtime.version import AGENT_VERSION
from stages.ship import filing, receipts
from stages.ship.backoff import Pace
from stages.ship.delivery_attempt import DeliveryAttempt

_MAX_BYTES = 64 * 1024 * 1024
_BODY_LIMIT = 5 * 1024 * 1024
_PER_MINUTE = 9
"""The server's limiter allows ten."""
_HOSTS_AT_ONCE = 4
_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0


class HostCredentials(Record, frozen=True, kw_only=True):
    """The credentials of one host at the server."""

    id: str
    key: str


class DeliveryMap(Record, frozen=True, kw_only=True):
    """The file of `--map`: the server, and credentials by the hosts' keys in the archive."""

    server: ServerSettings
    hosts: dict[str, HostCredentials]


class ScanToDeliver(Struct, frozen=True):
    host: str
    scan_id: ScanId
    profile: str


class Delivered(Struct, frozen=True):
    """The receipt of one scan, or why there is none yet."""

    scan: ScanToDeliver
    receipt: Receipt | None
    reason: str | None = None


def read_map(path: Path) -> DeliveryMap:
    """Raises CommandError."""
    problem = exposed(path)
    if problem is not None:
        raise CommandError(problem, Exit.USAGE)
    with file_errors(path, "can't be read", Exit.USAGE):
        values, problems = plain_values(plain_file.read(path, _MAX_BYTES))
    if problems:
        raise CommandError(f"{path}: {problems[0]}", Exit.USAGE)
    try:
        found = codec.convert(values, DeliveryMap)
    except codec.SchemaError as error:
        raise CommandError(f"{path}: {error}", Exit.USAGE) from error
    if found.server.url is None:
        raise CommandError(f"{path}: server.url: is missing", Exit.USAGE)
    return found


def plan(
    archive: Archive, newest: Sequence[dict[str, Any]], delivery_map: DeliveryMap
) -> tuple[list[ScanToDeliver], list[str]]:
    """The scans to send, oldest first, and the hosts without credentials."""
    delivered = archive.find(_receipts_of(delivery_map.server))
    wanted: list[ScanToDeliver] = []
    unknown: set[str] = set()
    for row in sorted(newest, key=lambda row: (str(row["scan_id"]), str(row["host"]))):
        scan = ScanToDeliver(row["host"], ScanId(row["scan_id"]), row["profile"])
        if scan.host not in delivery_map.hosts:
            unknown.add(scan.host)
        elif archive.path(_receipt_name(delivery_map.server, scan)) not in delivered:
            wanted.append(scan)
    return wanted, sorted(unknown)


def deliver(
    archive: Archive,
    wanted: Sequence[ScanToDeliver],
    delivery_map: DeliveryMap,
    on_delivered: Callable[[Delivered], None],
) -> None:
    """Send all scans: several hosts at once, and the scans of one host one after the other.

    After an interruption, or when the server can't be reached, no further scan is sent.
    """
    by_host: dict[str, list[ScanToDeliver]] = {}
    for scan in wanted:
        by_host.setdefault(scan.host, []).append(scan)
    stop = Event()
    with ThreadPoolExecutor(_HOSTS_AT_ONCE) as pool:
        hosts = [
            pool.submit(_deliver_host, archive, scans, delivery_map, stop)
            for scans in by_host.values()
        ]
        try:
            for host in as_completed(hosts):
                _report(host.result(), on_delivered)
        except BaseException:
            stop.set()
            raise


def _report(results: Sequence[Delivered], on_delivered: Callable[[Delivered], None]) -> None:
    for delivered in results:
        on_delivered(delivered)


def _deliver_host(
    archive: Archive, scans: Sequence[ScanToDeliver], delivery_map: DeliveryMap, stop: Event
) -> list[Delivered]:
    credentials = delivery_map.hosts[scans[0].host]
    access = ServerAccess(delivery_map.server, Credentials(credentials.id, credentials.key))
    done: list[Delivered] = []
    with closing(HostDelivery(archive, access, stop)) as delivery:
        for scan in scans:
            if stop.is_set():
                break
            delivered = delivery.deliver(scan)
            done.append(delivered)
            if delivered.receipt is None:
                # The next scans of this host would fail for the same reason.
                break
            archive.write(
                _receipt_name(delivery_map.server, scan),
                frame.seal("receipt", codec.encode(delivered.receipt)),
            )
    return done


class HostDelivery:
    """Sends the scans of one host, one after the other."""

    def __init__(self, archive: Archive, access: ServerAccess, stop: Event) -> None:
        self._archive = archive
        self._access = access
        self._stop = stop
        self._client = HttpClient(access)
        self._pace = Pace()

    def close(self) -> None:
        self._client.close()

    def deliver(self, scan: ScanToDeliver) -> Delivered:
        """Send one scan until there is an answer, a few times at most."""
        try:
            sealed = self._archive.read(report_name(scan.host, scan.scan_id))
            report = codec.decode(frame.unseal("report", sealed), Report)
        except (OSError, EntryError, codec.SchemaError) as error:
            return Delivered(scan, None, f"its report can't be read: {error}")
        attempt = DeliveryAttempt()
        while True:
            made = self._body(scan, report, attempt)
            result = self._send(scan, made)
            attempt.attempts += 1
            attempt.count(result)
            if isinstance(result, Refused) and attempt.change_form(result, made):
                self._stop.wait(min(result.retry_after_s, _LONGEST_WAIT_S))
                continue
            if isinstance(result, Accepted | Refused):
                receipt = self._receipt(scan, report, made, result, attempt)
                return Delivered(scan, receipt, result.message)
            if not self._may_retry(result, attempt):
                return Delivered(scan, None, result.message)

    def _may_retry(self, result: Paused | Temporary, attempt: DeliveryAttempt) -> bool:
        """Wait for the next attempt; False where there is to be none."""
        if isinstance(result, Paused):
            return False
        if not attempt.is_stuck:
            wait_s = min(max(result.retry_after_s, _WAIT_S), _LONGEST_WAIT_S)
            if not self._stop.wait(wait_s):
                return True
        if result.status is None:
            # The server did not answer at all: it would not answer for other hosts either.
            self._stop.set()
        return False

    def _body(self, scan: ScanToDeliver, report: Report, attempt: DeliveryAttempt) -> body.Body:
        return body.make(
            report,
            attempt.limit_of(_BODY_LIMIT),
            filed_under=filing.name_at_the_server(scan.scan_id, report.profile.name, report.status),
            with_hash=attempt.with_hash,
            agent_version=AGENT_VERSION,
        )

    def _send(self, scan: ScanToDeliver, made: body.Body) -> Outcome:
        if self._stop.wait(self._pace.due_in_s(time.monotonic(), _PER_MINUTE)):
            return Temporary("interrupted")
        self._pace.sent(time.monotonic())
        answer = self._client.send(submission(scan.scan_id, AGENT_VERSION), made.content)
        return key_check.conclude(
            answer, lambda request, _: self._client.send(request), datetime.now(UTC)
        )

    def _receipt(
        self,
        scan: ScanToDeliver,
        report: Report,
        made: body.Body,
        result: Accepted | Refused,
        attempt: DeliveryAttempt,
    ) -> Receipt:
        return receipts.answered(
            scan.scan_id,
            filing.name_at_the_server(scan.scan_id, report.profile.name, report.status),
            report.status,
            made,
            result,
            datetime.now(UTC),
            destination=self._access.url,
            attempts=attempt.attempts,
            remarks=attempt.remarks,
        )


def _receipts_of(server: ServerSettings) -> str:
    digest = sha256((server.url or "").rstrip("/").encode()).hexdigest()[:12]
    return f"receipts/{digest}"


def _receipt_name(server: ServerSettings, scan: ScanToDeliver) -> str:
    month = month_of(scan.scan_id)
    return f"{_receipts_of(server)}/host={scan.host}/month={month}/{scan.scan_id}.receipt"
