"""Waivers: exceptions that an organization has approved, as written in files of `waivers.d`.

A waiver names a rule whose failure is accepted until a date, by whom, and why. All problems of a
file are reported at once, each with its place.
"""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec
from msgspec import NODEFAULT, Meta

from schemas.expected import kind_of
from schemas.ids import Scanner
from schemas.records import Record
from schemas.settings_check import KeyProblem, unknown_keys, value_problem

Pattern = Annotated[
    str,
    Meta(min_length=1, max_length=256, description="a name, in which * and ? are wildcards"),
]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Day = Annotated[date, Meta(description="a date like 2027-03-31")]
_NO_RULES_NAME = (
    "¤",
    "xccdf_¤_rule_¤",
    "xccdf_org.ssgproject.content_rule_¤",
    "xccdf_org.cisecurity.benchmarks_rule_¤",
)
"""Names like those of rules, which no rule has: a pattern that fits one fits every rule."""
_NO_END = (
    "is missing: give the last day, like 2027-03-31, or allow open-ended waivers "
    "with compliance.waivers.open_ended"
)
_FITS_EVERY_RULE = "fits every rule: name the rules, or confirm it with all_rules: true"


class Waiver(Record, frozen=True, kw_only=True):
    """One accepted exception."""

    rule: Pattern
    """Id of the rule, its short id, or the number or title of its section; may be a pattern."""
    reason: Line
    approved_by: Line
    ticket: Line | None = None
    expires: Day | None = None
    """The last day on which it applies, in UTC. None: open-ended, where a setting allows that."""
    profile: Pattern | None = None
    """Name or id of a profile. Default: every profile."""
    scanner: Scanner | None = None
    """Default: every scanner."""
    host: Pattern | None = None
    """Name of a host, with or without its domain. Default: every host."""
    all_rules: bool = False
    """Confirms that a pattern which fits every rule is meant."""

    @property
    def scope(self) -> tuple[str | None, ...]:
        """What it applies to. Two waivers of one scope contradict each other if they differ."""
        return (
            self.rule.casefold(),
            _folded(self.profile),
            self.scanner,
            _folded(self.host),
        )


def check_waiver(values: object, *, open_ended: bool) -> tuple[Waiver | None, list[KeyProblem]]:
    """A waiver from plain values, and its problems; None where there are problems."""
    if not isinstance(values, Mapping):
        return None, [KeyProblem(None, f"must be a mapping of keys, is {kind_of(values)}")]
    taken, problems = _check_fields(values)
    if "expires" not in values and not open_ended:
        problems.append(KeyProblem("expires", _NO_END))
    if fits_every_rule(taken.get("rule", "")) and not taken.get("all_rules", False):
        problems.append(KeyProblem("rule", _FITS_EVERY_RULE))
    if problems:
        return None, problems
    return Waiver(**taken), []


def _check_fields(values: Mapping[str, object]) -> tuple[dict[str, Any], list[KeyProblem]]:
    """The values of the right fields, and the problems of the others."""
    problems = unknown_keys(values, Waiver)
    taken: dict[str, Any] = {}
    for field in msgspec.structs.fields(Waiver):
        if field.name in values:
            problem = value_problem(values[field.name], field.type)
        elif field.default is NODEFAULT:
            problem = "is missing"
        else:
            continue
        if problem is not None:
            problems.append(KeyProblem(field.name, problem))
        else:
            taken[field.name] = msgspec.convert(values[field.name], field.type)
    return taken, problems


def fits_every_rule(pattern: str) -> bool:
    return fits(pattern, *_NO_RULES_NAME)


def fits(pattern: str, *names: str | None) -> bool:
    """Whether a pattern fits one of the names, in upper or lower case."""
    folded = pattern.casefold()
    return any(name is not None and fnmatchcase(name.casefold(), folded) for name in names)


def _folded(text: str | None) -> str | None:
    if text is None:
        return None
    return text.casefold()
