"""The id of this machine, machine-id(5). It is secret: what leaves the host is a digest."""

from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")
_MAX_BYTES = 256


def read_machine_id(path: Path = MACHINE_ID) -> str | None:
    """None where it can't be read."""
    try:
        return path.read_bytes()[:_MAX_BYTES].decode("utf-8", "replace").strip()
    except OSError:
        return None
