"""From a server's message to a running scanner, beside a bare start of the same scanner.

python -m benchmarks.trigger [--runs N]
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from stages.console.receiver import Receiver
from tests.pipeline.agent import an_agent, until

PROFILE = "xccdf_io.github.compliance-agent.every-result_profile_all_pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with Receiver() as server, an_agent(server) as agent:
        agent.start("trigger", "scan")
        until(server.online, "connected")
        running = agent.spool.root / "state" / "scan" / "running"
        until((agent.spool.root / "state" / "scan" / "detected").exists, "the scanner is known")
        message = {"type": "compliance_scan", "profile_type": "openscap", "profile_id": PROFILE}
        took = []
        for _ in range(runs + 1):
            before = time.perf_counter()
            server.send_command(message)
            while not running.exists():
                time.sleep(0.001)
            took.append(time.perf_counter() - before)
            until(lambda: not running.exists(), "the scan is over")
        agent.stop()
    ours, bare = statistics.median(took[1:]), statistics.median(start_alone() for _ in range(runs))
    print(
        f"message to scanner process {ours * 1000:.0f} ms, `oscap --version` {bare * 1000:.0f} ms (limit 150 ms)"
    )


def start_alone() -> float:
    before = time.perf_counter()
    subprocess.run([Path("/usr/bin/oscap"), "--version"], check=True, capture_output=True)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
