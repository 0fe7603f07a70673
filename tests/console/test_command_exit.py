"""A failed command prints one line for people or JSON for programs, never a traceback."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from stages.console.command_exit import guarded
from stages.runtime.exits import Exit
from tests.console.program import agent

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "stages.console.main"]


def test_an_internal_error_is_one_line_that_names_the_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def faulty() -> NoReturn:
        raise KeyError("sunday")

    assert guarded(["status"], faulty) == Exit.BUG
    output = capsys.readouterr().err
    # The test is not part of the program, in which `guarded` is the last frame.
    assert re.fullmatch(
        r"compliance-agent status: internal error: KeyError in command_exit.py line \d+: .*\n",
        output,
    )


@pytest.mark.parametrize("arguments", [["config", "keys"], ["config", "keys", "--json"]])
def test_output_that_cannot_be_written_is_reported(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == Exit.UNUSABLE
    assert done.stderr.endswith("the output: No space left on device; free some space\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["config", "keys"], ["config", "keys", "--json"]])
def test_a_reader_that_has_gone_ends_a_command_without_a_word(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (Exit.PIPE, "")


@pytest.mark.parametrize(("arguments", "code"), [("list --bogus", 2), ("status >/dev/full", 3)])
def test_the_exit_code_counts_where_standard_error_takes_nothing(
    config: Path, arguments: str, code: int
) -> None:
    script = f'"$@" {arguments} --config {config} 2>/dev/full'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *PROGRAM], check=False, timeout=60)
    assert done.returncode == code


def test_install_ends_like_every_command_where_its_output_is_not_taken() -> None:
    """`| head`, and a full disk."""
    script = '("$@"; echo $? >&3) 3>&1 | :; "$@" >/dev/full'
    command = ["/bin/bash", "-c", script, "sh", *PROGRAM, "install", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "None" not in done.stderr
    assert "the output: No space left on device" in done.stderr
    assert done.returncode == 3


def test_closed_streams_cause_no_trouble() -> None:
    script = '"$@" <&- >&- 2>&-'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *PROGRAM, "config", "keys"], check=False)
    assert done.returncode == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status"], 3),
        (["show", "last"], 3),
        (["scan", "--profile", ""], 2),
        (["scan", "--nonsense"], 2),
        (["scann"], 2),
        ([], 2),
        (["parse", "/nowhere/results.xml"], 2),
        (["stage", "sing"], 2),
        (["replay", "ship"], 3),
    ],
)
def test_for_programs_a_failure_is_json_too(config: Path, arguments: list[str], code: int) -> None:
    for line in (["--json", *arguments], [*arguments, "--json"]):
        done = subprocess.run(
            [*PROGRAM, *line],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COMPLIANCE_AGENT_CONFIG": str(config)},
        )
        assert done.returncode == code
        failed = json.loads(done.stdout)
        assert failed["exit_code"] == code
        assert failed["error"]
        assert done.stderr == ""


def test_wrong_settings_are_json_for_programs_and_lines_for_people(config: Path) -> None:
    config.write_text("spool: {path: relative}\nlogs: {}\n")
    failed = json.loads(agent("status", "--json", config=config, code=2).stdout)
    assert "spool.path" in failed["error"]
    assert len(agent("status", config=config, code=2).stderr.splitlines()) == 3


def test_what_every_command_takes_may_stand_before_it(config: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "--config", str(config), "--json", "config", "keys"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["api.id"] is None


def test_an_unknown_command_is_answered_with_those_that_exist() -> None:
    assert "commands are stage, fleet, run, scan," in agent("scann", code=2).stderr


@pytest.mark.parametrize("arguments", [["run"], ["stage", "parse"]])
def test_long_running_commands_log_json_lines(config: Path, arguments: list[str]) -> None:
    process = subprocess.Popen(
        [*PROGRAM, *arguments, "--json", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines: list[dict[str, object]] = []
    while not any(
        line["message"] == "stage started" and line["stage"] == "parse" for line in lines
    ):
        lines.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGTERM)
    rest, trouble = process.communicate(timeout=60)
    assert trouble == ""
    lines += [json.loads(line) for line in rest.splitlines()]
    assert {"at", "stage", "level", "message"} <= set(lines[-1])
