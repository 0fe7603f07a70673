"""A btrfs with a quota in bytes, which the free space of the file system does not show."""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver
from spool import durable
from spool.errors import StorageError
from stages.runtime.exits import Exit
from tests.conftest import missing
from tests.example_scanner.test_third_scanner import SECTION
from tests.faults.quick_agent import QuickAgent, a_quick_agent
from tests.pipeline.agent import until

QUOTA_BYTES = 16 << 20
LEFT_BYTES = 4 << 20
"""Enough for a scan to start. btrfs sets some of it aside for a while at each write."""
SCRIPT = """#!/bin/sh
for part in 1 2 3 4 5 6 7 8 9 10 11 12; do
    head -c 512K /dev/urandom >"$1.$part" || failed=1
done
[ -z "$failed" ] || exit 1
rm "$1".*
printf 'line-check|one|The first line|pass\\nline-check|two|The second line|fail\\n' >>"$1"
"""


class QuotaDisk:
    """A btrfs with a quota that is not in use yet."""

    def __init__(self, home: Path) -> None:
        self.root = home / "disk"
        self._ballast = self.root / "ballast"
        image = home / "image"
        with image.open("wb") as file:
            file.truncate(256 << 20)
        subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True, stderr=subprocess.DEVNULL)
        self.root.mkdir()
        mounted = subprocess.run(["mount", "-o", "loop", str(image), str(self.root)], check=False)
        if mounted.returncode:
            pytest.skip("can't mount a btrfs here")
        self._btrfs("quota", "enable", str(self.root))
        self._btrfs("quota", "rescan", "-w", str(self.root))

    def use_up(self, but_bytes: int) -> None:
        """Leave so much of a quota."""
        self._limit(QUOTA_BYTES)
        with pytest.raises(OSError, match="Disk quota exceeded"):
            self._ballast.write_bytes(bytes(QUOTA_BYTES))
        self._limit(QUOTA_BYTES + but_bytes)

    def give_back(self) -> None:
        self._limit("none")

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.root)], check=True)

    def _limit(self, size: int | str) -> None:
        self._btrfs("qgroup", "limit", str(size), str(self.root))

    def _btrfs(self, *command: str) -> None:
        subprocess.run(["btrfs", *command], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[QuotaDisk]:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    if shutil.which("mkfs.btrfs") is None:
        missing("mkfs.btrfs (apt-get install btrfs-progs)")
    disk = QuotaDisk(tmp_path)
    try:
        yield disk
    finally:
        disk.unmount()


@pytest.fixture
def agent(server: Receiver, disk: QuotaDisk) -> Iterator[QuickAgent]:
    with a_quick_agent(server) as agent:
        script = agent.home / "line-check.sh"
        script.write_text(SCRIPT)
        agent.place = disk.root / "spool"
        agent.settings["spool"]["path"] = str(agent.place)
        agent.settings["compliance"][SECTION] = {"script": str(script)}
        agent.configure()
        agent.spool.prepare()
        yield agent


def test_no_scan_starts_where_the_quota_is_used_up(agent: QuickAgent, disk: QuotaDisk) -> None:
    scan_id = agent.request()
    agent.start("trigger")
    until(lambda: scan_id in agent.spool.requests.ids(), "the request is there")
    disk.use_up(but_bytes=512 << 10)
    agent.start("scan", "parse", "ship")
    until(lambda: "Disk quota exceeded" in agent.log("scan"), "it is logged")
    assert "raise the quota or free some space; scans wait" in agent.log("scan")
    assert "scan started" not in agent.log("scan")
    status = agent.run("status", code=Exit.UNUSABLE)
    assert status.startswith(f"trouble: scan: {agent.spool.raw.path}: takes no file of 1 MiB")
    (row,) = json.loads(agent.run("list", "--json"))
    assert "Disk quota exceeded" in row["pending_reason"]
    disk.give_back()
    until(lambda: agent.received(scan_id), "the scan is received")
    agent.run("status")
    assert agent.report(scan_id).status == "completed"


def test_a_scan_that_fails_for_a_quota_is_repeated(agent: QuickAgent, disk: QuotaDisk) -> None:
    scan_id = agent.request()
    agent.start("trigger")
    until(lambda: scan_id in agent.spool.requests.ids(), "the request is there")
    disk.use_up(but_bytes=LEFT_BYTES)
    agent.start("scan", "parse", "ship")
    until(lambda: "a scan filled the disk: free some space" in agent.log("scan"), "it is logged")
    assert not agent.reported(scan_id)
    disk.give_back()
    until(lambda: agent.received(scan_id), "the scan is received")
    assert agent.report(scan_id).status == "completed"


def test_a_full_disk_that_counts_no_inodes_is_not_said_to_lack_them(disk: QuotaDisk) -> None:
    error = StorageError("can't be written", disk.root, OSError(errno.ENOSPC, "No space left"))
    assert "No space left; free some space" in str(error)


def test_a_directory_that_stays_open_is_listed_as_it_is_now(disk: QuotaDisk) -> None:
    """btrfs shows no name that is newer than the last rewind of the handle."""
    handle = os.open(disk.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number in range(3):
            (disk.root / str(number)).touch()
            assert durable.names(handle) == [str(known) for known in range(number + 1)]
    finally:
        os.close(handle)
