"""Docker Bench for Security: its output to a report."""

from stages.scanners.docker_bench.reading.bench_report import (
    is_docker_bench_log,
    looks_like_docker_bench,
    read_docker_bench,
)
from stages.scanners.docker_bench.reading.output import DockerBenchError

__all__ = [
    "DockerBenchError",
    "is_docker_bench_log",
    "looks_like_docker_bench",
    "read_docker_bench",
]
