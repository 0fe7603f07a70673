"""Whatever the names on the host, every check is in the report once, with its result."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.report import Report
from stages.scanners.docker_bench.reading import read_docker_bench
from tests.scanners.docker_bench.docker_bench_printing import (
    AT,
    Printed,
    json_of_1_3_5,
    json_of_1_6,
    text_log,
)

pytestmark = pytest.mark.slow

STATUS = {"PASS": "pass", "WARN": "fail", "INFO": "warn", "NOTE": "skip"}

# What the scanner prints without escaping; no blanks in names, since it splits at them.
FRAGMENTS = (
    '"',
    "\\",
    '\\"',
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "[a:1",
    "b:2]",
    "\x1b[31m",
    "\u202e",
    "é",
    "\\n",
    "\\e[1m",
    '","result":"PASS',
    '"},{"id":"9.9","desc":"d","result":"PASS"},{"x":"',
    '","results":[',
    '","details":"',
    "[PASS]",
    "(truncated)",
    "Remediation",
    "*",
    "%s",
    "$(id)",
    "\x00",
    "\x1c",
    "\x85",
    "</x>",
    '"]}]}',
)
names = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text("abc019._-/", min_size=1, max_size=6)),
    min_size=1,
    max_size=4,
).map("".join)
numbers = st.one_of(
    st.integers(1, 18).map("1.1.{}".format),
    st.integers(1, 12).map("4.{}".format),
    st.integers(1, 32).map("5.{}".format),
)


@st.composite
def runs(draw: st.DrawFn) -> list[Printed]:
    """Checks in the scanner's order. Only failures and remarks have findings."""
    found = sorted(
        draw(st.sets(numbers, min_size=1, max_size=12)),
        key=lambda text: [int(n) for n in text.split(".")],
    )
    return [draw(_checks(number)) for number in found]


@st.composite
def _checks(draw: st.DrawFn, number: str) -> Printed:
    tag = draw(st.sampled_from(tuple(STATUS)))
    if tag in ("PASS", "NOTE"):
        return Printed(number, tag)
    remediation = draw(st.sampled_from((None, "Do it better.")))
    match draw(st.sampled_from(("none", "details", "items"))):
        case "none":
            return Printed(number, tag, remediation=remediation)
        case "details":
            return Printed(
                number, tag, f"Wrong ownership for /etc/{draw(names)}", remediation=remediation
            )
        case _:
            items = tuple(draw(st.lists(names, max_size=5)))
            return Printed(number, tag, "Containers without limits", items, remediation)


def assert_every_check_once(report: Report, run: Sequence[Printed]) -> None:
    assert [(result.rule_ref, result.status) for result in report.results] == [
        (check.id, STATUS[check.tag]) for check in run
    ]
    assert [result.title for result in report.results] == [check.title for check in run]
    for result in report.results:
        assert all(line.isprintable() for line in (result.finding or "").split("\n"))
    assert codec.decode(codec.encode(report), Report) == report


@settings(max_examples=150)
@given(run=runs())
@pytest.mark.parametrize("write", [json_of_1_6, json_of_1_3_5])
def test_every_check_is_in_the_report_once_from_json_alone(
    write: Callable[[Sequence[Printed]], bytes], run: list[Printed]
) -> None:
    assert_every_check_once(read_docker_bench(write(run), None, at=AT), run)


@settings(max_examples=100)
@given(run=runs(), colours=st.booleans())
def test_every_check_is_in_the_report_once_from_the_log_alone(
    run: list[Printed], colours: bool
) -> None:
    assert_every_check_once(read_docker_bench(None, text_log(run, colours=colours), at=AT), run)


@settings(max_examples=200)
@given(run=runs(), share=st.floats(0, 1), grouped=st.booleans())
def test_every_check_is_in_the_report_once_from_json_torn_anywhere_and_the_log(
    run: list[Printed], share: float, grouped: bool
) -> None:
    whole = json_of_1_6(run, grouped=grouped)
    report = read_docker_bench(whole[: int(len(whole) * share)], text_log(run), at=AT)
    assert_every_check_once(report, run)


@settings(max_examples=100)
@given(run=runs())
def test_every_name_is_in_the_finding(run: list[Printed]) -> None:
    report = read_docker_bench(json_of_1_6(run), None, at=AT)
    for check, result in zip(run, report.results, strict=True):
        for name in check.items or ():
            # A backslash and what follows it may happen to be an escape of JSON.
            if name.isprintable() and '","' not in name and "\\" not in name:
                assert name in (result.finding or "")


@settings(max_examples=200)
@given(garbage=st.binary(max_size=300), run=runs(), at=st.floats(0, 1))
def test_bytes_written_over_the_json_never_raise_anything_unexpected(
    garbage: bytes, run: list[Printed], at: float
) -> None:
    whole = json_of_1_6(run)
    place = int(len(whole) * at)
    damaged = whole[:place] + garbage + whole[place + len(garbage) :]
    report = read_docker_bench(damaged, text_log(run), at=AT)
    assert {check.id for check in run} <= {result.rule_ref for result in report.results}
