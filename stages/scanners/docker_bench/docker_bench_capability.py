"""Docker Bench's part of the specification's `ComplianceCapabilities`."""

from typing import Literal

from schemas.records import Record


class DockerBenchDetection(Record, frozen=True, kw_only=True):
    """The field `docker_bench`."""

    docker_installed: bool
    docker_version: str = ""
    docker_bench_method: Literal["", "container", "script"] = ""
