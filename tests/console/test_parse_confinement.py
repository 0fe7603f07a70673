"""`parse` reads hostile files in a process that has no rights of its own."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.console import scanner_files
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Worker
from tests.console.program import agent
from tests.scanners.openscap.scap_samples import Rule, arf

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def own_status(payload: bytes) -> bytes:
    """Runs in the worker process: what the kernel knows of it, and its limits."""
    return Path("/proc/self/status").read_bytes() + Path("/proc/self/limits").read_bytes()


def worker_status() -> dict[str, str]:
    worker = Worker(
        StandaloneHost(),
        "tests.console.test_parse_confinement:own_status",
        confinement=scanner_files._confinement(),
    )
    try:
        answer = worker.call(b"", 60).decode()
    finally:
        worker.stop()
    pairs = (line.partition(":") for line in answer.splitlines())
    return {name: value.strip() for name, _, value in pairs}


@pytest.fixture
def status() -> dict[str, str]:
    return worker_status()


def test_the_process_gains_no_privileges(status: dict[str, str]) -> None:
    assert status["NoNewPrivs"] == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_reads_as_another_user_without_groups_and_capabilities(status: dict[str, str]) -> None:
    assert set(status["Uid"].split()) == {"65534"}
    assert "0" not in status["Gid"].split()
    assert status["Groups"] == ""
    for name in CAPABILITY_SETS:
        assert int(status[name], 16) == 0, name


def test_memory_time_and_file_size_are_limited(status: dict[str, str]) -> None:
    text = "\n".join(status)
    for name in ("Max address space", "Max cpu time", "Max file size"):
        (line,) = (line for line in text.splitlines() if line.startswith(name))
        assert "unlimited" not in line


@pytest.mark.parametrize(("module", "suffix"), [("gzip", "gz"), ("lzma", "xz"), ("bz2", "bz2")])
def test_compressed_files_that_only_the_caller_may_read_are_parsed(
    tmp_path: Path, module: str, suffix: str
) -> None:
    path = tmp_path / f"arf.xml.{suffix}"
    path.write_bytes(importlib.import_module(module).compress(arf([Rule("a")]).encode()))
    path.chmod(0o600)
    tmp_path.chmod(0o700)
    assert json.loads(agent("parse", str(path)).stdout)["summary"]["total_rules"] == 1


@pytest.mark.parametrize("limit", ["-t 100", "-v 2000000", "-f 500"])
def test_a_lower_limit_of_the_caller_stays(tmp_path: Path, limit: str) -> None:
    path = tmp_path / "arf.xml"
    path.write_text(arf([Rule("one")]))
    command = [sys.executable, "-m", "stages.console.main", "parse", str(path), "--json"]
    if os.geteuid() == 0:
        # With this capability a limit may be raised.
        command = ["setpriv", "--bounding-set", "-sys_resource", *command]
    done = subprocess.run(
        ["bash", "-c", f'ulimit {limit} && exec "$@"', "bash", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["results"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give capabilities to another user")
def test_capabilities_of_a_user_other_than_root_are_given_up(tmp_path: Path) -> None:
    """The service manager gives them (`AmbientCapabilities=`)."""
    code = (
        "from tests.console.test_parse_confinement import worker_status;"
        "print(worker_status()['CapEff'])"
    )
    given = ["+dac_read_search", "+dac_override"]
    command = ["setpriv", "--reuid", "65534", "--clear-groups"]
    command += ["--inh-caps", ",".join(given), "--ambient-caps", ",".join(given)]
    done = subprocess.run(
        [*command, sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(done.stdout, 16) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its capabilities")
@pytest.mark.parametrize(
    "command",
    [
        ["setpriv", "--bounding-set", "-setuid"],
        ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
        ["unshare", "--map-root-user"],
    ],
    ids=["without CAP_SETUID", "without capabilities", "user namespace"],
)
def test_root_that_cannot_become_another_user_reads_nothing(
    tmp_path: Path, command: list[str]
) -> None:
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{command[0]} is not allowed here")
    path = tmp_path / "arf.xml"
    path.write_text(arf([Rule("one")]))
    done = subprocess.run(
        [*command, sys.executable, "-m", "stages.console.main", "parse", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not give up its privileges" in done.stderr
    assert len(done.stderr.splitlines()) == 1
