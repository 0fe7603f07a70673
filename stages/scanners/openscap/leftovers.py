"""Removes the directory that an ended oscap leaves in /tmp: unpacked content, tens of megabytes.

Older versions create it there whatever TMPDIR is, and the stage works in the host's own /tmp,
because a private one would make checks of /tmp wrong. A directory is removed if it has such a name,
belongs to this user and is not older than the scan, and only while no oscap runs: one that an
operator has started keeps its directory.
"""

import re
import shutil
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

TEMPORARY: Final = Path("/tmp")  # noqa: S108 - not a file of ours: where oscap has its own
_NAME = re.compile(r"oscap\.[A-Za-z0-9]{6}")
_PROCESSES = Path("/proc")


def remove(since: datetime, owner: int, directory: Path = TEMPORARY) -> list[Path]:
    """Remove what was left since then; the directories are returned."""
    # The list is made before the search for a running oscap: the directory of one that starts in
    # between is not in the list.
    found = [path for path in _listed(directory) if _is_left(path, since, owner)]
    if not found or _an_oscap_runs():
        return []
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return found


def _listed(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []


def _is_left(path: Path, since: datetime, owner: int) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    is_owned = stat.S_ISDIR(status.st_mode) and status.st_uid == owner
    return is_owned and status.st_ctime >= since.timestamp()


def _an_oscap_runs() -> bool:
    for process in _PROCESSES.glob("[0-9]*/comm"):
        with suppress(OSError):
            if process.read_text().strip() == "oscap":
                return True
    return False
