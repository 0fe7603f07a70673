"""Lines with fields of their own for systemd's journal."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.runtime.journal import Journal, encoded, journal_of

SCAN_ID = "20261123T060301Z-openscap-3f9c2a17"
LOG = """
import sys
from stages.runtime import journal
journal.SOCKET = sys.argv[1]
from stages.runtime.logs import Log
Log("ship").info("report shipped", scan_id=sys.argv[2], answer="accepted")
Log("ship").warning("no scan here", why="x" * int(sys.argv[3]))
"""


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """The receiving end of the journal's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "socket"))
        server.settimeout(10)
        yield server


def fields(datagram: bytes) -> dict[str, str]:
    """A datagram as journald reads it."""
    found: dict[str, str] = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, separator, value = line.partition(b"=")
        if not separator:
            (length,) = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8 : 8 + length], datagram[9 + length :]
        found[name.decode()] = value.decode()
    return found


def test_a_value_with_line_breaks_adds_no_field() -> None:
    sent = {"MESSAGE": "one\nSCAN_ID=forged\nthree", "STAGE": "scan"}
    assert fields(encoded(sent)) == sent


def test_text_that_is_not_utf_8_is_sent_escaped() -> None:
    assert fields(encoded({"MESSAGE": "\udcff"})) == {"MESSAGE": "\\udcff"}


def test_without_a_journal_the_line_is_not_sent(tmp_path: Path) -> None:
    assert not Journal(str(tmp_path / "nothing")).send({"MESSAGE": "x"})


def test_a_descriptor_that_is_not_the_journal_is_not_mistaken_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "log").open("w") as file:
        for value in ("", "nonsense", "1:2"):
            monkeypatch.setenv("JOURNAL_STREAM", value)
            assert journal_of(file.fileno()) is None
        stream = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{stream.st_dev}:{stream.st_ino}")
        assert journal_of(file.fileno()) is not None


def run_stage(tmp_path: Path, length: int = 1) -> str:
    """Logs two lines from a process whose JOURNAL_STREAM names its standard error."""
    log = tmp_path / "stderr"
    with log.open("w") as stderr:
        stream = os.fstat(stderr.fileno())
        subprocess.run(
            [sys.executable, "-c", LOG, str(tmp_path / "socket"), SCAN_ID, str(length)],
            env={**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"},
            stderr=stderr,
            check=True,
        )
    return log.read_text()


def test_a_line_carries_scan_stage_and_event(journald: socket.socket, tmp_path: Path) -> None:
    assert run_stage(tmp_path) == ""
    assert fields(journald.recv(65536)) == {
        "MESSAGE": f"report shipped scan_id={SCAN_ID} answer=accepted",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "compliance-agent-ship",
        "STAGE": "ship",
        "EVENT": "report shipped",
        "SCAN_ID": SCAN_ID,
    }
    second = fields(journald.recv(65536))
    assert second["PRIORITY"] == "4"
    assert "SCAN_ID" not in second


def test_a_line_too_long_for_the_socket_goes_to_standard_error(
    journald: socket.socket, tmp_path: Path
) -> None:
    text = run_stage(tmp_path, length=1_000_000)
    assert text.startswith("<4>no scan here why=xxx")


def test_without_the_socket_lines_go_to_standard_error(tmp_path: Path) -> None:
    text = run_stage(tmp_path)
    assert text.startswith(f"<6>report shipped scan_id={SCAN_ID} answer=accepted\n<4>no scan here")
