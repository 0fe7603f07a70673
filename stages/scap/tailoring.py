"""An XCCDF tailoring file: its profiles, what they extend, and what they change.

Files of XCCDF 1.2 are read, and those that SCAP Workbench writes for XCCDF 1.1.

Diagnostics: ScapError for bytes that are not a tailoring.
"""

from io import BytesIO
from typing import Literal, cast, get_args

from schemas.capabilities import ProfileInfo
from schemas.records import Struct, field
from stages.scap.content_profiles import read_profile
from stages.scap.rule_counts import Selection
from stages.scap.xml_elements import Element, local, text_of
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import RecordLayout, XmlLimits, records

XCCDF_1_2 = "http://checklists.nist.gov/xccdf/1.2"
_NAMESPACES = (XCCDF_1_2, "http://open-scap.org/page/Xccdf-1.1-tailoring")
_LIMITS = XmlLimits(elements=200_000, seconds=20.0)
_LAYOUT = RecordLayout(roots=frozenset(("Tailoring",)), structure=frozenset(("Tailoring",)))
_SUFFIX = " (tailored)"
_MARKS = ("tailored", "[customized]")
"""Marks in a title that already say that the profile is tailored, as workbenches write them."""

ChangeKind = Literal["select", "set-value", "refine-value", "refine-rule"]
_KINDS: dict[str, ChangeKind] = {kind: kind for kind in get_args(ChangeKind)}
"""By the names of the elements."""


class TailoringChange(Struct, frozen=True):
    """One thing that a profile of a tailoring changes."""

    kind: ChangeKind
    idref: str
    text: str
    """Whether it selects (`true`, `false`), the new value, or the new selector."""
    line: int

    @property
    def selects(self) -> bool:
        return self.kind == "select" and self.text in ("true", "1")


class TailoredProfile(Struct, frozen=True):
    """A profile of a tailoring."""

    profile: ProfileInfo
    extends: str | None
    """The id of the profile in the content that it changes."""
    line: int
    changes: tuple[TailoringChange, ...]


class Tailoring(Struct):
    """A tailoring file."""

    profiles: dict[str, TailoredProfile] = field(default_factory=dict)
    """By their ids, in the order of the file."""
    selection: Selection = field(default_factory=Selection)
    """What its profiles select."""
    benchmark_href: str | None = None
    benchmark_id: str | None = None
    benchmark_line: int = 0

    @property
    def titles(self) -> dict[str, str]:
        return {name: each.profile.title for name, each in self.profiles.items()}

    def add(self, record: Element, path: str = "") -> None:
        """Take in one record of the tailoring. Raises ScapError."""
        if local(record) == "Profile":
            profile = _read_profile(record, path)
            self._check(profile)
            self.profiles[profile.profile.id] = profile
            self.selection.add_profile(record)
        elif local(record) == "benchmark":
            self.benchmark_href = record.get("href")
            self.benchmark_id = record.get("id")
            self.benchmark_line = _line(record)

    def _check(self, profile: TailoredProfile) -> None:
        identifier = profile.profile.id
        if not identifier:
            raise ScapError(f"line {profile.line}: the profile has no id")
        if identifier in self.profiles:
            other = self.profiles[identifier].line
            raise ScapError(f"line {profile.line}: the profile {identifier} is in line {other} too")


def tailored_title(title: str) -> str:
    """The title, marked as that of a tailored profile where it is not marked already.

    The server files scans under titles, and must not take a tailored profile for the original.
    """
    if any(mark in title.casefold() for mark in _MARKS):
        return title
    return f"{title}{_SUFFIX}".strip()


def untailored_title(title: str) -> str:
    """The title without the mark that `tailored_title` adds."""
    return title.removesuffix(_SUFFIX)


def parse_tailoring(content: bytes, path: str) -> Tailoring:
    """The tailoring, its profiles in their order. Raises ScapError."""
    tailoring = Tailoring()
    for parent, record in records(BytesIO(content), _LAYOUT, _LIMITS):
        _check_namespace(parent)
        tailoring.add(record, path)
    if not tailoring.profiles:
        raise ScapError("the tailoring has no profile")
    return tailoring


def _check_namespace(root: Element) -> None:
    namespace = root.tag.rpartition("}")[0].removeprefix("{")
    if namespace not in _NAMESPACES:
        raise ScapError(f"is not an XCCDF tailoring: its namespace is {namespace or 'missing'!r}")


def _read_profile(element: Element, path: str) -> TailoredProfile:
    changes: list[TailoringChange] = []
    for child in element:
        kind = _KINDS.get(local(child))
        if kind is not None:
            changes.append(_read_change(kind, child))
    extends = element.get("extends") or None
    return TailoredProfile(read_profile(element, path), extends, _line(element), tuple(changes))


def _read_change(kind: ChangeKind, element: Element) -> TailoringChange:
    texts = {
        "select": element.get("selected", ""),
        "set-value": text_of(element),
        "refine-value": element.get("selector", ""),
        "refine-rule": "",
    }
    return TailoringChange(kind, element.get("idref", ""), texts[kind], _line(element))


def _line(element: Element) -> int:
    line = cast("int | None", element.sourceline)
    return line or 0
