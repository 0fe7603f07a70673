"""`scan --request FILE`: a request from a file of an operator."""

import json
import os
from pathlib import Path

import pytest

from schemas.request import Request
from spool.spool import Spool
from tests.console.program import agent

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    settings = {"spool": {"path": str(tmp_path / "spool")}, "runtime_dir": str(tmp_path / "run")}
    path.write_text(json.dumps(settings))
    return path


def requests(config: Path) -> list[Request]:
    commands = Spool(config.parent / "spool").commands
    if not commands.path.exists():
        return []
    return [commands.requests.read(scan_id) for scan_id in commands.requests.ids()]


@pytest.mark.parametrize(
    "text",
    [
        "scanner: docker-bench\nrequest_id: ticket-1\n",
        '{"scanner": "docker-bench", "request_id": "ticket-1"}',
    ],
)
def test_a_request_file_becomes_a_request_that_names_it(text: str, config: Path) -> None:
    file = config.parent / "now.yml"
    file.write_text(text)
    scan_id = agent("scan", "--request", str(file), config=config).stdout.strip()
    (request,) = requests(config)
    assert (request.scan_id, request.scanner, request.profile) == (scan_id, "docker-bench", None)
    assert (request.reason.source, request.reason.request_id) == ("operator", "ticket-1")
    assert request.reason.detail == f"file {file}"[:256]
    assert file.exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.yml", b"scanner: nmap\n", "scanner: must be one of"),
        ("b.yml", b"", "empty"),
        ("c.yml", b"profil: cis\n", "profil: no such key; did you mean profile?"),
        ("d.yml", b"profile: cis\nprofile: standard\n", "duplicate key"),
        ("e.yml", b"- scanner\n", "mapping of keys"),
        ("f.yml", b'!!int ""\n', "not YAML"),
        ("g.yml", b'profile: "\\ud800"\n', "printable"),
        ("h.yml", b'profile: "a\\nb"\n', "printable"),
        ("i.yml", b'profile: ""\n', "printable"),
        ("j.json", b"[" * 60_000, "not YAML"),
        ("k.yml", b"x" * 70_000, "larger than"),
        ("l.yml", b"profile: 7\n", "profile"),
        ("m.yml", b"\xff", "UTF-8"),
    ],
)
def test_a_bad_file_requests_nothing_and_the_reason_is_one_line(
    name: str, content: bytes, reason: str, config: Path
) -> None:
    file = config.parent / name
    file.write_bytes(content)
    printed = agent("scan", "--request", str(file), config=config, code=2).stderr
    assert reason in printed
    assert str(file) in printed
    assert len(printed.splitlines()) == 1
    assert requests(config) == []


def test_what_is_not_a_plain_file_is_refused_without_waiting(config: Path) -> None:
    pipe = config.parent / "pipe.yml"
    os.mkfifo(pipe)
    assert "a pipe" in agent("scan", "--request", str(pipe), config=config, code=2).stderr
    missing = config.parent / "missing.yml"
    assert "No such file" in agent("scan", "--request", str(missing), config=config, code=2).stderr


def test_scanner_and_profile_are_not_given_twice(config: Path) -> None:
    file = config.parent / "now.yml"
    file.write_text("scanner: openscap\n")
    done = agent("scan", "--request", str(file), "--profile", "cis", config=config, code=2)
    assert "leave out --scanner and --profile" in done.stderr
