"""A directory stays open and is listed only after a change, and no change is missed."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spool.directory import Directory
from spool.errors import QuotaError, SpoolUnusableError, StorageError

listings: list[object] = []


@pytest.fixture(scope="module", autouse=True)
def _audited() -> Iterator[None]:
    # A hook can't be removed again; it only counts.
    thread = threading.get_ident()

    def on_event(event: str, args: tuple[object, ...]) -> None:
        if event in ("os.listdir", "os.scandir") and threading.get_ident() == thread:
            listings.append(args)

    sys.addaudithook(on_event)
    yield
    listings.clear()


def test_changes_within_one_tick_of_the_clock_are_all_seen(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    for number in range(500):
        (tmp_path / f"{number:04d}").touch()
        assert len(directory.names()) == number + 1


def test_an_unchanged_directory_is_not_listed_again(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    long_ago = time.time_ns() - 10**10 + 1
    os.utime(tmp_path, ns=(long_ago, long_ago))
    directory = Directory(tmp_path)
    directory.names()
    before = len(listings)
    for _ in range(10):
        assert directory.names() == ["a"]
    assert len(listings) == before
    (tmp_path / "b").touch()
    assert directory.names() == ["a", "b"]


def test_own_entries_are_known_without_another_listing(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.names()
    for number in range(20):
        directory.write(f"{number:02d}", b"x")
    assert directory.names() == sorted(path.name for path in tmp_path.iterdir())


def test_a_directory_that_was_removed_and_made_again_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.mkdir()
    (path / "a").touch()
    directory = Directory(path)
    assert directory.names() == ["a"]
    shutil.rmtree(path)
    with pytest.raises(SpoolUnusableError):
        directory.names()
    path.mkdir()
    (path / "b").touch()
    assert directory.names() == ["b"]


def test_many_entries_at_once_are_those_of_one_after_the_other(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.write("0007", b"as it was")
    directory.write_all({f"{number:04d}": b"%d" % number for number in range(100)})
    assert directory.names() == [f"{number:04d}" for number in range(100)]
    assert (tmp_path / "0007").read_bytes() == b"as it was"
    assert (tmp_path / "0042").read_bytes() == b"42"
    assert (tmp_path / "0042").stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob(".*"))


def test_of_many_entries_at_once_none_appears_where_one_can_not_be_written(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    in_the_way = tmp_path / ".0001.tmp"
    in_the_way.mkdir()
    with pytest.raises(StorageError, match=r"\.0001\.tmp|Is a directory"):
        directory.write_all({"0000": b"x", "0001": b"x"})
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_many_entries_for_which_there_is_no_place_are_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spool.directory.MOST_NAMES", 10)
    directory = Directory(tmp_path)
    with pytest.raises(QuotaError, match="10 at most are handled"):
        directory.write_all({f"{number:04d}": b"x" for number in range(11)})
    assert directory.names() == []


def test_of_very_many_names_the_first_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spool.directory.MOST_NAMES", 10)
    directory = Directory(tmp_path)
    for number in range(9):
        (tmp_path / f"{number:04d}").touch()
    assert not directory.is_full()
    for number in range(95, 8, -1):
        (tmp_path / f"{number:04d}").touch()
    assert directory.names() == [f"{number:04d}" for number in range(10)]
    with pytest.raises(QuotaError, match="holds 10 files"):
        directory.check_quota()
