"""A spool whose directories belong to several users, as under systemd."""

import os
from pathlib import Path

import pytest

from spool.errors import SpoolUnusableError
from spool.spool import Spool

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
OTHER = 65534


@pytest.fixture
def shared(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    os.chown(spool.reports.path, OTHER, OTHER)
    return spool


@ROOT_ONLY
def test_a_directory_that_is_missing_from_a_shared_spool_is_made_by_no_stage(shared: Spool) -> None:
    (shared.root / "receipts").rmdir()
    with pytest.raises(SpoolUnusableError, match="systemd-tmpfiles --create"):
        shared.claim("scan")
    assert not (shared.root / "receipts").exists()


@ROOT_ONLY
@pytest.mark.parametrize("name", [".", "commands"])
def test_a_spool_or_commands_that_belong_to_a_third_user_are_refused(name: str, shared: Spool) -> None:
    os.chown(shared.root / name, OTHER, -1)
    with pytest.raises(SpoolUnusableError, match="chown root"):
        shared.claim("scan")


@ROOT_ONLY
def test_a_box_that_belongs_to_another_user_is_refused_with_the_mend(shared: Spool) -> None:
    with pytest.raises(SpoolUnusableError, match=f"chown root {shared.reports.path}"):
        shared.claim("parse")


def test_an_entry_is_readable_by_its_group_whatever_the_umask_of_its_writer(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    before = os.umask(0o077)
    try:
        spool.commands.write("20261123T060301Z-3f9c2a17", "retry", {})
    finally:
        os.umask(before)
    (entry,) = spool.commands.path.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o640
