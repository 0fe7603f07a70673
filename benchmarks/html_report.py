"""The cost of an HTML report, beside oscap's own and openscap-report's, of one ARF.

    python benchmarks/html_report.py ARF

takes the ARF that one run of oscap wrote. Each measurement is a process of its own, in turns;
openscap-report is installed from PyPI into a temporary virtual environment. "From the ARF" reads
the ARF and renders the page, as the other two do; "from the report" renders what the spool holds,
as `show --format html` does. A comparison is one of two such reports, half of whose rules changed.

Limits, in CPU time, which other work on the machine changes least: 0.3 s and 80 MB for the page
from the report, imports included; from the ARF faster than both others; a page at most as
large as the smaller of theirs; 0.2 s for a comparison.
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 5
MEGABYTE = 1024 * 1024

FROM_ARF = """
import sys
from stages.formats import registry
from stages.formats.source import ReportSource
from stages.scanners.openscap.openscap_report import read_openscap
report = read_openscap(None, lambda: open(sys.argv[1], "rb"))
with open(sys.argv[2], "wb") as page:
    for chunk in registry.render("html", ReportSource(report=report, agent_version="1")):
        page.write(chunk)
"""
ENCODE = """
import sys
from schemas import codec
from stages.scanners.openscap.openscap_report import read_openscap
report = read_openscap(None, lambda: open(sys.argv[1], "rb"))
open(sys.argv[2], "wb").write(codec.encode(report))
"""
FROM_REPORT = """
import sys
from schemas import codec
from schemas.report import Report
from stages.formats import registry
from stages.formats.source import ReportSource
report = codec.decode(open(sys.argv[1], "rb").read(), Report)
with open(sys.argv[2], "wb") as page:
    for chunk in registry.render("html", ReportSource(report=report, agent_version="1")):
        page.write(chunk)
"""
COMPARE = """
import sys
from schemas import codec
from schemas.report import Report
from stages.formats.compare import compare
from stages.formats.comparison_views import comparison_text
before = codec.decode(open(sys.argv[1], "rb").read(), Report)
results = tuple(
    codec.replace(rule, status="fail", finding="changed") if number % 2 else rule
    for number, rule in enumerate(before.results)
)
after = codec.replace(before, results=results)
open(sys.argv[2], "w").write(comparison_text(compare(before, after)))
"""


@dataclass(frozen=True)
class Cost:
    """Of a whole process: CPU and elapsed seconds, peak and size of what it wrote in MB."""

    seconds: float
    elapsed: float
    peak: float
    written: float


def measure(command: list[str], written: Path) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    seconds = usage.ru_utime + usage.ru_stime
    return Cost(seconds, elapsed, usage.ru_maxrss / 1024, written.stat().st_size / MEGABYTE)


def openscap_report(where: Path) -> str:
    venv.create(where, with_pip=True)
    pip = [str(where / "bin" / "python"), "-m", "pip", "install", "--quiet", "openscap-report"]
    subprocess.run(pip, check=True)
    return str(where / "bin" / "oscap-report")


def best(costs: list[Cost]) -> Cost:
    """The fastest round, with the highest peak of all."""
    fastest = min(costs, key=lambda cost: cost.seconds)
    return Cost(fastest.seconds, fastest.elapsed, max(cost.peak for cost in costs), fastest.written)


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    arf = str(Path(sys.argv[1]).resolve())
    here = sys.executable
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        report, output = place / "report.json", place / "output"
        theirs = openscap_report(place / "venv")
        measure([here, "-c", ENCODE, arf, str(report)], report)
        ways = {
            "ours, from the report": [here, "-c", FROM_REPORT, str(report), str(output)],
            "ours, from the ARF": [here, "-c", FROM_ARF, arf, str(output)],
            "oscap xccdf generate report": [
                "oscap",
                "xccdf",
                "generate",
                "report",
                "--output",
                str(output),
                arf,
            ],
            "openscap-report": [theirs, "--output", str(output), arf],
            "ours, comparison of two": [here, "-c", COMPARE, str(report), str(output)],
        }
        rounds = [{name: measure(way, output) for name, way in ways.items()} for _ in range(ROUNDS)]
    costs = {name: best([each[name] for each in rounds]) for name in ways}
    print(f"{'whole process, best of ' + str(ROUNDS):<29} CPU s  elapsed      MB   written")
    for name, cost in costs.items():
        print(
            f"{name:<28} {cost.seconds:6.2f} {cost.elapsed:8.2f} {cost.peak:7.0f} "
            f"{cost.written:6.2f} MB"
        )
    good = within_limits(costs)
    print("all within the limits" if good else "NOT within the limits")
    return 0 if good else 1


def within_limits(costs: dict[str, Cost]) -> bool:
    rendered, whole = costs["ours, from the report"], costs["ours, from the ARF"]
    others = [costs["oscap xccdf generate report"], costs["openscap-report"]]
    return (
        rendered.seconds <= 0.3
        and rendered.peak <= 80
        and all(whole.seconds < other.seconds for other in others)
        and all(whole.written <= other.written for other in others)
        and costs["ours, comparison of two"].seconds <= 0.2
    )


if __name__ == "__main__":
    sys.exit(main())
