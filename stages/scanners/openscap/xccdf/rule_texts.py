"""A rule's own texts: title, description, rationale, severity, references, fixes and section. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from schemas.report import Fix, Reference, Severity
from stages.scap.xccdf_text import one_line, readable, verbatim
from stages.scap.xml_records import Element, children_by_name, local

_FIX_PREFIX = "urn:xccdf:fix:script:"
_SEVERITIES = ("critical", "high", "medium", "low")
_NUMBER = re.compile(r"\d+(\.\d+)+")
_CIS_ID = re.compile(r"cisecurity\.benchmarks?_(?:rule|group)_(\d+(?:\.\d+)+)")
_OWN = (
    # what the profile's id says, what the standard of its references says, what their numbers look like
    (r"anssi", r"gouv\.fr", r"\S.*"),
    (r"stig", r"cyber\.mil|disa", r"[A-Z0-9]+-[A-Z0-9]+-\d{6}|V-\d+"),
    (r"pci.?dss", r"pcisecuritystandards", r"\S.*"),
    (r"hipaa", r"gpo\.gov|hhs\.gov|hipaa", r"\S.*"),
    (r"\bcui\b|800.171", r"800-171", r"\S.*"),
    (r"\bospp|\bvpp\b", r"niap", r"\S.*"),
    (r"\bcjis", r"fbi\.gov|cjis", r"\S.*"),
    (r"\bism\b|\be8\b", r"cyber\.gov\.au", r"\S.*"),
    (r"\bbsi\b", r"bsi\.bund", r"\S.*"),
    (r"\bccn\b", r"ccn-cert", r"\S.*"),
    (r"\bnerc\b", r"nerc\.com", r"\S.*"),
    (r"\biso.?27", r"iso\.org", r"\S.*"),
    (r"^(?:high|moderate)\b|fedramp|800.53", r"800-53", r"\S.*"),
)
"""Of several that fit a profile the first: ANSSI's high level is not the high baseline of NIST."""


@dataclass(frozen=True, slots=True)
class RuleTexts:
    title: str
    severity: Severity
    description: str | None
    rationale: str | None
    section: str | None
    remediation: str | None
    advice: bool
    """The remediation is prose."""
    references: tuple[Reference, ...]
    other_fixes: tuple[Fix, ...]


UNKNOWN_RULE = RuleTexts("", "unknown", None, None, None, None, False, (), ())
"""A result whose rule is not in the benchmark."""


@dataclass(frozen=True)
class Reading:
    """For what run rules are read: the values and the profile, and the rules whose every fix is wanted."""

    values: Mapping[str, str]
    profile: str | None
    to_fix: frozenset[str]


def texts(rule: Element, reading: Reading, path: str | None) -> RuleTexts:
    """The texts of a rule with this profile's values; `path` are the titles of the groups it lies in."""
    values = reading.values
    parts = children_by_name(rule)
    references = _references(parts.get("reference", ()), parts.get("ident", ()))
    shell, others = _fixes(parts.get("fix", ()), values, every=rule.get("id") in reading.to_fix)
    advice = readable(_first(parts, "fixtext"), values)
    return RuleTexts(
        title=one_line(readable(_first(parts, "title"), values)) or "",
        severity=severity(rule.get("severity")),
        description=readable(_first(parts, "description"), values),
        rationale=readable(_first(parts, "rationale"), values),
        section=section(
            rule.get("id", ""), references, reading.profile, _text(parts, "version"), path
        ),
        remediation=shell or advice,
        advice=shell is None and advice is not None,
        references=references,
        other_fixes=others,
    )


def severity(word: str | None) -> Severity:
    return cast(Severity, word) if word in _SEVERITIES else "unknown"


def section(
    rule_id: str,
    references: Sequence[Reference],
    profile: str | None,
    version: str | None,
    path: str | None,
) -> str | None:
    """The rule's number in its benchmark: of CIS first, then of the profile's own standard, then the group path."""
    for reference in references:
        if _is_cis(reference.standard) and _NUMBER.fullmatch(reference.id):
            return reference.id
    if found := _CIS_ID.search(rule_id):
        return found[1]
    own = _own(profile)
    if own is not None:
        for reference in references:
            if _is_of(own[0], reference.standard) and own[1].fullmatch(reference.id):
                return reference.id
    if rule_id.startswith(("SV-", "xccdf_mil.disa.stig")) and version:
        return version
    return path


@lru_cache(maxsize=64)
def _own(profile: str | None) -> tuple[str, re.Pattern[str]] | None:
    """The standard that a profile is made for, and its numbers."""
    message = (profile or "").rpartition("_profile_")[2].lower().replace("_", "-")
    for name, standard, number in _OWN:
        if re.search(name, message):
            return standard, re.compile(number)
    return None


@lru_cache(maxsize=1024)
def _is_of(pattern: str, standard: str) -> bool:
    return re.search(pattern, standard) is not None


@lru_cache(maxsize=1024)
def _is_cis(standard: str) -> bool:
    """Not CIS Controls, which have numbers of their own at the same host."""
    where = standard.lower()
    cis = "cisecurity.org" in where or (where.startswith("cis ") and "benchmark" in where)
    return cis and "/controls" not in where


def _references(references: Sequence[Element], idents: Sequence[Element]) -> tuple[Reference, ...]:
    """Each once, in the order of the file."""
    places = {
        (element.get("href"), _elements_text(element) if len(element) else element.text): None
        for element in references
    }
    places |= {(element.get("system"), element.text): None for element in idents}
    return tuple([reference for place in places if (reference := _reference(*place)) is not None])


@lru_cache(maxsize=8192)
def _reference(standard: str | None, text: str | None) -> Reference | None:
    """One record for all rules that refer to the same place; None where there is no text."""
    identifier = one_line(text)
    return Reference(standard=standard or "unnamed", id=identifier) if identifier else None


def _elements_text(element: Element) -> str | None:
    """A reference may be made of Dublin Core elements; an identifier tells more than a title."""
    named = {local(child): child.text for child in element}
    return named.get("identifier") or named.get("title") or element.text


def _fixes(
    fixes: Sequence[Element], values: Mapping[str, str], *, every: bool
) -> tuple[str | None, tuple[Fix, ...]]:
    shell: str | None = None
    others = []
    for fix in fixes:
        system = fix.get("system", "unnamed").removeprefix(_FIX_PREFIX)
        is_shell = shell is None and system in ("sh", "bash")
        text = verbatim(fix, values).strip("\n") if is_shell or every else ""
        if not text.strip():
            continue
        if is_shell:
            shell = text
        else:
            others.append(Fix(system=system, text=text))
    return shell, tuple(others)


_Part = Literal["title", "description", "rationale", "fixtext", "version"]


def _first(parts: Mapping[str, Sequence[Element]], name: _Part) -> Element | None:
    """The first of its name; English where there are several languages."""
    found = parts.get(name, ())
    for element in found:
        if element.get("{http://www.w3.org/XML/1998/namespace}lang", "en").startswith("en"):
            return element
    return found[0] if found else None


def _text(parts: Mapping[str, Sequence[Element]], name: _Part) -> str | None:
    element = _first(parts, name)
    return one_line(element.text) if element is not None else None
