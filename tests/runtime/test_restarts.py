"""A stage that keeps dying starts later and later; one that ends in order does not."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.runtime.logs import Log
from stages.runtime.restarts import HEALTHY_AFTER_S, Restarts, delay_s
from stages.runtime.sd_notify import Notifier


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def died(directory: Path, deaths: int, lived_s: float) -> None:
    """The note of a predecessor that never ended in order."""
    # Rounded up, a note of this very moment would lie in the future, which is that of another boot.
    (directory / "parse.starts").write_text(f"{deaths} {time.monotonic() - lived_s - 0.001:.3f}\n")


def test_the_delay_grows_to_five_minutes_and_no_further() -> None:
    delays = [delay_s(deaths) for deaths in range(12)]
    assert delays[:4] == [0, 1, 2, 4]
    assert delays == sorted(delays)
    assert delays[-1] == 300


def test_the_first_start_and_the_one_after_an_orderly_end_wait_for_nothing(
    tmp_path: Path, manager: socket.socket
) -> None:
    restarts = Restarts(tmp_path, "parse", Notifier())
    assert restarts.delay_start(Log("parse"))
    restarts.forget()
    assert not (tmp_path / "parse.starts").exists()


@pytest.mark.slow
def test_after_a_death_the_next_start_waits_and_is_ready_for_the_manager(
    tmp_path: Path, manager: socket.socket
) -> None:
    died(tmp_path, deaths=0, lived_s=0)
    began = time.monotonic()
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))
    assert time.monotonic() - began >= 1
    assert manager.recv(4096) == b"READY=1"
    assert manager.recv(4096) == b"STATUS=died 1 times, the start is delayed"
    assert manager.recv(4096) == b"WATCHDOG=1"
    assert (tmp_path / "parse.starts").read_text().startswith("1 ")


def test_a_stage_that_had_lived_for_long_starts_at_once(
    tmp_path: Path, manager: socket.socket
) -> None:
    died(tmp_path, deaths=9, lived_s=HEALTHY_AFTER_S + 1)
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))
    assert (tmp_path / "parse.starts").read_text().startswith("0 ")


def test_a_stage_that_has_to_stop_while_it_waits_ends_at_once_and_forgets(
    tmp_path: Path, manager: socket.socket
) -> None:
    died(tmp_path, deaths=8, lived_s=0)

    me = threading.get_ident()

    def stop_once_it_waits() -> None:
        manager.recv(4096)
        signal.pthread_kill(me, signal.SIGTERM)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        threading.Thread(target=stop_once_it_waits).start()
        assert not Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert not (tmp_path / "parse.starts").exists()


def test_without_a_service_manager_no_note_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    died(tmp_path, deaths=8, lived_s=0)
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))


@pytest.mark.parametrize("text", ["", "8", "x 1.0\n", "-1 1.0\n", "9" * 5000, "8 99999999999.0\n"])
def test_a_note_that_makes_no_sense_is_not_a_reason_to_wait(
    text: str, tmp_path: Path, manager: socket.socket
) -> None:
    (tmp_path / "parse.starts").write_text(text)
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))


def test_a_note_that_is_a_symlink_or_a_pipe_is_not_read(
    tmp_path: Path, manager: socket.socket
) -> None:
    os.mkfifo(tmp_path / "parse.starts")
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))


def test_a_directory_that_another_stage_has_made_is_not_a_note(
    tmp_path: Path, manager: socket.socket
) -> None:
    (tmp_path / "parse.starts").mkdir()
    assert Restarts(tmp_path, "parse", Notifier()).delay_start(Log("parse"))
