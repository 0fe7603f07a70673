import os
from pathlib import Path

import pytest

from spool import durable
from spool.spool import Spool


def nest(directory: Path, depth: int) -> None:
    """Directories in directories, deeper than a path can be long."""
    directory.mkdir()
    handle = durable.open_directory(directory)
    for _ in range(depth):
        os.mkdir("d" * 50, dir_fd=handle)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        inner = durable.open_directory("d" * 50, handle)
        os.close(handle)
        handle = inner
    os.close(handle)


@pytest.mark.parametrize("depth", [0, 1, 3000])
def test_directories_of_any_depth_are_removed(tmp_path: Path, depth: int) -> None:
    nest(tmp_path / "deep", depth)
    directory = durable.open_directory(tmp_path)
    durable.remove(directory, "deep")
    os.close(directory)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - dot names too


def test_a_stage_starts_whatever_a_scanner_has_nested_in_its_draft(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    nest(spool.raw.path / ".20260601T000000Z-openscap-00000001.draft", 3000)
    assert spool.claim("scan") == [".20260601T000000Z-openscap-00000001.draft"]
    assert os.listdir(spool.raw.path) == []  # noqa: PTH208
    spool.release()


def test_a_symlink_in_it_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    directory = durable.open_directory(tmp_path)
    durable.remove(directory, "gone")
    durable.remove(directory, "gone")
    os.close(directory)
    assert (tmp_path / "kept" / "file").exists()
