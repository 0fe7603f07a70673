"""Mistyped checks, groups and exclusions."""

from pathlib import Path

import pytest

from stages.scanners.docker_bench import check_names
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "functions").mkdir()
    (tmp_path / "tests/2_daemon.sh").write_text("check_2_1() {\n  true\n}\n  check_2_2 () { :; }\n")
    (tmp_path / "functions/list.sh").write_text("function docker_daemon_configuration() { :; }\n")
    path = tmp_path / "docker-bench-security.sh"
    path.write_text("main () {\n  echo check_9_9\n}\n")
    return path


def test_names_that_the_script_knows_give_no_warning(script: Path) -> None:
    settings = DockerBenchSettings(
        checks=("check_2_1", "docker_daemon_configuration"), exclude_checks=("check_2_2",)
    )
    assert check_names.unknown_names(settings, script) == ()


def test_mistyped_checks_groups_and_exclusions_are_named_with_their_setting(script: Path) -> None:
    settings = DockerBenchSettings(
        checks=("check_9_9", "check_2_1"), exclude_checks=("docker_deamon_configuration",)
    )
    path = "compliance.docker_bench"
    assert tuple(map(str, check_names.unknown_names(settings, script))) == (
        f"{path}.checks: {script.name} has no check_9_9",
        f"{path}.exclude_checks: {script.name} has no docker_deamon_configuration",
    )


def test_what_the_script_prints_of_a_missing_check_is_recognized() -> None:
    printed = 'Check "check_2_99" doesn\'t seem to exist.\n' * 2 + "Check x exists\n"
    assert check_names.printed_as_missing(printed) == ["check_2_99"]
