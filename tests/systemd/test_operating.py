"""The operator's chapter is held to the units and the program."""

import re
from pathlib import Path

from stages.console.install.layout import CONFIG, KEY, RUNTIME, SPOOL
from stages.console.main import parser
from tests.systemd.test_units import MOST, unit

TEXT = (Path(__file__).parents[2] / "docs/operating.md").read_text()


def test_every_example_of_a_command_line_is_understood() -> None:
    lines = re.findall(r"^    (?:\S+/)?compliance-agent ([^#\n]+)", TEXT, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        assert parser().parse_args(line.split())


def test_the_paths_are_those_of_the_program() -> None:
    for path in (CONFIG, KEY, RUNTIME, SPOOL):
        assert f"`{path}`" in TEXT


def test_the_table_of_units_tells_their_users_and_whether_they_have_a_network() -> None:
    rows = re.findall(r"^\| `compliance-agent-(\w+)` \| (.+?) \| (\w+) \|", TEXT, re.MULTILINE)
    assert {stage for stage, _, _ in rows} == set(MOST)
    for stage, user, network in rows:
        users = re.findall(r"^User=(\S+)", unit(stage), re.MULTILINE)
        assert user.strip("`") in users if users else user.startswith("root")
        assert (network == "none") == ("IPAddressDeny=any" in unit(stage).splitlines())


def test_the_figures_are_not_above_their_limits() -> None:
    told = re.search(r"parse (\d\.\d), trigger and ship (\d\.\d), scan (\d\.\d)", TEXT)
    assert told
    parse, networked, scan = (float(figure) for figure in told.groups())
    assert (parse, networked, scan) <= (MOST["parse"], MOST["ship"], MOST["scan"])
