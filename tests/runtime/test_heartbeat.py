"""A heartbeat distinguishes a stage that works from one that hangs."""

import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.heartbeat import Heartbeat, is_suspended, read_heartbeat
from stages.runtime.logs import Log
from stages.runtime.process import Process
from tests.pipeline.agent import until


def test_a_heartbeat_shows_the_process_and_when_it_last_worked(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path, "parse")
    os.utime(tmp_path / "parse.heartbeat", (0, 0))
    seen = read_heartbeat(tmp_path, "parse")
    assert seen
    assert (seen.pid, seen.at) == (os.getpid(), datetime.fromtimestamp(0, UTC))
    heartbeat.touch()
    seen = read_heartbeat(tmp_path, "parse")
    assert seen
    assert abs((datetime.now(UTC) - seen.at).total_seconds()) < 60


def test_without_a_heartbeat_nothing_is_known_and_without_a_directory_nothing_fails(
    tmp_path: Path,
) -> None:
    Heartbeat(tmp_path / "none", "parse").touch()
    assert read_heartbeat(tmp_path / "none", "parse") is None
    (tmp_path / "ship.heartbeat").write_text("garbage")
    assert read_heartbeat(tmp_path, "ship") is None
    handles = Path("/proc/self/fd")
    open_before = len(list(handles.iterdir()))
    (tmp_path / "scan.heartbeat").mkdir()
    assert read_heartbeat(tmp_path, "scan") is None
    assert len(list(handles.iterdir())) == open_before


def test_a_symlink_instead_of_the_heartbeat_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("1\n")
    os.utime(victim, (0, 0))
    heartbeat = Heartbeat(tmp_path, "scan")
    (tmp_path / "scan.heartbeat").unlink()
    (tmp_path / "scan.heartbeat").symlink_to(victim)
    heartbeat.touch()
    assert victim.stat().st_mtime == 0
    assert read_heartbeat(tmp_path, "scan") is None
    Heartbeat(tmp_path, "scan")
    assert victim.read_text() == "1\n"


def test_a_process_stopped_by_a_signal_is_suspended() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not is_suspended(process.pid)
        process.send_signal(signal.SIGSTOP)
        until(lambda: is_suspended(process.pid), "it is suspended")
    finally:
        process.kill()
        process.communicate()
    assert not is_suspended(process.pid)


def test_a_stage_that_waits_reports_at_least_twice_in_the_limit_of_its_service_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        settings = Settings(runtime_dir=str(tmp_path))
        spool = Spool(tmp_path / "spool")
        process = Process("parse", settings, None, spool, Log("parse"), NoDoorbell())
        process.wait(0.2)
        assert [manager.recv(4096) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    assert "WATCHDOG_USEC" not in os.environ, "no child takes it for its own"
