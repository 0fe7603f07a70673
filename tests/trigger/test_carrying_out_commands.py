"""The server's commands, one by one, on a spool of their own."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.capabilities import Detected, DetectedScanner
from spool.errors import StorageError
from stages.patchmon.commands import Scan, Wanted
from stages.patchmon.progress import ProgressQueue
from stages.patchmon.server_messages import ComplianceScanCancel
from stages.trigger.request_writer import RequestWriter
from stages.trigger.server_commands import ServerCommands
from tests.trigger.worker import At, process_at

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BOTH = Scan((Wanted("openscap"), Wanted("docker-bench")), "r-1")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[At]:
    process = process_at(NOW, tmp_path / "spool")
    yield process
    process.spool.release()


def the_commands(process: At) -> ServerCommands:
    return ServerCommands(process, RequestWriter(process), ProgressQueue(), lambda: None)


def fill(ballast: Path) -> None:
    """Fill the disk except for the space of one entry."""
    with ballast.open("wb", buffering=0) as stream:
        with contextlib.suppress(OSError):
            while True:
                stream.write(b"x" * 4096)
        stream.truncate(ballast.stat().st_size - 4096)


def test_a_command_for_two_scanners_is_not_duplicated_if_the_disk_takes_only_one_request(
    small_disk: Path,
) -> None:
    process = process_at(NOW, small_disk / "spool")
    commands, ballast = the_commands(process), small_disk / "ballast"
    fill(ballast)
    for _ in range(3):
        with pytest.raises(StorageError):
            commands.carry_out(BOTH)
    ballast.unlink()
    commands.carry_out(BOTH)
    assert sorted(request.scanner for request in process.requests) == ["docker-bench", "openscap"]
    process.spool.release()


def test_the_same_command_again_is_another_request(process: At) -> None:
    commands = the_commands(process)
    for _ in range(2):
        commands.carry_out(Scan((Wanted("openscap"),)))
    assert len(process.requests) == 2


def test_a_clock_that_was_set_back_gives_no_older_scan_ids(process: At) -> None:
    commands, written = the_commands(process), []
    for moment in (NOW, NOW.replace(hour=3), NOW.replace(year=1970), NOW):
        process.moment = moment
        commands.carry_out(Scan((Wanted("openscap"),)))
        written.append(process.spool.requests.ids())
    assert [len(ids) for ids in written] == [1, 2, 3, 4]
    for before, after in pairwise(written):
        assert after[:-1] == before, "the new one is the last"


def detect(process: At, *, openscap: bool, docker: bool) -> None:
    """What the scan stage would write into its state."""
    state_store = process.spool.state_store("scan")
    scanners = {
        "openscap": DetectedScanner(installed=openscap, ready=openscap),
        "docker-bench": DetectedScanner(installed=docker, ready=docker),
    }
    state_store.write("detected", Detected(scanners=scanners, at=NOW))


ALL = (Wanted("openscap", implied=True), Wanted("docker-bench", implied=True))


@pytest.mark.parametrize(
    ("openscap", "docker", "wanted", "requested"),
    [
        (True, True, ALL, {"openscap", "docker-bench"}),
        (True, False, ALL, {"openscap"}),
        (False, True, ALL, {"docker-bench"}),
        (False, False, ALL, {"openscap"}),
        (True, False, (Wanted("docker-bench"),), {"docker-bench"}),
        (False, True, (Wanted("openscap", "cis"), ALL[1]), {"openscap", "docker-bench"}),
    ],
)
def test_a_scanner_that_is_not_installed_is_requested_only_by_name(
    process: At, openscap: bool, docker: bool, wanted: tuple[Wanted, ...], requested: set[str]
) -> None:
    commands = the_commands(process)
    detect(process, openscap=openscap, docker=docker)
    commands.carry_out(Scan(wanted))
    assert {request.scanner for request in process.requests} == requested


@pytest.mark.parametrize(
    ("off", "wanted", "requested"),
    [
        ({"docker_bench"}, ALL, {"openscap": None}),
        ({"openscap"}, ALL, {"docker-bench": None}),
        ({"docker_bench"}, (Wanted("docker-bench"),), {"docker-bench": "Docker Bench"}),
        ({"openscap", "docker_bench"}, ALL, {"openscap": "OpenSCAP"}),
    ],
)
def test_a_scanner_that_is_switched_off_is_requested_only_by_name(
    tmp_path: Path, off: set[str], wanted: tuple[Wanted, ...], requested: dict[str, str | None]
) -> None:
    compliance = {section: {"enabled": False} for section in off}
    process = process_at(NOW, tmp_path / "spool", compliance=compliance)
    detect(process, openscap=True, docker=True)
    the_commands(process).carry_out(Scan(wanted))
    assert {request.scanner for request in process.requests} == requested.keys()
    for request in process.requests:
        title = requested[request.scanner]
        if title is None:
            assert request.refusal is None
        else:
            message = f"switched off: {title} scans are switched off: "
            assert request.refusal is not None
            assert request.refusal.cause == "switched-off"
            assert request.refusal.reason.startswith(message)
    process.spool.release()


def test_before_the_first_detection_every_scanner_is_requested(process: At) -> None:
    the_commands(process).carry_out(Scan(ALL))
    assert len(process.requests) == 2


def test_a_flood_of_profiles_is_refused_at_a_limit_and_logged_once(process: At) -> None:
    progress = ProgressQueue()
    commands = ServerCommands(process, RequestWriter(process), progress, lambda: None)
    for n in range(1100):
        commands.carry_out(Scan((Wanted("openscap", f"profile-{n}"),)))
        commands.answer_refused()
    *accepted, refused = process.requests
    assert len(accepted) == 1000
    assert not any(request.refusal for request in accepted)
    assert refused.refusal is not None
    assert refused.refusal.reason.startswith("too many requests: ")
    assert 590 < commands.due_in_s() <= 600, "those after it are answered once more"
    message = progress.next()
    assert message is not None
    assert (message.phase, message.error.split(":")[0]) == (
        "failed",
        "too many requests",
    )
    assert progress.next() is None
    assert process.log_text.getvalue().count("server command refused") == 1
    commands.carry_out(Scan((Wanted("openscap", "one more"),)))
    assert progress.next() is not None, "reported again, after the first was reported"


def test_a_flood_of_cancels_is_one_entry(process: At) -> None:
    commands = the_commands(process)
    for _ in range(2):
        commands.carry_out(Scan((Wanted("openscap"),)))
        for _ in range(10):
            commands.carry_out(ComplianceScanCancel())
    assert len(process.spool.requests.cancellations.ids()) == 2
