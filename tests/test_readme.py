"""README agrees with the program: commands, options, exit codes and settings."""

import argparse
import re
from pathlib import Path

import pytest

from stages.console.command_parsers import parser
from stages.runtime.exits import Exit
from stages.scanners.settings import parse_settings as parse

README = (Path(__file__).parent.parent / "README.md").read_text()


def options(command: str) -> set[str]:
    """The option strings that a command takes."""
    actions = subparsers()[command]._actions
    return {option for action in actions for option in action.option_strings}


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


OTHER_PROGRAMS = {"fleet"}
"""Commands with commands and options of their own."""


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


def command_rows() -> dict[tuple[str, ...], str]:
    """The rows of the commands; commands that belong together share one."""
    rows = table("command")
    return {tuple(re.findall(r"[a-z]+", cell)): rows[cell] for cell in rows}


def test_readme_lists_the_commands_of_the_program_and_no_others() -> None:
    listed = [command for commands in command_rows() for command in commands]
    assert sorted(listed) == sorted(subparsers())


def test_readme_and_help_list_every_exit_code() -> None:
    assert {int(code) for code in table("exit code")} == {int(code) for code in Exit}
    epilog = parser().epilog or ""
    in_help = {int(code) for code in re.findall(r"(?:: |; )(\d+) ", epilog)}
    assert in_help == {int(code) for code in Exit}


@pytest.mark.parametrize("command", sorted(set(subparsers()) - OTHER_PROGRAMS))
def test_every_command_takes_the_common_options(command: str) -> None:
    assert {"--json", "--config", "--help"} <= options(command)


def test_every_option_named_for_a_command_exists() -> None:
    for commands, description in command_rows().items():
        known = set().union(*map(options, commands))
        assert set(re.findall(r"(--[a-z-]+)", description)) <= known, commands


def test_every_example_of_a_command_line_is_valid() -> None:
    for line in re.findall(r"^    compliance-agent ([^#\n]+)", README, re.MULTILINE):
        assert parser().parse_args(line.split())


def test_the_example_settings_have_no_problems() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        assert parse(text.encode())[1] == []


def test_every_file_that_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parent.parent / target).exists(), target


def test_readme_is_at_most_120_lines_long() -> None:
    assert len(README.splitlines()) <= 120
