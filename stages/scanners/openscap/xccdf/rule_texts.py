"""A rule's own texts: title, description, rationale, severity, references, fixes, section. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from schemas.records import Struct
from schemas.report import SEVERITIES, Fix, Reference, Severity
from stages.scanners.shown_text import (
    plain_characters,
    short_section,
    without_blank_runs,
    without_number,
)
from stages.scap.xccdf_text import one_line, readable, verbatim
from stages.scap.xml_elements import Element, children_by_name, local

_FIX_PREFIX = "urn:xccdf:fix:script:"
_SHELLS = frozenset(("sh", "bash"))
_CIS_RULE_ID = re.compile(r"cisecurity\.benchmarks?_(?:rule|group)_(\d+(?:\.\d+)+)")
_NUMBER_IN_ID = re.compile(r"(?:^|_rule_)(\d+(?:\.\d+)+)")
_STIG_RULE_IDS = ("SV-", "xccdf_mil.disa.stig")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class _Standard(Struct, frozen=True):
    """A standard that profiles are made for."""

    profile: str
    """Found in the profile's id."""
    reference: str
    """Found in the `href` of its references."""
    number: re.Pattern[str]
    """What its numbers look like."""


_CIS = _Standard(
    profile=r"\bcis\b",
    reference=r"(?is)^(?!.*/controls)(?:.*cisecurity\.org|cis .*benchmark)",
    number=re.compile(r"\d+(\.\d+)+"),
)
"""The CIS Benchmarks, and not the CIS Controls, which are at the same host."""
_ANY_NUMBER = re.compile(r"\S.*")
_STIG_NUMBER = re.compile(r"[A-Z0-9]+-[A-Z0-9]+-\d{6}|V-\d+")
_STANDARDS = (
    _Standard(r"anssi", r"gouv\.fr", _ANY_NUMBER),
    _Standard(r"stig", r"cyber\.mil|disa", _STIG_NUMBER),
    _Standard(r"pci.?dss", r"pcisecuritystandards", _ANY_NUMBER),
    _Standard(r"hipaa", r"gpo\.gov|hhs\.gov|hipaa", _ANY_NUMBER),
    _Standard(r"\bcui\b|800.171", r"800-171", _ANY_NUMBER),
    _Standard(r"\bospp|\bvpp\b", r"niap", _ANY_NUMBER),
    _Standard(r"\bcjis", r"fbi\.gov|cjis", _ANY_NUMBER),
    _Standard(r"\bism\b|\be8\b", r"cyber\.gov\.au", _ANY_NUMBER),
    _Standard(r"\bbsi\b", r"bsi\.bund", _ANY_NUMBER),
    _Standard(r"\bccn\b", r"ccn-cert", _ANY_NUMBER),
    _Standard(r"\bnerc\b", r"nerc\.com", _ANY_NUMBER),
    _Standard(r"\biso.?27", r"iso\.org", _ANY_NUMBER),
    _Standard(r"^(?:high|moderate)\b|fedramp|800.53", r"800-53", _ANY_NUMBER),
)
"""Of several that fit a profile the first: ANSSI's high level is not the high baseline of NIST."""


class RuleTexts(Struct, frozen=True):
    title: str
    severity: Severity
    description: str | None
    rationale: str | None
    section: str | None
    groups: tuple[str, ...]
    """Titles of the groups that the rule is in, outermost first."""
    remediation: str | None
    remediation_is_advice: bool
    """The remediation, if there is one, is prose and not a script."""
    references: tuple[Reference, ...]
    other_fixes: tuple[Fix, ...]


UNKNOWN_RULE = RuleTexts("", "unknown", None, None, None, (), None, False, (), ())
"""For a result whose rule is not in the benchmark."""


class TextOptions(Struct, frozen=True):
    """How the texts of a scan's rules are read."""

    values: Mapping[str, str]
    profile: str | None
    to_fix: frozenset[str]
    """The rules that keep every fix; the others keep only the shell fix."""


def read_rule_texts(rule: Element, options: TextOptions, groups: tuple[str, ...]) -> RuleTexts:
    """The texts of a rule with the scan's values; `groups` are the titles of its groups."""
    values = options.values
    parts = children_by_name(rule)
    identifier = rule.get("id", "")
    references = _references(parts.get("reference", ()), parts.get("ident", ()))
    fixes = _fixes(parts.get("fix", ()), values, every=identifier in options.to_fix)
    # In most content this text has no markup: its lines are prose and commands.
    advice = readable(_first(parts, "fixtext"), values, keeps_lines=True)
    number = rule_number(identifier, references, options.profile)
    if number is None and identifier.startswith(_STIG_RULE_IDS):
        number = one_line(readable(_first(parts, "version"), values))
    title = plain_characters(one_line(readable(_first(parts, "title"), values)) or "")
    return RuleTexts(
        title=without_number(title, number or _number_in_id(identifier)),
        severity=read_severity(rule.get("severity")),
        description=_prose(parts, "description", values),
        rationale=_prose(parts, "rationale", values),
        section=_section(number, groups),
        groups=groups,
        remediation=fixes.shell or advice,
        remediation_is_advice=fixes.shell is None,
        references=references,
        other_fixes=tuple(fixes.others),
    )


def _section(number: str | None, groups: Sequence[str]) -> str | None:
    """The rule's number, else the title of the group that it is in."""
    if number is not None:
        return short_section(number)
    if not groups:
        return None
    return short_section(groups[-1])


def _number_in_id(identifier: str) -> str | None:
    """`1.2.3` of `xccdf_org.example_rule_1.2.3_Ensure_x`."""
    found = _NUMBER_IN_ID.search(identifier)
    if found is None:
        return None
    return found[1]


def read_severity(text: str | None) -> Severity:
    if text in SEVERITIES:
        return text
    return "unknown"


def rule_number(rule_id: str, references: Sequence[Reference], profile: str | None) -> str | None:
    """The rule's number in its CIS benchmark, else in the standard that the profile is made for."""
    number = _number_in(_CIS, references)
    if number is not None:
        return number
    if found := _CIS_RULE_ID.search(rule_id):
        return found[1]
    standard = _standard_of(profile)
    if standard is None:
        return None
    return _number_in(standard, references)


def _number_in(standard: _Standard, references: Sequence[Reference]) -> str | None:
    for reference in references:
        is_of_standard = _is_found(standard.reference, reference.standard)
        if is_of_standard and standard.number.fullmatch(reference.id):
            return reference.id
    return None


@lru_cache(maxsize=64)
def _standard_of(profile: str | None) -> _Standard | None:
    """The standard that a profile is made for."""
    name = (profile or "").rpartition("_profile_")[2].lower().replace("_", "-")
    for standard in _STANDARDS:
        if re.search(standard.profile, name):
            return standard
    return None


@lru_cache(maxsize=1024)
def _is_found(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _references(references: Sequence[Element], idents: Sequence[Element]) -> tuple[Reference, ...]:
    """Each once, in the order of the file."""
    places = [(element.get("href"), _reference_text(element)) for element in references]
    places += [(element.get("system"), element.text) for element in idents]
    found = [_reference(standard, text) for standard, text in dict.fromkeys(places)]
    return tuple(filter(None, found))


@lru_cache(maxsize=8192)
def _reference(standard: str | None, text: str | None) -> Reference | None:
    """One record for all rules that refer to the same place; None where there is no text."""
    identifier = one_line(text)
    if identifier is None:
        return None
    return Reference(standard=standard or "unnamed", id=identifier)


def _reference_text(element: Element) -> str | None:
    """A reference may consist of Dublin Core elements; an identifier is better than a title."""
    if not len(element):
        return element.text
    named = {local(child): child.text for child in element}
    return named.get("identifier") or named.get("title") or element.text


class _Fixes(Struct):
    shell: str | None
    others: list[Fix]


def _fixes(fixes: Sequence[Element], values: Mapping[str, str], *, every: bool) -> _Fixes:
    """The first shell fix; with `every` also the fixes for all other systems."""
    found = _Fixes(None, [])
    for fix in fixes:
        system = fix.get("system", "unnamed").removeprefix(_FIX_PREFIX)
        is_shell = found.shell is None and system in _SHELLS
        if not is_shell and not every:
            continue
        text = verbatim(fix, values).strip("\n")
        if not text.strip():
            continue
        if is_shell:
            found.shell = without_blank_runs(text)
        else:
            found.others.append(Fix(system=system, text=text))
    return found


_Part = Literal["title", "description", "rationale", "fixtext", "version"]


def _first(parts: Mapping[str, Sequence[Element]], name: _Part) -> Element | None:
    """The first element of a name; the English one where there are several languages."""
    elements = parts.get(name, ())
    for element in elements:
        if element.get(_LANGUAGE, "en").startswith("en"):
            return element
    return next(iter(elements), None)


def _prose(
    parts: Mapping[str, Sequence[Element]], name: _Part, values: Mapping[str, str]
) -> str | None:
    text = readable(_first(parts, name), values)
    if text is None:
        return None
    return plain_characters(text)
