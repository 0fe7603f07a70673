"""The datastream for tests: each of its profiles does what its description promises."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stages.scanners.openscap.content import EVERY_RESULT
from tests.scanners.openscap.content_evaluation import environment, evaluate

ID = "xccdf_io.github.compliance-agent.every-result_"
WORDS = {
    "pass",
    "fail",
    "error",
    "unknown",
    "notapplicable",
    "notchecked",
    "notselected",
    "informational",
    "fixed",
}
SLOW = {f"slow_{number:02d}" for number in range(1, 11)}

pytestmark = pytest.mark.oscap


@contextmanager
def running(profile: str, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """oscap in a process group of its own, after the first rule has been evaluated."""
    process = subprocess.Popen(
        [
            "oscap",
            "xccdf",
            "eval",
            "--progress",
            "--profile",
            ID + "profile_" + profile,
            EVERY_RESULT,
        ],
        env=environment(scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().endswith(":pass\n")
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def members(group: int) -> int:
    """Processes in a process group that still run."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stats.append(path.read_text().rsplit(")", 1)[1].split())
        except OSError:
            continue
    return sum(
        1 for state, _parent, its_group, *_ in stats if int(its_group) == group and state != "Z"
    )


def test_a_run_with_remediation_says_every_word(tmp_path: Path) -> None:
    values = {f"{ID}value_fixed_path": str(tmp_path / "deep" / "fixed")}
    done = evaluate(
        EVERY_RESULT, f"{ID}profile_every_result", tmp_path, "--remediate", values=values
    )
    assert set(done.verdicts.values()) == WORDS
    assert all(done.verdicts[word] == word for word in WORDS)
    assert done.exit_code == 2


def test_without_remediation_the_rule_to_be_fixed_fails(tmp_path: Path) -> None:
    values = {f"{ID}value_fixed_path": str(tmp_path / "fixed")}
    done = evaluate(EVERY_RESULT, f"{ID}profile_every_result", tmp_path, values=values)
    assert done.selected() == {word: word for word in WORDS - {"notselected", "fixed"}} | {
        "fixed": "fail"
    }
    assert done.exit_code == 2


def test_all_pass_is_exit_code_0(tmp_path: Path) -> None:
    done = evaluate(EVERY_RESULT, f"{ID}profile_all_pass", tmp_path)
    assert (done.exit_code, done.selected()) == (0, {"pass": "pass"})


def test_nothing_applies_is_exit_code_0_too(tmp_path: Path) -> None:
    done = evaluate(EVERY_RESULT, f"{ID}profile_nothing_applies", tmp_path)
    assert (done.exit_code, done.selected()) == (0, {"notapplicable": "notapplicable"})


def test_the_failure_is_shown_with_its_actual_value(tmp_path: Path) -> None:
    done = evaluate(EVERY_RESULT, f"{ID}profile_every_result", tmp_path)
    assert done.tests["oval:every-result.fail:tst:1"] == ("false", 1)


@pytest.mark.parametrize("profile", ["slow", "slower"])
def test_slow_work_can_be_ended_between_rules(tmp_path: Path, profile: str) -> None:
    with running(profile, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == -signal.SIGTERM


def test_the_work_is_tunable(tmp_path: Path) -> None:
    values = {f"{ID}value_slow_words": "few words"}
    done = evaluate(EVERY_RESULT, f"{ID}profile_slow", tmp_path, values=values)
    assert (done.exit_code, done.selected()) == (0, dict.fromkeys(SLOW, "pass"))


def test_waiting_is_done_by_a_child_that_only_a_kill_of_the_group_ends(tmp_path: Path) -> None:
    with running("waits", tmp_path) as process:
        until(lambda: members(process.pid) == 3)  # oscap, the shell, its sleep
        process.kill()
        process.wait(timeout=30)
        assert members(process.pid) > 0
        os.killpg(process.pid, signal.SIGKILL)
        until(lambda: members(process.pid) == 0)


def test_fails_ends_with_exit_code_1_and_leaves_no_results(tmp_path: Path) -> None:
    done = evaluate(EVERY_RESULT, f"{ID}profile_fails", tmp_path)
    assert done.exit_code == 1
    assert not done.results.exists()
    assert "Too many open files" in done.stderr


def test_crashes_ends_by_a_signal(tmp_path: Path) -> None:
    done = evaluate(EVERY_RESULT, f"{ID}profile_crashes", tmp_path)
    assert done.exit_code == -signal.SIGSEGV
    assert not done.results.exists()
