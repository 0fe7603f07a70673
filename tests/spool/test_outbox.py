import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas import codec
from schemas.ids import ScanId, new_scan_id
from schemas.request import Reason, Request
from spool import frame
from spool.errors import (
    EntryDamagedError,
    EntryMissingError,
    EntryTooLargeError,
    QuotaError,
    SpoolBusyError,
    SpoolUnusableError,
)
from spool.layout import STAGES
from spool.spool import Spool
from tests.pipeline.agent import an_agent, until
from tests.ship.ship_spool import report

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)


def a_request(token: str = "3f9c2a17") -> Request:
    scan_id = new_scan_id("openscap", AT, token)
    return Request(scan_id=scan_id, scanner="openscap", reason=Reason(source="operator", at=AT))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.claim("trigger")
    return spool


def test_an_entry_comes_back_as_it_was_written(spool: Spool) -> None:
    request = a_request()
    spool.requests.write(request)
    assert spool.requests.read(request.scan_id) == request


def test_an_entry_never_changes(spool: Spool) -> None:
    request = a_request()
    spool.requests.write(request)
    other = Request(
        scan_id=request.scan_id, scanner="openscap", profile="cis", reason=request.reason
    )
    spool.requests.write(other)
    assert spool.requests.read(request.scan_id) == request


def test_ids_follow_what_appears_and_disappears(spool: Spool) -> None:
    first, second, third = (a_request(f"0000000{number}") for number in range(3))
    spool.requests.write(first)
    spool.requests.write(third)
    assert spool.requests.ids() == [first.scan_id, third.scan_id]
    spool.requests.write(second)
    spool.requests.remove(spool.requests.name(first.scan_id))
    assert spool.requests.ids() == [second.scan_id, third.scan_id]
    spool.requests.write(first)
    assert spool.requests.ids() == [first.scan_id, second.scan_id, third.scan_id]


def test_foreign_files_are_not_entries_and_are_left_alone(spool: Spool) -> None:
    for name in (
        "README",
        "x.request",
        "20261123T060301Z-openscap-3f9c2a1.request",
        "a\nb.request",
    ):
        (spool.requests.path / name).write_text("mine")
    assert spool.requests.ids() == []
    assert (spool.requests.path / "README").read_text() == "mine"


def test_foreign_names_of_any_bytes_are_listed_by_verify_and_stop_nothing() -> None:
    with an_agent() as agent:
        agent.spool.prepare()
        names = (b"\xff\xfe", b"a\nb\x1b[31m", b"x" * 255, b"~")
        for box in ("raw", "requests", "reports", "receipts", "commands"):
            for name in names:
                Path(os.fsdecode(os.path.join(os.fsencode(agent.spool.root / box), name))).touch()  # noqa: PTH118
        agent.start()
        found = json.loads(agent.run("verify", "--json"))
        assert len([finding for finding in found if finding["kind"] == "foreign"]) == 5 * len(names)
        assert "\x1b" not in agent.run("verify")
        until(lambda: all("stage started" in agent.log(stage) for stage in STAGES), "all run")
        assert {process.poll() for process in agent.processes.values()} == {None}


def test_a_missing_entry_is_named_by_its_path(spool: Spool) -> None:
    with pytest.raises(
        EntryMissingError, match=r"requests/20261123T060301Z-openscap-3f9c2a17\.request"
    ):
        spool.requests.read("20261123T060301Z-openscap-3f9c2a17")


@pytest.mark.parametrize("trap", ["symlink", "fifo", "socket", "directory", "hard link"])
def test_only_a_plain_file_is_an_entry(spool: Spool, trap: str, tmp_path: Path) -> None:
    request = a_request()
    spool.requests.write(request)
    path = spool.requests.path / f"{request.scan_id}.request"
    aside = tmp_path / "aside"
    path.rename(aside)
    if trap == "symlink":
        path.symlink_to(aside)
    elif trap == "fifo":
        os.mkfifo(path)
    elif trap == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif trap == "directory":
        path.mkdir()
    else:
        path.hardlink_to(aside)
    with pytest.raises(EntryDamagedError, match=request.scan_id):
        spool.requests.read(request.scan_id)


def test_damage_goes_to_quarantine_with_its_reason(spool: Spool) -> None:
    request = a_request()
    spool.requests.write(request)
    name = f"{request.scan_id}.request"
    spool.requests.quarantine(name, "20261123T060400Z-00000001", "SHA-256 differs")
    assert spool.requests.names() == []
    assert spool.requests.quarantined() == [f"{name}~20261123T060400Z-00000001"]
    reason = spool.root / "quarantine" / "requests" / f"{name}~20261123T060400Z-00000001.reason"
    assert reason.read_text() == "SHA-256 differs\n"


def test_a_second_instance_is_refused_with_the_first_ones_process_id(spool: Spool) -> None:
    with pytest.raises(
        SpoolBusyError, match=f"another trigger stage is running .process {os.getpid()}"
    ):
        Spool(spool.root).claim("trigger")


def test_the_lock_is_seen_by_readers_and_goes_with_its_holder(spool: Spool) -> None:
    assert Spool(spool.root).is_running("trigger")
    assert not Spool(spool.root).is_running("ship")
    spool.release()
    assert not Spool(spool.root).is_running("trigger")


def test_what_a_crash_left_half_written_is_swept_at_the_next_start(spool: Spool) -> None:
    (spool.requests.path / ".20261123T060301Z-openscap-3f9c2a17.request.tmp").write_text("half")
    spool.release()
    assert Spool(spool.root).claim("trigger") == [".20261123T060301Z-openscap-3f9c2a17.request.tmp"]
    assert list(spool.requests.path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "box"), [(0o770, "requests"), (0o755, "requests"), (0o757, "commands")]
)
def test_a_box_that_others_may_write_is_refused_with_the_remedy(
    spool: Spool, mode: int, box: str
) -> None:
    spool.release()
    path = spool.root / box
    path.chmod(mode)
    with pytest.raises(SpoolUnusableError, match=f"chmod 0750 {path}"):
        Spool(spool.root).claim("trigger")
    assert path.stat().st_mode & 0o777 == mode, "a wrong mode is never corrected silently"


def test_a_box_of_another_user_is_refused_with_the_remedy(spool: Spool) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a directory away")
    spool.release()
    os.chown(spool.requests.path, 12345, -1)
    with pytest.raises(
        SpoolUnusableError,
        match=f"belongs to 12345, not to root: chown -R root {spool.requests.path}",
    ):
        Spool(spool.root).claim("trigger")


def test_a_symlink_in_place_of_a_box_is_refused(spool: Spool, tmp_path: Path) -> None:
    spool.release()
    elsewhere = tmp_path / "elsewhere"
    spool.requests.path.rename(elsewhere)
    spool.requests.path.symlink_to(elsewhere)
    with pytest.raises(SpoolUnusableError, match="is a symlink"):
        Spool(spool.root).claim("trigger")


def test_ids_come_oldest_first(spool: Spool) -> None:
    for token, at in (
        ("0000000a", AT),
        ("0000000b", AT.replace(year=2025)),
        ("0000000c", AT.replace(year=2027)),
    ):
        scan_id = new_scan_id("openscap", at, token)
        spool.requests.write(
            Request(scan_id=scan_id, scanner="openscap", reason=a_request().reason)
        )
    assert [i[:4] for i in spool.requests.ids()] == ["2025", "2026", "2027"]


@pytest.mark.parametrize(
    "name",
    [
        "20260231T000000Z-openscap-3f9c2a17",
        "99999999T999999Z-openscap-3f9c2a17",
        "00000101T000000Z-openscap-3f9c2a17",
        "99990101T000000Z-openscap-3f9c2a17",
        "20261123T060360Z-openscap-3f9c2a17",
        "٢0261123T060301Z-openscap-3f9c2a17",
        "20261123T060301Z-openscap-3f9c2a17\n",
    ],
)
def test_what_only_looks_like_a_scan_id_is_none(name: str) -> None:
    from schemas.ids import is_scan_id

    assert not is_scan_id(name)


def test_a_scan_id_names_its_scanner_and_second() -> None:
    from schemas.ids import is_scan_id, requested_at, scanner_of

    scan_id = ScanId("20261123T060301Z-docker-bench-3f9c2a17")
    assert is_scan_id(scan_id)
    assert scanner_of(scan_id) == "docker-bench"
    assert requested_at(scan_id) == AT


def test_the_newest_scan_id_is_that_of_any_box_and_never_a_foreign_name(spool: Spool) -> None:
    assert spool.newest_scan_id() is None
    request = a_request()
    spool.requests.write(request)
    newer = new_scan_id("docker-bench", AT.replace(year=2030), "00000000")
    (spool.raw.path / newer).mkdir()
    for name in ("20301399T000000Z-openscap-00000000.report", "README", "zzz"):
        (spool.reports.path / name).write_text("foreign")
    assert spool.newest_scan_id() == newer


@pytest.mark.parametrize("box", ["reports", "receipts"])
def test_new_scans_are_named_after_an_answer_from_a_time_to_come(spool: Spool, box: str) -> None:
    """Otherwise it would supersede them until that time."""
    directory = spool.root / box
    ending = box.removesuffix("s")
    far = new_scan_id("openscap", AT + timedelta(hours=9000), "00000000")
    for scan_id in (far, "99991231T235959Z-openscap-ffffffff"):
        (directory / f"{scan_id}.{ending}").write_bytes(b"")
    assert spool.newest_scan_id() == far


def test_a_report_that_could_not_be_read_again_is_refused_when_it_is_written(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "MAX_ENTRY_BYTES", 100)
    with pytest.raises(EntryTooLargeError, match="100 at most"):
        spool.reports.write(report(1))
    assert spool.reports.names() == []


@pytest.mark.parametrize("head", [b"", b"compliance-agent-spool 1 request 20 abc\n"])
def test_a_long_file_that_is_not_as_long_as_it_says_is_not_read(spool: Spool, head: bytes) -> None:
    request = a_request()
    path = spool.requests.path / f"{request.scan_id}.request"
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(1_000_000)
    with pytest.raises(EntryDamagedError, match=r"1000000 bytes instead|no entry header"):
        spool.requests.read(request.scan_id)


def test_an_entry_is_no_longer_than_its_kind_allows(spool: Spool) -> None:
    """A request is not as long as a report may be."""
    request = a_request()
    path = spool.requests.path / f"{request.scan_id}.request"
    payload = b" " * 2_000_000
    path.write_bytes(frame.seal("request", payload))
    with pytest.raises(EntryDamagedError, match="larger than"):
        spool.requests.read(request.scan_id)


def test_a_box_that_is_full_takes_no_entry(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spool.directory.MOST_NAMES", 1)
    spool.requests.write(a_request())
    assert spool.requests.is_full
    other = codec.replace(a_request(), scan_id=new_scan_id("openscap", AT, "0000ffff"))
    with pytest.raises(QuotaError, match="the work waits"):
        spool.requests.write(other)
    assert spool.requests.ids() == [a_request().scan_id]
