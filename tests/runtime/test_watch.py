import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.runtime.watch import Watch

PATIENCE_S = 30.0


class Woken:
    """A watch, as the main loop waits for it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def comes(self) -> bool:
        """Whether something wakes the loop before long."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if select.select([self._watch.handle], [], [], 0.1)[0] and self._watch.read():
                return True
        return False

    def has_come(self) -> bool:
        """Whether something that has happened already wakes the loop."""
        while select.select([self._watch.handle], [], [], 0)[0]:
            if self._watch.read():
                return True
        return False


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
    watch = Watch([box], [settings])
    yield watch, Woken(watch)
    watch.close()


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
    # inotify(7) queues an event before the call that causes it returns.
    assert not woken.has_come()
    publish(box, "another")
    assert woken.has_come()


def test_settings_written_in_place_or_replaced_wake_the_loop(settings: Path, woken: Woken) -> None:
    settings.write_text("log: {level: debug}\n")
    assert woken.comes()
    new = settings.with_name("config.new")
    new.write_text("log: {level: info}\n")
    assert not woken.has_come()
    new.rename(settings)
    assert woken.comes()


def test_another_file_beside_the_settings_wakes_nothing(
    box: Path, settings: Path, woken: Woken
) -> None:
    for name in ("credentials.yml", "config.yml.bak"):
        settings.with_name(name).write_text("key: secret\n")
        settings.with_name(name).unlink()
    assert not woken.has_come()
    publish(box, "entry")
    assert woken.has_come()


def test_directories_that_were_created_again_are_watched_after_a_renewal(
    box: Path, watched: tuple[Watch, Woken]
) -> None:
    watch, woken = watched
    box.rmdir()
    box.mkdir()
    assert not woken.has_come()
    watch.renew()
    publish(box, "entry")
    assert woken.comes()


def test_a_directory_that_holds_the_settings_too_is_watched_for_both(box: Path) -> None:
    settings = box / "config.yml"
    settings.write_text("log: {}\n")
    watch = Watch([box], [settings])
    woken = Woken(watch)
    settings.write_text("log: {level: debug}\n")
    assert woken.has_come()
    publish(box, "entry")
    assert woken.has_come()
    watch.close()


def test_more_changes_than_the_kernel_keeps_wake_the_loop(
    box: Path, watched: tuple[Watch, Woken]
) -> None:
    """Also where the one that matters was dropped."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(most + 1):
        name = box / f".{number % 2}"
        name.touch()
        name.unlink()
    assert watched[1].has_come()


def test_a_directory_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        Watch([tmp_path / "missing"], [])
