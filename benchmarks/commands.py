"""Wall and CPU time of the operator's commands, beside a bare Python, in turns.

    python -m benchmarks.commands [--runs N] [--scans N]

Prints for each command the median, how much it is beyond `python3 -c pass`, and the limit for that.
On a busy machine the CPU time is the figure to look at.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from schemas.ids import new_scan_id
from schemas.report import Profile, Report, RuleResult, summarize
from spool.spool import Spool

_BARE = (sys.executable, "-c", "pass")
_AGENT = (sys.executable, "-m", "stages.console.main")
_LIMITS_S = {
    "--version": 0.06,
    "--help": 0.06,
    "status": 0.12,
    "list": 0.12,
    "show last": 0.12,
}
_RULES = 300


class Times(NamedTuple):
    """Of one run."""

    wall_s: float
    cpu_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--scans", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        config = _fill(Path(place), args.scans)
        commands = {}
        for name in _LIMITS_S:
            commands[name] = [*_AGENT, *name.split()]
            if not name.startswith("-"):
                commands[name] += ["--config", str(config)]
        _measure(commands, args.runs)


def _measure(commands: dict[str, list[str]], runs: int) -> None:
    for command in commands.values():
        # The first run compiles the modules.
        _run(command)
    bare: list[Times] = []
    times: dict[str, list[Times]] = {name: [] for name in commands}
    for _ in range(runs):
        bare.append(_run(_BARE))
        for name, command in commands.items():
            times[name].append(_run(command))
    base = _medians(bare)
    print(f"bare Python {base.wall_s:.3f} s, CPU {base.cpu_s:.3f} s")
    for name, found in times.items():
        whole = _medians(found)
        print(
            f"{name:10} {whole.wall_s:.3f} s, beyond Python {whole.wall_s - base.wall_s:.3f} s, "
            f"CPU {whole.cpu_s - base.cpu_s:.3f} s (limit {_LIMITS_S[name]:.2f} s)"
        )


def _medians(found: Sequence[Times]) -> Times:
    return Times(
        statistics.median(each.wall_s for each in found),
        statistics.median(each.cpu_s for each in found),
    )


def _fill(place: Path, scans: int) -> Path:
    """A spool with reports, and settings for it."""
    spool = Spool(place / "spool")
    spool.prepare()
    results = tuple(
        RuleResult(
            rule_ref=f"xccdf_org_rule_{number}",
            title=f"Ensure {number}",
            status="fail",
            description="d" * 400,
            rationale="r" * 400,
            remediation="f" * 400,
        )
        for number in range(_RULES)
    )
    start = datetime.now(UTC) - timedelta(hours=scans)
    for number in range(scans):
        at = start + timedelta(hours=number)
        report = Report(
            scan_id=new_scan_id("openscap", at),
            profile=Profile(name="CIS Level 1", type="openscap"),
            status="completed",
            started_at=at,
            completed_at=at,
            summary=summarize(results),
            results=results,
        )
        spool.reports.write(report)
    config = place / "config.yml"
    settings = {"spool": {"path": str(spool.root)}, "runtime_dir": str(place / "run")}
    config.write_text(json.dumps(settings))
    return config


def _run(command: Sequence[str]) -> Times:
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    cpu_before = _cpu_s()
    begin = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    return Times(time.perf_counter() - begin, _cpu_s() - cpu_before)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
