from pathlib import Path

import pytest

from spool.spool import Spool
from spool.state_store import StateStore
from stages.trigger.machine import remember, why_cloned


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool.state_store("trigger")


def test_a_clone_is_noticed_until_it_has_credentials_of_its_own(
    store: StateStore, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("0123456789abcdef0123456789abcdef\n")
    second.write_text("fedcba9876543210fedcba9876543210\n")
    remember(store, "host-1", first)
    assert why_cloned(store, "host-1", first) is None
    problem = why_cloned(store, "host-1", second)
    assert problem is not None
    assert "same api.id (host-1)" in problem
    assert "compliance-agent connect" in problem

    assert why_cloned(store, "host-2", second) is None
    remember(store, "host-2", second)
    assert why_cloned(store, "host-2", second) is None


def test_without_a_machine_id_or_a_server_nothing_is_known(
    store: StateStore, tmp_path: Path
) -> None:
    remember(store, None)
    remember(store, "host-1", tmp_path / "missing")
    assert store.names() == []
    assert why_cloned(store, "host-1", tmp_path / "missing") is None
