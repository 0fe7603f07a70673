"""The list of faults: each has tests that exist."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent.parent
LIST = Path(__file__).with_name("faults.toml")
FAULTS: list[dict[str, Any]] = tomllib.loads(LIST.read_text())["fault"]
COUNT = 97


def named_tests() -> set[str]:
    return {test for fault in FAULTS for test in fault["tests"]}


def collected(files: set[str]) -> set[str]:
    """The ids of all tests in these files, with and without their parameters."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", *sorted(files)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: set[str] = set()
    for line in done.stdout.splitlines():
        if "::" in line:
            test = line.removeprefix("tests/")
            found |= {test, test.partition("[")[0]}
    return found


def test_every_fault_is_listed_once_in_order() -> None:
    assert [fault["number"] for fault in FAULTS] == list(range(1, COUNT + 1))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["number"]))
def test_a_fault_has_its_descriptions_and_a_test(fault: dict[str, Any]) -> None:
    assert set(fault) - {"differs"} == {"number", "fault", "expected", "tests"}
    for key in ("fault", "expected", "differs"):
        line = fault.get(key, "")
        assert "\n" not in line
        assert not line.endswith(".")
    assert fault["fault"]
    assert fault["expected"]
    assert fault["tests"], "a fault without a test"
    assert len(set(fault["tests"])) == len(fault["tests"])


def test_every_named_test_exists() -> None:
    named = named_tests()
    missing = named - collected({test.partition("::")[0] for test in named})
    assert sorted(missing) == []
