"""The command `receiver`, as a process."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.slow

PROGRAM = (sys.executable, "-m", "receiver")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and its first line."""
    process = subprocess.Popen(
        [*PROGRAM, "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_logs_each_post_and_ends_cleanly(tmp_path: Path, number: int) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("f" * 64 + "\n")
    given = ("--api-id", "patchmon_0123456789abcdef", "--api-key-file", str(key))
    with running(*given, "--database", str(tmp_path / "r.db")) as (process, line):
        assert line.startswith("receiver listens on http://127.0.0.1:")
        url = line.split()[-1]
        headers = {"X-API-ID": "patchmon_0123456789abcdef", "X-API-KEY": "f" * 64}
        for _ in range(2):
            response = requests.post(
                f"{url}/api/v1/compliance/scans",
                json={"profile_name": "x"},
                headers=headers,
                timeout=30,
            )
            assert response.status_code == 200
        process.send_signal(number)
        rest, log = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert len(log.splitlines()) == 2
    assert all(
        "/api/v1/compliance/scans 200" in line and "info" in line for line in log.splitlines()
    )
    assert "f" * 64 not in log


def test_generated_credentials_are_printed_and_work() -> None:
    with running("--generate", "--json") as (_, line):
        output = json.loads(line)
        headers = {"X-API-ID": output["api_id"], "X-API-KEY": output["api_key"]}
        assert (
            requests.post(
                f"{output['url']}/api/v1/hosts/ping", headers=headers, timeout=30
            ).status_code
            == 200
        )


def test_the_limits_are_settings() -> None:
    with running("--generate", "--json", "--max-body", "30", "--posts-per-minute", "2") as (
        _,
        line,
    ):
        output = json.loads(line)
        headers = {"X-API-ID": output["api_id"], "X-API-KEY": output["api_key"]}
        scans = f"{output['url']}/api/v1/compliance/scans"
        bodies = [{"profile_name": "x" * 30}, {"profile_name": "x"}, {"profile_name": "x"}]
        answers = [
            requests.post(scans, json=body, headers=headers, timeout=30).status_code
            for body in bodies
        ]
    assert answers == [400, 200, 429]


def test_missing_credentials_are_reported_with_the_options() -> None:
    code, message = refused("--listen", "127.0.0.1:0")
    assert code == 2
    assert "--generate" in message


def test_a_world_readable_key_is_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text("f" * 64)
    key.chmod(0o644)
    code, message = refused("--api-id", "patchmon_0123456789abcdef", "--api-key-file", str(key))
    assert code == 2
    assert f"chmod 640 {key}" in message


def test_a_taken_address_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, message = refused("--generate", "--listen", address)
    assert code == 3
    assert f"{address}: can't listen" in message


@pytest.mark.parametrize("database", ["missing/receiver.db", "text.db"])
def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, database: str) -> None:
    (tmp_path / "text.db").write_text("this is no database" * 100)
    code, message = refused(
        "--generate", "--listen", "127.0.0.1:0", "--database", str(tmp_path / database)
    )
    assert code == 3
    assert f"{tmp_path / database}: can't be used as database" in message


@pytest.mark.parametrize("address", ["8080", "localhost", "localhost:http", "localhost:70000"])
def test_an_address_without_a_port_is_refused(address: str) -> None:
    code, message = refused("--generate", "--listen", address)
    assert code == 2
    assert "not HOST:PORT" in message
