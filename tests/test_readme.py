"""README is held to the program: its commands, options, exit codes and settings."""

import argparse
import re
from pathlib import Path

import pytest

from stages.console.main import parser
from stages.runtime.exits import Exit
from stages.scanners.settings import parse_settings as parse

README = (Path(__file__).parent.parent / "README.md").read_text()


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def table(heading: str) -> dict[str, str]:
    """The rows below a table's heading, first cell to the rest."""
    rows: dict[str, str] = {}
    lines = README[README.index(f"| {heading} |") :].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            break
        first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first.strip("`")] = " ".join(rest)
    return rows


def test_every_command_is_in_readme_and_readme_names_no_other() -> None:
    assert set(table("command")) == set(subparsers())


def test_every_exit_code_is_in_readme_and_in_the_help() -> None:
    assert {int(code) for code in table("exit code")} == {int(code) for code in Exit}
    told = parser().epilog or ""
    assert {int(code) for code in re.findall(r"(?:: |; )(\d+) ", told)} == {
        int(code) for code in Exit
    }


@pytest.mark.parametrize("command", sorted(subparsers()))
def test_every_command_takes_what_readme_promises(command: str) -> None:
    options = {
        option for action in subparsers()[command]._actions for option in action.option_strings
    }
    assert {"--json", "--config", "--help"} <= options


def test_every_option_named_for_a_command_exists() -> None:
    for command, message in table("command").items():
        options = {
            option for action in subparsers()[command]._actions for option in action.option_strings
        }
        assert set(re.findall(r"(--[a-z-]+)", message)) <= options, command


def test_every_example_of_a_command_line_is_understood() -> None:
    for line in re.findall(r"^    compliance-agent ([^#\n]+)", README, re.MULTILINE):
        assert parser().parse_args(line.split())


def test_the_example_settings_have_no_problems() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        assert parse(text.encode())[1] == []


def test_every_file_that_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parent.parent / target).exists(), target


def test_readme_is_no_longer_than_two_screens() -> None:
    assert len(README.splitlines()) <= 110
