"""The cost of a report with full evidence, beside a bare parse of the ARF and openscap-report.

    python benchmarks/evidence.py RESULTS ARF

takes the XML files that one run of oscap wrote, with content of the SCAP Security Guide. Each
measurement is a process of its own; openscap-report is installed from PyPI into a temporary virtual
environment. The ARF of 200 MB is the given one, its rules, checks and items copied under new ids.

Limits: placeholders ("the results do not say why") for 2 % of the failed rules; 2 × the time of the
bare parse, a fifth of that of openscap-report, 80 MB, and 256 MB for the large ARF.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROUNDS = 7
LARGE_BYTES = 200 * 1024 * 1024
MOST_PLACEHOLDERS = 0.02
MEGABYTE = 1024 * 1024

BARE = """
import sys, time
from lxml import etree
began = time.perf_counter()
tree = etree.parse(sys.argv[2])
print(time.perf_counter() - began)
"""
REPORT = """
import sys, time
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.rule_evidence import PLACEHOLDER
began = time.perf_counter()
results, arf = sys.argv[1:3]
open_results = (lambda: open(results, "rb")) if results != "-" else None
report = read_openscap(open_results, lambda: open(arf, "rb"))
print(time.perf_counter() - began)
failed = [rule for rule in report.results if rule.status == "fail"]
with_evidence = [rule for rule in failed if rule.finding and rule.actual and rule.expected]
assert len(with_evidence) == len(failed), "a failed rule without evidence"
placeholders = [rule for rule in failed if PLACEHOLDER in rule.finding]
print(len(placeholders), len(failed))
"""
OTHER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from openscap_report.report_generators.json import JSONReportGenerator
from openscap_report.scap_results_parser import SCAPResultsParser
began = time.perf_counter()
parser = SCAPResultsParser(Path(sys.argv[2]).read_bytes())
JSONReportGenerator(parser).generate_report(SimpleNamespace(no_minify=False))
print(time.perf_counter() - began)
"""


PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def measure(python: str, code: str, *arguments: str) -> tuple[float, float]:
    """Seconds that the code measured, and the peak memory of its process in MB."""
    command = [python, "-c", code + PEAK, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"a measurement ended with {done.returncode}: {done.stderr.splitlines()[-1]}"
        )
    numbers = done.stdout.split()
    return float(numbers[0]), int(numbers[-1]) / 1024


def placeholders(results: str, arf: str) -> tuple[int, int]:
    """How many failed rules have nothing but a placeholder for evidence, and how many failed."""
    command = [sys.executable, "-c", REPORT, results, arf]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    _, count, failed = done.stdout.split()
    return int(count), int(failed)


def best(*measured: tuple[str, ...]) -> list[tuple[float, float]]:
    """Of several ways the fastest of many rounds, in turns, and the highest peak."""
    rounds = [[measure(*way) for way in measured] for _ in range(ROUNDS)]
    return [
        (min(seconds for seconds, _ in way), max(peak for _, peak in way))
        for way in zip(*rounds, strict=True)
    ]


def openscap_report(where: Path) -> str:
    """The other parser's Python."""
    venv.create(where, with_pip=True)
    python = str(where / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "openscap-report"], check=True)
    return python


_LISTS = "definitions|tests|objects|states|variables|collected_objects|system_data"
_LIST = re.compile(
    rb"(<(?:[\w-]+:)?(" + _LISTS.encode() + rb")(?: [^<>]*)?>)(.*?)(</(?:[\w-]+:)?\2>)", re.DOTALL
)
_RULES = re.compile(rb"<(?:[\w.-]+:)?rule-result .*</(?:[\w.-]+:)?rule-result>", re.DOTALL)
_GROUPS = re.compile(rb"<(?:[\w.-]+:)?Group .*</(?:[\w.-]+:)?Group>", re.DOTALL)


def copies(part: bytes, times: int) -> bytes:
    return b"".join(renamed(part, number) for number in range(times))


def renamed(part: bytes, number: int) -> bytes:
    if not number:
        return part
    part = re.sub(rb"oval:ssg-", b"oval:ssg%d-" % number, part)
    part = re.sub(rb"content_rule_", b"content_rule%d_" % number, part)
    return re.sub(rb'((?:item_id|item_ref| id)=")(\d+)"', rb'\g<1>\g<2>%03d"' % number, part)


def enlarged(arf: bytes, times: int) -> bytes:
    arf = _LIST.sub(lambda found: found[1] + copies(found[3], times) + found[4], arf)
    arf = _RULES.sub(lambda found: copies(found[0], times), arf)
    return _GROUPS.sub(lambda found: copies(found[0], times), arf)


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results, arf = sys.argv[1:]
    here = sys.executable
    size = Path(arf).stat().st_size
    print(f"{size / MEGABYTE:.1f} MB of ARF, {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as directory:
        theirs = openscap_report(Path(directory) / "venv")
        (bare, bare_peak), (own, own_peak), (other, other_peak) = best(
            (here, BARE, "-", arf), (here, REPORT, results, arf), (theirs, OTHER, "-", arf)
        )
        large = Path(directory) / "large.xml"
        times = -(-LARGE_BYTES // size)
        large.write_bytes(enlarged(Path(arf).read_bytes(), times))
        large_size = large.stat().st_size / MEGABYTE
        large_own, large_peak = measure(here, REPORT, "-", str(large))
    print(f"bare lxml.etree.parse of the ARF     {bare * 1000:8.0f} ms {bare_peak:6.0f} MB")
    print(
        f"report from results and ARF          {own * 1000:8.0f} ms {own_peak:6.0f} MB   "
        f"{own / bare:.2f} × bare"
    )
    print(
        f"openscap-report, JSON                {other * 1000:8.0f} ms {other_peak:6.0f} MB   "
        f"{other / own:.1f} × ours"
    )
    print(
        f"report from an ARF of {large_size:3.0f} MB         "
        f"{large_own * 1000:8.0f} ms {large_peak:6.0f} MB"
    )
    print(
        f"memory grows {large_peak / own_peak:.1f}-fold "
        f"where rules, checks and items grow {times}-fold"
    )
    empty, failed = placeholders(results, arf)
    print(f"failed rules whose evidence is a placeholder: {empty} of {failed}")
    good = (
        empty <= failed * MOST_PLACEHOLDERS
        and own <= 2 * bare
        and other >= 5 * own
        and own_peak <= 80
        and large_peak <= 256
    )
    print("all within what is allowed" if good else "NOT within what is allowed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
