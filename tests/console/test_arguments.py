"""Arguments that no reader would accept are refused before anything is written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.program import agent


@pytest.mark.parametrize("profile", ["", " ", "x" * 257, "a\nb", "\udcff"])
def test_a_profile_that_no_request_can_hold_is_refused_and_nothing_is_written(
    config: Path, tmp_path: Path, profile: str
) -> None:
    output = agent("scan", "--profile", profile, config=config, code=2).stderr
    assert "argument --profile: " in output
    assert not (tmp_path / "spool").exists()


def test_a_profile_name_of_the_greatest_length_is_accepted(config: Path) -> None:
    scan_id = agent("scan", "--profile", "x" * 256, config=config).stdout.strip()
    assert '"x' in agent("show", scan_id, "--json", config=config).stdout


@pytest.mark.parametrize("message", [("scan", "--wait"), ("flush", "--wait")])
@pytest.mark.parametrize("limit", ["nan", "inf", "-1", "soon", ""])
def test_a_time_limit_is_a_number_of_seconds(
    config: Path, message: tuple[str, ...], limit: str
) -> None:
    assert (
        "argument --timeout: "
        in agent(*message, f"--timeout={limit}", config=config, code=2).stderr
    )


@pytest.mark.parametrize("command", ["scan", "flush"])
def test_a_time_limit_without_waiting_is_a_mistake(
    config: Path, tmp_path: Path, command: str
) -> None:
    assert (
        "--timeout requires --wait"
        in agent(command, "--timeout", "3", config=config, code=2).stderr
    )
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("count", ["-5", "1.5", "many", "9" * 30])
def test_a_count_is_a_whole_number(config: Path, count: str) -> None:
    assert "argument --last: " in agent("list", f"--last={count}", config=config, code=2).stderr


@pytest.mark.parametrize("command", [("scan",), ("config", "check"), ("stage", "parse")])
def test_a_surplus_argument_is_reported_with_the_usage_of_its_command(
    command: tuple[str, ...],
) -> None:
    output = agent(*command, "docker-bench", code=2).stderr
    assert output.startswith(f"usage: compliance-agent {command[0]} ")
    assert (
        f"unrecognized arguments: docker-bench: see compliance-agent {command[0]} --help" in output
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "ship", "--dry-run", "last"),
        ("compare", "last-1", "--json", "last"),
        ("waivers", "check", "--json", "nothing.yml"),
        ("export", "file", "--all", "last"),
    ],
)
def test_options_may_stand_between_the_arguments(config: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "stages.console.main", *arguments, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "unrecognized" not in done.stdout + done.stderr
