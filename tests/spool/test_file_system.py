"""A spool where the file system does not keep its promises is refused or warned of."""

import os
import subprocess
from pathlib import Path

import pytest

from spool import file_system
from spool.errors import SpoolUnusableError
from spool.spool import Spool

MOUNTINFO = """\
22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 28 0:35 / /mnt/a\\040b rw shared:2 - nfs4 server:/a rw,vers=4.2
41 28 0:36 / /mnt/stick rw - vfat /dev/sdb1 rw
42 28 0:37 / /srv rw - overlay overlay rw,lowerdir=/a,upperdir=/b,volatile
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/agent", "ext4"),
        ("/mnt/a b/spool", "nfs4"),
        ("/mnt/stick", "vfat"),
        ("/mnt/stick2/spool", "ext4"),
        ("/srv/spool", "overlay"),
    ],
)
def test_the_nearest_mount_decides(path: str, kind: str) -> None:
    mount = file_system.mount_of(Path(path), file_system.parse(MOUNTINFO))
    assert mount.kind == kind


def test_this_systems_own_mounts_are_understood(tmp_path: Path) -> None:
    assert file_system.warning(tmp_path) is None
    file_system.check(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_directory_on_another_file_system_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    place = tmp_path / "spool" / "quarantine"
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0750", "tmpfs", str(place)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("can't mount here")
    try:
        for name in ("requests", "raw", "reports", "receipts"):
            (place / name).mkdir(mode=0o750)
        with pytest.raises(SpoolUnusableError, match="another file system"):
            spool.claim("parse")
    finally:
        subprocess.run(["umount", "-l", place], check=True)
