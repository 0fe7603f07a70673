"""Whether there is enough free space for a scan."""

import errno
import os
from pathlib import Path

from spool.errors import SpoolError, remedy

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_MIB = 1


class LowSpaceError(SpoolError):
    """Too little free space; the work stays pending."""


def require(place: Path, needed_mib: int) -> None:
    """Raises LowSpaceError, with what to do."""
    reason = why_scans_wait(place, needed_mib)
    if reason is not None:
        raise LowSpaceError(reason)
    refusal = refused(place)
    if refusal is not None:
        raise LowSpaceError(
            f"{place}: takes no file of {_LEAST_MIB} MiB: {refusal.strerror}; {remedy(refusal)}; "
            "scans wait"
        )


def why_scans_wait(place: Path, needed_mib: int) -> str | None:
    """Why a scan would wait, with what to do; None where there is enough space, or where that
    is not known. Blind to quotas.
    """
    try:
        status = os.statvfs(place)
    except OSError:
        return None
    left_mib = status.f_bavail * status.f_frsize >> 20
    if left_mib >= needed_mib:
        return None
    return (
        f"{place}: {left_mib} MiB free, a scan needs {needed_mib} MiB (spool.min_free_mib): "
        "free some space; scans wait"
    )


def is_full(place: Path) -> bool:
    """Whether a running scan can write next to nothing more. Blind to quotas."""
    return why_scans_wait(place, _LEAST_MIB) is not None


def refused(place: Path) -> OSError | None:
    """The error of a full disk or of a quota that is used up, where a small file can't be written
    now; None where it can, or where that is not known. Only an attempt finds a quota.
    """
    try:
        # It has no name, and is gone when it is closed.
        handle = os.open(place, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return _if_full(error)
    try:
        os.posix_fallocate(handle, 0, _LEAST_MIB << 20)
    except OSError as error:
        return _if_full(error)
    finally:
        os.close(handle)
    return None


def means_full(error: OSError) -> bool:
    """Whether this is the error of a full disk, or of a quota that is used up."""
    return error.errno in _FULL


def _if_full(error: OSError) -> OSError | None:
    if means_full(error):
        return error
    return None
