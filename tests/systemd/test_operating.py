"""docs/operating.md agrees with the units and the program."""

import re
from pathlib import Path

from stages.console.command_parsers import parser
from stages.console.install.install_paths import CONFIG, KEY, RUNTIME, SPOOL
from tests.systemd.test_units import HIGHEST_EXPOSURE, unit

TEXT = (Path(__file__).parents[2] / "docs/operating.md").read_text()


def test_every_example_of_a_command_line_is_valid() -> None:
    lines = re.findall(r"^    (?:\S+/)?compliance-agent ([^#\n]+)", TEXT, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        assert parser().parse_args(line.split())


def test_the_paths_are_those_of_the_program() -> None:
    for path in (CONFIG, KEY, RUNTIME, SPOOL):
        assert f"`{path}`" in TEXT


def test_the_table_of_units_has_their_users_and_whether_they_have_a_network() -> None:
    rows = re.findall(r"^\| `compliance-agent-(\w+)` \| (.+?) \| (\w+) \|", TEXT, re.MULTILINE)
    assert {stage for stage, _, _ in rows} == set(HIGHEST_EXPOSURE)
    for stage, user, network in rows:
        users = re.findall(r"^User=(\S+)", unit(stage), re.MULTILINE)
        assert user.strip("`") in users if users else user.startswith("root")
        assert (network == "none") == ("IPAddressDeny=any" in unit(stage).splitlines())


def test_the_figures_are_not_above_their_limits() -> None:
    figures = re.search(r"parse (\d\.\d), trigger and ship (\d\.\d), scan (\d\.\d)", TEXT)
    assert figures
    parse, networked, scan = (float(figure) for figure in figures.groups())
    assert (parse, networked, scan) <= (
        HIGHEST_EXPOSURE["parse"],
        HIGHEST_EXPOSURE["ship"],
        HIGHEST_EXPOSURE["scan"],
    )
