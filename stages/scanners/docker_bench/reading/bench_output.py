"""The results of one run of Docker Bench, however they were read.

A check is identified by its number. A check that is printed more than once (named twice with `-c`,
standard output logged to itself, several results in one test) is one check with all its findings,
and the worst of its results counts: text forged into the output can make a result worse, never
better.

*Security*: numbers of checks and lengths of names are bounded here; text is made harmless in
`finding_text`.
"""

import re

from schemas.records import Struct, field
from stages.scanners.docker_bench.reading.bench_layout import NUMBER_KEY

MAX_CHECKS = 2000
MAX_FINDINGS = 4096

_SEVERITY_OF_RESULT = {"PASS": 1, "NOTE": 2, "INFO": 3, "WARN": 4}
_GROUP = re.compile(r"[0-9]{1,4}|[A-Z]")
RESULTS = frozenset(_SEVERITY_OF_RESULT)


class DockerBenchError(ValueError):
    """The output holds no check; the text names in one line what was found instead."""


class BrokenJSONError(ValueError):
    """The JSON is not what it should be; the text names the place in one line."""


class BenchCheck(Struct):
    """One check: `result` is PASS, WARN, INFO or NOTE, or None where the output ends before it."""

    id: str
    title: str | None = None
    result: str | None = None
    findings: dict[str, None] = field(default_factory=dict)
    """In order, each once."""
    remediation: str | None = None
    impact: str | None = None
    group: str | None = None
    """The number of the group that it was printed in."""
    was_shortened: bool = False
    """The scanner itself left items out (`-n`)."""

    def add_finding(self, text: str | None) -> None:
        if not text:
            return
        if len(self.findings) >= MAX_FINDINGS:
            text = "… and more"
        self.findings[text] = None

    def merge(self, other: "BenchCheck") -> None:
        """Take in another result of the same check; the worse one counts."""
        if _rank(other.result) > _rank(self.result):
            self.result = other.result
        for text in other.findings:
            self.add_finding(text)
        self._add_missing_texts(other)

    def complete_from(self, other: "BenchCheck") -> None:
        """Take from the same check in another source what is missing here."""
        self.result = self.result or other.result
        if not self.findings or (self.was_shortened and other.findings):
            self.findings = dict(other.findings)
        self._add_missing_texts(other)

    def _add_missing_texts(self, other: "BenchCheck") -> None:
        self.title = self.title or other.title
        self.remediation = self.remediation or other.remediation
        self.impact = self.impact or other.impact
        self.group = self.group or other.group


class BenchOutput(Struct):
    """One run: times in seconds since 1970."""

    version: str | None = None
    start: int | None = None
    end: int | None = None
    start_has_zone: bool = True
    """Whether the source itself names the zone of its start."""
    unreadable_start: str | None = None
    """The time of the start as it is printed, where it can't be read."""
    runs: int = 1
    """How many runs the source holds; this is the last of them."""
    reported_count: int | None = None
    """The scanner's own number of checks."""
    sections: dict[str, str] = field(default_factory=dict)
    checks: dict[str, BenchCheck] = field(default_factory=dict)
    dropped_checks: int = 0
    """Beyond `MAX_CHECKS`."""
    unnumbered_results: int = 0
    """Results without the number of a check, which are left out."""
    truncated_check: str | None = None
    """The check in the middle of which the output ends."""

    def add(self, check: BenchCheck) -> None:
        """Take in a check, or a further result of one."""
        known = self.checks.get(check.id)
        if known is not None:
            known.merge(check)
        elif len(self.checks) < MAX_CHECKS:
            self.checks[check.id] = check
        else:
            self.dropped_checks += 1

    def complete_from(self, other: "BenchOutput") -> list[str]:
        """Take from another source of the same run what is missing here.

        Returns the numbers of the checks that were added.
        """
        self.version = self.version or other.version
        if self.start is None:
            self.start = other.start
            self.start_has_zone = other.start_has_zone
        self.end = self.end or other.end
        self.unreadable_start = self.unreadable_start or other.unreadable_start
        self.reported_count = self.reported_count or other.reported_count
        self.sections = other.sections | self.sections
        added = [number for number in other.checks if number not in self.checks]
        for check in other.checks.values():
            self._complete_check(check)
        return added

    def _complete_check(self, check: BenchCheck) -> None:
        known = self.checks.get(check.id)
        if known is None:
            self.add(check)
        elif check.id == self.truncated_check:
            # Its texts may be cut off: the other source has them whole.
            check.result = known.result or check.result
            self.checks[check.id] = check
        else:
            known.complete_from(check)


def check_id(text: str | None) -> str | None:
    """A check's number in one spelling: `c.1` and `C.1` are one check. None for any other text."""
    number = (text or "").strip().upper()
    if NUMBER_KEY.fullmatch(number) is None:
        return None
    return number


def group_id(text: str | None) -> str | None:
    """The number of a group or of a check; None for any other text."""
    number = (text or "").strip().upper()
    if _GROUP.fullmatch(number) is None:
        return check_id(number)
    return number


def _rank(result: str | None) -> int:
    if result is None:
        return 0
    return _SEVERITY_OF_RESULT.get(result, _SEVERITY_OF_RESULT["NOTE"])
