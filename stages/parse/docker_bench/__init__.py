"""Docker Bench for Security: its output to a report."""

from stages.parse.docker_bench.output import DockerBenchError
from stages.parse.docker_bench.reading import (
    is_docker_bench_log,
    looks_like_docker_bench,
    read_docker_bench,
)

__all__ = ["DockerBenchError", "is_docker_bench_log", "looks_like_docker_bench", "read_docker_bench"]
