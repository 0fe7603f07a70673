"""What is kept of cancellations."""

from datetime import UTC, datetime
from pathlib import Path

from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime import maintenance

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
        return maintenance.expire(spool, "trigger", Settings())

    assert gone() == []
    spool.requests.remove(f"{SCAN}.request")
    assert gone() == [], "a request that is not yet taken up"
    spool.commands.remove(f"{OTHER}.request")
    assert gone() == [], "it would be taken up again"
    spool.commands.remove(f"{CANCEL}.cancel")
    assert gone() == [f"{CANCEL}.cancel"]
    assert spool.requests.names() == ["20260601T000002Z-0000000d.cancel"]
