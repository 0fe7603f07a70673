"""What the ship stage passes to the worker that writes the metrics."""

from schemas.records import Record

WRITE_METRICS = "stages.ship.metrics_worker:write_metrics"


class MetricsTask(Record, frozen=True, kw_only=True):
    spool: str
    runtime: str
    directory: str
    """Where `compliance_agent.prom` is written."""
