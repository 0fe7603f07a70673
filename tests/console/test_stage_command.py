"""The command line of a stage: read without argparse where it is a usual one."""

from pathlib import Path

import pytest

from stages.console import stage_command


@pytest.mark.parametrize("stage", ["trigger", "scan", "parse", "ship"])
@pytest.mark.parametrize("options", [[], ["--config", "c.yml"]])
@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_usual_line_means_what_argparse_takes_it_for(
    stage: str, options: list[str], json: list[str]
) -> None:
    line = [stage, *options, *json]
    found = stage_command._usual(line)
    assert found == stage_command._parsed(line)
    assert found is not None
    assert (found.config == Path("c.yml"), found.json) == (bool(options), bool(json))


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["sca"],
        ["scan", "ship"],
        ["--json", "scan"],
        ["scan", "--config"],
        ["scan", "--config=c.yml"],
        ["scan", "--config", "c.yml", "x"],
        ["scan", "--help"],
    ],
)
def test_any_other_line_is_left_to_argparse(line: list[str]) -> None:
    assert stage_command._usual(line) is None
