"""A clone of a host is noticed: two machines with one id at the server."""

from pathlib import Path

import pytest

from spool.spool import Spool
from spool.state_store import StateStore
from stages.trigger.machine import Machine, remember, this_machine, why_cloned

ID, OTHER_ID = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
CARD, OTHER_CARD, THIRD_CARD = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool.state_store("trigger")


def a_card(place: Path, address: str, assigned: int = 0, *, is_device: bool = True) -> None:
    """As the kernel shows it in /sys/class/net."""
    place.mkdir(parents=True)
    (place / "address").write_text(f"{address}\n")
    (place / "addr_assign_type").write_text(f"{assigned}\n")
    if is_device:
        (place / "device").mkdir()


def a_machine(place: Path, machine_id: str, *cards: str) -> Machine:
    place.mkdir()
    (place / "machine-id").write_text(f"{machine_id}\n")
    for number, address in enumerate(cards):
        a_card(place / "net" / f"eth{number}", address)
    machine = this_machine(place / "machine-id", place / "net")
    assert machine is not None
    return machine


def test_a_clone_is_noticed_until_it_has_credentials_of_its_own(
    store: StateStore, tmp_path: Path
) -> None:
    first = a_machine(tmp_path / "first", ID)
    second = a_machine(tmp_path / "second", OTHER_ID)
    remember(store, "host-1", first)
    assert why_cloned(store, "host-1", first) is None
    problem = why_cloned(store, "host-1", second)
    assert problem is not None
    assert "same api.id (host-1)" in problem
    assert "compliance-agent connect" in problem

    assert why_cloned(store, "host-2", second) is None
    remember(store, "host-2", second)
    assert why_cloned(store, "host-2", second) is None


def test_a_clone_with_the_same_machine_id_is_known_by_its_network_cards(
    store: StateStore, tmp_path: Path
) -> None:
    origin = a_machine(tmp_path / "origin", ID, CARD)
    clone = a_machine(tmp_path / "clone", ID, OTHER_CARD)
    remember(store, "host-1", origin)
    problem = why_cloned(store, "host-1", clone)
    assert problem is not None
    assert "same machine id and other network cards" in problem
    assert "systemd-machine-id-setup" in problem


def test_a_machine_may_exchange_one_card_after_the_other(store: StateStore, tmp_path: Path) -> None:
    steps = [(CARD,), (CARD, OTHER_CARD), (OTHER_CARD, THIRD_CARD), (THIRD_CARD,), ()]
    for number, cards in enumerate(steps):
        machine = a_machine(tmp_path / str(number), ID, *cards)
        assert why_cloned(store, "host-1", machine) is None
        remember(store, "host-1", machine)


def test_addresses_that_are_random_or_of_no_device_distinguish_nothing(tmp_path: Path) -> None:
    machine = a_machine(tmp_path / "host", ID, CARD)
    net = tmp_path / "host/net"
    a_card(net / "veth1", OTHER_CARD, assigned=1)
    a_card(net / "br0", OTHER_CARD, assigned=3, is_device=False)
    a_card(net / "lo", "00:00:00:00:00:00", is_device=False)
    (net / "bonding_masters").write_text("\n")
    assert this_machine(tmp_path / "host/machine-id", net) == machine


def test_without_a_machine_id_nothing_is_known(store: StateStore, tmp_path: Path) -> None:
    missing = this_machine(tmp_path / "missing")
    assert missing is None
    remember(store, "host-1", missing)
    assert store.names() == []
    assert why_cloned(store, "host-1", missing) is None
