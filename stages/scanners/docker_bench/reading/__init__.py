"""Docker Bench for Security: its output to a report."""

from stages.scanners.docker_bench.reading.bench_output import DockerBenchError
from stages.scanners.docker_bench.reading.bench_report import (
    is_docker_bench_log,
    looks_like_docker_bench,
    read_docker_bench,
)

__all__ = [
    "DockerBenchError",
    "is_docker_bench_log",
    "looks_like_docker_bench",
    "read_docker_bench",
]
