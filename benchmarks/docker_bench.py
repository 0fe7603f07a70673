"""How long reading a Docker Bench run takes, beside merely decoding its JSON.

    python benchmarks/docker_bench.py LOG

reads LOG and LOG.json, as the scanner writes them, and prints the median of many readings each way.
Reading a real run must take at most 20 ms.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from stages.scanners.docker_bench.reading import read_docker_bench

ALLOWED_MS = 20.0
ROUNDS = 50


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Median and slowest of many rounds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), max(taken)


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    log_file = Path(sys.argv[1])
    log, json_output = log_file.read_bytes(), Path(f"{log_file}.json").read_bytes()
    at = datetime.now(UTC)
    torn = json_output[: len(json_output) * 9 // 10]
    ways: dict[str, Callable[[], object]] = {
        "json.loads alone": lambda: json.loads(json_output),
        "JSON": lambda: read_docker_bench(json_output, None, at=at),
        "JSON and text log": lambda: read_docker_bench(json_output, log, at=at),
        "torn JSON and text log": lambda: read_docker_bench(torn, log, at=at),
        "text log": lambda: read_docker_bench(None, log, at=at),
    }
    slowest = 0.0
    print(f"{len(json_output)} bytes of JSON, {len(log)} bytes of log, {ROUNDS} rounds")
    for name, work in ways.items():
        median, worst = milliseconds(work)
        slowest = max(slowest, median)
        print(f"{name:<24} median {median:6.2f} ms   slowest {worst:6.2f} ms")
    print(f"allowed: {ALLOWED_MS:.0f} ms")
    return 0 if slowest <= ALLOWED_MS else 1


if __name__ == "__main__":
    sys.exit(main())
