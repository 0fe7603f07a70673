"""Why the stages can't work on this spool now: its disk, no space, or a limit of the machine."""

import os
from pathlib import Path

from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.runtime.heartbeat import read_heartbeat

_READ_ONLY = "the file system is read-only: check the disk (dmesg) and remount it"


def disk_trouble(spool: Spool, runtime: Path) -> str | None:
    """None where nothing is known to be wrong."""
    if os.statvfs(spool.root).f_flag & os.ST_RDONLY:
        return f"{spool.root}: {_READ_ONLY}"
    for stage, trouble in stage_troubles(runtime).items():
        if spool.is_running(stage):
            return f"{stage}: {trouble}"
    return None


def stage_troubles(runtime: Path) -> dict[Stage, str]:
    """What keeps stages from working, as they last noted it, also those that have ended since."""
    found: dict[Stage, str] = {}
    for stage in STAGES:
        heartbeat = read_heartbeat(runtime, stage)
        if heartbeat is not None and heartbeat.trouble:
            found[stage] = heartbeat.trouble
    return found
