"""Evidence of failed rules: how many have none but a placeholder, and what it costs to read.

    COMPLIANCE_AGENT_CAPTURES=DIRECTORY python benchmarks/evidence.py [--compare]

takes the files of real scans: a directory each, with an ARF, a results file or both, as they are or
packed by xz.

A *placeholder* is a finding that holds no more than that the check failed ("the results do not say
why"). Its share is that of the failed rules of all scans with an ARF. A scan counts once: its ARF
and its results file hold the same rules and are read together, as the agent reads them. A results
file that stands alone holds no evidence at all, whatever its reader does; its failed rules are
counted apart and are in no share.

The cost is that of a report from the largest ARF and its results file, beside a bare parse of the
same two files by lxml: medians of interleaved runs, each in a process of its own. `--compare` also
measures openscap-report, which is installed from PyPI into a temporary virtual environment, and an
ARF of 200 MB: the given one, its rules, checks and items copied under new ids.

Limits: placeholders for 2 % of the failed rules; 1.5 × the time of the bare parse and 40 MB; with
`--compare` a fifth of the time of openscap-report, and 256 MB for the large ARF.
"""

import lzma
import os
import re
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

ROUNDS = 9
LARGE_BYTES = 200 * 1024 * 1024
MOST_PLACEHOLDERS = 0.02
MOST_OF_BARE = 1.5
MOST_MEMORY = 40
MEGABYTE = 1024 * 1024

BARE = """
import sys, time
from lxml import etree
began = time.process_time()
trees = [etree.parse(name) for name in sys.argv[1:] if name != "-"]
print(time.process_time() - began)
"""
REPORT = """
import sys, time
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.rule_evidence import PLACEHOLDER
began = time.process_time()
results, arf = (None if name == "-" else name for name in sys.argv[1:3])
report = read_openscap(
    results and (lambda: open(results, "rb")), arf and (lambda: open(arf, "rb"))
)
print(time.process_time() - began)
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
began = time.process_time()
parser = SCAPResultsParser(Path(sys.argv[2]).read_bytes())
JSONReportGenerator(parser).generate_report(SimpleNamespace(no_minify=False))
print(time.process_time() - began)
"""
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@dataclass(frozen=True)
class Scan:
    """The unpacked files of one scan; a file that is missing is `-`."""

    name: str
    results: str
    arf: str

    @property
    def files(self) -> tuple[str, str]:
        return self.results, self.arf


@dataclass(frozen=True)
class Measured:
    seconds: float
    megabytes: float
    """The peak of the process."""
    counts: tuple[int, ...]


def measure(python: str, code: str, files: Sequence[str]) -> Measured:
    """What the code prints: seconds, and any counts."""
    command = [python, "-c", code + PEAK, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.splitlines()[-1]
        raise SystemExit(f"a measurement ended with {done.returncode}: {last}")
    seconds, *counts, peak = done.stdout.split()
    return Measured(float(seconds), int(peak) / 1024, tuple(map(int, counts)))


def scans(captures: Path, where: Path) -> Iterator[Scan]:
    """Every directory with the files of a scan, unpacked below `where`."""
    for number, directory in enumerate(sorted({path.parent for path in captures.rglob("*")})):
        found = {"results": "-", "arf": "-"}
        for path in sorted(directory.glob("*.xml*")):
            unpacked = where / f"{number}-{path.name.removesuffix('.xz')}"
            data = path.read_bytes()
            if path.suffix == ".xz":
                data = lzma.decompress(data)
            unpacked.write_bytes(data)
            role = role_of(unpacked)
            if role is not None:
                found[role] = str(unpacked)
        if set(found.values()) != {"-"}:
            yield Scan(directory.name, found["results"], found["arf"])


def role_of(path: Path) -> str | None:
    """Whether a file is an ARF or a results file; None for content and anything else."""
    try:
        _, root = next(etree.iterparse(path, events=("start",)))
    except etree.XMLSyntaxError:
        return None
    name = etree.QName(root).localname
    if name == "asset-report-collection":
        return "arf"
    has_results = name == "TestResult" or b"<TestResult " in path.read_bytes()
    if name in ("Benchmark", "TestResult") and has_results:
        return "results"
    return None


def placeholders(found: Sequence[Scan]) -> bool:
    """Prints the share of placeholders; whether it is small enough."""
    empty = failed = 0
    for scan in found:
        of_scan = measure(sys.executable, REPORT, scan.files).counts
        note = ""
        if scan.arf == "-":
            note = " (no ARF: not in the share)"
        else:
            empty += of_scan[0]
            failed += of_scan[1]
        print(f"{scan.name}: placeholders {of_scan[0]}, failed rules {of_scan[1]}{note}")
    share = empty / failed if failed else 0
    print(f"with an ARF: placeholders {empty}, failed rules {failed}, {100 * share:.1f} %")
    return share < MOST_PLACEHOLDERS


def cost(scan: Scan) -> bool:
    """Prints the time and memory of a report beside a bare parse; whether both are small enough."""
    size = sum(Path(name).stat().st_size for name in scan.files if name != "-")
    bare: list[Measured] = []
    own: list[Measured] = []
    for _ in range(ROUNDS):
        bare.append(measure(sys.executable, BARE, scan.files))
        own.append(measure(sys.executable, REPORT, scan.files))
    ratio = statistics.median(
        mine.seconds / plain.seconds for mine, plain in zip(own, bare, strict=True)
    )
    peak = max(one.megabytes for one in own)
    print(f"{scan.name}: {size / MEGABYTE:.1f} MB of ARF and results, {ROUNDS} rounds")
    print(f"bare lxml.etree.parse  {1000 * statistics.median(one.seconds for one in bare):8.0f} ms")
    print(f"report                 {1000 * statistics.median(one.seconds for one in own):8.0f} ms")
    print(f"report / bare parse    {ratio:8.2f}, peak {peak:.0f} MB")
    return ratio <= MOST_OF_BARE and peak <= MOST_MEMORY


def comparison(scan: Scan, where: Path) -> bool:
    """Prints openscap-report and a large ARF beside the report; whether both are as they should."""
    own = measure(sys.executable, REPORT, scan.files)
    other = measure(openscap_report(where / "venv"), OTHER, scan.files)
    large = where / "large.xml"
    times = -(-LARGE_BYTES // Path(scan.arf).stat().st_size)
    large.write_bytes(enlarged(Path(scan.arf).read_bytes(), times))
    own_large = measure(sys.executable, REPORT, ("-", str(large)))
    size = large.stat().st_size / MEGABYTE
    print(f"openscap-report, JSON  {1000 * other.seconds:8.0f} ms, {other.megabytes:.0f} MB")
    print(f"ARF of {size:.0f} MB         {1000 * own_large.seconds:8.0f} ms,", end=" ")
    print(f"{own_large.megabytes:.0f} MB")
    return other.seconds >= 5 * own.seconds and own_large.megabytes <= 256


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
    captures = os.environ.get("COMPLIANCE_AGENT_CAPTURES")
    if not captures or sys.argv[1:] not in ([], ["--compare"]):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        found = list(scans(Path(captures), where))
        with_arf = [scan for scan in found if scan.arf != "-"]
        if not with_arf:
            sys.exit(f"{captures} holds no ARF")
        largest = max(with_arf, key=lambda scan: Path(scan.arf).stat().st_size)
        outcomes = [placeholders(found), cost(largest)]
        if sys.argv[1:]:
            outcomes.append(comparison(largest, where))
    good = all(outcomes)
    print("all within what is allowed" if good else "NOT within what is allowed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
