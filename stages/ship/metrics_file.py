"""Keeps the file for node_exporter up to date: after every change, at least every 15 minutes.

The file is made in a worker process: the stage's memory does not grow, and at rest nothing runs.
"""

import math
import time

from schemas import codec
from spool.errors import SpoolError
from spool.layout import BOXES
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerError, WorkerStoppedError
from stages.ship.metrics_task import WRITE_METRICS, MetricsTask

_LIMIT_S = 60.0
_SHORTEST_S = 5.0
"""Seconds between two files, even if much changes."""
_LONGEST_S = 15 * 60.0


class MetricsFile:
    """The file in `metrics.textfile`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._worker = Worker(process, WRITE_METRICS, idle_s=1.0)
        self._written_at = -math.inf
        self._written_for: object = None
        self._trouble: str | None = None

    def run_once(self) -> None:
        """Write the file where something has changed, or the last one is old."""
        directory = self._process.settings.metrics.textfile
        if directory is None or self._process.stopping:
            return
        spool = self._process.spool
        contents = (directory, *(tuple(spool.outbox(box).names()) for box in BOXES))
        wait_s = _LONGEST_S
        if contents != self._written_for:
            wait_s = _SHORTEST_S
        now = time.monotonic()
        if now - self._written_at < wait_s:
            return
        self._written_at = now
        self._written_for = contents
        self._write(directory)

    def close(self) -> None:
        self._worker.stop()

    def _write(self, directory: str) -> None:
        process = self._process
        task = MetricsTask(
            spool=str(process.spool.root),
            runtime=str(process.settings.runtime_dir),
            directory=directory,
        )
        try:
            self._worker.call(codec.encode(task), _LIMIT_S)
        except WorkerStoppedError:
            return
        except (WorkerError, SpoolError) as error:
            self._report_trouble(str(error))
            return
        self._trouble = None

    def _report_trouble(self, trouble: str) -> None:
        """Log it once, however long it lasts."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._process.log.warning("metrics.textfile can't be written", reason=trouble)
