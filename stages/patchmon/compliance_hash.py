"""compliance_hash: the digest by which servers from PatchMon 2.1.0 check that a submission arrived
unchanged.

Pure. The input is the scans of a submission as they are sent: mappings with the flat keys
(`profile_name`, `results` …); what is missing or None counts as empty. Every string is brought into
one form, results and scans into one order, and the whole into the one JSON text that Go's encoder
would write; its SHA-256 is the hash.
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from schemas import codec

_BLANKS = (
    "\t\n\v\f\r \u0085\u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Go's unicode.IsSpace. Python's bare `strip` would also take U+001C to U+001F."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_ESCAPED = {character.encode(): b"\\u%04x" % ord(character) for character in "<>&\u2028\u2029"}
"""What Go escapes so that JSON may stand in HTML and JavaScript."""

_RESULT_KEYS = {
    "ruleRef": "rule_ref",
    "status": "status",
    "severity": "severity",
    "section": "section",
    "title": "title",
    "description": "description",
    "finding": "finding",
    "actual": "actual",
    "expected": "expected",
    "remediation": "remediation",
}
_COUNTERS = {
    "totalRules": "total_rules",
    "passed": "passed",
    "failed": "failed",
    "warnings": "warnings",
    "skipped": "skipped",
    "notApplicable": "not_applicable",
}


def compliance_hash(scans: Iterable[Mapping[str, Any]]) -> str:
    """The hash of a submission, 64 hex digits."""
    ordered = sorted(map(_scan, scans), key=lambda scan: (scan["profileName"], scan["profileType"]))
    text = codec.encode({"scans": ordered})
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return hashlib.sha256(text).hexdigest()


def _scan(scan: Mapping[str, Any]) -> dict[str, Any]:
    results = [
        {key: _text(result.get(sent)) for key, sent in _RESULT_KEYS.items()}
        for result in scan.get("results") or ()
    ]
    return {
        "profileName": _text(scan.get("profile_name")),
        "profileType": _text(scan.get("profile_type")),
        "status": _text(scan.get("status")),
        "score": _score(scan.get("score")),
        **{key: scan.get(sent) or 0 for key, sent in _COUNTERS.items()},
        "remediationApplied": scan.get("remediation_applied") or False,
        "remediationCount": scan.get("remediation_count") or 0,
        "results": sorted(results, key=lambda result: (result["ruleRef"], result["status"])),
    }


def _text(value: str | None) -> str:
    # A lone surrogate can't be sent: the server reads U+FFFD in its place.
    readable = LONE_SURROGATE.sub("\ufffd", value or "")
    return unicodedata.normalize("NFC", readable).strip(_BLANKS)


def _score(value: float | None) -> int | float:
    """Four decimals, half away from zero, by the operations of Go's `math.Round(x * 10000) /
    10000`.
    """
    scaled = float(value or 0) * 10000
    whole = math.trunc(scaled)
    if abs(scaled - whole) >= 0.5:
        whole += int(math.copysign(1, scaled))
    rounded = float(whole) / 10000
    if rounded.is_integer():
        return int(rounded)
    return rounded
