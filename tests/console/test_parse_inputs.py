"""`parse` reads files, pipes and standard input alike, and names what it can't read."""

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.scanners.openscap.scap_samples import Rule, arf

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "stages.console.main", "parse"]
SAMPLE = gzip.compress(arf([Rule("a"), Rule("b")]).encode())


def parsed(*arguments: str, given: bytes | None = None) -> object:
    done = subprocess.run([*PROGRAM, *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["summary"]


@pytest.fixture
def expected(tmp_path: Path) -> object:
    path = tmp_path / "arf.xml.gz"
    path.write_bytes(SAMPLE)
    return parsed(str(path))


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_read_like_a_file(expected: object, name: str) -> None:
    assert parsed(name, given=SAMPLE) == expected


def test_a_named_pipe_is_read_like_a_file(expected: object, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(SAMPLE,))
    writer.start()
    assert parsed(str(pipe)) == expected
    writer.join(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["/"], "/: is a directory", 2),
        (["/nowhere/arf.xml"], "/nowhere/arf.xml: can't be read: No such file", 2),
        ([os.devnull], f"{os.devnull}: the file is empty", 1),
        (["/proc/self/mem"], "/proc/self/mem: can't be read: Input/output error", 1),
        (["-"], "standard input: the file is empty", 1),
        (
            [__file__],
            f"{__file__}: is not scanner output: expected XCCDF results, ARF, JSON of Docker",
            1,
        ),
        (["-", "-"], "-: standard input can be read only once", 2),
    ],
)
def test_unreadable_input_is_named(arguments: list[str], message: str, code: int) -> None:
    done = subprocess.run(
        [*PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"compliance-agent parse: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_copies_of_pipes_do_not_stay(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "-"],
        input=SAMPLE,
        capture_output=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_directory_is_not_blamed_on_the_input(tmp_path: Path) -> None:
    """A limit for files stands for the full disk."""
    script = 'ulimit -f 50 && TMPDIR="$1" && export TMPDIR && shift && exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(tmp_path), *PROGRAM, "-"],
        input=os.urandom(200_000),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert f"standard input: can't be copied to {tmp_path}: ".encode() in done.stderr
    assert b"set TMPDIR to another directory" in done.stderr
    assert done.returncode == 3
