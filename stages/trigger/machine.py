"""Whether this spool came from another machine: a clone reports under the same id as its origin,
and the two replace each other's results at the server.

The machine that first used an api.id with this spool is kept in the trigger's state; new
credentials, as `compliance-agent connect` writes them, start anew.
"""

from hashlib import sha256
from pathlib import Path

from schemas.records import Record
from spool.state_store import StateStore
from stages.runtime.machine_id import MACHINE_ID, read_machine_id

MACHINE_STATE = "machine"


class MachineState(Record, frozen=True, kw_only=True):
    """Which machine uses which id at the server."""

    machine: str
    """A digest: machine-id(5) forbids to disclose the id itself."""
    api_id: str


def why_cloned(state_store: StateStore, api_id: str | None, path: Path = MACHINE_ID) -> str | None:
    """What is wrong, and what to do; None where this machine alone has used this id."""
    known = state_store.read(MACHINE_STATE, MachineState)
    machine = _digest(path)
    if known is None or machine is None or known.api_id != api_id or known.machine == machine:
        return None
    return (
        f"another machine has used this spool with the same api.id ({api_id}): if it still runs, "
        "give this one credentials of its own (compliance-agent connect); "
        f"if this host was moved, remove {state_store.path / MACHINE_STATE}"
    )


def remember(state_store: StateStore, api_id: str | None, path: Path = MACHINE_ID) -> None:
    """Keep that this machine uses this id. Raises StorageError."""
    machine = _digest(path)
    if api_id is None or machine is None:
        return
    state = MachineState(machine=machine, api_id=api_id)
    if state_store.read(MACHINE_STATE, MachineState) != state:
        state_store.write(MACHINE_STATE, state)


def _digest(path: Path) -> str | None:
    machine_id = read_machine_id(path)
    if not machine_id:
        return None
    return sha256(f"compliance-agent {machine_id}".encode()).hexdigest()[:16]
