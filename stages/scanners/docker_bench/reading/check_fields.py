"""Checks from the fields that the JSON has for them, whether it was read strictly or leniently."""

import re
from collections.abc import Iterable, Sequence

from stages.scanners.docker_bench.reading.bench_output import (
    BenchCheck,
    BenchOutput,
    check_id,
    group_id,
)
from stages.scanners.docker_bench.reading.finding_text import SHORTENED, finding, optional_line

MAX_SECONDS = 253_402_300_799
"""The last second of the year 9999: later ones are not dates."""

_REMEDIATION = 8192
_TITLE = 200
_MAX_RESULT = 16
_FLAT_RESULT = re.compile(r"(PASS|WARN|INFO|NOTE)(?::\s?|\Z)")

Fields = dict[str, str | None]


def add_check(
    output: BenchOutput, fields: Fields, items: Sequence[str] | None, group: str | None
) -> None:
    """Take in one result. Fields with the number of a group are a group without checks."""
    number = check_id(fields.get("id"))
    result = (fields.get("result") or "").strip().upper()[:_MAX_RESULT] or None
    if number is None:
        is_group = add_group(output, fields) is not None
        if result is not None and not is_group:
            output.unnumbered_results += 1
        return
    check = BenchCheck(
        id=number,
        title=optional_line(fields.get("desc")),
        result=result,
        remediation=optional_line(fields.get("remediation"), _REMEDIATION),
        impact=optional_line(fields.get("remediation-impact"), _REMEDIATION),
        group=group,
        was_shortened=items is not None and SHORTENED in items[-1:],
    )
    check.add_finding(finding(fields.get("details"), items))
    output.add(check)


def add_group(output: BenchOutput, fields: Fields) -> str | None:
    """Take in the name of a group of checks, and return its number."""
    number = group_id(fields.get("id"))
    title = optional_line(fields.get("desc"), _TITLE)
    if number and title:
        output.sections[number] = title
    return number


def add_flat_results(output: BenchOutput, number: str, values: Iterable[str | None]) -> None:
    """Results of 1.3.4 and earlier: `WARN`, or `WARN: what was found`, or only what was found."""
    for value in values:
        text = value or ""
        check = BenchCheck(id=number.upper(), result="INFO")
        if found := _FLAT_RESULT.match(text):
            check.result = found[1]
            text = text[found.end() :]
        check.add_finding(finding(text, None))
        output.add(check)


def number_within(value: object, most: int = MAX_SECONDS) -> int | None:
    """A count or a time from JSON, if it is a possible one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if not 0 < value <= most:
        return None
    return value
