"""Whether there is room for a scan. Told by the stage, and to whoever asks why a scan waits."""

import errno
import os
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_MIB = 1


def is_full(place: Path) -> bool:
    """Whether a scan that runs can write no more, as good as."""
    return why_none(place, _LEAST_MIB) is not None


def means_full(error: OSError) -> bool:
    """Whether this is what a full disk, or a quota that is used up, makes of writing."""
    return error.errno in _FULL


def why_none(spool: Path, needed_mib: int) -> str | None:
    """Why a scan would wait, with what to do; None where there is room, or where nobody can tell."""
    try:
        status = os.statvfs(spool)
    except OSError:
        return None
    left_mib = status.f_bavail * status.f_frsize >> 20
    if left_mib >= needed_mib:
        return None
    return (
        f"{spool}: {left_mib} MiB free, a scan needs {needed_mib} MiB (spool.min_free_mib): "
        "free some space; scans wait"
    )
