"""`run` makes its directories where it may."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.agent import until

pytestmark = pytest.mark.slow


def test_run_makes_the_ways_to_its_spool_and_sockets(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    spool, runtime = tmp_path / "var/lib/spool", tmp_path / "run/agent"
    config.write_text(json.dumps({"spool": {"path": str(spool)}, "runtime_dir": str(runtime)}))
    command = [sys.executable, "-m", "stages.console.main", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        until(lambda: (runtime / "ship.heartbeat").exists(), "the ship stage works")
        run.send_signal(signal.SIGTERM)
        _, log = run.communicate(timeout=60)
    assert run.returncode == 0, log
    assert spool.parent.stat().st_mode & 0o777 == 0o750
