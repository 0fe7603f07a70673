"""Docker Bench's text log.

A check is a line `[WARN] 2.2 - title`. What it found follows as `[WARN]      * text`, whatever the
tag. These lines are not checks:

- section headers, `[INFO] 1 - …`;
- sub-headers, `[INFO] 1.1 - …`, recognized by the check `1.1.1` that follows or by their title;
- lines without a number; but a check that is no longer needed is printed without its number,
  `[INFO] title (Deprecated)`: it gets the number after the last one;
- the closing list of remediations, whose texts are added to their checks.

Colours are removed.

*Security*: the scanner interprets backslashes in names, so that a name can start a line of its own.
Such a line can add to a check and make its result worse, never better. A result other than INFO is
a check even inside the closing list, which has none, so that a forged heading hides nothing. Every
expression is anchored and bounded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from itertools import pairwise

from stages.scanners.docker_bench.reading.bench_layout import CHECK_NUMBER
from stages.scanners.docker_bench.reading.bench_output import (
    MAX_CHECKS,
    BenchCheck,
    BenchOutput,
    check_id,
)
from stages.scanners.docker_bench.reading.finding_text import finding, line
from stages.scanners.docker_bench.reading.start_times import start_time

COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

MAX_ENTRIES = 4 * MAX_CHECKS

_TAGGED = re.compile(r"\[(INFO|PASS|WARN|NOTE)\](.*)", re.DOTALL)
_NUMBERED = re.compile(
    rf"[ \t]{{1,4}}({CHECK_NUMBER}|\d{{1,4}}|[A-Za-z])[ \t]{{1,4}}-[ \t]{{1,4}}(\S.*)", re.DOTALL
)
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
    lines = COLOURS.sub("", payload.decode("utf-8-sig", errors="replace")).split("\n")
    if not may_hold_several:
        return _read_run(lines, zone)
    runs = [_read_run(part, zone) for part in _split_runs(lines)]
    runs = [run for run in runs if run.checks]
    if not runs:
        return _read_run(lines, zone)
    runs[-1].runs = len(runs)
    return runs[-1]


def _read_run(lines: Iterable[str], zone: tzinfo | None) -> BenchOutput:
    reader = _LogReader(zone)
    for text in lines:
        reader.add_line(text.rstrip("\r"))
    return reader.finish()


def _split_runs(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """The lines of each run. A run starts with its banner, or without one with its time.

    Standard output that is logged to itself has each of these lines twice, one after the other.
    """
    starts = [0]
    has_time = False
    for number, text in enumerate(lines):
        is_time = text.startswith(_START)
        is_banner = _VERSION.match(text) is not None
        is_double = number > 0 and text == lines[number - 1]
        if has_time and (is_time or is_banner) and not is_double:
            starts.append(number)
            has_time = False
        has_time = has_time or is_time
    for start, end in pairwise([*starts, len(lines)]):
        yield lines[start:end]


def is_log_line(text: str) -> bool:
    """Whether a line (without colours) is one that only a log has: a check or a header."""
    tagged = _TAGGED.match(text)
    return tagged is not None and _NUMBERED.match(tagged[2]) is not None


class _LogReader:
    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._output = BenchOutput()
        self._entries: list[BenchCheck] = []
        """Checks and headers, as they were printed: the entry after one shows which it is."""
        self._current: BenchCheck | None = None
        self._in_remediations = False
        self._remediations: dict[str, str] = {}

    def add_line(self, text: str) -> None:
        tagged = _TAGGED.match(text)
        if tagged is None:
            self._add_untagged(text)
            return
        tag, rest = tagged[1], tagged[2]
        if numbered := _NUMBERED.match(rest):
            self._add_numbered(tag, numbered[1].upper(), numbered[2])
        elif rest.lstrip().startswith("* "):
            self._add_finding(rest.lstrip()[2:])
        elif found := self._deprecated(rest):
            self._add_numbered(tag, _next_number(self._entries[-1]), found[1])
        else:
            self._current = None
            if count := _COUNT.match(rest):
                self._output.reported_count = int(count[1])

    def _deprecated(self, text: str) -> re.Match[str] | None:
        """The title of a check without a number; its number follows that of the last entry."""
        if self._in_remediations or not self._entries:
            return None
        return _DEPRECATED.match(text)

    def finish(self) -> BenchOutput:
        following: list[BenchCheck | None] = [*self._entries[1:], None]
        for entry, after in zip(self._entries, following, strict=False):
            if _is_header(entry, after):
                self._output.sections.setdefault(entry.id, line(entry.title or "", _MAX_SECTION))
            else:
                self._add_check(entry)
        for number, text in self._remediations.items():
            check = self._output.checks.get(number)
            if check is None:
                continue
            remediation, _, impact = text.partition(_IMPACT)
            check.remediation = line(remediation, _MAX_REMEDIATION) or None
            check.impact = line(impact, _MAX_REMEDIATION) or None
        return self._output

    def _add_check(self, entry: BenchCheck) -> None:
        if check_id(entry.id) is None:
            self._output.unnumbered_results += 1
        else:
            self._output.add(entry)

    def _add_untagged(self, text: str) -> None:
        if text.startswith("Section "):
            self._in_remediations = text.startswith("Section B")
            self._current = None
        elif self._output.start is None and text.startswith(_START):
            self._add_start(text)
        elif self._output.version is None and (version := _VERSION.match(text)):
            self._output.version = version[1]

    def _add_start(self, text: str) -> None:
        start = start_time(text, self._zone)
        if start is None:
            printed = line(text.removeprefix(_START), _MAX_START)
            self._output.unreadable_start = printed or None
        else:
            self._output.start = start.seconds
            self._output.start_has_zone = start.has_zone

    def _add_finding(self, text: str) -> None:
        if self._current is not None:
            self._current.add_finding(finding(text, []))

    def _add_numbered(self, tag: str, number: str, text: str) -> None:
        if self._in_remediations and tag == "INFO":
            if len(self._remediations) < MAX_ENTRIES:
                self._remediations.setdefault(number, text)
            return
        if self._repeats_last(tag, number):
            self._current = self._entries[-1]
            return
        title = line(text)
        self._current = BenchCheck(id=number, title=title, result=tag)
        if remark := _REMARK.fullmatch(title):
            self._current.title = remark[1]
            self._current.add_finding(remark[2])
        if len(self._entries) < MAX_ENTRIES:
            self._entries.append(self._current)
        else:
            self._output.dropped_checks += 1

    def _repeats_last(self, tag: str, number: str) -> bool:
        """Standard output that is logged to itself has every line twice."""
        if not self._entries:
            return False
        last = self._entries[-1]
        return last.id == number and last.result == tag


def _next_number(entry: BenchCheck) -> str:
    """The number of the check after an entry, which may be the header of its group."""
    if _is_header(entry, None):
        return f"{entry.id}.1"
    group, _, last = entry.id.rpartition(".")
    return f"{group}.{int(last) + 1}"


def _is_header(entry: BenchCheck, after: BenchCheck | None) -> bool:
    if entry.result != "INFO":
        return False
    if "." not in entry.id:
        return True
    if entry.findings:
        return False
    if after is not None and after.id.startswith(entry.id + "."):
        return True
    return (entry.title or "").endswith("Configuration")
