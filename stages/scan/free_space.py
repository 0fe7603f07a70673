"""Whether there is enough free space for a scan."""

import errno
import os
from pathlib import Path

from spool.errors import SpoolError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_MIB = 1


class LowSpaceError(SpoolError):
    """Too little free space; the work stays pending."""


def require(spool: Path, needed_mib: int) -> None:
    """Raises LowSpaceError."""
    reason = why_none(spool, needed_mib)
    if reason is not None:
        raise LowSpaceError(reason)


def is_full(place: Path) -> bool:
    """Whether a running scan can write next to nothing more."""
    return why_none(place, _LEAST_MIB) is not None


def means_full(error: OSError) -> bool:
    """Whether this is the error of a full disk, or of a quota that is used up."""
    return error.errno in _FULL


def why_none(spool: Path, needed_mib: int) -> str | None:
    """Why a scan would wait, with what to do; None where there is enough space, or where that
    is not known."""
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
