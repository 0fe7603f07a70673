"""A spool on a file system that does not keep its promises, with a real mount."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver
from tests.faults.quick_agent import a_quick_agent
from tests.pipeline.agent import until


@pytest.fixture
def volatile(tmp_path: Path) -> Iterator[Path]:
    """An overlay that syncs nothing."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount an overlay")
    # The layers must not be on an overlay themselves.
    base, place = tmp_path / "base", tmp_path / "place"
    base.mkdir()
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(base)], check=True)
    for name in ("lower", "upper", "work"):
        (base / name).mkdir(mode=0o750)
    layers = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work,volatile"
    command = ["mount", "-t", "overlay", "-o", layers, "overlay", str(place)]
    mounted = subprocess.run(command, check=False).returncode == 0
    try:
        if not mounted:
            pytest.skip("can't mount an overlay here")
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)
        subprocess.run(["umount", "-l", str(base)], check=True)


def test_an_overlay_that_syncs_nothing_is_named_at_the_start(
    server: Receiver, volatile: Path
) -> None:
    with a_quick_agent(server) as agent:
        agent.place = volatile / "spool"
        agent.settings["spool"]["path"] = str(agent.place)
        agent.configure()
        agent.start("trigger")
        until(lambda: "stage started" in agent.log("trigger"), "it runs")
        assert "an overlay that syncs nothing (volatile)" in agent.log("trigger")
        agent.stop()
