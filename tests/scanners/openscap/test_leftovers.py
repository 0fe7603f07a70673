"""What an ended oscap leaves in /tmp is removed, and nothing else."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stages.scanners.openscap import leftovers
from tests.pipeline.agent import until

BEFORE = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def nobody_scans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A table of processes without an oscap; other tests run real ones."""
    table = tmp_path / "proc"
    (table / "17").mkdir(parents=True)
    (table / "17/comm").write_text("bash\n")
    monkeypatch.setattr(leftovers, "_PROCESSES", table)
    return table


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A work directory as oscap makes it."""
    path = tmp_path / "tmp/oscap.Ab12Cd"
    (path / "parts").mkdir(parents=True)
    (path / "parts/ssg-oval.xml").write_text("<oval/>")
    return path


def test_the_work_directory_of_a_scan_that_was_ended_is_removed(
    left: Path, nobody_scans: Path
) -> None:
    assert leftovers.remove(BEFORE, os.geteuid(), left.parent) == [left]
    assert not left.exists()


def test_nothing_is_removed_while_an_oscap_runs(left: Path, nobody_scans: Path) -> None:
    (nobody_scans / "17/comm").write_text("oscap\n")
    assert leftovers.remove(BEFORE, os.geteuid(), left.parent) == []
    assert left.exists()


def test_what_is_older_than_the_scan_or_another_users_stays(left: Path, nobody_scans: Path) -> None:
    assert (
        leftovers.remove(datetime.now(UTC) + timedelta(minutes=1), os.geteuid(), left.parent) == []
    )
    assert leftovers.remove(BEFORE, os.geteuid() + 1, left.parent) == []
    assert left.exists()


@pytest.mark.parametrize(
    "name", ["oscap.Ab12Cd7", "oscap.Ab12C", "oscap-Ab12Cd", "xoscap.Ab12Cd", "oscap.Ab/../"]
)
def test_other_names_stay(name: str, left: Path, nobody_scans: Path) -> None:
    other = left.parent / Path(name).name
    other.mkdir(exist_ok=True)
    leftovers.remove(BEFORE, os.geteuid(), left.parent)
    assert other.exists()


def test_a_symlink_by_that_name_leads_nowhere(
    left: Path, nobody_scans: Path, tmp_path: Path
) -> None:
    shutil.rmtree(left)
    precious = tmp_path / "precious"
    precious.mkdir()
    left.symlink_to(precious)
    assert leftovers.remove(BEFORE, os.geteuid(), left.parent) == []
    assert precious.exists()


def test_a_running_oscap_is_seen_in_the_table_of_processes(tmp_path: Path) -> None:
    program = tmp_path / "oscap"
    shutil.copyfile("/bin/sleep", program)
    program.chmod(0o755)
    with subprocess.Popen([program, "60"]) as running:
        try:
            # The kernel gives it its new name just after it has closed what Popen waits for.
            until(leftovers._an_oscap_runs, "it is seen")
        finally:
            running.kill()
