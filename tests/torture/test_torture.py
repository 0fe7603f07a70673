"""A minute of torture, as `scripts/torture --minutes 1 --seed 1` does it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(1200)

ROOT = Path(__file__).parent.parent.parent


def test_a_minute_of_trouble_does_no_damage() -> None:
    command = [sys.executable, "-m", "tests.torture", "--minutes", "1", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-10_000:]


def test_wrong_options_are_wrong_usage() -> None:
    command = [sys.executable, "-m", "tests.torture", "--minutes", "never"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: scripts/torture" in done.stderr
