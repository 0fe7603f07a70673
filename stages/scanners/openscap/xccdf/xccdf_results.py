"""TestResults: the result of each rule, with its checks and the scanner's own messages."""

import re
from datetime import UTC, datetime, tzinfo

from schemas.records import Struct, field
from stages.scap.xccdf_text import one_line
from stages.scap.xml_elements import Element, local, text_of
from stages.scap.xml_errors import ScapError

_WITHOUT_EVIDENCE = frozenset(("pass", "notapplicable"))
"""The results whose checks are not kept."""
SCRIPT_SYSTEM = "http://open-scap.org/page/SCE"
_SCRIPTS = f".//{{*}}check[@system='{SCRIPT_SYSTEM}']/{{*}}check-content-ref"
_CPE = re.compile(r"cpe:(?:2\.3:a|/a):[^:]*:[^:]*:(?![*-](?::|$))([^:]+)(?::.*)?")
"""The version of a program, which is not `*` (any) and not `-` (none)."""
_MAX_TARGET_CHARS = 255
_SCANNER_VERSION = "{*}fact[@name='urn:xccdf:fact:scanner:version']"


class Check(Struct, frozen=True):
    """One check of a rule: `name` is None where a whole file was checked."""

    system: str
    href: str | None
    name: str | None
    negate: bool = False
    outputs: tuple[tuple[str, str], ...] = ()
    """What a script check wrote: stream and text."""

    @property
    def report(self) -> str:
        """In an ARF the id of the report that has the results of the check."""
        return (self.href or "").removeprefix("#")


class Override(Struct, frozen=True):
    """A change of a result after the scan; XCCDF requires all of its parts."""

    old: str
    new: str
    authority: str
    remark: str


class RuleOutcome(Struct, frozen=True):
    """One rule-result; a rule that is checked once per instance has several."""

    idref: str
    result: str
    severity: str | None
    checks: tuple[Check, ...] = ()
    scripts: tuple[str, ...] = ()
    """The scripts that check the rule, whatever its result."""
    instances: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()


class TestResult(Struct):
    """One scan. `benchmark` is None where it names none by id."""

    __test__ = False

    id: str
    version: str | None
    started_at: datetime
    """As the file has it: older scanners write times without a zone."""
    completed_at: datetime
    scanner_version: str | None
    target: str | None = None
    """The host that was scanned."""
    benchmark: str | None = None
    profile: str | None = None
    is_tailored: bool = False
    tailoring_path: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    outcomes: list[RuleOutcome] = field(default_factory=list)

    @property
    def has_zone(self) -> bool:
        return self.started_at.tzinfo is not None and self.completed_at.tzinfo is not None

    def add(self, record: Element) -> None:
        name = local(record)
        if name == "rule-result":
            self.outcomes.append(_read_outcome(record))
        elif name == "set-value":
            self.values[record.get("idref", "")] = text_of(record)
        else:
            self._add_to_header(name, record)

    def _add_to_header(self, name: str, record: Element) -> None:
        if name == "profile":
            self.profile = record.get("idref")
        elif name == "benchmark":
            self.benchmark = record.get("id")
        elif name == "target":
            self.target = self.target or text_of(record).strip()[:_MAX_TARGET_CHARS] or None
        elif name == "tailoring-file":
            self.is_tailored = True
            self.tailoring_path = record.get("href")
        elif name == "target-facts":
            version = one_line(record.findtext(_SCANNER_VERSION))
            self.scanner_version = self.scanner_version or version


def read_test_result(element: Element) -> TestResult:
    """A TestResult from its attributes; its records are added as they are read.

    One of its times stands for both where the other one is missing. Raises ScapError.
    """
    identifier = element.get("id", "")
    started = _read_time(element.get("start-time", ""))
    completed = _read_time(element.get("end-time", "")) or started
    if completed is None:
        raise ScapError(f"the TestResult {identifier} has no valid end-time")
    return TestResult(
        id=identifier,
        version=element.get("version"),
        started_at=started or completed,
        completed_at=completed,
        scanner_version=_cpe_version(element.get("test-system", "")),
    )


def newest(test_results: list[TestResult], zone: tzinfo | None) -> TestResult:
    """The TestResult that ended last; of those that ended at the same time the last in the file."""

    return sorted(test_results, key=lambda one: in_utc(one.completed_at, zone))[-1]


def in_utc(at: datetime, zone: tzinfo | None) -> datetime:
    """A time of a TestResult; `zone` is that of a time without one, None: this host's."""
    local = at
    if at.tzinfo is None:
        local = at.replace(tzinfo=zone)
    try:
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        # On the first or last day of the calendar the time in UTC may be outside of it.
        return at.replace(tzinfo=UTC)


def _read_outcome(element: Element) -> RuleOutcome:
    """Thousands of these are in a file, and most are of rules that were not evaluated."""
    result = element.findtext("{*}result", "").strip()
    idref = element.get("idref", "")
    severity = element.get("severity")
    if result == "notselected":
        return RuleOutcome(idref, result, severity)
    checks: list[Check] = []
    if result not in _WITHOUT_EVIDENCE:
        _add_checks(element, checks, negate=False)
    scripts = [script.get("href", "") for script in element.iterfind(_SCRIPTS)]
    overrides = [_read_override(child) for child in element.iterchildren("{*}override")]
    messages = [text.strip() for text in _texts(element, "{*}message") if text]
    return RuleOutcome(
        idref=idref,
        result=result,
        severity=severity,
        checks=tuple(checks),
        scripts=tuple(scripts),
        instances=_texts(element, "{*}instance"),
        messages=tuple(messages),
        overrides=tuple(overrides),
    )


def _texts(element: Element, tag: str) -> tuple[str, ...]:
    return tuple(map(text_of, element.iterchildren(tag)))


def _add_checks(parent: Element, checks: list[Check], *, negate: bool) -> None:
    """The checks in an element; of a complex check those that it combines."""
    for element in parent.iterchildren("{*}check", "{*}complex-check"):
        is_negated = negate ^ (element.get("negate") in ("true", "1"))
        if local(element) == "complex-check":
            _add_checks(element, checks, negate=is_negated)
        else:
            checks += _read_check(element, negate=is_negated)


def _read_check(element: Element, *, negate: bool) -> list[Check]:
    """One for each definition or script that the check refers to."""
    imports = element.iterchildren("{*}check-import")
    outputs = [(child.get("import-name", ""), child.text) for child in imports if child.text]
    system = element.get("system", "")
    references = element.iterchildren("{*}check-content-ref")
    named = [(reference.get("href"), reference.get("name")) for reference in references]
    return [
        Check(system, href, name, negate, tuple(outputs)) for href, name in named or [(None, None)]
    ]


def _read_override(element: Element) -> Override:
    parts = {local(child): text_of(child).strip() for child in element}
    return Override(
        old=parts.get("old-result", ""),
        new=parts.get("new-result", ""),
        authority=element.get("authority", "an unknown authority"),
        remark=parts.get("remark", "without a remark"),
    )


def _cpe_version(cpe: str) -> str | None:
    found = _CPE.fullmatch(cpe)
    if found is None:
        return None
    return found[1]


def _read_time(text: str) -> datetime | None:
    """An xs:dateTime; without a zone where it has none (older scanners)."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
