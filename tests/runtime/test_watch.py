import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.runtime.watch import Watch

PATIENCE_S = 30.0


class Woken:
    """The end of the pipe at which a stage waits."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def comes(self) -> bool:
        """Whether something wakes the loop before long."""
        return self.times() > 0

    def times(self, limit_s: float = PATIENCE_S) -> int:
        """How often the loop was woken since the last time; waits for the first."""
        if not select.select([self._handle], [], [], limit_s)[0]:
            return 0
        return len(os.read(self._handle, 65536))

    def forget(self) -> None:
        self.times(0)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "box"
    path.mkdir()
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "config.yml"
    path.parent.mkdir()
    path.write_text("log: {}\n")
    return path


@pytest.fixture
def watched(box: Path, settings: Path) -> Iterator[tuple[Watch, Woken]]:
    read, write = os.pipe()
    watch = Watch([box], [settings], write)
    yield watch, Woken(read)
    watch.close()
    os.close(read)
    os.close(write)


@pytest.fixture
def woken(watched: tuple[Watch, Woken]) -> Woken:
    return watched[1]


def publish(box: Path, name: str) -> None:
    """As the spool does it: a hidden draft, then the rename."""
    draft = box / f".{name}.tmp"
    draft.write_bytes(b"whole")
    draft.rename(box / name)


def test_a_new_entry_wakes_the_loop(box: Path, woken: Woken) -> None:
    publish(box, "entry")
    assert woken.comes()


def test_a_directory_that_is_moved_in_wakes_the_loop(
    box: Path, tmp_path: Path, woken: Woken
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere").rename(box / "entry")
    assert woken.comes()


def test_listing_and_reading_wake_nothing(box: Path, settings: Path, woken: Woken) -> None:
    publish(box, "entry")
    assert woken.comes()
    for _ in range(20):
        assert list(box.iterdir())
        assert (box / "entry").read_bytes()
        assert settings.read_text()
    (box / ".draft").write_bytes(b"half")
    (box / "entry").unlink()
    publish(box, "another")
    # Events arrive in their order: any that the lines above had caused would be counted here.
    assert woken.times() == 1


def test_settings_written_in_place_or_replaced_wake_the_loop(settings: Path, woken: Woken) -> None:
    settings.write_text("log: {level: debug}\n")
    assert woken.comes()
    new = settings.with_name("config.new")
    new.write_text("log: {level: info}\n")
    woken.forget()
    new.rename(settings)
    assert woken.comes()


def test_another_file_beside_the_settings_wakes_nothing(
    box: Path, settings: Path, woken: Woken
) -> None:
    for name in ("credentials.yml", "config.yml.bak"):
        settings.with_name(name).write_text("key: secret\n")
        settings.with_name(name).unlink()
    publish(box, "entry")
    assert woken.times() == 1


def test_directories_that_were_created_again_are_watched_after_a_renewal(
    box: Path, watched: tuple[Watch, Woken]
) -> None:
    watch, woken = watched
    box.rmdir()
    box.mkdir()
    woken.forget()
    watch.renew()
    publish(box, "entry")
    assert woken.comes()
