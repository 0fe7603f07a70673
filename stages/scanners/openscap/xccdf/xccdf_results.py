"""TestResults: what became of each rule, with the checks and the words that the scanner left."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stages.scap.xml_records import Element, local

_PLAIN = frozenset(("pass", "notselected", "notapplicable"))
"""Results that need no evidence: of these only the word is kept."""


_CPE = re.compile(r"cpe:(?:2\.3:a|/a):[^:]*:[^:]*:([^:]+)(?::.*)?")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a rule: `name` is None where a whole file was checked."""

    system: str
    href: str | None
    name: str | None
    negate: bool = False
    outputs: tuple[tuple[str, str], ...] = ()
    """What a script check wrote: stream and text."""


@dataclass(frozen=True, slots=True)
class Override:
    old: str
    new: str
    authority: str | None
    remark: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule-result; a rule that is checked once per instance has several."""

    idref: str
    result: str
    severity: str | None
    checks: tuple[Check, ...] = ()
    instances: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass
class TestResult:
    """One run. `benchmark` is None where it names none by id."""

    __test__ = False

    id: str
    version: str | None
    started_at: datetime | None
    completed_at: datetime | None
    scanner_version: str | None
    benchmark: str | None = None
    profile: str | None = None
    tailored: bool = False
    values: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, record: Element) -> None:
        name = local(record)
        if name == "rule-result":
            self.outcomes.append(_outcome(record))
        elif name == "set-value":
            self.values[record.get("idref", "")] = record.text or ""
        elif name == "profile":
            self.profile = record.get("idref")
        elif name == "benchmark":
            self.benchmark = record.get("id")
        elif name == "tailoring-file":
            self.tailored = True
        elif name == "target-facts" and self.scanner_version is None:
            self.scanner_version = _fact(record, "urn:xccdf:fact:scanner:version")


def start_attempt(element: Element) -> TestResult:
    """A TestResult whose records are still to come."""
    started, completed = _time(element.get("start-time")), _time(element.get("end-time"))
    return TestResult(
        id=element.get("id", ""),
        version=element.get("version"),
        started_at=started or completed,
        completed_at=completed or started,
        scanner_version=_cpe_version(element.get("test-system")),
    )


def newest(runs: list[TestResult]) -> TestResult:
    """The run that ended last; of equals the last in the file."""
    oldest = datetime.min.replace(tzinfo=UTC)
    return max(enumerate(runs), key=lambda pair: (pair[1].completed_at or oldest, pair[0]))[1]


def _outcome(element: Element) -> Outcome:
    message = [child.text for child in element if local(child) == "result"]
    result = (message[0] or "").strip() if message else ""
    idref, severity = element.get("idref", ""), element.get("severity")
    if result in _PLAIN and len(element) == 1:
        return Outcome(idref, result, severity)
    checks: list[Check] = []
    plain = result in _PLAIN
    instances, messages, overrides = [], [], []
    for child in element:
        name = local(child)
        if name in ("check", "complex-check") and not plain:
            _add_checks(child, checks, negate=False)
        elif name == "instance":
            instances.append(child.text or "")
        elif name == "message" and child.text:
            messages.append(child.text.strip())
        elif name == "override":
            overrides.append(_override(child))
    return Outcome(
        idref, result, severity, tuple(checks), tuple(instances), tuple(messages), tuple(overrides)
    )


def _add_checks(element: Element, checks: list[Check], *, negate: bool) -> None:
    negate ^= element.get("negate", "false") in ("true", "1")
    if local(element) == "complex-check":
        for child in element:
            _add_checks(child, checks, negate=negate)
        return
    outputs = tuple(
        (child.get("import-name", ""), child.text)
        for child in element
        if local(child) == "check-import" and child.text
    )
    refs = [child for child in element if local(child) == "check-content-ref"]
    system = element.get("system", "")
    checks += [Check(system, r.get("href"), r.get("name"), negate, outputs) for r in refs]
    if not refs:
        checks.append(Check(system, None, None, negate, outputs))


def _override(element: Element) -> Override:
    parts = {local(child): (child.text or "").strip() for child in element}
    return Override(
        parts.get("old-result", ""),
        parts.get("new-result", ""),
        element.get("authority"),
        parts.get("remark") or None,
    )


def _fact(element: Element, name: str) -> str | None:
    for message in element:
        if message.get("name") == name:
            return (message.text or "").strip() or None
    return None


def _cpe_version(cpe: str | None) -> str | None:
    found = _CPE.fullmatch(cpe or "")
    return found[1] if found and found[1] not in ("*", "-") else None


def _time(text: str | None) -> datetime | None:
    """An xs:dateTime; one without a zone (older scanners) is taken as UTC."""
    try:
        at = datetime.fromisoformat((text or "").strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
