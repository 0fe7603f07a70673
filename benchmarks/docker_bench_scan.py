"""A Docker Bench scan from request to raw entry, beside `docker run` of the same image alone.

python -m benchmarks.docker_bench_scan [--runs N]
"""

import argparse
import statistics
import subprocess
import time

from schemas.event import Event
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from stages.console.command_writer import now
from stages.runtime.doorbell import publish_to_stages
from tests.docker.engine import Engine, engine
from tests.pipeline.agent import Agent, an_agent, until


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with engine() as docker, an_agent() as agent:
        image = docker.bench_image("good")
        agent.settings["compliance"]["docker_bench"] = {
            "image": image,
            "pull": "never",
            "socket": str(docker.socket),
        }
        agent.configure()
        agent.start("trigger", "scan")
        until(
            lambda: (
                (agent.home / "run" / "scan.sub").exists() and agent.spool.is_running("trigger")
            ),
            "both run",
        )
        scan(agent)
        whole, alone = [], []
        for _ in range(runs):
            alone.append(docker_run(docker, image))
            whole.append(scan(agent))
        agent.stop()
    ours, bare = statistics.median(whole), statistics.median(alone)
    print(
        f"whole scan {ours:.3f} s, docker run alone {bare:.3f} s: "
        f"{ours - bare:.3f} s more (limit 0.5 s)"
    )


def docker_run(docker: Engine, image: str) -> float:
    before = time.perf_counter()
    message = ["docker", "--host", f"unix://{docker.socket}", "run", "--rm", "--net", "host", image]
    subprocess.run(message, check=True, capture_output=True)
    return time.perf_counter() - before


def scan(agent: Agent) -> float:
    """From the request in the scan stage's upstream box to its raw entry."""
    at = now()
    scan_id = new_scan_id("docker-bench", at)
    request = Request(
        scan_id=scan_id, scanner="docker-bench", reason=Reason(source="operator", at=at)
    )
    before = time.perf_counter()
    agent.spool.commands.requests.write(request)
    publish_to_stages(agent.home / "run", Event(name="CommandGiven"))
    until(lambda: scan_id in agent.spool.raw.names(), "a raw entry")
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
