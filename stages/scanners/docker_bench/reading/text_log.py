"""Docker Bench's text log.

A check is a line `[WARN] 2.2 - title`; what it found follows as `[WARN]      * text`, whatever the word. No checks
are: section headers (`[INFO] 1 - …`), sub-headers (`[INFO] 1.1 - …`, told by the check `1.1.1` that follows or by
their title), lines without a number, and the closing list of remediations, which is put to its checks instead. But a
check that has become needless is printed without its number, `[INFO] title (Deprecated)`: it has the number after the
last one. Colours are taken away.

*Security*: the scanner interprets backslashes in names, so that a name can begin a line of its own; such a line can
add to a check and make its result worse, never better. A result other than INFO is a check even inside the closing
list, which has none, so that a forged heading hides nothing. Every expression is anchored and bounded.
"""

import re
from datetime import datetime

from stages.scanners.docker_bench.reading.bench_layout import CHECK_NUMBER
from stages.scanners.docker_bench.reading.bench_output import MAX_CHECKS, Check, Output
from stages.scanners.docker_bench.reading.finding_text import finding, line

COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
TAGGED = re.compile(r"\[(INFO|PASS|WARN|NOTE)\](.*)", re.DOTALL)

MAX_ENTRIES = 4 * MAX_CHECKS

_NUMBERED = re.compile(
    rf"[ \t]{{1,4}}({CHECK_NUMBER}|\d{{1,4}}|[A-Za-z])[ \t]{{1,4}}-[ \t]{{1,4}}(\S.*)", re.DOTALL
)
_DEPRECATED = re.compile(
    r"[ \t]{1,4}(\S.* \((?:Automated|Manual|Scored|Not Scored)\) \(Deprecated\))\s*\Z"
)
_COUNTED = re.compile(r"[ \t]{0,4}Checks:[ \t]{0,4}(\d{1,9})\s*\Z")
_VERSION = re.compile(r"# Docker Bench for Security v?(\d[0-9A-Za-z.+-]{0,38})\s*\Z")
_ISO = re.compile(r"Initializing (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-]\d\d:?\d\d)?")
_UTC = re.compile(r"Initializing \w{3} (\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d) (?:UTC|GMT) (\d{4})")
_IMPACT = " Remediation Impact: "
_REMARK = re.compile(
    r"(.+ \((?:Automated|Manual|Scored|Not Scored)\)|.+(?= \(Swarm mode not enabled\)\Z)) \(([^()]+)\)"
)
"""A title with why the check came out so, `(Swarm mode not enabled)`, which the JSON does not have in it."""


def read_log(payload: bytes) -> Output:
    """The run as the log tells it; without a check where there is none."""
    reader = _LogReader()
    # Not splitlines(): it also splits at characters that a name may hold.
    for text in COLOURS.sub("", payload.decode("utf-8-sig", errors="replace")).split("\n"):
        reader.take(text.rstrip("\r"))
    return reader.finish()


def is_log_line(text: str) -> bool:
    """Whether a line (without colours) is one that only a log has: a check or a header."""
    tagged = TAGGED.match(text)
    return tagged is not None and _NUMBERED.match(tagged[2]) is not None


class _LogReader:
    def __init__(self) -> None:
        self._output = Output()
        self._entries: list[Check] = []
        self._current: Check | None = None
        self._closing = False
        self._remediations: dict[str, str] = {}

    def take(self, text: str) -> None:
        tagged = TAGGED.match(text)
        if tagged is None:
            self._take_plain(text)
            return
        tag, rest = tagged[1], tagged[2]
        if numbered := _NUMBERED.match(rest):
            self._take_numbered(tag, numbered[1].upper(), numbered[2])
        elif rest.lstrip().startswith("* "):
            if self._current:
                self._current.find(finding(rest.lstrip()[2:], []))
        elif (deprecated := _DEPRECATED.match(rest)) and self._entries and not self._closing:
            self._take_numbered(tag, _number_after(self._entries[-1]), deprecated[1])
        else:
            self._current = None
            if counted := _COUNTED.match(rest):
                self._output.counted = int(counted[1])

    def _take_plain(self, text: str) -> None:
        if text.startswith("Section "):
            self._closing = text.startswith("Section B")
            self._current = None
        elif self._output.start is None and text.startswith("Initializing "):
            self._output.start = _started(text)
        elif self._output.version is None and (version := _VERSION.match(text)):
            self._output.version = version[1]

    def _take_numbered(self, tag: str, number: str, text: str) -> None:
        if self._closing and tag == "INFO":
            if len(self._remediations) < MAX_ENTRIES:
                self._remediations.setdefault(number, text)
            return
        last = self._entries[-1] if self._entries else None
        if last is not None and last.id == number and last.word == tag:
            # Standard output that is logged to itself has every line twice.
            self._current = last
            return
        title = line(text)
        remark = _REMARK.fullmatch(title)
        self._current = Check(id=number, title=remark[1] if remark else title, word=tag)
        self._current.find(remark[2] if remark else None)
        if len(self._entries) < MAX_ENTRIES:
            self._entries.append(self._current)
        else:
            self._output.left_out += 1

    def finish(self) -> Output:
        following: list[Check | None] = [*self._entries[1:], None]
        for entry, after in zip(self._entries, following, strict=False):
            if _is_header(entry, after):
                self._output.sections.setdefault(entry.id, line(entry.title or "", 200))
            else:
                self._output.add(entry)
        for number, text in self._remediations.items():
            if check := self._output.checks.get(number):
                remediation, _, impact = text.partition(_IMPACT)
                check.remediation, check.impact = (
                    line(remediation, 8192) or None,
                    line(impact, 8192) or None,
                )
        return self._output


def _number_after(entry: Check) -> str:
    if _is_header(entry, None):
        return f"{entry.id}.1"
    group, _, last = entry.id.rpartition(".")
    return f"{group}.{int(last) + 1}"


def _is_header(entry: Check, after: Check | None) -> bool:
    if entry.word != "INFO":
        return False
    if "." not in entry.id:
        return True
    opens_group = after is not None and after.id.startswith(entry.id + ".")
    return not entry.findings and (opens_group or (entry.title or "").endswith("Configuration"))


def _started(text: str) -> int | None:
    """When the scan began; a local time of unknown zone (1.3 and earlier) is no time."""
    try:
        if iso := _ISO.match(text):
            return int(datetime.fromisoformat(iso[1] + (iso[2] or "+00:00")).timestamp())
        if utc := _UTC.match(text):
            return int(
                datetime.strptime(f"{utc[1]} {utc[2]} +0000", "%b %d %H:%M:%S %Y %z").timestamp()
            )
    except ValueError:
        return None
    return None
