"""Whether this spool came from another machine: a clone reports under the same id as its origin,
and the two replace each other's results at the server.

The machine that first used an api.id with this spool is kept in the trigger's state; new
credentials, as `compliance-agent connect` writes them, start anew. A virtual machine is often
copied together with its machine id, and gets network cards with other addresses.
"""

from hashlib import sha256
from pathlib import Path

from schemas.records import Record, Struct
from spool.state_store import StateStore
from stages.runtime.machine_id import MACHINE_ID, read_machine_id

MACHINE_STATE = "machine"
_CARDS = Path("/sys/class/net")
_PERMANENT = "0"
"""Of `addr_assign_type`: an address that came with the card, neither random nor chosen."""
_MOST_CARDS = 64


class MachineState(Record, frozen=True, kw_only=True):
    """Which machine uses which id at the server."""

    machine: str
    """A digest: machine-id(5) forbids to disclose the id itself."""
    api_id: str
    cards: tuple[str, ...] = ()
    """Digests of the network cards' addresses."""


class Machine(Struct, frozen=True):
    """What distinguishes a machine, as digests."""

    id: str
    cards: tuple[str, ...]
    """Empty where there is none with an address of its own, as in a container."""


def this_machine(id_path: Path = MACHINE_ID, cards: Path = _CARDS) -> Machine | None:
    """None where it has no id."""
    machine_id = read_machine_id(id_path)
    if not machine_id:
        return None
    addresses = sorted(_addresses(cards))[:_MOST_CARDS]
    return Machine(_digest(machine_id), tuple(map(_digest, addresses)))


def why_cloned(state_store: StateStore, api_id: str | None, machine: Machine | None) -> str | None:
    """What is wrong, and what to do; None where this machine alone has used this id."""
    known = state_store.read(MACHINE_STATE, MachineState)
    if known is None or machine is None or known.api_id != api_id:
        return None
    state = state_store.path / MACHINE_STATE
    if known.machine != machine.id:
        return (
            f"another machine has used this spool with the same api.id ({api_id}): if it still "
            "runs, give this one credentials of its own (compliance-agent connect); "
            f"if this host was moved, remove {state}"
        )
    # One card in common is enough: one that is added or exchanged beside it does not make another
    # machine.
    if known.cards and machine.cards and not set(known.cards) & set(machine.cards):
        return (
            "a machine with the same machine id and other network cards has used this spool with "
            f"the same api.id ({api_id}): if it still runs, give this one a machine id "
            "(systemd-machine-id-setup) and credentials (compliance-agent connect) of its own; "
            f"if the cards were exchanged, remove {state}"
        )
    return None


def remember(state_store: StateStore, api_id: str, machine: Machine | None) -> None:
    """Keep that this machine uses this id. Raises StorageError."""
    if machine is None:
        return
    state = MachineState(machine=machine.id, api_id=api_id, cards=machine.cards)
    if state_store.read(MACHINE_STATE, MachineState) != state:
        state_store.write(MACHINE_STATE, state)


def _addresses(cards: Path) -> set[str]:
    """The addresses of physical and virtual cards; bridges, tunnels and pairs have no device."""
    found: set[str] = set()
    for device in cards.glob("*/device"):
        try:
            is_permanent = (device.parent / "addr_assign_type").read_text().strip() == _PERMANENT
            address = (device.parent / "address").read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue
        if is_permanent:
            found.add(address)
    return found


def _digest(text: str) -> str:
    return sha256(f"compliance-agent {text}".encode()).hexdigest()[:16]
