import io
import os
import signal
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.errors import EntryDamagedError, SpoolError
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.runtime.worker import WorkerError, WorkerStoppedError, run_in_worker


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    return Process(
        "parse", Settings(), None, spool, Log("parse", stream=io.StringIO()), NoDoorbell()
    )


def test_a_child_answers_with_bytes_however_many(process: Process) -> None:
    assert run_in_worker(process, lambda: b"", 10) == b""
    assert run_in_worker(process, lambda: b"x" * 5_000_000, 10) == b"x" * 5_000_000


def test_what_the_child_does_stays_with_it(process: Process) -> None:
    held: list[int] = []

    def work() -> bytes:
        held.append(1)
        return str(os.getpid()).encode()

    assert run_in_worker(process, work, 10) != str(os.getpid()).encode()
    assert held == []


def test_a_child_that_is_killed_is_no_answer(process: Process) -> None:
    def work() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b"never"

    with pytest.raises(WorkerError, match="ended by signal 9"):
        run_in_worker(process, work, 10)


def test_a_fault_in_the_child_is_no_answer(process: Process) -> None:
    def work() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(WorkerError, match="ended with exit code 70"):
        run_in_worker(process, work, 10)


def test_damage_and_trouble_with_the_disk_arrive_as_they_are(process: Process) -> None:
    def damaged() -> bytes:
        raise EntryDamagedError("arf.xml.zst: SHA-256 differs")

    def full() -> bytes:
        raise SpoolError("no space left")

    with pytest.raises(EntryDamagedError, match="SHA-256 differs"):
        run_in_worker(process, damaged, 10)
    with pytest.raises(SpoolError, match="no space left"):
        run_in_worker(process, full, 10)


def test_a_child_that_takes_too_long_is_ended(process: Process) -> None:
    def work() -> bytes:
        signal.pause()
        return b"never"

    with pytest.raises(WorkerError, match="took too long"):
        run_in_worker(process, work, 0.2)


def test_a_process_that_is_told_to_stop_waits_for_no_child(process: Process) -> None:
    def work() -> bytes:
        signal.pause()
        return b"never"

    process.stopping = True
    with pytest.raises(WorkerStoppedError):
        run_in_worker(process, work, 10)
