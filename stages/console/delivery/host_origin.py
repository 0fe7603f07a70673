"""Which host this is: so that scans which come from another one are known as such."""

import hashlib
from pathlib import Path

from schemas.bundle import Bundle
from stages.runtime.host_name import host_name
from stages.runtime.machine_id import MACHINE_ID, read_machine_id


def origin(machine_id: Path = MACHINE_ID) -> str:
    """A digest of machine id and host name; machine-id(5) forbids to disclose the id itself."""
    machine = read_machine_id(machine_id) or ""
    return hashlib.sha256(f"compliance-agent\0{machine}\0{host_name()}".encode()).hexdigest()


def is_foreign(index: Bundle, api_id: str | None) -> bool:
    """Whether a bundle comes from another machine, or from what is another host to the server."""
    return index.origin != origin() or (index.api_id or api_id) != (api_id or index.api_id)
