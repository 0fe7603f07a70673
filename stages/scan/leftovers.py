"""What a crash of the scan stage, or a kill, has left on this host: a scanner that still runs, and
what scanners made outside of the spool, such as containers.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from stages.runtime.logs import Log
from stages.scanners import launch
from stages.scanners.runner import Runner


def end_scanners(raw: Path, log: Log) -> None:
    """End the scanners that still write into this raw box."""
    for pid in launch.left_running(raw):
        log.warning("ending a scanner that a crash left running", pid=pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def remove_leftovers(runner: Runner, raw: Path, log: Log) -> None:
    """Remove what earlier runs of one scanner left. What can't be removed now is left for the next
    call.
    """
    for left in runner.remove_leftovers(raw):
        if left.problem is None:
            log.warning(f"removed a {left.what} that a crash left", scan_id=left.scan_id)
            continue
        log.warning(
            f"a crash left a {left.what}, which can't be removed now",
            scan_id=left.scan_id,
            reason=left.problem,
        )
