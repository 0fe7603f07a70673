"""Benchmarks: rules, kept as bytes until a result asks for them, groups, values and profiles."""

from collections import ChainMap
from dataclasses import dataclass, field, replace

from stages.scanners.openscap.xccdf.rule_texts import UNKNOWN_RULE, Reading, RuleTexts, texts
from stages.scap.xccdf_text import one_line, profile_title, readable
from stages.scap.xml_records import Element, fragment, frozen, local


@dataclass(frozen=True)
class RuleFilter:
    """A run that the file will turn out to be of: its rules are read as they come, all others are let go."""

    rules: frozenset[str]
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Held:
    """A rule as it was found; most are never looked at."""

    xml: bytes
    group: str


@dataclass
class Benchmark:
    id: str
    title: str | None = None
    version: str | None = None
    rule_filter: RuleFilter | None = None
    rules: dict[str, _Held | RuleTexts] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """Group id to the titles of its path, outermost first."""
    values: dict[str, str] = field(default_factory=dict)
    """Value id to its default."""
    profiles: dict[str, str] = field(default_factory=dict)
    """Profile id to title."""
    _foreseen_reading: Reading | None = None

    def add(self, parent: Element, record: Element) -> None:
        """One record that lies in the benchmark or in one of its groups."""
        name = local(record)
        if name == "Rule":
            self._add_rule(record, parent.get("id", ""))
        elif name == "Value":
            self._add_value(record)
        elif name == "Profile":
            self.add_profile(record)
        elif local(parent) == "Group":
            if name == "title":
                self._add_group(parent, record)
        elif name == "title":
            self.title = one_line(readable(record, {}))
        elif name == "version":
            self.version = (record.text or "").strip() or None
        elif name == "plain-text":
            self.values[record.get("id", "")] = record.text or ""

    def add_profile(self, profile: Element) -> None:
        for child in profile:
            if local(child) == "title":
                self.profiles[profile.get("id", "")] = profile_title(child)

    def texts(self, rule: str, reading: Reading) -> RuleTexts:
        """The texts of a rule; empty ones where the benchmark does not know it."""
        held = self.rules.get(rule, UNKNOWN_RULE)
        if isinstance(held, RuleTexts):
            return held
        return texts(fragment(held.xml), reading, self.groups.get(held.group))

    def _add_rule(self, record: Element, group: str) -> None:
        identifier = record.get("id", "")
        rule_filter = self.rule_filter
        if rule_filter is None:
            self.rules[identifier] = _Held(frozen(record), group)
        elif identifier in rule_filter.rules:
            self.rules[identifier] = texts(
                record, self._reading(rule_filter), self.groups.get(group)
            )

    def _reading(self, rule_filter: RuleFilter) -> Reading:
        """With the defaults of the benchmark for what the run does not set."""
        if self._foreseen_reading is None:
            values = ChainMap(dict(rule_filter.reading.values), self.values)
            self._foreseen_reading = replace(rule_filter.reading, values=values)
        return self._foreseen_reading

    def _add_value(self, element: Element) -> None:
        """The value without a selector is the default; where all have one, the first."""
        found = [child for child in element if local(child) == "value"]
        chosen = [child for child in found if not child.get("selector")] or found
        if chosen:
            self.values[element.get("id", "")] = chosen[0].text or ""

    def _add_group(self, group: Element, title: Element) -> None:
        outer = group.getparent()
        path = (
            self.groups.get(outer.get("id", ""))
            if outer is not None and local(outer) == "Group"
            else None
        )
        text = one_line(readable(title, self.values)) or ""
        self.groups[group.get("id", "")] = f"{path} > {text}" if path else text
