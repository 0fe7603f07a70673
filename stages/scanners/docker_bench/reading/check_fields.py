"""Checks from the fields that the JSON has for them, whether it was read strictly or leniently."""

import re
from collections.abc import Iterable

from stages.scanners.docker_bench.reading.bench_output import Check, Output, check_id
from stages.scanners.docker_bench.reading.finding_text import CUT_SHORT, finding, optional_line

MAX_SECONDS = 253_402_300_799
"""The last second of the year 9999: later ones are no dates."""

_REMEDIATION = 8192
_TITLE = 200
_FLAT = re.compile(r"(PASS|WARN|INFO|NOTE)(?::\s?|\Z)")

Fields = dict[str, str | None]


def add_check(output: Output, fields: Fields, items: list[str] | None, group: str | None) -> None:
    """Take in one result; a test without a result and with a bare number is an empty group."""
    number = check_id(fields.get("id"))
    if number is None:
        return
    word = (fields.get("result") or "").strip().upper()[:16] or None
    if word is None and "." not in number:
        add_group(output, fields)
        return
    check = Check(
        id=number,
        title=optional_line(fields.get("desc")),
        word=word,
        remediation=optional_line(fields.get("remediation"), _REMEDIATION),
        impact=optional_line(fields.get("remediation-impact"), _REMEDIATION),
        group=group,
        cut_short=items is not None and items[-1:] == [CUT_SHORT],
    )
    check.find(finding(fields.get("details"), items))
    output.add(check)


def add_group(output: Output, fields: Fields) -> str | None:
    """Take in the name of a group of checks; its number."""
    number, title = check_id(fields.get("id")), optional_line(fields.get("desc"), _TITLE)
    if number and title:
        output.sections[number] = title
    return number


def add_flat(output: Output, number: str, values: Iterable[str | None]) -> None:
    """Results of 1.3.4 and earlier: `WARN`, or `WARN: what was found`, or only what was found."""
    for value in values:
        text = value or ""
        known = _FLAT.match(text)
        check = Check(id=number.upper(), word=known[1] if known else "INFO")
        check.find(finding(text[known.end() :] if known else text, None))
        output.add(check)


def number_within(value: object, most: int = MAX_SECONDS) -> int | None:
    """A count or a time from JSON, if it is a possible one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= most else None
