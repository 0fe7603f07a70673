"""Request files of every kind, in a directory of their own."""

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stages.trigger.inbox import Inbox
from stages.trigger.request_writer import RequestWriter
from tests.pipeline.agent import until
from tests.trigger.worker import At, process_at

_NOBODY = 65534


@pytest.fixture
def process(tmp_path: Path) -> Iterator[At]:
    process = process_at(datetime(2026, 6, 1, tzinfo=UTC), tmp_path / "spool")
    yield process
    process.spool.release()


@pytest.fixture
def inbox(process: At) -> Inbox:
    return Inbox(process, RequestWriter(process))


def settle(inbox: Inbox) -> None:
    """Run as the stage does, until no file is left to take."""
    inbox.run_once()
    while (wait_s := inbox.due_in_s()) < float("inf"):
        end = time.monotonic() + wait_s
        until(lambda end=end: time.monotonic() >= end, "settled", 5)  # type: ignore[misc]
        inbox.run_once()


def test_a_file_that_is_being_written_is_not_read_before_it_is_complete(
    inbox: Inbox, process: At
) -> None:
    with (inbox.path / "slow.yml").open("w") as stream:
        for line in ("scanner: docker-bench\n", "request_id: ticket-1\n"):
            inbox.run_once()
            assert process.requests == []
            stream.write(line)
            stream.flush()
    inbox.run_once()
    assert process.requests == []
    settle(inbox)
    (request,) = process.requests
    assert (request.scanner, request.reason.request_id) == ("docker-bench", "ticket-1")
    assert list(inbox.path.iterdir()) == [inbox.refused]


def test_the_same_file_put_there_again_is_another_request(inbox: Inbox, process: At) -> None:
    for count in (1, 2):
        path = inbox.path / "nightly.yml"
        path.write_text("scanner: openscap\n")
        os.utime(path, (1, 1))
        settle(inbox)
        assert len(process.requests) == count


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (b"a.yml", b"scanner: nmap\n", "scanner"),
        (b"b.yml", b"", "empty"),
        (b"c.yml", b"profil: cis\n", "profil: no such key; did you mean profile?"),
        (b"d.yml", b"profile: cis\nprofile: standard\n", "duplicate key"),
        (b"e.yml", b"- scanner\n", "mapping of keys"),
        (b"f.yml", b'!!int ""\n', "not YAML"),
        (b"g.yml", b'profile: "\\ud800"\n', "printable"),
        (b"h.yml", b'profile: "a\\nb"\n', "printable"),
        (b"i.yml", b'profile: ""\n', "printable"),
        (b"j.json", b"[" * 60_000, "not YAML"),
        (b"k.yml", b"x" * 70_000, "larger than"),
        (b"\xff\xfe.yml", b"scanner: 7\n", "scanner"),
        (b"l" * 251 + b".yml", b"scanner: 7\n", "scanner"),
        (b"m\nn.yml", b"scanner: 7\n", "scanner"),
    ],
)
def test_a_bad_file_is_moved_aside_with_the_reason_and_the_rest_goes_on(
    inbox: Inbox, process: At, name: bytes, content: bytes, reason: str
) -> None:
    (inbox.path / os.fsdecode(name)).write_bytes(content)
    (inbox.path / "z.yml").write_text("scanner: openscap\n")
    settle(inbox)
    assert len(process.requests) == 1
    reasons = [path for path in inbox.refused.iterdir() if path.suffix == ".reason"]
    assert len(reasons) == 1
    assert reason in reasons[0].read_text()
    assert reasons[0].with_suffix("").read_bytes() == content
    assert list(inbox.path.iterdir()) == [inbox.refused]


def test_anything_but_a_plain_file_is_refused_unread(
    inbox: Inbox, process: At, tmp_path: Path
) -> None:
    (tmp_path / "secret.yml").write_text("scanner: openscap\n")
    (inbox.path / "link.yml").symlink_to(tmp_path / "secret.yml")
    os.mkfifo(inbox.path / "pipe.yml")
    os.link(tmp_path / "secret.yml", inbox.path / "hard.yml")
    (inbox.path / "directory.yml").mkdir()
    settle(inbox)
    assert process.requests == []
    assert {p.name for p in inbox.refused.iterdir() if p.suffix != ".reason"} == {
        "link.yml",
        "pipe.yml",
        "hard.yml",
    }
    assert (inbox.path / "directory.yml").is_dir()


def test_a_good_file_with_an_odd_name_and_an_impossible_date_is_accepted(
    inbox: Inbox, process: At
) -> None:
    path = inbox.path / os.fsdecode(b"\xff.YML")
    path.write_text("scanner: openscap\n")
    os.utime(path, (-(10**9), -(10**9)))
    settle(inbox)
    (request,) = process.requests
    assert request.scan_id.startswith("20260601T000000Z-openscap-")


def test_other_names_are_left_alone(inbox: Inbox, process: At) -> None:
    for name in (".hidden.yml", "README", "request.yml~", "request.txt"):
        (inbox.path / name).write_text("scanner: openscap\n")
    settle(inbox)
    assert process.requests == []
    assert len(list(inbox.path.iterdir())) == 5


def test_a_directory_that_was_deleted_is_created_again(inbox: Inbox, process: At) -> None:
    inbox.refused.rmdir()
    inbox.path.rmdir()
    inbox.run_once()
    (inbox.path / "now.yml").write_text("scanner: openscap\n")
    settle(inbox)
    assert len(process.requests) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_only_root_can_read_is_moved_aside_and_the_rest_goes_on() -> None:
    with tempfile.TemporaryDirectory(prefix="ca") as directory:
        Path(directory).chmod(0o777)
        os.seteuid(_NOBODY)
        try:
            process = process_at(datetime(2026, 6, 1, tzinfo=UTC), Path(directory) / "spool")
            inbox = Inbox(process, RequestWriter(process))
            os.seteuid(0)
            for name, mode in (("a.yml", 0o600), ("b.yml", 0o644)):
                (inbox.path / name).write_text("scanner: openscap\n")
                (inbox.path / name).chmod(mode)
            os.seteuid(_NOBODY)
            settle(inbox)
            assert len(process.requests) == 1
            assert "chmod" in (inbox.refused / "a.yml.reason").read_text()
        finally:
            os.seteuid(0)
        assert (inbox.refused / "a.yml").read_text() == "scanner: openscap\n"
        process.spool.release()
