"""How many rules each profile selects: what a scan with it evaluates.

A rule is selected if it and all groups around it are. Whether a rule or a group is selected is
decided by its own `selected` attribute (true by default), then by the profile that the chosen one
extends, then by the chosen profile; the last of them that says something applies.

Diagnostics: ScapError for a file that cannot be read as content, OSError for one that cannot be
opened.
"""

from pathlib import Path
from typing import cast

from schemas.codec import replace
from schemas.records import Struct, field
from spool.packing import unpacked
from stages.scap.xml_elements import Element, local
from stages.scap.xml_records import RecordLayout, XmlLimits, records

WHOLE_CONTENT_LIMITS = XmlLimits(bytes=1024 * 1024 * 1024, seconds=60.0)
WHOLE_CONTENT = RecordLayout(
    roots=frozenset(("data-stream-collection", "Benchmark")),
    structure=frozenset(("data-stream-collection", "component", "Benchmark", "Group")),
    skipped=frozenset(
        ("data-stream", "extended-component", "component/oval_definitions", "component/ocil")
    ),
)
_SCRIPTS = "http://open-scap.org/page/SCE"
_HIDDEN = " (of the content)"
RULE_PARENTS = frozenset(("Benchmark", "Group"))


class RuleCounts(Struct, frozen=True):
    """The rules of a file."""

    selected: list[dict[str, int]]
    """For each benchmark in its order: profile id to the number of rules that it selects."""
    by_script: int
    """Rules that are checked by scripts (SCE)."""


def count_rules(path: Path) -> RuleCounts:
    """Raises ScapError, OSError."""
    by_script = 0
    selections: dict[Element, Selection] = {}
    """By benchmark, in the order of the file."""
    with path.open("rb") as file:
        stream = unpacked(file, WHOLE_CONTENT_LIMITS.bytes)
        for parent, record in records(stream, WHOLE_CONTENT, WHOLE_CONTENT_LIMITS):
            if local(parent) not in RULE_PARENTS:
                continue
            # lxml makes a new object for an element that nothing refers to any more: as a key of
            # the dict the benchmark stays the same one from rule to rule.
            selection = selections.setdefault(benchmark_around(parent), Selection())
            if local(record) == "Profile":
                selection.add_profile(record)
            elif local(record) == "Rule":
                selection.add_rule(record, groups_around(parent))
                if _is_checked_by_script(record):
                    by_script += 1
    return RuleCounts([selection.counts() for selection in selections.values()], by_script)


def _is_checked_by_script(rule: Element) -> bool:
    return any(check.get("system") == _SCRIPTS for check in rule.iter("{*}check"))


class _ProfileSelection(Struct):
    extends: str
    selects: dict[str, bool]
    """By the id of a rule or group."""


class Selection(Struct):
    """Which rules of one benchmark its profiles select."""

    profiles: dict[str, _ProfileSelection] = field(default_factory=dict)
    rules: list[tuple[str, ...]] = field(default_factory=list)
    """Each rule's id, and those of the groups around it."""
    defaults: dict[str, bool] = field(default_factory=dict)

    def add_profile(self, element: Element) -> None:
        selects = {}
        for select in element.iterchildren("{*}select"):
            selects[select.get("idref", "")] = _is_true(select.get("selected"))
        self.profiles[element.get("id", "")] = _ProfileSelection(
            element.get("extends", ""), selects
        )

    def add_rule(self, rule: Element, groups: list[Element]) -> None:
        elements = [rule, *groups]
        for element in elements:
            self.defaults[element.get("id", "")] = _is_true(element.get("selected", "true"))
        self.rules.append(tuple(element.get("id", "") for element in elements))

    def tailored(self, tailoring: "Selection") -> "Selection":
        """The same rules, selected by the profiles of a tailoring file.

        A profile of the tailoring may have the id of the one that it extends, which it then hides.
        """
        profiles = dict(self.profiles)
        for name, profile in tailoring.profiles.items():
            profiles[name] = profile
            if profile.extends == name and name in self.profiles:
                hidden = f"{name}{_HIDDEN}"
                profiles[hidden] = self.profiles[name]
                profiles[name] = replace(profile, extends=hidden)
        return replace(self, profiles=profiles)

    def base_of(self, profile: str) -> str | None:
        """The profile that this one extends; None where it extends none that is known."""
        extends = self.profiles[profile].extends
        if extends not in self.profiles:
            return None
        return extends

    def counts(self) -> dict[str, int]:
        """Profile id to the number of rules that it selects."""
        return {profile: self.count(profile) for profile in self.profiles}

    def count(self, profile: str) -> int:
        return len(self.selected(profile))

    def selected(self, profile: str) -> list[str]:
        """The ids of the rules that a profile selects."""
        is_selected = self.defaults | self._selects(profile)
        rules = []
        for rule, *groups in self.rules:
            if all(is_selected[item] for item in (rule, *groups)):
                rules.append(rule)
        return rules

    def unknown(self, profile: str) -> list[str]:
        """The ids that a profile selects and the benchmark does not have."""
        unknown = []
        for item, is_selected in self._selects(profile).items():
            if is_selected and item not in self.defaults:
                unknown.append(item)
        return unknown

    def _selects(self, profile: str) -> dict[str, bool]:
        """By id: what the profile and those that it extends select; the extending one decides."""
        chain: list[str] = []
        # In a hostile file profiles may extend each other in a circle.
        while profile in self.profiles and profile not in chain:
            chain.append(profile)
            profile = self.profiles[profile].extends
        merged: dict[str, bool] = {}
        for name in reversed(chain):
            merged |= self.profiles[name].selects
        return merged


def groups_around(parent: Element) -> list[Element]:
    """The groups that a rule is in, given the element that it is in."""
    groups = []
    element = parent
    while local(element) == "Group":
        groups.append(element)
        # No layout has a group as its root, so there is always an element around it.
        element = cast(Element, element.getparent())
    return groups


def benchmark_around(parent: Element) -> Element:
    """The benchmark that a record is in, given the element that it is in."""
    element = parent
    while local(element) == "Group":
        element = cast(Element, element.getparent())
    return element


def _is_true(text: str | None) -> bool:
    return text in ("true", "1")
