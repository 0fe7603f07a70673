"""How many rules each profile selects: what a scan with it evaluates.

A rule is selected where it and all groups round it are: by their own `selected`, which is true where nothing is said,
then by the profile that the chosen one extends, then by the chosen one.

Diagnostics: ScapError for a file that can't be read as content, OSError for one that can't be opened.
"""

from dataclasses import dataclass, field
from pathlib import Path

from stages.scap.xml_records import Element, Limits, RecordLayout, local, records

_LIMITS = Limits(bytes=1024 * 1024 * 1024, seconds=60.0)
_LAYOUT = RecordLayout(
    roots=frozenset(("data-stream-collection", "Benchmark")),
    structure=frozenset(("data-stream-collection", "component", "Benchmark", "Group")),
    skipped=frozenset(
        ("data-stream", "extended-component", "component/oval_definitions", "component/ocil")
    ),
)


def rule_counts(path: Path) -> dict[str, int]:
    """Profile id to the number of rules that it selects; of several benchmarks, each with its own profiles."""
    found: list[_Benchmark] = []
    with path.open("rb") as stream:
        for parent, record in records(stream, _LAYOUT, _LIMITS):
            where, what = local(parent), local(record)
            if where == "Benchmark" and what == "Profile":
                _of(parent, found).add_profile(record)
            elif where in ("Benchmark", "Group") and what == "Rule":
                around = [parent, *parent.iterancestors()]
                groups = [element for element in around if local(element) == "Group"]
                _of(around[len(groups)], found).add_rule(record, groups)
    return {
        profile: benchmark.count(profile) for benchmark in found for profile in benchmark.profiles
    }


@dataclass
class _Benchmark:
    element: Element
    profiles: dict[str, tuple[str, dict[str, bool]]] = field(default_factory=dict)
    """By id: the profile that it extends, and what it selects and unselects."""
    rules: list[tuple[str, ...]] = field(default_factory=list)
    """Each rule's id, and those of the groups round it."""
    defaults: dict[str, bool] = field(default_factory=dict)

    def add_profile(self, element: Element) -> None:
        selects = {
            select.get("idref", ""): _is_true(select.get("selected"))
            for select in element.iterchildren("{*}select")
        }
        self.profiles[element.get("id", "")] = (element.get("extends", ""), selects)

    def add_rule(self, rule: Element, groups: list[Element]) -> None:
        for element in (rule, *groups):
            self.defaults[element.get("id", "")] = _is_true(element.get("selected", "true"))
        self.rules.append(tuple(element.get("id", "") for element in (rule, *groups)))

    def count(self, profile: str) -> int:
        selected = self.defaults | self._selects(profile)
        return sum(all(selected[identifier] for identifier in rule) for rule in self.rules)

    def _selects(self, profile: str) -> dict[str, bool]:
        """Of the profile and those that it extends, the nearest last."""
        chain: dict[str, dict[str, bool]] = {}
        while profile in self.profiles and profile not in chain:
            extended, chain[profile] = self.profiles[profile]
            profile = extended
        merged: dict[str, bool] = {}
        for selects in reversed(chain.values()):
            merged |= selects
        return merged


def _of(element: Element, found: list[_Benchmark]) -> _Benchmark:
    if not found or found[-1].element is not element:
        found.append(_Benchmark(element))
    return found[-1]


def _is_true(word: str | None) -> bool:
    return word in ("true", "1")
