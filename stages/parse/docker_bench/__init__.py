"""Docker Bench for Security: its output to a report."""

from stages.parse.docker_bench.output import DockerBenchError
from stages.parse.docker_bench.reading import (
    looks_like_docker_bench,
    read_docker_bench,
    read_docker_bench_file,
)

__all__ = ["DockerBenchError", "looks_like_docker_bench", "read_docker_bench", "read_docker_bench_file"]
