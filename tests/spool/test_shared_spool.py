"""A spool whose directories belong to several users, as under systemd."""

import os
import pwd
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import codec
from schemas.bundle import Bundle
from schemas.command import Import, Imported, Retry
from spool import bundle, packing
from spool.entries import seal_report
from spool.errors import SpoolUnusableError
from spool.layout import DIRECTORIES, STAGE_USER
from spool.spool import Spool
from stages.parse.import_task import ImportTask
from stages.parse.import_worker import take_in
from tests.ship.ship_spool import report, scan_id

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
OTHER = 65534


@pytest.fixture
def shared(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    os.chown(spool.reports.path, OTHER, OTHER)
    return spool


GROUP = 65533
ANEW = "systemd-tmpfiles --create compliance-agent.conf"
# What is wrong where, and the remedy; root is the scan stage here.
WRONG = [
    (".", "chgrp 0", ANEW),
    (".", "chmod 0755", "chmod 0750"),
    ("..", "chmod 0777", "chmod go-w"),
    ("..", f"chown {OTHER}", "chown root"),
    ("state", "chmod 0770", "chmod 0750"),
    ("history", f"chown {OTHER}", "chown root"),
    ("quarantine", "chgrp 0", ANEW),
    ("history/commands", "chmod 0000", "chmod 0750"),
    ("commands", "chmod g-s", "chmod g+s"),
    ("commands", "chgrp 0", ANEW),
    ("raw", "chmod g+s", "chmod g-s"),
    ("raw", "chmod 0700", "chmod 0750"),
    ("raw", "chgrp 0", ANEW),
    ("history/raw", f"chown {OTHER}", "chown -R root"),
    ("quarantine/raw", "chmod 0777", "chmod 0750"),
    ("requests", "chgrp 0", ANEW),
    ("receipts", "chmod 0700", "chmod 0750"),
    ("state/scan", "chmod g-s", "chmod g+s"),
]


@pytest.fixture
def whole(tmp_path: Path) -> Spool:
    return make_whole(tmp_path)


def make_whole(directory: Path) -> Spool:
    """As tmpfiles.d makes it, with two users instead of four."""
    spool = Spool(directory / "spool")
    spool.prepare()
    for path in (spool.root, *spool.root.rglob("*")):
        os.chown(path, 0, GROUP)
    for place in DIRECTORIES:
        if place.stage not in (None, "scan"):
            path = spool.root / place.path
            if path.exists():
                os.chown(path, OTHER, GROUP)
    for path in (spool.commands.path, spool.fixes.path, spool.root / "state/scan"):
        path.chmod(0o2750)
    return spool


@ROOT_ONLY
def test_a_spool_of_several_users_that_is_as_it_must_be_is_claimed(whole: Spool) -> None:
    assert whole.claim("scan") == []


@ROOT_ONLY
@pytest.mark.parametrize(
    ("name", "wrong", "remedy"), WRONG, ids=[f"{wrong} {name}" for name, wrong, _ in WRONG]
)
def test_a_wrong_owner_group_or_mode_is_refused_and_the_remedy_corrects_it(
    name: str, wrong: str, remedy: str, whole: Spool
) -> None:
    path = whole.root.parent if name == ".." else whole.root / name
    subprocess.run([*wrong.split(), str(path)], check=True)
    with pytest.raises(SpoolUnusableError, match=re.escape(remedy)) as caught:
        whole.claim("scan")
    assert str(path) in str(caught.value)
    if remedy != ANEW:
        subprocess.run(shlex.split(str(caught.value).rpartition(": ")[2]), check=True)
        assert whole.claim("scan") == []


@ROOT_ONLY
def test_a_directory_that_is_missing_from_a_shared_spool_is_not_made_by_a_stage(
    shared: Spool,
) -> None:
    (shared.root / "receipts").rmdir()
    with pytest.raises(SpoolUnusableError, match="systemd-tmpfiles --create"):
        shared.claim("scan")
    assert not (shared.root / "receipts").exists()


@ROOT_ONLY
@pytest.mark.parametrize("name", [".", "commands"])
def test_a_spool_or_commands_that_belong_to_a_third_user_are_refused(
    name: str, shared: Spool
) -> None:
    os.chown(shared.root / name, OTHER, -1)
    with pytest.raises(SpoolUnusableError, match=r"chown (-R )?root"):
        shared.claim("scan")


@ROOT_ONLY
def test_a_box_that_belongs_to_another_user_is_refused_with_the_remedy(shared: Spool) -> None:
    with pytest.raises(SpoolUnusableError, match=f"chown -R root {shared.reports.path}"):
        shared.claim("parse")


@ROOT_ONLY
def test_a_box_of_the_user_of_its_service_is_not_to_be_given_to_another_user(
    shared: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STAGE_USER, "parse", pwd.getpwuid(OTHER).pw_name)
    with pytest.raises(SpoolUnusableError, match="systemctl start") as caught:
        shared.claim("parse")
    assert str(shared.reports.path) in str(caught.value)
    assert "spool.path" in str(caught.value)
    assert "chown" not in str(caught.value)


def test_an_entry_is_readable_by_its_group_whatever_the_umask_of_its_writer(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    before = os.umask(0o077)
    try:
        retry = Retry(at=datetime.now(UTC))
        spool.commands.retries.write("20261123T060301Z-3f9c2a17", retry)
    finally:
        os.umask(before)
    (entry,) = spool.commands.path.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o640


@contextmanager
def acting_as(user: int, group: int) -> Iterator[None]:
    groups = os.getgroups()
    os.setgroups([group])
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@ROOT_ONLY
def test_the_user_of_the_parse_stage_carries_out_an_import_of_root() -> None:
    entry = seal_report(report(1))
    at = datetime.now(UTC)
    index = Bundle(
        origin="0",
        hostname="offsite",
        exported_at=at,
        agent_version="1",
        reports=(bundle.listed(scan_id(1), entry),),
    )
    command_id = "20261123T060301Z-3f9c2a17"
    # Files that others can reach, which is not so below pytest's own directory.
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        spool = make_whole(Path(directory))
        file = Path(directory) / "b"
        with file.open("wb") as target:
            bundle.write(target, index, [entry])
        spool.commands.write_bundle(command_id, [file.read_bytes()])
        spool.commands.imports.write(command_id, Import(at=at))
        packing.import_libraries()
        task = ImportTask(spool=str(spool.root), command_id=command_id, at=at)
        with acting_as(OTHER, GROUP):
            outcome = codec.decode(take_in(codec.encode(task)), Imported)
        assert outcome.taken == (scan_id(1),)
        status = (spool.reports.path / f"{scan_id(1)}.report").stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (OTHER, GROUP, 0o640)


@ROOT_ONLY
def test_the_remedy_for_an_entry_changes_no_file_that_a_link_in_its_place_names(
    whole: Spool, tmp_path: Path
) -> None:
    entry = whole.receipts.path / "20260601T000000Z-openscap-0000000a.receipt"
    entry.touch(0o640)
    os.chown(entry, 12345, -1)
    (message,) = (str(fault) for fault in whole.faults() if fault.path == entry)
    secret = tmp_path / "secret"
    secret.touch()
    os.chown(secret, GROUP, GROUP)
    entry.unlink()
    entry.symlink_to(secret)
    subprocess.run(shlex.split(message.rpartition(": ")[2]), check=True)
    assert secret.stat().st_uid == GROUP
