"""Scans are named by id, from the end, or by a part of the id."""

import pytest

from stages.console.scan_names import find_scan, find_scans, short_names
from stages.runtime.command_error import CommandError
from tests.ship.ship_spool import scan_id

IDS = [scan_id(number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("last", 3), ("last-0", 3), ("last-1", 2), ("last-2", 1), ("00000002", 2), (IDS[0], 1)],
)
def test_a_scan_has_several_names(name: str, expected: int) -> None:
    assert find_scan(name, IDS) == scan_id(expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("last-3", "no scan last-3: there are 3"),
        ("nonsense", "no scan nonsense: see `compliance-agent list`"),
        ("", "no scan : see"),
        ("openscap", "openscap is a part of 3 scan ids"),
        ("last--1", "no scan last--1"),
    ],
)
def test_a_name_that_means_no_scan_or_several_is_an_error(name: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        find_scan(name, IDS)


def test_a_scan_must_be_among_those_that_the_command_takes() -> None:
    assert find_scans(["last-1", "00000001"], IDS, IDS, "scan") == (scan_id(2), scan_id(1))
    with pytest.raises(CommandError, match=f"no held scan for {scan_id(3)}"):
        find_scans(["last"], IDS, IDS[:2], "held scan")


def test_the_short_name_is_the_end_of_the_id_unless_another_ends_so() -> None:
    later = scan_id(3).replace("T03", "T04")
    assert short_names(IDS)[IDS[0]] == "00000001"
    names = short_names([*IDS, later])  # type: ignore[list-item]
    assert names[IDS[2]] == IDS[2]
    assert names[IDS[1]] == "00000002"
