"""Whether there is room for a scan. Told by the stage, and to whoever asks why a scan waits."""

import os
from pathlib import Path


def why_none(spool: Path, needed_mib: int) -> str | None:
    """Why a scan would wait, with what to do; None where there is room. Raises OSError."""
    status = os.statvfs(spool)
    left_mib = status.f_bavail * status.f_frsize >> 20
    if left_mib >= needed_mib:
        return None
    return (
        f"{spool}: {left_mib} MiB free, a scan needs {needed_mib} MiB (spool.min_free_mib): "
        "free some space; scans wait"
    )
