"""Which host this is, for whatever differs from host to host."""

import socket
from pathlib import Path

from schemas.settings import Settings

_MACHINE_ID = Path("/etc/machine-id")


def host_id(settings: Settings) -> str:
    """The server's id for this host and the machine's own: cloned machines share one of them at most."""
    try:
        machine = _MACHINE_ID.read_text().strip()
    except OSError:
        machine = socket.gethostname()
    return f"{settings.api.id or ''}/{machine}"
