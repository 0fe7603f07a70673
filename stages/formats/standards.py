"""Short names of the standards that rules refer to by URI. Pure."""

import re
from collections.abc import Iterable

from schemas.records import Struct
from schemas.report import Reference

_KNOWN = (
    (r"800-53", "NIST 800-53"),
    (r"800-171", "NIST 800-171"),
    (r"nist\.gov/cyberframework|CSWP", "NIST CSF"),
    (r"cisecurity\.org/controls", "CIS Controls"),
    (r"cisecurity\.org", "CIS Benchmark"),
    (r"isaca\.org", "COBIT"),
    (r"stigs/cci", "CCI"),
    (r"stigs/srg", "DISA SRG"),
    (r"cyber\.mil|disa", "DISA STIG"),
    (r"62443-3-3", "ISA 62443-3-3"),
    (r"62443-2-1", "ISA 62443-2-1"),
    (r"iso\.org", "ISO 27001"),
    (r"pcisecuritystandards", "PCI DSS"),
    (r"gouv\.fr", "ANSSI"),
    (r"niap-ccevs", "NIAP"),
    (r"gpo\.gov|hhs\.gov", "HIPAA"),
    (r"fbi\.gov", "CJIS"),
    (r"nerc\.com", "NERC CIP"),
    (r"cyber\.gov\.au", "ISM"),
    (r"bsi\.bund", "BSI"),
    (r"ccn-cert", "CCN"),
    (r"cce\.mitre|ncp\.nist\.gov/cce", "CCE"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _KNOWN)
NIST_800_53 = "NIST 800-53"


class StandardReferences(Struct, frozen=True):
    """The references to one standard; `uri` is None where a page must not link to it."""

    name: str
    uri: str | None
    ids: tuple[str, ...]


def standard_name(standard: str) -> str:
    for pattern, name in _PATTERNS:
        if pattern.search(standard):
            return name
    return standard


def by_standard(references: Iterable[Reference]) -> tuple[StandardReferences, ...]:
    """References of one standard together, in the order of the benchmark."""
    ids: dict[str, list[str]] = {}
    for reference in references:
        ids.setdefault(reference.standard, []).append(reference.id)
    return tuple(
        StandardReferences(standard_name(standard), _linkable(standard), tuple(members))
        for standard, members in ids.items()
    )


def nist_controls(references: Iterable[Reference]) -> tuple[str, ...]:
    """Control ids as in OSCAL catalogs: `AC-6(1)` and `CM-6(a)` are `ac-6.1` and `cm-6`."""
    controls: list[str] = []
    for reference in references:
        if standard_name(reference.standard) == NIST_800_53:
            controls += _controls(reference.id)
    return tuple(dict.fromkeys(controls))


_CONTROL = re.compile(r"\b([A-Z]{2})-(\d{1,2})\s*(?:\((\d{1,2})\))?")


def _controls(text: str) -> Iterable[str]:
    for family, number, enhancement in _CONTROL.findall(text):
        control = f"{family.lower()}-{int(number)}"
        if enhancement:
            control += f".{int(enhancement)}"
        yield control


def _linkable(standard: str) -> str | None:
    """A URI that a reader may follow; a `javascript:` one may not."""
    if standard.startswith(("https://", "http://")) and not re.search(r"\s", standard):
        return standard
    return None
