import io
from pathlib import Path

import pytest

from spool.errors import EntryUnreadableError
from spool.spool import Spool
from stages.runtime.logs import Log
from stages.runtime.set_aside import SetAside

ERROR = EntryUnreadableError("raw/a: can't be read: Input/output error; check the disk")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def test_an_entry_is_tried_three_times_then_set_aside_and_tried_every_minute(spool: Spool) -> None:
    clock, text = Clock(), io.StringIO()
    store = spool.state_store("parse")
    set_aside = SetAside(store, Log("parse", stream=text), clock)
    for tries in (1, 2, 3):
        assert not set_aside.waits("a")
        assert store.unreadable() == {}
        set_aside.failed("a", ERROR)
        assert set_aside.waits("a")
        if tries < 3:
            assert set_aside.due_in_s() == 5.0
            clock.now += 5.0
    assert store.unreadable() == {"a": str(ERROR)}
    assert set_aside.due_in_s() == 60.0
    for _ in range(100):
        clock.now += 60.0
        assert not set_aside.waits("a")
        set_aside.failed("a", ERROR)
    assert text.getvalue().count("entry set aside") == 1

    clock.now += 60.0
    set_aside.worked("a")
    assert store.unreadable() == {}
    assert "entry can be read again" in text.getvalue()
    assert set_aside.due_in_s() == float("inf")


def test_an_entry_that_a_pass_had_no_use_for_keeps_the_stage_awake_no_longer(spool: Spool) -> None:
    clock = Clock()
    set_aside = SetAside(spool.state_store("ship"), Log("ship", stream=io.StringIO()), clock)
    set_aside.failed("held", ERROR)
    clock.now += 5.0
    assert not set_aside.waits("held")
    assert set_aside.due_in_s() == float("inf")


def test_what_is_gone_is_forgotten(spool: Spool, tmp_path: Path) -> None:
    store = spool.state_store("parse")
    set_aside = SetAside(store, Log("parse", stream=io.StringIO()))
    (tmp_path / "here").touch()
    for _ in range(3):
        set_aside.failed("here", ERROR)
        set_aside.failed("gone", ERROR)
    set_aside.forget_gone([tmp_path])
    assert list(store.unreadable()) == ["here"]
