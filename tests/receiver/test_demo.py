"""The demo: a real scan, once, without configuration."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stages.runtime.exits import Exit
from tests.pipeline.agent import until

DEMO = (sys.executable, "-m", "receiver", "demo", "--no-install")


@pytest.mark.oscap
def test_the_demo_scans_this_host_and_prints_the_command_that_shows_it_again(
    tmp_path: Path,
) -> None:
    demo = subprocess.run(
        [*DEMO, "--dir", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert re.search(r"^answer +accepted", demo.stdout, re.MULTILINE)
    found = re.search(r"^show it again: (.*)$", demo.stdout, re.MULTILINE)
    assert found
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    again = subprocess.run(
        shlex.split(found[1]), capture_output=True, text=True, cwd="/", env=environment, check=True
    )
    assert re.search(r"^answer +accepted", again.stdout, re.MULTILINE)
    assert not _mentioned_by_a_process(str(tmp_path))


@pytest.mark.oscap
def test_a_demo_whose_reader_goes_away_leaves_nothing_running(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stdout
    assert demo.stderr
    while not demo.stdout.readline().startswith("logs:"):
        assert demo.poll() is None
    demo.stdout.close()
    assert demo.wait(timeout=150) == Exit.PIPE
    assert demo.stderr.read() == ""
    demo.stderr.close()
    until(lambda: not _mentioned_by_a_process(str(tmp_path)), "nothing is left running")


@pytest.mark.oscap
def test_ctrl_c_ends_the_demo_with_one_line(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stdout
    assert demo.stderr
    lines: list[str] = []
    while not lines or not lines[-1].startswith("logs:"):
        lines.append(demo.stdout.readline())
        assert demo.poll() is None
    assert any(line.startswith("scanner:  OpenSCAP") for line in lines)
    assert any(line.startswith("content:") for line in lines)
    demo.send_signal(signal.SIGINT)
    # Longer than everything that the demo waits for before it kills it.
    output, errors = demo.communicate(timeout=150)
    assert demo.returncode == Exit.INTERRUPTED
    assert output.splitlines()[-1].startswith("interrupted: ")
    assert errors == ""
    assert not _mentioned_by_a_process(str(tmp_path))


def test_directories_of_old_demonstrations_are_removed(tmp_path: Path) -> None:
    old, new, other = (
        tmp_path / name
        for name in ("compliance-agent-demo-old", "compliance-agent-demo-new", "another")
    )
    for path in (old, new, other):
        path.mkdir()
    for path in (old, other):
        os.utime(path, (0, 0))
    code = "from receiver import demo; demo._remove_old_directories()"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


@pytest.mark.oscap
def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    demo = subprocess.run(
        [*DEMO, "--dir", str(file / "x")], capture_output=True, text=True, check=False
    )
    assert demo.returncode == Exit.UNUSABLE
    expected = f"python -m receiver demo: {file / 'x'}: Not a directory\n"
    assert demo.stderr == expected


def _mentioned_by_a_process(path: str) -> bool:
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if path.encode() in (directory / "cmdline").read_bytes():
                return True
    return False
