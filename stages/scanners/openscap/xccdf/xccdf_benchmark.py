"""Benchmarks: their rules, groups, values and profiles, added as the file is streamed.

A benchmark has thousands of rules and a scan uses some hundred. If the scan's rules are known
beforehand (`RuleFilter`), only these are read and the others are dropped at once. Without that,
each rule is kept as bytes, a fifth of the memory, and parsed again when its texts are needed.
"""

from collections import ChainMap

from schemas.codec import replace
from schemas.records import Struct, field
from stages.scanners.openscap.xccdf.rule_texts import (
    UNKNOWN_RULE,
    RuleTexts,
    TextOptions,
    read_rule_texts,
)
from stages.scanners.shown_text import plain_characters
from stages.scap.rule_counts import Selection, groups_around
from stages.scap.xccdf_text import one_line, readable, title_of
from stages.scap.xml_elements import Element, fragment, frozen, local, text_of


class RuleFilter(Struct, frozen=True):
    """The rules of the scan that the file is expected to be of; all others are dropped."""

    rules: frozenset[str]
    text_options: TextOptions


class _UnreadRule(Struct, frozen=True):
    xml: bytes
    group: str


class Benchmark(Struct):
    id: str
    title: str | None = None
    version: str | None = None
    rule_filter: RuleFilter | None = None
    rules: dict[str, _UnreadRule | RuleTexts] = field(default_factory=dict)
    group_paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Group id to the titles of its path, outermost first."""
    values: dict[str, str] = field(default_factory=dict)
    """Value id to its default."""
    profiles: dict[str, str] = field(default_factory=dict)
    """Profile id to title."""
    selection: Selection = field(default_factory=Selection)
    """Which rules each profile selects."""

    def add(self, parent: Element, record: Element) -> None:
        """One record that lies in the benchmark or in one of its groups."""
        name = local(record)
        if name == "Rule":
            self.selection.add_rule(record, groups_around(parent))
            self._add_rule(record, parent.get("id", ""))
        elif name == "Value":
            self._add_value(record)
        elif name == "Profile":
            self.add_profile(record)
        elif local(parent) == "Group":
            self._add_to_group(parent, record)
        else:
            self._add_to_header(name, record)

    def _add_to_header(self, name: str, record: Element) -> None:
        if name == "title":
            self.title = one_line(readable(record, {}))
        elif name == "version":
            self.version = one_line(record.text)
        elif name == "plain-text":
            self.values[record.get("id", "")] = text_of(record)

    def add_profile(self, profile: Element) -> None:
        self.selection.add_profile(profile)
        self.profiles[profile.get("id", "")] = title_of(profile)

    def texts(self, rule: str, text_options: TextOptions) -> RuleTexts:
        """The texts of a rule; empty ones for a rule that is not in the benchmark."""
        found = self.rules.get(rule, UNKNOWN_RULE)
        if isinstance(found, RuleTexts):
            return found
        path = self.group_paths.get(found.group, ())
        return read_rule_texts(fragment(found.xml), text_options, path)

    def rule_element(self, rule: str) -> Element | None:
        """The rule itself; None where it is not in the benchmark, or was read with a filter."""
        found = self.rules.get(rule)
        if isinstance(found, _UnreadRule):
            return fragment(found.xml)
        return None

    def _add_rule(self, record: Element, group: str) -> None:
        identifier = record.get("id", "")
        if self.rule_filter is None:
            self.rules[identifier] = _UnreadRule(frozen(record), group)
        elif identifier in self.rule_filter.rules:
            text_options = self._options_of(self.rule_filter)
            path = self.group_paths.get(group, ())
            self.rules[identifier] = read_rule_texts(record, text_options, path)

    def _options_of(self, rule_filter: RuleFilter) -> TextOptions:
        """Options with the scan's values and the benchmark's defaults, as far as these are read."""
        values = ChainMap(dict(rule_filter.text_options.values), self.values)
        return replace(rule_filter.text_options, values=values)

    def _add_value(self, element: Element) -> None:
        """The default is the value without a selector; where all have one, the first value."""
        values = element.iterchildren("{*}value")
        default = min(values, key=lambda value: bool(value.get("selector")), default=None)
        if default is not None:
            self.values[element.get("id", "")] = text_of(default)

    def _add_to_group(self, group: Element, record: Element) -> None:
        if local(record) != "title":
            return
        outer: tuple[str, ...] = ()
        parent = group.getparent()
        if parent is not None:
            outer = self.group_paths.get(parent.get("id", ""), ())
        title = plain_characters(one_line(readable(record, self.values)) or "")
        path = outer
        if title:
            path = (*outer, title)
        self.group_paths[group.get("id", "")] = path
