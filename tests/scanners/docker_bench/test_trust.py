"""A script that others could have written is not run as root."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from spool.access import user_name
from stages.scanners.docker_bench import docker_bench_detection
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.docker_bench.trust import why_not_trusted

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
OTHER = 65534


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script with a part, in a directory of its own."""
    place = tmp_path / "above/bench"
    (place / "tests").mkdir(parents=True)
    script = place / "docker-bench-security.sh"
    script.write_text("#!/bin/sh\n")
    (place / "tests/1_host.sh").write_text("# checks\n")
    for path in (place.parent, place, place / "tests"):
        path.chmod(0o755)
    for path in (script, place / "tests/1_host.sh"):
        path.chmod(0o644)
    return script


def test_a_script_that_only_this_user_can_write_is_trusted(script: Path) -> None:
    assert why_not_trusted(script, with_parts=True) is None


WRITABLE: list[Callable[[Path], Path]] = [
    lambda script: script,
    lambda script: script.parent,
    lambda script: script.parent.parent,
    lambda script: script.parent / "tests",
    lambda script: script.parent / "tests/1_host.sh",
]


@pytest.mark.parametrize("bit", [0o020, 0o002])
@pytest.mark.parametrize("place", WRITABLE)
def test_what_group_or_others_can_write_is_refused_with_the_remedy(
    script: Path, place: Callable[[Path], Path], bit: int
) -> None:
    path = place(script)
    path.chmod(path.stat().st_mode | bit)
    assert f"chmod go-w {path}" in (why_not_trusted(script, with_parts=True) or "")


def test_a_sticky_directory_above_is_fine_and_the_scripts_own_is_not(script: Path) -> None:
    script.parent.parent.chmod(0o1777)
    assert why_not_trusted(script, with_parts=True) is None
    script.parent.chmod(0o1777)
    assert f"chmod go-w {script.parent}" in (why_not_trusted(script, with_parts=True) or "")


def test_a_whole_tree_is_refused_once_with_one_command(script: Path) -> None:
    for path in (script, script.parent, script.parent / "tests", script.parent / "tests/1_host.sh"):
        path.chmod(0o777)
    reason = why_not_trusted(script, with_parts=True) or ""
    assert reason == (
        f"{script}: mode 0777 lets other users write what is run as {user_name(os.geteuid())}; "
        f"3 other paths can be changed, too: chmod -R go-w {script.parent}"
    )


def test_a_directory_above_the_tree_has_a_command_of_its_own(script: Path) -> None:
    above = script.parent.parent
    above.chmod(0o777)
    script.chmod(0o666)
    reason = why_not_trusted(script, with_parts=True) or ""
    assert reason.endswith(
        f"1 other path can be changed, too: chmod -R go-w {script.parent} && chmod go-w {above}"
    )


@ROOT_ONLY
@pytest.mark.parametrize("place", WRITABLE)
def test_what_belongs_to_another_user_is_refused_with_the_remedy(
    script: Path, place: Callable[[Path], Path]
) -> None:
    path = place(script)
    os.chown(path, OTHER, -1)
    why = why_not_trusted(script, with_parts=True) or ""
    assert f"{path}: belongs to nobody, and would be run as root: chown root {path}" in why


def test_other_scripts_beside_one_without_parts_do_not_matter(script: Path) -> None:
    (script.parent / "other.sh").touch()
    (script.parent / "other.sh").chmod(0o666)
    assert why_not_trusted(script, with_parts=False) is None


def test_a_part_that_leads_elsewhere_is_looked_at_where_it_leads(
    script: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.sh"
    elsewhere.touch()
    elsewhere.chmod(0o666)
    (script.parent / "tests/2_more.sh").symlink_to(elsewhere)
    assert f"chmod go-w {elsewhere}" in (why_not_trusted(script, with_parts=True) or "")


def test_a_script_that_vanished_is_not_trusted(script: Path) -> None:
    script.unlink()
    assert "No such file" in (why_not_trusted(script, with_parts=True) or "")


def test_a_link_to_a_script_is_looked_at_where_it_leads(script: Path, tmp_path: Path) -> None:
    link = tmp_path / "bench.sh"
    link.symlink_to(script)
    script.chmod(0o666)
    found = docker_bench_detection.find_script(DockerBenchSettings(script_paths=(str(link),)))
    assert found == script
    assert f"chmod go-w {script}" in (why_not_trusted(found, with_parts=True) or "")
