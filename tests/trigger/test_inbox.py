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
def drops(process: At) -> Inbox:
    return Inbox(process, RequestWriter(process))


def settle(drops: Inbox) -> None:
    """Look as the stage does, until nothing more is to be taken."""
    drops.run_once()
    while (wait_s := drops.due_in_s()) < float("inf"):
        end = time.monotonic() + wait_s
        until(lambda end=end: time.monotonic() >= end, "settled", 5)  # type: ignore[misc]
        drops.run_once()


def test_a_file_that_is_being_written_is_not_taken_before_it_is_whole(
    drops: Inbox, process: At
) -> None:
    with (drops.path / "slow.yml").open("w") as stream:
        for line in ("scanner: docker-bench\n", "request_id: ticket-1\n"):
            drops.run_once()
            assert process.asked == []
            stream.write(line)
            stream.flush()
    drops.run_once()
    assert process.asked == []
    settle(drops)
    (request,) = process.asked
    assert (request.scanner, request.reason.request_id) == ("docker-bench", "ticket-1")
    assert list(drops.path.iterdir()) == [drops.refused]


def test_the_same_file_dropped_again_is_another_wish(drops: Inbox, process: At) -> None:
    for count in (1, 2):
        path = drops.path / "nightly.yml"
        path.write_text("scanner: openscap\n")
        os.utime(path, (1, 1))
        settle(drops)
        assert len(process.asked) == count


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (b"a.yml", b"scanner: nmap\n", "scanner"),
        (b"b.yml", b"", "empty"),
        (b"c.yml", b"profil: cis\n", "profil"),
        (b"d.yml", b"profile: cis\nprofile: standard\n", "duplicate key"),
        (b"e.yml", b"- scanner\n", "object"),
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
    drops: Inbox, process: At, name: bytes, content: bytes, reason: str
) -> None:
    (drops.path / os.fsdecode(name)).write_bytes(content)
    (drops.path / "z.yml").write_text("scanner: openscap\n")
    settle(drops)
    assert len(process.asked) == 1
    told = [path for path in drops.refused.iterdir() if path.suffix == ".reason"]
    assert len(told) == 1
    assert reason in told[0].read_text()
    assert told[0].with_suffix("").read_bytes() == content
    assert list(drops.path.iterdir()) == [drops.refused]


def test_what_is_no_plain_file_is_refused_unread(drops: Inbox, process: At, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("scanner: openscap\n")
    (drops.path / "link.yml").symlink_to(tmp_path / "secret.yml")
    os.mkfifo(drops.path / "pipe.yml")
    os.link(tmp_path / "secret.yml", drops.path / "hard.yml")
    (drops.path / "directory.yml").mkdir()
    settle(drops)
    assert process.asked == []
    assert {p.name for p in drops.refused.iterdir() if p.suffix != ".reason"} == {
        "link.yml",
        "pipe.yml",
        "hard.yml",
    }
    assert (drops.path / "directory.yml").is_dir()


def test_a_good_file_with_an_odd_name_and_an_impossible_date_is_taken(
    drops: Inbox, process: At
) -> None:
    path = drops.path / os.fsdecode(b"\xff.YML")
    path.write_text("scanner: openscap\n")
    os.utime(path, (-(10**9), -(10**9)))
    settle(drops)
    (request,) = process.asked
    assert request.scan_id.startswith("20260601T000000Z-openscap-")


def test_other_names_are_left_alone(drops: Inbox, process: At) -> None:
    for name in (".hidden.yml", "README", "request.yml~", "request.txt"):
        (drops.path / name).write_text("scanner: openscap\n")
    settle(drops)
    assert process.asked == []
    assert len(list(drops.path.iterdir())) == 5


def test_a_directory_that_was_deleted_is_made_again(drops: Inbox, process: At) -> None:
    drops.refused.rmdir()
    drops.path.rmdir()
    drops.run_once()
    (drops.path / "now.yml").write_text("scanner: openscap\n")
    settle(drops)
    assert len(process.asked) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_only_root_can_read_is_moved_aside_and_the_rest_goes_on() -> None:
    with tempfile.TemporaryDirectory(prefix="ca") as directory:
        Path(directory).chmod(0o777)
        os.seteuid(_NOBODY)
        try:
            process = process_at(datetime(2026, 6, 1, tzinfo=UTC), Path(directory) / "spool")
            drops = Inbox(process, RequestWriter(process))
            os.seteuid(0)
            for name, mode in (("a.yml", 0o600), ("b.yml", 0o644)):
                (drops.path / name).write_text("scanner: openscap\n")
                (drops.path / name).chmod(mode)
            os.seteuid(_NOBODY)
            settle(drops)
            assert len(process.asked) == 1
            assert "chmod" in (drops.refused / "a.yml.reason").read_text()
        finally:
            os.seteuid(0)
        assert (drops.refused / "a.yml").read_text() == "scanner: openscap\n"
        process.spool.release()
