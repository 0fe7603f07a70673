"""Docker Bench's text log.

A check is a line `[WARN] 2.2 - title`. What it found follows as `[WARN]      * text`, whatever the
tag. These lines are not checks:

- section headers, `[INFO] 1 - …`;
- sub-headers, `[INFO] 1.1 - General Configuration`, recognized by their last word;
- lines without a number; but a check that is no longer needed is printed without its number,
  `[INFO] title (Deprecated)`: it gets the number after the last one;
- the closing list of remediations, whose texts are added to their checks.

Standard output that is logged to itself has every line twice: the second one is left out. Colours
are removed.

*Security*: the scanner interprets backslashes in names, so that a name can start a line of its own.
Such a line can add to a check and make its result worse, never better. A result other than INFO is
a check even inside the closing list, which has none, so that a forged heading hides nothing. Every
expression is anchored and bounded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from itertools import groupby, pairwise

from stages.scanners.docker_bench.reading.bench_layout import CHECK_NUMBER
from stages.scanners.docker_bench.reading.bench_output import (
    BenchCheck,
    BenchOutput,
    BenchResult,
    check_id,
)
from stages.scanners.docker_bench.reading.finding_text import finding, line, optional_line
from stages.scanners.docker_bench.reading.start_times import start_time

COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

_TAGGED = re.compile(r"\[(INFO|PASS|WARN|NOTE)\](.*)", re.DOTALL)
_NUMBERED = re.compile(
    rf"[ \t]{{1,4}}({CHECK_NUMBER}|\d{{1,4}}|[A-Za-z])[ \t]{{1,4}}-[ \t]{{1,4}}(\S.*)", re.DOTALL
)
LOG_LINE = re.compile(
    rf"^(?:\[(?:INFO|PASS|WARN|NOTE)\]{_NUMBERED.pattern}"
    r"|# Docker Bench for Security|Section A - Check results)",
    re.MULTILINE,
)
"""A line (without colours) that only a log has: a heading, a check or the header of a group."""
_FINDING = re.compile(r"\s*\* (.*)", re.DOTALL)
_SUB_HEADER = "Configuration"
_DEPRECATED = re.compile(
    r"[ \t]{1,4}(\S.* \((?:Automated|Manual|Scored|Not Scored)\) \(Deprecated\))\s*\Z"
)
_COUNT = re.compile(r"[ \t]{0,4}Checks:[ \t]{0,4}(\d{1,9})\s*\Z")
_VERSION = re.compile(r"# Docker Bench for Security v?(\d[0-9A-Za-z.+-]{0,38})\s*\Z")
_START = "Initializing "
_MAX_START = 60
_IMPACT = " Remediation Impact: "
_REMARK = re.compile(
    r"(.+ \((?:Automated|Manual|Scored|Not Scored)\)|.+(?= \(Swarm mode not enabled\)\Z))"
    r" \(([^()]+)\)"
)
"""A title with the reason of its result, `(Swarm mode not enabled)`, which the JSON lacks."""
_MAX_SECTION = 200
_MAX_REMEDIATION = 8192


def read_log(
    payload: bytes, *, may_hold_several: bool = False, zone: tzinfo | None = None
) -> BenchOutput:
    """The run that the log shows; it may have no check.

    `zone` is that of a start without one; None: this host's.

    The scanner appends to a log. With `may_hold_several` the last run that has a check is read.
    Otherwise the log was made for one run, and a line like the start of another one is a name.
    """
    # Not splitlines(): it also splits at characters that a name may hold.
    text = COLOURS.sub("", payload.decode("utf-8-sig", errors="replace"))
    lines = [each for each, _ in groupby(text.split("\n"))]
    parts: Iterable[Sequence[str]] = [lines]
    if may_hold_several:
        parts = _split_runs(lines)
    runs = [_read_run(part, zone) for part in parts]
    with_checks = [run for run in runs if run.checks]
    if not with_checks:
        return runs[-1]
    last = with_checks[-1]
    last.runs = len(with_checks)
    return last


def _read_run(lines: Iterable[str], zone: tzinfo | None) -> BenchOutput:
    reader = _LogReader(zone)
    for text in lines:
        reader.add_line(text.rstrip("\r"))
    return reader.output


def _split_runs(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """The lines of each run. A run starts with its banner, or without one with its time."""
    starts = [0]
    has_time = False
    for number, text in enumerate(lines):
        is_time = text.startswith(_START)
        is_banner = _VERSION.match(text) is not None
        if has_time and (is_time or is_banner):
            starts.append(number)
            has_time = False
        has_time |= is_time
    for start, end in pairwise([*starts, len(lines)]):
        yield lines[start:end]


class _LogReader:
    """Takes the lines of one run in their order."""

    def __init__(self, zone: tzinfo | None) -> None:
        self.output = BenchOutput()
        self._zone = zone
        self._current: BenchCheck | None = None
        """The check that findings belong to."""
        self._number_after = ""
        """The number of a check that is printed next without its number."""
        self._in_remediations = False

    def add_line(self, text: str) -> None:
        tagged = _TAGGED.match(text)
        if tagged is None:
            self._add_untagged(text)
            return
        tag, rest = tagged[1], tagged[2]
        if numbered := _NUMBERED.match(rest):
            self._add_numbered(tag, numbered[1].upper(), numbered[2])
        elif found := _FINDING.match(rest):
            self._add_finding(found[1])
        elif deprecated := _DEPRECATED.match(rest):
            self._add_check(tag, self._number_after, deprecated[1])
        else:
            self._current = None
            if count := _COUNT.match(rest):
                self.output.reported_count = int(count[1])

    def _add_untagged(self, text: str) -> None:
        if text.startswith("Section "):
            self._in_remediations = text.startswith("Section B")
            self._current = None
        elif self.output.start is None and text.startswith(_START):
            self._add_start(text)
        elif self.output.version is None and (version := _VERSION.match(text)):
            self.output.version = version[1]

    def _add_start(self, text: str) -> None:
        start = start_time(text, self._zone)
        if start is None:
            self.output.unreadable_start = optional_line(text.removeprefix(_START), _MAX_START)
        else:
            self.output.start = start.seconds
            self.output.start_has_zone = start.has_zone

    def _add_finding(self, text: str) -> None:
        if self._current is not None:
            self._current.add_finding(finding(text, []))

    def _add_numbered(self, tag: str, number: str, text: str) -> None:
        is_header = "." not in number or text.rstrip().endswith(_SUB_HEADER)
        if tag == "INFO" and self._in_remediations:
            self._add_remediation(number, text)
        elif tag == "INFO" and is_header:
            self.output.sections.setdefault(number, line(text, _MAX_SECTION))
            self._current = None
            self._number_after = f"{number}.1"
        else:
            self._add_check(tag, number, text)

    def _add_check(self, tag: str, number: str, text: str) -> None:
        if check_id(number) is None:
            self._current = None
            self.output.unnumbered_results += 1
            return
        title = line(text)
        check = BenchCheck(id=number, title=title, result=BenchResult[tag])
        if remark := _REMARK.fullmatch(title):
            check.title = remark[1]
            check.add_finding(remark[2])
        self._current = self.output.add(check)
        group, _, last = number.rpartition(".")
        self._number_after = f"{group}.{int(last) + 1}"

    def _add_remediation(self, number: str, text: str) -> None:
        check = self.output.checks.get(number)
        if check is not None:
            remediation, _, impact = text.partition(_IMPACT)
            check.remediation = optional_line(remediation, _MAX_REMEDIATION)
            check.impact = optional_line(impact, _MAX_REMEDIATION)
