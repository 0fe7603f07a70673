"""The cost of the pipeline itself, beside oscap alone and bare Python, in one run.

    python -m benchmarks.pipeline [--content FILE] [--profile P] [--runs N] [--rest SECONDS]

Prints three figures, each with what it is compared with and its limit:
latency (request to receipt, beyond oscap's own time), rest (PSS, CPU and system calls of the four
stages), start (of a stage).
"""

import argparse
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.agent import BenchAgent
from receiver import Policy, Receiver
from spool.layout import STAGES
from stages.scanners.openscap.content import LINUX


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--content", type=Path, default=LINUX, help="a datastream (default: the agent's own)"
    )
    parser.add_argument("--profile", default="linux_standard")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rest", type=float, default=60, metavar="SECONDS")
    args = parser.parse_args()
    with (
        Receiver(Policy(posts_per_minute=10_000)) as server,
        BenchAgent(server, args.content, args.profile) as agent,
    ):
        agent.start()
        agent.scan()  # the first one loads what stages load only when they need it
        latency(agent, args)
        rest(agent, args.rest)
    start()


def latency(agent: BenchAgent, args: argparse.Namespace) -> None:
    """Request to receipt, beside the time of its oscap, and of `oscap` alone with the same
    arguments.
    """
    whole, inside, alone = [], [], []
    for _ in range(args.runs):
        alone.append(oscap_alone(args.content, args.profile))
        whole.append(agent.scan())
        inside.append(agent.oscap_s())
    beyond = statistics.median(w - i for w, i in zip(whole, inside, strict=True))
    print(
        f"request to receipt {statistics.median(whole):.3f} s, "
        f"its oscap {statistics.median(inside):.3f} s, "
        f"oscap alone and at full priority {statistics.median(alone):.3f} s: "
        f"{beyond:.3f} s beyond oscap (limit 0.25 s)"
    )


def oscap_alone(content: Path, profile: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        message = ["oscap", "xccdf", "eval", "--progress-full", "--profile", profile]
        message += [
            "--results",
            f"{directory}/r.xml",
            "--results-arf",
            f"{directory}/a.xml",
            str(content),
        ]
        before = time.perf_counter()
        done = subprocess.run(message, capture_output=True, check=False)
        took = time.perf_counter() - before
    assert done.returncode in (0, 2), done.stderr
    return took


def rest(agent: BenchAgent, seconds: float) -> None:
    """Memory and processor time of the four stages with nothing to do, beside four bare Pythons."""
    cpu_before, before = sum(map(cpu_s, agent.pids)), time.monotonic()
    time.sleep(seconds)
    used = (sum(map(cpu_s, agent.pids)) - cpu_before) / (time.monotonic() - before) * 100
    each = {stage: pss_mb(pid) for stage, pid in zip(STAGES, agent.pids, strict=True)}
    # Started only now: pages that they share with the stages would count as theirs.
    bare = [
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in STAGES
    ]
    time.sleep(0.5)
    bare_mb = sum(pss_mb(process.pid) for process in bare)
    for process in bare:
        process.communicate(b"\n")
    details = ", ".join(f"{stage} {mb:.1f}" for stage, mb in each.items())
    print(
        f"at rest {sum(each.values()):.1f} MB PSS ({details}), "
        f"four bare Pythons {bare_mb:.1f} MB (limit 75 MB)"
    )
    print(f"at rest {used:.3f} % of one core over {seconds:.0f} s (limit 0.08 %)")
    if shutil.which("strace"):
        calls = system_calls_per_s(agent.pids, seconds)
        print(f"at rest {calls:.1f} system calls per second (limit 15)")


def system_calls_per_s(pids: Sequence[int], seconds: float) -> float:
    """The system calls of all threads of these processes, as strace counts them."""
    with tempfile.TemporaryDirectory() as directory:
        summary = Path(directory, "summary")
        message = ["strace", "-f", "-c", "-o", str(summary)]
        for pid in pids:
            message += ["-p", str(pid)]
        tracer = subprocess.Popen(message, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        # The columns of the last line: % time, seconds, usecs/call, calls, errors, "total".
        total = summary.read_text().splitlines()[-1].split()
    return int(total[3]) / seconds


def start() -> None:
    """Start of each stage until it is ready, beside a Python that does nothing."""
    bare = statistics.median(timed([sys.executable, "-c", "pass"]) for _ in range(5))
    for stage in STAGES:
        took = statistics.median(BenchAgent.time_to_ready(stage) for _ in range(5))
        print(f"start of {stage} {took:.3f} s, bare Python {bare:.3f} s (limit 0.4 s)")


def timed(message: list[str]) -> float:
    before = time.perf_counter()
    subprocess.run(message, check=True)
    return time.perf_counter() - before


def pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_s(pid: int) -> float:
    """The processor time of all threads of a process, by the scheduler: the ticks in its `stat`
    count a wake-up of some milliseconds as none or as ten.
    """
    schedstats = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in schedstats) / 1e9


if __name__ == "__main__":
    main()
