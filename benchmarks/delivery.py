"""Speed, memory and start of the ship stage, beside their limits.

    python benchmarks/delivery.py [--reports 200] [--backlog 10000] [--runs 3]

- draining 200 reports of real size to a local receiver, without pacing, beside a bare requests
  session that posts the same bodies, in turns: the median ratio is at least 0.9;
- memory of the stage while it does so, and with a backlog of 10,000 reports: under 60 MB;
- a backlog of 10,000 reports: the first request leaves within 1.5 s of the start of the process,
  and a report costs at most 15 ms of CPU, that of the sending process included.
"""

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from schemas.ids import new_scan_id
from schemas.report import Profile, Report, RuleResult, summarize
from spool.spool import Spool
from stages.patchmon import body

KEY = "0" * 64
STORED = b'{"scans_received": 1}'
RATIO, MEMORY_MB, READY_S, CPU_MS = 0.9, 60.0, 1.5, 15.0
START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def report(number: int, rules: int) -> Report:
    """A report like one of a CIS profile: 245 rules, half a megabyte."""
    chance = random.Random(number)
    message = [f"{chance.getrandbits(20 + i % 24):x}" for i in range(400)]

    def text(length: int) -> str:
        return " ".join(chance.choices(message, k=length // 8))

    at = START + timedelta(seconds=number)
    results = tuple(
        RuleResult(
            rule_ref=f"xccdf_org.ssgproject.content_rule_{message[i % 400]}_{i}",
            title=text(60),
            status=chance.choice(("pass", "pass", "pass", "fail", "notapplicable")),
            severity="medium",
            section=f"1.{i}",
            description=text(500),
            rationale=text(300),
            remediation=text(900),
            finding=text(60),
        )
        for i in range(rules)
    )
    return Report(
        scan_id=new_scan_id("openscap", at, f"{number:08x}"),
        profile=Profile(name=f"CIS level 1, number {number}", type="openscap"),
        status="completed",
        started_at=at,
        completed_at=at,
        summary=summarize(results),
        results=results,
    )


def fill(root: Path, count: int, rules: int) -> list[Report]:
    spool = Spool(root)
    spool.prepare()
    reports = [report(number, rules) for number in range(count)]
    for one in reports:
        spool.reports.write(one)
    return reports


def settings(directory: Path, url: str) -> Path:
    path = directory / "config.yml"
    path.write_text(
        f"server: {{url: '{url}'}}\napi: {{id: bench, key: '{KEY}'}}\ndelivery: {{per_minute: 0}}\n"
        f"spool: {{path: {directory}/spool, min_free_mib: 1}}\n"
        f"runtime_dir: {directory}/run\nlog: {{level: error}}\n"
    )
    path.chmod(0o640)
    return path


@contextmanager
def receiver(directory: Path) -> Iterator[str]:
    """The project's own receiver, in a process of its own."""
    key = directory / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "receiver",
        "--listen",
        f"127.0.0.1:{port}",
    ]
    command += ["--api-id", "bench", "--api-key-file", str(key), "--posts-per-minute", "1000000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def stage(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.console.main", "stage", "ship", "--config", str(config)]
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def bare(url: str, reports: list[Report]) -> float:
    """Seconds that a session of requests takes for the same bodies, made beforehand."""
    bodies = [
        body.make(one, 5 << 20, filed_under="CIS", with_hash=True, agent_version="0").content
        for one in reports
    ]
    headers = {"X-API-ID": "bench", "X-API-KEY": KEY, "Content-Type": "application/json"}
    with requests.Session() as session:
        began = time.perf_counter()
        for content in bodies:
            answer = session.post(
                f"{url}/api/v1/compliance/scans", data=content, headers=headers, timeout=60
            )
            answer.raise_for_status()
        return time.perf_counter() - began


def drain(directory: Path, url: str, count: int) -> tuple[float, float]:
    """Seconds from the first receipt to the last, scaled to all; the stage's peak memory in MB."""
    receipts = Spool(directory / "spool").receipts
    with stage(settings(directory, url)) as process:
        while not (first := len(receipts.ids())):
            time.sleep(0.001)
        began, most = time.perf_counter(), 0.0
        while (done := len(receipts.ids())) < count:
            most = max(most, memory_mb(process.pid))
            time.sleep(0.01)
        return (time.perf_counter() - began) * count / (done - first), max(
            most, memory_mb(process.pid)
        )


def forget_deliveries(root: Path) -> None:
    for directory in (root / "receipts", root / "state" / "ship"):
        for path in directory.iterdir():
            if path.is_file():
                path.unlink()


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def cpu_s(pid: int) -> float:
    """CPU time of a process and of its children, those that have ended included."""
    own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = sum(int(value) for value in own[11:15])
    return ticks / os.sysconf("SC_CLK_TCK") + sum(cpu_s(int(child)) for child in children)


class AcceptingServer(ThreadingHTTPServer):
    """Accepts every report."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Accepting)
        self.received = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Accepting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AcceptingServer

    def do_POST(self) -> None:
        self.server.received += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(STORED)))
        self.end_headers()
        self.wfile.write(STORED)

    def log_message(self, *args: object) -> None:
        """Nothing."""


def backlog_figures(directory: Path) -> tuple[float, float, float]:
    """Seconds from the start to the first request; CPU ms per report; memory in MB."""
    server = AcceptingServer()
    began = time.perf_counter()
    with stage(settings(directory, f"http://127.0.0.1:{server.server_port}")) as process:
        wait_for(server, 1)
        first_s = time.perf_counter() - began
        wait_for(server, 20)
        before, cpu_before = server.received, cpu_s(process.pid)
        wait_for(server, before + 100)
        cpu_ms = (cpu_s(process.pid) - cpu_before) * 1000 / (server.received - before)
        memory = memory_mb(process.pid)
    server.shutdown()
    return first_s, cpu_ms, memory


def wait_for(server: AcceptingServer, count: int) -> None:
    while server.received < count:
        time.sleep(0.002)


def backlog_of(root: Path, count: int) -> None:
    """Many entries of real size; the bytes of one report serve for all, under the id of each."""
    spool = Spool(root)
    spool.prepare()
    one = report(0, 245)
    for number in range(count):
        at = START + timedelta(seconds=number)
        scan_id = new_scan_id("openscap", at, f"{number:08x}")
        (spool.reports.path / f"{scan_id}.report").write_bytes(sealed(one, str(scan_id)))


def sealed(one: Report, scan_id: str) -> bytes:
    from schemas import codec
    from spool.entries import seal_report

    return seal_report(codec.replace(one, scan_id=scan_id))


def verdict(good: bool) -> str:
    return "ok" if good else "TOO BAD"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--backlog", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    good = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_DIR")) as name:
        directory = Path(name)
        reports = fill(directory / "spool", args.reports, 245)
        ratios, most = list[float](), 0.0
        with receiver(directory) as url:
            for _ in range(args.runs):
                plain_s = bare(url, reports)
                forget_deliveries(directory / "spool")
                stage_s, memory = drain(directory, url, args.reports)
                ratios.append(plain_s / stage_s)
                most = max(most, memory)
                print(f"{args.reports} reports: requests {plain_s:.2f} s, stage {stage_s:.2f} s")
        ratio = statistics.median(ratios)
        good += [ratio >= RATIO, most < MEMORY_MB]
        print(f"  median ratio {ratio:.2f}, at least {RATIO}: {verdict(good[-2])}")
        print(f"  memory {most:.1f} MB, under {MEMORY_MB:.0f}: {verdict(good[-1])}")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_DIR")) as name:
        backlog_of(Path(name) / "spool", args.backlog)
        first_s, cpu_ms, memory = backlog_figures(Path(name))
        good += [first_s <= READY_S, cpu_ms <= CPU_MS, memory < MEMORY_MB]
        print(
            f"a backlog of {args.backlog}: first request after {first_s:.2f} s, "
            f"at most {READY_S}: {verdict(good[-3])}"
        )
        print(f"  CPU per report {cpu_ms:.1f} ms, at most {CPU_MS:.0f}: {verdict(good[-2])}")
        print(f"  memory {memory:.1f} MB, under {MEMORY_MB:.0f}: {verdict(good[-1])}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
