"""A disk for a spool: an image of its own, which can be filled and whose power can be cut."""

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

IMAGE_BYTES = 96 << 20
_PIECE = bytes(256 * 1024)
# ext4: from now on nothing reaches the disk any more, not even what the journal holds in memory.
_SHUTDOWN, _WITHOUT_FLUSHING = 0x8004587D, struct.pack("I", 2)
_UNMOUNT_LIMIT_S = 30.0


class NoImageError(Exception):
    """Why no image can be mounted here."""


class LoopImage:
    """An ext4 file system in a file."""

    def __init__(self, home: Path) -> None:
        """Raises NoImageError."""
        self._image = home / "disk.image"
        self.root = home / "disk"
        self._ballast = self.root / "ballast"
        if os.geteuid() != 0:
            raise NoImageError("only root can mount an image")
        for program in ("mkfs.ext4", "mount", "umount"):
            if shutil.which(program) is None:
                raise NoImageError(f"{program} is missing")
        self.root.mkdir()
        with self._image.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        self.root.chmod(0o755)

    def fill(self) -> None:
        """Leave no free space."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(_PIECE)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)

    def cut_power(self) -> None:
        """What is not on the disk is lost. Nothing may use the disk meanwhile any more: every
        operation fails.
        """
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, _WITHOUT_FLUSHING)
        finally:
            os.close(handle)

    def restore_power(self) -> None:
        """Mount what is on the disk. All processes that used it have ended."""
        self._unmount()
        # A process that has copied the table of mounts meanwhile (a container that was started)
        # keeps the dead file system alive, and for the same image the kernel would give that one
        # again.
        copy = self._image.with_name(f"{self._image.name}.copy")
        _run("cp", "--sparse=always", str(self._image), str(copy))
        copy.rename(self._image)
        self._mount()
        self.free()

    def close(self) -> None:
        self._unmount()

    def _mount(self) -> None:
        # Without the help that ext4 gives to programs which forget to sync before a rename.
        _run("mount", "-o", "loop,noauto_da_alloc", str(self._image), str(self.root))

    def _unmount(self) -> None:
        end = time.monotonic() + _UNMOUNT_LIMIT_S
        while True:
            try:
                _run("umount", str(self.root))
            except NoImageError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoImageError(f"{command[0]}: {done.stderr.strip() or done.returncode}")


@contextlib.contextmanager
def loop_image(home: Path) -> Iterator[LoopImage]:
    """Raises NoImageError."""
    disk = LoopImage(home)
    try:
        yield disk
    finally:
        disk.close()
