"""Submissions, read as the two kinds of servers read them. Pure.

The names of fields are written down here again, not taken from the agent: a name that the agent
misspells would not be found otherwise. How a value is decoded is the servers' own: both are
written in Go, whose decoder ignores unknown keys, treats null as absent, and refuses the
whole body for one wrong type anywhere: a float for an integer, a number for a string, a time that
is not RFC 3339.

Diagnostics: `BodyError` names the wrong key and the reason; `NoScansError`: the body is well-formed
and contains no scan.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from schemas.records import Struct

Decoder = Callable[[object, str], Any]
_INT64 = range(-(2**63), 2**63)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_RFC_3339 = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-\d\d)T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class BodyError(ValueError):
    """A body that a server cannot decode."""


class NoScansError(ValueError):
    """A body that a server can decode, but that contains no scan."""


class Submission(Struct, frozen=True):
    """The scans of one body, in the flat keys of released servers, and their hash."""

    scans: tuple[Mapping[str, Any], ...]
    compliance_hash: str | None = None


def read_released(body: bytes) -> Submission:
    """Read `scans`, or one scan in flat keys. Raises BodyError, NoScansError."""
    decoded = _TOP(_json(body), "body")
    compliance_hash = decoded.get("compliance_hash")
    if decoded.get("scans"):
        return Submission(tuple(decoded["scans"]), compliance_hash)
    if "scans" not in decoded and decoded.get("profile_name"):
        return Submission(
            ({key: decoded[key] for key in _SCAN_KEYS if key in decoded},), compliance_hash
        )
    raise NoScansError("neither scans nor profile_name")


def read_specification(body: bytes) -> Submission:
    """Read one scan, with `profile` and `summary`. Raises BodyError, NoScansError."""
    decoded = _SPECIFIED(_json(body), "body")
    profile = decoded.pop("profile", {})
    if not profile.get("name"):
        raise NoScansError("no profile.name")
    named = {f"profile_{key}": value for key, value in profile.items()}
    return Submission(({**named, **decoded.pop("summary", {}), **decoded},))


def _json(body: bytes) -> object:
    try:
        # Go reads bytes that are not UTF-8 as U+FFFD.
        return json.loads(body.decode("utf-8", "replace"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"not JSON: {error}") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, "a string", value)
    return _LONE_SURROGATE.sub("\ufffd", value)


def _integer(value: object, path: str) -> int:
    if type(value) is not int or value not in _INT64:
        raise _wrong(path, "an integer", value)
    return value


def _number(value: object, path: str) -> float:
    if type(value) not in (int, float):
        raise _wrong(path, "a number", value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(path, "a number that a double can hold", value)
    return number


def _boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "a boolean", value)
    return value


def _time(value: object, path: str) -> str:
    error = _wrong(path, "an RFC 3339 time with zone", value)
    if not isinstance(value, str):
        raise error
    match = _RFC_3339.fullmatch(value)
    if match is None:
        raise error
    # Python has no year 0; 2000 has the same calendar.
    date = re.sub("^0000", "2000", match[1])
    try:
        datetime.fromisoformat(date)
    except ValueError:
        raise error from None
    return value


def _list(element: Decoder) -> Decoder:
    def decode(value: object, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(path, "an array", value)
        decoded = []
        for number, one in enumerate(value):
            # Go's decoder makes an empty object of null.
            present = one
            if one is None:
                present = {}
            decoded.append(element(present, f"{path}[{number}]"))
        return decoded

    return decode


def _struct(fields: Mapping[str, Decoder]) -> Decoder:
    def decode(value: object, path: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        present = [key for key in fields if value.get(key) is not None]
        return {key: fields[key](value[key], f"{path}.{key}") for key in present}

    return decode


def _wrong(path: str, wanted: str, value: object) -> BodyError:
    return BodyError(f"{path}: must be {wanted}, is {str(value)[:40]!r} ({type(value).__name__})")


_COUNTERS = dict.fromkeys(
    ("total_rules", "passed", "failed", "warnings", "skipped", "not_applicable"), _integer
)
_RESULT_TEXTS = (
    *("rule_ref", "title", "status", "severity", "section"),
    *("description", "finding", "actual", "expected", "remediation"),
)
"""What released servers read of a result."""

_SCAN_KEYS: dict[str, Decoder] = {
    "profile_name": _text,
    "profile_type": _text,
    "status": _text,
    "started_at": _time,
    "completed_at": _time,
    "score": _number,
    **_COUNTERS,
    "results": _list(_struct(dict.fromkeys(_RESULT_TEXTS, _text))),
    "error": _text,
}
_TOP = _struct(
    {
        "scans": _list(
            _struct({**_SCAN_KEYS, "remediation_applied": _boolean, "remediation_count": _integer})
        ),
        **_SCAN_KEYS,
        **dict.fromkeys(("hostname", "machine_id", "agent_version", "compliance_hash"), _text),
    }
)
_SPECIFIED = _struct(
    {
        "profile": _struct(dict.fromkeys(("name", "type", "version"), _text)),
        "started_at": _time,
        "completed_at": _time,
        "status": _text,
        "summary": _struct(
            {**{key: _integer for key in _COUNTERS if key != "not_applicable"}, "score": _number}
        ),
        "results": _list(_struct(dict.fromkeys((*_RESULT_TEXTS, "rationale"), _text))),
        "raw_output": _text,
    }
)
