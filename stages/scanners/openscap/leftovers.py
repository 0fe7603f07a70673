"""Removes the directory that an ended oscap leaves in /tmp: unpacked content, tens of megabytes.

Older versions create it there whatever TMPDIR is, and the stage works in the host's own /tmp,
because a private one would make checks of /tmp wrong. A directory is removed if it has such a name,
belongs to this user and is not older than the scan, and only while no oscap runs: one that an
operator has started keeps its directory.
"""

import shutil
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

TEMPORARY: Final = Path("/tmp")  # noqa: S108 - not a file of ours: where oscap has its own
_NAME = "oscap." + "[A-Za-z0-9]" * 6
_PROCESSES = Path("/proc")


def remove(since: datetime, owner: int, directory: Path = TEMPORARY) -> list[Path]:
    """Remove what was left since then; the directories are returned."""
    # The list is made before the search for a running oscap: the directory of one that starts in
    # between is not in the list.
    found = _left(directory, since, owner)
    if not found or _an_oscap_runs():
        return []
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return found


def _left(directory: Path, since: datetime, owner: int) -> list[Path]:
    found = []
    for path in sorted(directory.glob(_NAME)):
        # Anything in /tmp may go at any time.
        with suppress(OSError):
            status = path.lstat()
            is_owned = stat.S_ISDIR(status.st_mode) and status.st_uid == owner
            if is_owned and status.st_ctime >= since.timestamp():
                found.append(path)
    return found


def _an_oscap_runs() -> bool:
    for process in _PROCESSES.glob("[0-9]*/comm"):
        with suppress(OSError):
            if process.read_text().strip() == "oscap":
                return True
    return False
