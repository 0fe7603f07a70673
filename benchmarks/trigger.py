"""From a server's message to a running scanner, beside a bare start of it; the cost of junk
messages.

    python -m benchmarks.trigger [--runs N] [--junk N]

Prints two figures, each with what it is compared with and its limit: latency (message to scanner
process), and the growth of the trigger stage's memory after meaningless messages.
"""

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

from websockets.sync.server import ServerConnection

from receiver import Receiver
from tests.patchmon.servers import COMMAND, listen, serving
from tests.pipeline.agent import an_agent, until

PROFILE = "xccdf_io.github.compliance-agent.every-result_profile_all_pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--junk", type=int, default=10_000, metavar="MESSAGES")
    args = parser.parse_args()
    latency(args.runs)
    junk(args.junk)


def latency(runs: int) -> None:
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
        f"message to scanner process {ours * 1000:.0f} ms, "
        f"`oscap --version` {bare * 1000:.0f} ms (limit 150 ms)"
    )


def junk(messages: int) -> None:
    floods = False

    def behave(connection: ServerConnection) -> None:
        if floods:
            for n in range(messages):
                connection.send(json.dumps({"type": "report_now", "n": n}) if n % 2 else "{" * 50)
            connection.send(COMMAND)
        listen(connection)

    with serving(behave) as url, an_agent(None) as agent:
        agent.configure(
            server={"url": url},
            api={"id": "patchmon_0123456789abcdef", "key": "k" * 64},
        )
        agent.start("trigger")
        until(lambda: "connected" in agent.log("trigger"), "connected")
        before = private_kib(agent.processes["trigger"].pid)
        floods = True
        agent.configure(api={"id": "patchmon_0123456789abcdef", "key": "x" * 64})
        until(agent.spool.requests.ids, "the command after the junk")
        after = private_kib(agent.processes["trigger"].pid)
    print(
        f"memory before {messages} junk messages {before} KiB, after {after} KiB "
        "(limit 5120 KiB more)"
    )


def private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def start_alone() -> float:
    before = time.perf_counter()
    subprocess.run([Path("/usr/bin/oscap"), "--version"], check=True, capture_output=True)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
