"""What went wrong, counted from the spool, the server's database, and the table of processes."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schemas.ids import ScanId, is_scan_id
from schemas.receipt import Receipt
from spool.errors import EntryError, SpoolError
from spool.layout import BOXES, LOCK, STAGES
from spool.spool import Spool
from tests.torture.host import Host
from tests.torture.run_record import RunRecord
from tests.torture.server import ServerProcess

_SLACK = timedelta(seconds=2)
_CONCLUDED = re.compile(r"ship (?:info|error): report (?:accepted|refused) scan_id=(\S+)")
_TAKEN_UP = re.compile(r"trigger info: (?:scan requested|command copied) scan_id=(\S+)")


@dataclass
class Verdict:
    """Each finding is one line; a good run has none."""

    lost: list[str] = field(default_factory=list)
    """Requests without an end, also those that only the log has, replays that were not carried out,
    and receipts for what the server never got."""
    doubled: list[str] = field(default_factory=list)
    """Requests and due times that were taken up twice, reports sent again after their receipt, rows
    of one profile."""
    out_of_order: list[str] = field(default_factory=list)
    """Older scans that were sent after a newer one of their profile."""
    stale: list[str] = field(default_factory=list)
    """Profiles of which the server does not have the newest accepted scan."""
    damaged: list[str] = field(default_factory=list)
    """Entries that `verify` or a stage found damaged; none was damaged on purpose."""
    left_over: list[str] = field(default_factory=list)
    """Half-written files, notes about work that has ended, and processes."""

    @property
    def counts(self) -> dict[str, int]:
        return {name.replace("_", " "): len(found) for name, found in vars(self).items()}

    @property
    def lines(self) -> Iterator[str]:
        for name, found in vars(self).items():
            yield from (f"{name.replace('_', ' ')}: {line}" for line in found)

    @property
    def is_good(self) -> bool:
        return not any(vars(self).values())


def unfinished(spool: Spool, record: RunRecord) -> list[str]:
    """What has not come to its end yet, and what has not come to it again after a replay."""
    try:
        receipts = set(spool.receipts.ids())
        waiting: set[str] = set()
        for stage in STAGES:
            waiting.update(spool.pending(stage))
        not_replayed = not_replayed_yet(readable_receipts(spool), record)
        return sorted(({*record.requested, *waiting} - receipts).union(not_replayed))
    except SpoolError as error:
        return [str(error)]


def not_replayed_yet(receipts: dict[ScanId, Receipt], record: RunRecord) -> Iterator[ScanId]:
    """Scans whose receipt is older than the last replay of them."""
    for scan_id, replayed_at in record.replayed.items():
        receipt = receipts.get(scan_id)
        if receipt is not None and receipt.at < replayed_at:
            yield scan_id


def readable_receipts(spool: Spool) -> dict[ScanId, Receipt]:
    """Without those that are damaged, which `verify` finds."""
    found: dict[ScanId, Receipt] = {}
    for scan_id in spool.receipts.ids():
        with suppress(EntryError):
            found[scan_id] = spool.receipts.read(scan_id)
    return found


def left_over(spool: Spool) -> list[str]:
    """Files that a crash leaves, and that their owner removes."""
    found: list[str] = []
    for path in spool.root.rglob("*"):
        is_hidden = path.name.startswith(".") and path.name != LOCK
        is_note = path.suffix in (".attempts", ".damaged", ".unreadable", ".plan")
        if is_hidden or is_note or path.name == "running":
            found.append(str(path.relative_to(spool.root)))
    return sorted(found)


def judge(host: Host, server: ServerProcess, record: RunRecord) -> Verdict:
    """After the trouble has ended, everything has settled, and the agent was stopped."""
    spool, posts = host.spool, server.posts()
    receipts = readable_receipts(spool)
    verdict = Verdict()
    verdict.lost += [f"{scan_id}: not concluded" for scan_id in unfinished(spool, record)]
    verdict.lost += never_kept(spool, host.log)
    verdict.lost += never_received(receipts, posts)
    verdict.doubled += taken_up_twice(spool)
    verdict.doubled += sent_after_the_receipt(receipts, posts)
    verdict.doubled += concluded_twice(host.log, record)
    verdict.doubled += rows_of_one_profile(server.scans())
    verdict.out_of_order += overtaken(posts)
    verdict.stale += stale(receipts, posts)
    verdict.damaged += _damaged(host)
    verdict.left_over += left_over(spool)
    verdict.left_over += record.orphans
    return verdict


def never_kept(spool: Spool, log: str) -> Iterator[str]:
    """Requests of which the log says that they were taken up; the log comes after the entry."""
    kept = set(spool.requests.ids())
    for scan_id in dict.fromkeys(_TAKEN_UP.findall(log)):
        if is_scan_id(scan_id) and scan_id not in kept:
            yield f"{scan_id}: is in the log, but not in requests/"


def never_received(
    receipts: dict[ScanId, Receipt], posts: Sequence[dict[str, Any]]
) -> Iterator[str]:
    received = {post["scan_id"] for post in posts}
    for scan_id, receipt in receipts.items():
        if receipt.answer == "accepted" and scan_id not in received:
            yield f"{scan_id}: accepted, but the server never had it"


def taken_up_twice(spool: Spool) -> Iterator[str]:
    """By the ids of who requested, and by the due times of schedules."""
    taken_up: Counter[str] = Counter()
    for scan_id in spool.requests.ids():
        with suppress(EntryError):
            request = spool.requests.read(scan_id)
            reason = request.reason
            if reason.request_id is not None:
                taken_up[f"request id {reason.request_id}"] += 1
            if reason.source == "schedule":
                taken_up[f"schedule of {request.scanner}: {reason.detail}"] += 1
    for name, count in taken_up.items():
        if count > 1:
            yield f"{name}: {count} requests"


def sent_after_the_receipt(
    receipts: dict[ScanId, Receipt], posts: Sequence[dict[str, Any]]
) -> Iterator[str]:
    for post in posts:
        receipt = receipts.get(post["scan_id"])
        if receipt and datetime.fromisoformat(post["at"]) > receipt.at + _SLACK:
            yield f"{post['scan_id']}: sent at {post['at']}, its receipt is of {receipt.at}"


def concluded_twice(log: str, record: RunRecord) -> Iterator[str]:
    """Reports that were sent again at once, without a replay."""
    concluded = Counter(_CONCLUDED.findall(log))
    for scan_id, count in concluded.items():
        if count > 1 and scan_id not in record.replayed:
            yield f"{scan_id}: concluded {count} times"


def rows_of_one_profile(scans: Sequence[dict[str, Any]]) -> Iterator[str]:
    rows = Counter(scan["profile_name"] for scan in scans if scan["status"] == "completed")
    for profile, count in rows.items():
        if count > 1:
            yield f"{profile}: {count} rows of completed scans"


def overtaken(posts: Sequence[dict[str, Any]]) -> Iterator[str]:
    newest: dict[str, str] = {}
    for post in posts:
        before = newest.get(post["profile"], "")
        if post["scan_id"] < before:
            yield f"{post['profile']}: {post['scan_id']} after {before}"
        newest[post["profile"]] = max(before, post["scan_id"])


def stale(receipts: dict[ScanId, Receipt], posts: Sequence[dict[str, Any]]) -> Iterator[str]:
    accepted: dict[str, ScanId] = {}
    for scan_id, receipt in sorted(receipts.items()):
        if receipt.answer == "accepted" and receipt.profile:
            accepted[receipt.profile] = scan_id
    last = {post["profile"]: post["scan_id"] for post in posts}
    for profile, scan_id in accepted.items():
        if last.get(profile) != scan_id:
            yield f"{profile}: the newest is {scan_id}, the server has {last.get(profile)}"


def _damaged(host: Host) -> Iterator[str]:
    done = host.command("verify", "--json")
    for finding in json.loads(done.stdout or "[]"):
        yield f"{finding['kind']}: {finding['path']}: {finding['message']}"
    if done.returncode not in (0, 1):
        yield f"verify ended with exit code {done.returncode}: {done.stderr[-300:]}"
    for box in BOXES:
        for name in host.spool.outbox(box).quarantined():
            yield f"quarantined: {box}/{name}"
