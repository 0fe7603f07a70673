"""The results of one run of Docker Bench, however they were read.

A check is identified by its number. A check that is printed more than once (named twice with `-c`,
standard output logged to itself, several results in one test) is one check with all its findings,
and the worst of its results counts: text forged into the output can make a result worse, never
better.

*Security*: numbers of checks and lengths of names are bounded here; text is made harmless in
`finding_text`.
"""

import re
from collections.abc import Iterable
from enum import IntEnum

from schemas.records import Struct, field
from stages.scanners.docker_bench.reading.bench_layout import CHECK_NUMBER, NUMBER_KEY

MAX_CHECKS = 2000
MAX_FINDINGS = 4096

_GROUP_OR_CHECK = re.compile(rf"[0-9]{{1,4}}|[A-Z]|{CHECK_NUMBER}")
_TEXTS_OF_CHECK = ("title", "remediation", "impact", "group")
_FACTS_OF_RUN = ("version", "end", "unreadable_start", "reported_count")


class DockerBenchError(ValueError):
    """The output holds no check; the text names in one line what was found instead."""


class BrokenJSONError(ValueError):
    """The JSON is not what it should be; the text names the place in one line."""


class BenchResult(IntEnum):
    """The result of a check. Of two the higher one is the worse."""

    MISSING = 0
    """The output ends before it."""
    PASS = 1
    NOTE = 2
    INFO = 3
    WARN = 4


class BenchCheck(Struct):
    """One check."""

    id: str
    title: str | None = None
    result: BenchResult = BenchResult.MISSING
    findings: dict[str, None] = field(default_factory=dict)
    """In order, each once."""
    remediation: str | None = None
    impact: str | None = None
    group: str | None = None
    """The number of the group that it was printed in."""

    def add_finding(self, text: str | None) -> None:
        if not text:
            return
        if len(self.findings) >= MAX_FINDINGS:
            text = "… and more"
        self.findings[text] = None

    def merge(self, other: "BenchCheck") -> None:
        """Take in another result of the same check; the worse one counts."""
        self.result = max(self.result, other.result)
        for text in other.findings:
            self.add_finding(text)
        _fill_missing(self, other, _TEXTS_OF_CHECK)

    def complete_from(self, other: "BenchCheck") -> None:
        """Take from the same check in another source what is missing here."""
        self.result = self.result or other.result
        self.findings = self.findings or dict(other.findings)
        _fill_missing(self, other, _TEXTS_OF_CHECK)


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

    def add(self, check: BenchCheck) -> BenchCheck:
        """Take in a check, or a further result of one. Returns the check with all its results."""
        known = self.checks.get(check.id)
        if known is not None:
            known.merge(check)
            return known
        if len(self.checks) < MAX_CHECKS:
            self.checks[check.id] = check
        else:
            self.dropped_checks += 1
        return check

    def complete_from(self, other: "BenchOutput") -> list[str]:
        """Take from another source of the same run what is missing here.

        Returns the numbers of the checks that were added.
        """
        if self.start is None:
            self.start = other.start
            self.start_has_zone = other.start_has_zone
        _fill_missing(self, other, _FACTS_OF_RUN)
        self.sections = other.sections | self.sections
        added = []
        for number, check in other.checks.items():
            known = self.checks.get(number)
            if known is None:
                self.add(check)
                added.append(number)
            elif number == self.truncated_check:
                # Its texts may be cut off: the other source has them whole.
                check.result = known.result or check.result
                self.checks[number] = check
            else:
                known.complete_from(check)
        return added


def check_id(text: str) -> str | None:
    """A check's number in one spelling: `c.1` and `C.1` are one check. None for any other text."""
    return _number(text, NUMBER_KEY)


def group_id(text: str) -> str | None:
    """The number of a group or of a check; None for any other text."""
    return _number(text, _GROUP_OR_CHECK)


def _number(text: str, expression: re.Pattern[str]) -> str | None:
    number = text.strip().upper()
    if expression.fullmatch(number) is None:
        return None
    return number


def _fill_missing(target: object, source: object, fields: Iterable[str]) -> None:
    """Take these fields from the source where the target has None."""
    for name in fields:
        if getattr(target, name) is None:
            setattr(target, name, getattr(source, name))
