"""Checks from the fields that the JSON has for them, whether it was read strictly or leniently."""

import re
from collections.abc import Iterable, Sequence

from stages.scanners.docker_bench.reading.bench_output import (
    BenchCheck,
    BenchOutput,
    BenchResult,
    check_id,
    group_id,
)
from stages.scanners.docker_bench.reading.finding_text import finding, optional_line

MAX_SECONDS = 253_402_300_799
"""The last second of the year 9999: later ones are not dates."""

_REMEDIATION = 8192
_TITLE = 200
_FLAT_RESULT = re.compile(r"(PASS|WARN|INFO|NOTE)(?::\s?|\Z)")

Fields = dict[str, str]


def add_check(
    output: BenchOutput, fields: Fields, items: Sequence[str] | None, group: str | None
) -> None:
    """Take in one result. Fields with the number of a group are a group without checks."""
    number = check_id(fields.get("id", ""))
    if number is None:
        add_group(output, fields)
        return
    check = BenchCheck(
        id=number,
        title=optional_line(fields.get("desc", "")),
        result=read_result(fields.get("result", "")),
        remediation=optional_line(fields.get("remediation", ""), _REMEDIATION),
        impact=optional_line(fields.get("remediation-impact", ""), _REMEDIATION),
        group=group,
    )
    check.add_finding(finding(fields.get("details", ""), items))
    output.add(check)


def add_group(output: BenchOutput, fields: Fields) -> str | None:
    """Take in the name of a group of checks, and return its number.

    A result with neither the number of a group nor that of a check is only counted.
    """
    number = group_id(fields.get("id", ""))
    title = optional_line(fields.get("desc", ""), _TITLE)
    if number is None and "result" in fields:
        output.unnumbered_results += 1
    if number and title:
        output.sections[number] = title
    return number


def add_flat_results(output: BenchOutput, number: str, values: Iterable[str]) -> None:
    """Results of 1.3.4 and earlier: `WARN`, or `WARN: what was found`, or only what was found."""
    for text in values:
        check = BenchCheck(id=number.upper(), result=BenchResult.INFO)
        found = text
        if result := _FLAT_RESULT.match(text):
            check.result = BenchResult[result[1]]
            found = text[result.end() :]
        check.add_finding(finding(found, None))
        output.add(check)


def read_result(text: str) -> BenchResult:
    """A result that this module does not know needs a person, as NOTE does."""
    name = text.strip().upper()
    if not name:
        return BenchResult.MISSING
    return BenchResult.__members__.get(name, BenchResult.NOTE)


def number_within(value: object, most: int = MAX_SECONDS) -> int | None:
    """A count or a time from JSON, if it is a possible one."""
    if type(value) is not int or not 0 < value <= most:
        return None
    return value
