"""The main job for real, once, without configuration."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.console.program import agent


@pytest.mark.oscap
def test_the_demo_scans_this_host_and_tells_how_to_look_again(tmp_path: Path) -> None:
    told = agent("demo", "--no-install", "--dir", str(tmp_path)).stdout
    assert "answer   accepted" in told
    found = re.search(r"^look again: (.*)$", told, re.MULTILINE)
    assert found
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    again = subprocess.run(
        shlex.split(found[1]), capture_output=True, text=True, cwd="/", env=environment, check=True
    )
    assert "answer   accepted" in again.stdout
