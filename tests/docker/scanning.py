"""Scans by Docker Bench through the real stages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from schemas.ids import ScanId, new_scan_id
from schemas.manifest import Manifest, Role
from schemas.report import Report
from schemas.request import Reason, Request
from stages.console.command_writer import now
from tests.docker.engine import Engine
from tests.pipeline.agent import Agent, an_agent, until


@contextmanager
def bench(
    docker: Engine | None = None, environment: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[Agent]:
    """An agent whose Docker is the tests' own."""
    with an_agent(**(environment or {})) as agent:
        socket = {"socket": str(docker.socket)} if docker else {}
        agent.settings["compliance"]["docker_bench"] = {"pull": "never", **socket, **settings}
        agent.configure()
        yield agent


def ask(agent: Agent, profile: str | None = None) -> ScanId:
    at = now()
    scan_id = new_scan_id("docker-bench", at)
    agent.spool.prepare()
    reason = Reason(source="operator", at=at)
    request = Request(scan_id=scan_id, scanner="docker-bench", profile=profile, reason=reason)
    agent.spool.commands.requests.write(request)
    return scan_id


def report_of(agent: Agent, profile: str | None = None) -> Report:
    """Of one more scan."""
    scan_id = ask(agent, profile)
    if not agent.processes:
        agent.start("trigger", "scan", "parse")
    until(lambda: agent.reported(scan_id), "a report", 90)
    return agent.report(scan_id)


def manifest_of(agent: Agent, report: Report) -> Manifest:
    return agent.spool.raw.manifest(ScanId(str(report.scan_id)))


def raw_text(agent: Agent, manifest: Manifest, role: Role) -> str:
    (file,) = (file for file in manifest.files if file.role == role)
    with agent.spool.raw.open_file(manifest.scan_id, file) as stream:
        return stream.read().decode()


def values(command: Sequence[str], option: str) -> list[str]:
    return [word for before, word in pairwise(command) if before == option]
