"""What a tailoring can refer to in a benchmark: its profiles, rules, groups and values.

The whole file is read, once; memory follows the number of rules, not their texts.

Diagnostics: ScapError for a file that cannot be read as content, OSError for one that cannot be
opened.
"""

from collections.abc import Mapping
from pathlib import Path

from schemas.records import Struct, field
from spool.packing import unpacked
from stages.scap.allowed_values import ValueItem, read_value
from stages.scap.rule_counts import (
    RULE_PARENTS,
    WHOLE_CONTENT,
    WHOLE_CONTENT_LIMITS,
    Selection,
    benchmark_around,
    groups_around,
)
from stages.scap.xccdf_text import title_of
from stages.scap.xml_elements import Element, local
from stages.scap.xml_records import records


class BenchmarkItems(Struct):
    """One benchmark."""

    id: str
    selection: Selection = field(default_factory=Selection)
    profile_titles: dict[str, str] = field(default_factory=dict)
    rule_titles: dict[str, str] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    values: dict[str, ValueItem] = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)
    """Names of several rules, groups or values at once."""

    def add(self, parent: Element, record: Element) -> None:
        if local(parent) == "Group":
            self.groups.add(parent.get("id", ""))
            self._add_cluster(parent)
        self._add_cluster(record)
        name = local(record)
        identifier = record.get("id", "")
        if name == "Profile":
            self.selection.add_profile(record)
            self.profile_titles[identifier] = title_of(record)
        elif name == "Rule":
            self.selection.add_rule(record, groups_around(parent))
            self.rule_titles[identifier] = title_of(record)
        elif name == "Value":
            self.values[identifier] = read_value(record)

    def _add_cluster(self, item: Element) -> None:
        cluster = item.get("cluster-id")
        if cluster:
            self.clusters.add(cluster)

    @property
    def selectable(self) -> Mapping[str, str]:
        """The ids that can be selected, with their titles; groups and clusters have none here."""
        without_title = dict.fromkeys((*self.groups, *self.clusters), "")
        return {**without_title, **self.rule_titles}


def read_benchmarks(path: Path) -> list[BenchmarkItems]:
    """The benchmarks of a file, in its order. Raises ScapError, OSError."""
    found: list[BenchmarkItems] = []
    last: Element | None = None
    with path.open("rb") as file:
        stream = unpacked(file, WHOLE_CONTENT_LIMITS.bytes)
        for parent, record in records(stream, WHOLE_CONTENT, WHOLE_CONTENT_LIMITS):
            if local(parent) not in RULE_PARENTS:
                continue
            benchmark = benchmark_around(parent)
            if benchmark is not last:
                last = benchmark
                found.append(BenchmarkItems(benchmark.get("id", "")))
            found[-1].add(parent, record)
    return found
