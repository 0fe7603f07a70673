"""The copy before a fix: everything that a fix can do to files is undone, and nothing else."""

import os
import stat
from pathlib import Path

import pytest

from stages.console.fixing import host_copy
from stages.console.fixing.host_copy import CopyDamagedError
from stages.console.fixing.host_files import scope_of, survey
from stages.console.fixing.path_changes import differences

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "etc"
    (tree / "deep/deeper").mkdir(parents=True)
    (tree / "plain").write_text("plain\n")
    (tree / "empty").write_text("")
    (tree / "deep/deeper/secret").write_bytes(bytes(range(256)) * 1000)
    (tree / "deep/deeper/secret").chmod(0o400)
    (tree / "program").write_text("#!/bin/sh\n")
    (tree / "program").chmod(0o4755)
    (tree / "link").symlink_to("plain")
    (tree / "dangling").symlink_to("/nowhere/at/all")
    (tree / os.fsdecode(b"b\xe4d name\n")).write_text("odd\n")
    os.link(tree / "plain", tree / "hard")
    os.mkfifo(tree / "pipe")
    return tree


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "fix"
    directory.mkdir(mode=0o700)
    return directory


def damage(tree: Path) -> None:
    """What scripts do."""
    (tree / "plain").write_text("changed, and longer than before\n")
    (tree / "empty").unlink()
    (tree / "deep/deeper/secret").unlink()
    (tree / "deep/deeper").rmdir()
    (tree / "deep").chmod(0o777)
    (tree / "program").chmod(0o755)
    (tree / "link").unlink()
    (tree / "link").write_text("no link\n")
    (tree / "dangling").unlink()
    (tree / "dangling").mkdir()
    (tree / os.fsdecode(b"b\xe4d name\n")).unlink()
    (tree / "new/inner").mkdir(parents=True)
    (tree / "new/inner/file").write_text("new\n")
    (tree / "new/link").symlink_to("inner")


def undone(directory: Path) -> tuple[list[str], list[str]]:
    return host_copy.restore(directory, host_copy.changes_of(directory))


def test_everything_is_as_before(tree: Path, directory: Path) -> None:
    os.utime(tree / "plain", (1e9, 1e9))
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    damage(tree)
    changes = differences(before, survey(scope))
    host_copy.record_changes(directory, changes)
    assert host_copy.changes_of(directory) == changes
    _, kept = undone(directory)
    assert kept == []
    assert survey(scope) == before
    assert (tree / "plain").stat().st_mtime == 1e9
    assert (tree / "program").stat().st_mode & stat.S_ISUID
    assert not (tree / "new").exists()


@pytest.mark.parametrize("name", ["plain", "link"])
def test_a_directory_with_files_that_replaced_something_else_is_undone(
    tree: Path, directory: Path, name: str
) -> None:
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    (tree / name).unlink()
    (tree / name / "inner").mkdir(parents=True)
    (tree / name / "inner/file").write_text("new\n")
    assert undone(directory)[1] == []
    assert survey(scope) == before


def test_what_became_a_link_is_back_before_its_target_is_removed(
    tree: Path, directory: Path
) -> None:
    """A file of /etc/pam.d must be there at any moment."""
    host_copy.make_copy(directory, scope_of([str(tree)], []))
    (tree / "a-new").write_text("new\n")
    (tree / "empty").unlink()
    (tree / "empty").symlink_to("a-new")
    assert undone(directory) == ([f"{tree}/empty", f"{tree}/a-new"], [])


def test_without_a_record_of_the_changes_all_that_differs_is_restored(
    tree: Path, directory: Path
) -> None:
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    damage(tree)
    assert undone(directory)[1] == []
    assert survey(scope) == before


def test_only_what_the_fix_changed_is_restored(tree: Path, directory: Path) -> None:
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    (tree / "plain").write_text("fixed\n")
    host_copy.record_changes(directory, differences(before, survey(scope)))
    (tree / "empty").write_text("the administrator's\n")
    (tree / "own").write_text("the administrator's\n")
    # A hard link is another name of the same file.
    assert undone(directory)[0] == [f"{tree}/hard", f"{tree}/plain"]
    assert (tree / "plain").read_text() == "plain\n"
    assert (tree / "empty").read_text() == (tree / "own").read_text() == "the administrator's\n"


def test_files_that_scripts_name_are_copied_and_new_ones_removed(
    tree: Path, directory: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "var"
    outside.mkdir()
    (outside / "log").write_text("log\n")
    (outside / "alias").symlink_to("log")
    names = [f"{outside}/alias", f"{outside}/created", f"{tree}/plain", str(outside)]
    scope = scope_of([str(tree)], names)
    assert set(scope.named) == {f"{outside}/{name}" for name in ("alias", "log", "created")} | {
        str(outside)
    }
    before = host_copy.make_copy(directory, scope)
    (outside / "log").write_text("changed\n")
    (outside / "created").write_text("new\n")
    outside.chmod(0o700)
    assert undone(directory)[1] == []
    assert survey(scope) == before
    assert (outside / "alias").is_symlink()


def test_a_directory_that_has_become_a_link_is_not_followed(
    directory: Path, tmp_path: Path
) -> None:
    """Its owner must not decide what root writes elsewhere."""
    home, victim = tmp_path / "home", tmp_path / "victim"
    home.mkdir()
    victim.mkdir()
    (home / "file").write_text("harmless before\n")
    scope = scope_of([], [f"{home}/file"])
    host_copy.make_copy(directory, scope)
    (home / "file").write_text("changed\n")
    changes = host_copy.changes_of(directory)
    (home / "file").unlink()
    home.rmdir()
    home.symlink_to(victim)
    restored, (kept,) = host_copy.restore(directory, changes)
    assert restored == []
    assert kept.startswith(f"{home}/file: ")
    assert list(victim.iterdir()) == []


@ROOT_ONLY
def test_owners_and_extended_attributes_are_restored(tree: Path, directory: Path) -> None:
    file = tree / "plain"
    os.chown(file, 1234, 5678)
    try:
        os.setxattr(file, "user.label", b"\x00\xff\x01")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    os.chown(file, 0, 0)
    os.setxattr(file, "user.other", b"x")
    os.removexattr(file, "user.label")
    assert undone(directory)[1] == []
    assert survey(scope) == before
    assert os.getxattr(file, "user.label") == b"\x00\xff\x01"
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 5678)


def test_what_is_in_the_way_is_named(tree: Path, directory: Path) -> None:
    scope = scope_of([str(tree)], [])
    before = host_copy.make_copy(directory, scope)
    (tree / "new").mkdir()
    host_copy.record_changes(directory, differences(before, survey(scope)))
    (tree / "new/later").write_text("the administrator's\n")
    _, kept = undone(directory)
    assert kept == [f"{tree}/new: Directory not empty"]


def test_a_damaged_copy_is_an_error(tree: Path, directory: Path) -> None:
    host_copy.make_copy(directory, scope_of([str(tree)], []))
    (tree / "plain").write_text("changed\n")
    (directory / "files.tar").write_bytes(b"no archive")
    with pytest.raises(CopyDamagedError):
        undone(directory)


def test_a_copy_that_is_there_is_neither_replaced_nor_removed(tree: Path, directory: Path) -> None:
    host_copy.make_copy(directory, scope_of([str(tree)], []))
    kept = (directory / host_copy.COPY).read_bytes()
    with pytest.raises(FileExistsError):
        host_copy.make_copy(directory, scope_of([str(tree)], []))
    assert (directory / host_copy.COPY).read_bytes() == kept
