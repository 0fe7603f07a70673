"""What a stage removes of its own, and what it believes of marks."""

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from schemas.command import Replay
from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from schemas.settings import Settings, SpoolSettings
from spool.spool import Spool
from stages.runtime import maintenance
from stages.runtime.logs import Log

AT = datetime(2026, 6, 1, tzinfo=UTC)
REASON = Reason(source="operator", at=AT)
SCAN, OTHER = (
    ScanId("20260601T000000Z-openscap-0000000a"),
    ScanId("20260601T000000Z-openscap-0000000b"),
)
CANCEL = "20260601T000001Z-0000000c"


def test_a_cancellation_is_kept_as_long_as_a_request_that_it_names(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for box in (spool.commands, spool.requests):
        box.cancellations.write(CANCEL, Cancellation(scan_ids=(SCAN, OTHER), reason=REASON))
    spool.commands.requests.write(Request(scan_id=OTHER, scanner="openscap", reason=REASON))
    spool.requests.write(Request(scan_id=SCAN, scanner="openscap", reason=REASON))
    spool.requests.path.joinpath("20260601T000002Z-0000000d.cancel").write_bytes(b"damaged")

    def gone() -> list[str]:
        return maintenance.expire(spool, "trigger", Settings(), Log("trigger"))

    assert gone() == []
    spool.requests.remove(f"{SCAN}.request")
    assert gone() == [], "a request that is not yet taken up"
    spool.commands.remove(f"{OTHER}.request")
    assert gone() == [], "it would be taken up again"
    spool.commands.remove(f"{CANCEL}.cancel")
    assert gone() == [f"{CANCEL}.cancel"]
    assert spool.requests.names() == ["20260601T000002Z-0000000d.cancel"]


def test_a_receipt_alone_lets_nothing_expire(tmp_path: Path) -> None:
    """Whoever writes receipts could otherwise make a request vanish that was never scanned."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    settings = Settings(spool=SpoolSettings(keep_days=0, keep_last=1))
    newer = ScanId("20260603T000000Z-openscap-0000000d")
    for scan_id in (SCAN, newer):
        spool.requests.write(Request(scan_id=scan_id, scanner="openscap", reason=REASON))
    (spool.receipts.path / f"{SCAN}.receipt").touch()
    assert maintenance.expire(spool, "trigger", settings, Log("trigger")) == []
    (spool.reports.path / f"{SCAN}.report").touch()
    assert maintenance.expire(spool, "trigger", settings, Log("trigger")) == []
    (spool.raw.path / SCAN).mkdir()
    assert maintenance.expire(spool, "trigger", settings, Log("trigger")) == [f"{SCAN}.request"]
    (spool.reports.path / f"{SCAN}.report").unlink()
    assert maintenance.expire(spool, "scan", settings, Log("trigger")) == []


def test_what_a_replay_took_away_expires_when_its_command_and_its_scan_are_gone(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    settings = Settings(spool=SpoolSettings(keep_days=1, keep_last=1))
    newer = ScanId("20260603T000000Z-openscap-0000000d")
    kept = f"{SCAN}.receipt~{CANCEL}"
    for name in (f"receipts/{SCAN}.receipt", f"receipts/{newer}.receipt"):
        (spool.root / name).touch()
    (spool.root / "history/receipts" / kept).touch()
    replay = Replay(step="ship", scan_ids=(SCAN,), at=AT)

    def gone() -> list[str]:
        return maintenance.expire(spool, "ship", settings, Log("trigger"))

    (spool.root / f"reports/{SCAN}.report").touch()
    assert gone() == [], "the scan is still there"
    spool.receipts.remove(f"{SCAN}.receipt")
    spool.commands.replays.write(CANCEL, replay)
    assert gone() == [], "the replay would be carried out again"
    spool.commands.remove(f"{CANCEL}.replay")
    assert gone() == [kept]
    assert spool.receipts.archived() == []
    assert spool.receipts.names() == [f"{newer}.receipt"]


def test_an_entry_that_was_found_whole_is_not_read_again_at_every_mark(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    requests = [f"20260601T0000{n:02d}Z-openscap-0000000a" for n in range(30)]
    for scan_id in requests:
        request = Request(scan_id=ScanId(scan_id), scanner="openscap", reason=REASON)
        spool.requests.write(request)
        spool.state_store("scan").mark_damaged(f"{scan_id}.request", "it is said to be damaged")
    check = maintenance.DamageCheck(spool, "trigger", Log("trigger"))
    counts = [reads_during(lambda: check.run_once(AT), spool.requests.path) for _ in range(5)]
    assert counts == [10, 10, 10, 0, 0]
    assert spool.requests.quarantined() == []


def reads_during(action: Callable[[], None], directory: Path) -> int:
    """How often an entry of a directory was opened meanwhile."""
    _opened.clear()
    action()
    return sum(str(name).endswith(".request") for name in _opened)


_opened: list[object] = []


def _on_event(event: str, args: tuple[object, ...]) -> None:
    if event == "open" and threading.get_ident() == _THREAD:
        _opened.append(args[0])


_THREAD = threading.get_ident()
sys.addaudithook(_on_event)
