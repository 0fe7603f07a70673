"""By its pulse everyone can tell a stage that works from one that hangs."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from stages.runtime.heartbeat import Pulse, is_suspended, last_seen
from tests.pipeline.agent import until


def test_a_pulse_tells_the_process_and_when_it_last_worked(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path, "parse")
    os.utime(tmp_path / "parse.pulse", (0, 0))
    seen = last_seen(tmp_path, "parse")
    assert seen
    assert (seen.pid, seen.at) == (os.getpid(), datetime.fromtimestamp(0, UTC))
    pulse.beat()
    seen = last_seen(tmp_path, "parse")
    assert seen
    assert abs((datetime.now(UTC) - seen.at).total_seconds()) < 60


def test_nothing_is_known_without_a_pulse_and_nothing_fails_without_a_directory(tmp_path: Path) -> None:
    Pulse(tmp_path / "none", "parse").beat()
    assert last_seen(tmp_path / "none", "parse") is None
    (tmp_path / "ship.pulse").write_text("garbage")
    assert last_seen(tmp_path, "ship") is None


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("1\n")
    os.utime(victim, (0, 0))
    pulse = Pulse(tmp_path, "scan")
    (tmp_path / "scan.pulse").unlink()
    (tmp_path / "scan.pulse").symlink_to(victim)
    pulse.beat()
    assert victim.stat().st_mtime == 0
    assert last_seen(tmp_path, "scan") is None
    Pulse(tmp_path, "scan")
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
