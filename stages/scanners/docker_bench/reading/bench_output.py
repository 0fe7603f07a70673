"""What one run of Docker Bench said, whichever way it was read.

A check is its number: a check that is printed more than once (`-c` naming it twice, standard output logged to
itself, several results in one test) is one check with all its findings, and the worst of its results stands,
so that text forged into the output can make a result worse but never better.

*Security*: numbers of checks and lengths of names are bounded here; text is made harmless in `findings`.
"""

from dataclasses import dataclass, field

MAX_CHECKS = 2000
MAX_FINDINGS = 4096
MAX_ID = 64

_WEIGHT = {"PASS": 1, "NOTE": 2, "INFO": 3, "WARN": 4}
WORDS = frozenset(_WEIGHT)


class DockerBenchError(ValueError):
    """The output holds no check; the text says in one line what was found instead."""


class BrokenJSONError(ValueError):
    """The JSON is not what it should be; the text says where, in one line."""


@dataclass(slots=True)
class Check:
    """One check: `word` is PASS, WARN, INFO or NOTE, or None where the output ends before it."""

    id: str
    title: str | None = None
    word: str | None = None
    findings: dict[str, None] = field(default_factory=dict)
    """In order, each once."""
    remediation: str | None = None
    impact: str | None = None
    group: str | None = None
    """The number of the group that it was printed in."""
    cut_short: bool = False
    """The scanner itself left items out (`-n`)."""

    def find(self, text: str | None) -> None:
        """Take in something that was found."""
        if text:
            self.findings["… and more" if len(self.findings) >= MAX_FINDINGS else text] = None

    def merge(self, other: "Check") -> None:
        """Take in another result of the same check."""
        if _weight(other.word) > _weight(self.word):
            self.word = other.word
        for text in other.findings:
            self.find(text)
        self._fill(other)

    def supply(self, other: "Check") -> None:
        """Take from the same check in another source what is missing here."""
        self.word = self.word or other.word
        if not self.findings or (self.cut_short and other.findings):
            self.findings = dict(other.findings)
        self._fill(other)

    def _fill(self, other: "Check") -> None:
        self.title = self.title or other.title
        self.remediation = self.remediation or other.remediation
        self.impact = self.impact or other.impact
        self.group = self.group or other.group


@dataclass(slots=True)
class Output:
    """One run: times in seconds since 1970, `counted` is the scanner's own number of checks."""

    version: str | None = None
    start: int | None = None
    end: int | None = None
    counted: int | None = None
    sections: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    left_out: int = 0
    torn: str | None = None
    """The check in the middle of which the output ends."""

    def add(self, check: Check) -> None:
        """Take in a check, by its number."""
        known = self.checks.get(check.id)
        if known is not None:
            known.merge(check)
        elif len(self.checks) < MAX_CHECKS:
            self.checks[check.id] = check
        else:
            self.left_out += 1

    def supply(self, other: "Output") -> list[str]:
        """Take from another source of the same run what is missing here; the numbers of the checks added."""
        self.version = self.version or other.version
        self.start = self.start or other.start
        self.end = self.end or other.end
        self.counted = self.counted or other.counted
        self.sections = other.sections | self.sections
        added = []
        for check in other.checks.values():
            known = self.checks.get(check.id)
            if known is not None and check.id == self.torn:
                check.word = known.word or check.word
                self.checks[check.id] = check
            elif known is not None:
                known.supply(check)
            else:
                self.add(check)
                added.append(check.id)
        return added


def check_id(text: str | None) -> str | None:
    """A check's number as it is compared: without blanks, letters large (`c.1` and `C.1` are one check)."""
    name = (text or "").strip().upper()
    return name if 0 < len(name) <= MAX_ID and name.isprintable() else None


def _weight(word: str | None) -> int:
    return 0 if word is None else _WEIGHT.get(word, _WEIGHT["NOTE"])
