import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.errors import EntryDamagedError, SpoolError, StorageError
from spool.spool import Spool
from stages.runtime import worker
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.runtime.worker import Confinement, Worker, WorkerError, WorkerStoppedError
from tests.pipeline.agent import until

TASKS = "tests.runtime.worker_tasks"


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    return Process(
        "parse", Settings(), None, spool, Log("parse", stream=io.StringIO()), NoDoorbell()
    )


def call(process: Process, function: str, payload: bytes = b"", limit_s: float = 30) -> bytes:
    """One call in a worker of its own."""
    one = Worker(process, f"{TASKS}:{function}")
    try:
        return one.call(payload, limit_s)
    finally:
        one.stop()


EARLIER_CHILDREN: set[str] = set()


@pytest.fixture(autouse=True)
def children_of_other_tests() -> None:
    """Fixtures of the whole session have children of their own, such as a Docker engine."""
    EARLIER_CHILDREN.clear()
    EARLIER_CHILDREN.update(all_children())


def all_children() -> list[str]:
    """The process ids of this process's children, zombies too."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def children() -> list[str]:
    """Those children that this test has started."""
    return [child for child in all_children() if child not in EARLIER_CHILDREN]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_payloads_and_answers_of_any_size_are_passed(process: Process) -> None:
    assert call(process, "echo") == b""
    assert call(process, "echo", b"\0done\0" * 1_000_000) == b"\0done\0" * 1_000_000
    assert call(process, "grow", b"5000000") == b"x" * 5_000_000


def test_a_worker_serves_many_calls_in_one_process(process: Process) -> None:
    one = Worker(process, f"{TASKS}:process_id")
    first = one.call(b"", 30)
    assert first != str(os.getpid()).encode()
    assert {one.call(b"", 30) for _ in range(20)} == {first}
    one.stop()
    assert children() == []


def test_a_worker_that_was_started_ahead_takes_the_call(process: Process) -> None:
    one = Worker(process, f"{TASKS}:process_id")
    one.start()
    started = children()
    one.start()
    assert children() == started
    assert one.call(b"", 30).decode() in started
    one.stop()


def test_a_worker_without_work_ends_and_leaves_no_zombie(process: Process) -> None:
    one = Worker(process, f"{TASKS}:process_id", idle_s=0.05)
    first = one.call(b"", 30)

    def is_gone() -> bool:
        process.wait(0.05)
        return children() == []

    until(is_gone, "the idle worker has ended")
    assert one.call(b"", 30) != first
    one.stop()


def test_a_worker_that_went_idle_just_before_the_call_is_replaced(process: Process) -> None:
    one = Worker(process, f"{TASKS}:process_id", idle_s=0.05)
    first = one.call(b"", 30)
    # This process does not wait, so it has not noticed the end.
    until(lambda: not is_alive(int(first)), "the idle worker has ended")
    assert one.call(b"", 30) != first
    one.stop()


def test_a_worker_that_is_killed_gives_no_answer(process: Process) -> None:
    with pytest.raises(WorkerError, match="ended by signal 9"):
        call(process, "be_killed")
    with pytest.raises(WorkerError, match="ended without an answer"):
        call(process, "end_in_silence")


def test_an_internal_error_of_the_work_is_in_the_log_with_its_traceback(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorkerError, match="ended with exit code 1"):
        call(process, "divide")
    log = capfd.readouterr().err
    assert "Traceback" in log
    assert "ZeroDivisionError: a mistake in the work" in log


def test_a_function_that_does_not_exist_ends_the_worker(process: Process) -> None:
    with pytest.raises(WorkerError, match="ended with exit code 1"):
        call(process, "nothing_of_this_name")


def test_errors_of_the_spool_arrive_with_type_and_message(process: Process) -> None:
    one = Worker(process, f"{TASKS}:find_damage")
    for _ in range(2):
        with pytest.raises(EntryDamagedError, match=r"^arf.xml.zst: SHA-256 differs$"):
            one.call(b"", 30)
    one.stop()
    with pytest.raises(StorageError, match=r"^raw: can't be written: No space left on device"):
        call(process, "find_the_disk_full")


@pytest.mark.slow
def test_the_deadline_is_the_end_of_the_worker_and_of_what_it_started(
    process: Process, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    with pytest.raises(WorkerError, match="took too long"):
        call(process, "hang_with_a_child", os.fsencode(file), 3)
    until(lambda: not is_alive(int(file.read_text())), "the worker's child has ended")
    assert children() == []


def test_a_stage_that_stops_does_not_wait_for_its_worker(process: Process) -> None:
    process.stopping = True
    with pytest.raises(WorkerStoppedError):
        call(process, "hang")
    assert children() == []


def test_a_stop_of_the_whole_service_is_not_the_end_of_the_work(
    process: Process, tmp_path: Path
) -> None:
    one = Worker(process, f"{TASKS}:process_id")
    pid = int(one.call(b"", 30))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    assert int(one.call(b"", 30)) == pid
    one.stop()


def test_a_worker_dies_with_its_stage_in_the_middle_of_a_call(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.worker_owner", str(tmp_path), str(file)]
    )
    until(lambda: file.exists() and file.read_text(), "the worker is at work")
    owner.kill()
    owner.wait()
    until(lambda: not is_alive(int(file.read_text())), "the worker has ended")


def test_standard_input_of_the_work_is_empty_and_its_output_is_the_stages(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(process, "print_something") == b"0"
    assert capfd.readouterr().out == "printed by the work\n"


def test_the_worker_imports_what_a_registry_needs_first(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "IMPORTED_FIRST", ["tests.runtime.nothing_of_this_name"])
    with pytest.raises(WorkerError, match="ended with exit code 1"):
        call(process, "echo")
    monkeypatch.setattr(worker, "IMPORTED_FIRST", ["tests.runtime.worker_tasks"])
    assert call(process, "echo", b"x") == b"x"


def test_a_worker_has_no_new_privileges_and_keeps_to_its_limits(process: Process) -> None:
    confinement = Confinement(memory_bytes=1 << 30)
    one = Worker(process, f"{TASKS}:status_of_this_process", confinement=confinement)
    assert b"NoNewPrivs:\t1\n" in one.call(b"", 30)
    one.stop()
    small = Worker(process, f"{TASKS}:grow", confinement=confinement)
    with pytest.raises(WorkerError, match="needed more memory than its limit"):
        small.call(str(2 << 30).encode(), 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_worker_becomes_another_user_and_still_dies_with_its_stage(process: Process) -> None:
    confinement = Confinement(user_id=65534, group_id=65534)
    one = Worker(process, f"{TASKS}:status_of_this_process", confinement=confinement)
    status = one.call(b"", 30).decode()
    assert "Uid:\t65534\t65534\t65534\t65534\n" in status
    assert "Gid:\t65534\t65534\t65534\t65534\n" in status
    assert "CapEff:\t0000000000000000\n" in status
    one.stop()


def test_without_room_for_a_process_the_work_stays_pending(
    process: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(SpoolError, match="no worker process can be started: No such file"):
        call(process, "echo")


def test_a_call_keeps_its_stage_in_the_main_loop(process: Process) -> None:
    """What wakes the loop is processed while the worker works."""
    one = Worker(process, f"{TASKS}:hang")
    read, write = os.pipe()
    seen: list[float] = []

    def on_readable() -> None:
        seen.append(time.monotonic())
        os.read(read, 1)
        process.stopping = True
        process.wake()

    process.readers[read] = on_readable
    os.write(write, b"x")
    with pytest.raises(WorkerStoppedError):
        one.call(b"", 30)
    assert seen
    os.close(read)
    os.close(write)
