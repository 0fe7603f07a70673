"""Which host this is: so that scans which come from another one are known as such."""

import hashlib
import socket
from pathlib import Path

from schemas.bundle import Bundle

_MACHINE_ID = Path("/etc/machine-id")


def origin(machine_id: Path = _MACHINE_ID) -> str:
    """A digest of machine id and host name; machine-id(5) forbids to disclose the id itself."""
    try:
        machine = machine_id.read_text().strip()
    except OSError:
        machine = ""
    return hashlib.sha256(
        f"compliance-agent\0{machine}\0{socket.gethostname()}".encode()
    ).hexdigest()


def is_foreign(index: Bundle, api_id: str | None) -> bool:
    """Whether a bundle comes from another machine, or from what is another host to the server."""
    return index.origin != origin() or (index.api_id or api_id) != (api_id or index.api_id)
