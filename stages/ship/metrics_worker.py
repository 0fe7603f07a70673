"""The worker that writes `compliance_agent.prom` for node_exporter's textfile collector."""

import os
from datetime import UTC, datetime
from pathlib import Path

from schemas import codec
from spool import durable
from spool.errors import StorageError
from spool.spool import Spool
from stages.formats.metrics import prometheus_text
from stages.ship.metrics_snapshot import metrics_snapshot
from stages.ship.metrics_task import MetricsTask

FILE = "compliance_agent.prom"
_MODE = 0o644
"""node_exporter runs as another user; the file names no rule and no finding."""


def write_metrics(payload: bytes) -> bytes:
    """Replace the file, all at once. Raises StorageError."""
    task = codec.decode(payload, MetricsTask)
    snapshot = metrics_snapshot(Spool(Path(task.spool)), Path(task.runtime), datetime.now(UTC))
    directory = Path(task.directory)
    try:
        handle = durable.open_directory(directory)
        try:
            durable.write(handle, FILE, prometheus_text(snapshot), replace=True, mode=_MODE)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageError("can't be written", directory / FILE, error) from error
    return b""
