"""Errors and kills at chosen file operations of real processes, by a small library in C.

The library (`disk_faults.c`) is built where it runs. A test and the processes share a plan: it
counts the operations below one directory, and those with certain numbers fail. So a fault can begin
and end while a process runs, and every single operation can be tried.
"""

import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntFlag
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("disk_faults.c")
KILL = -1
"""The action that ends the process before the operation."""
_LAYOUT = struct.Struct("=qqqqii")
_ENDLESS = 1 << 62


class Kind(IntFlag):
    """Kinds of operations, as in the library."""

    CREATE = 1
    WRITE = 2
    SYNC = 4
    RENAME = 8
    REMOVE = 16
    READ = 32
    LIST = 64


CHANGES = Kind.CREATE | Kind.WRITE | Kind.SYNC | Kind.RENAME | Kind.REMOVE


class DiskFaults:
    """A plan that is shared with the processes that have `environment`."""

    def __init__(self, library: Path, root: Path, plan: Path) -> None:
        """`root`: the directory below which operations count; `plan`: a new file outside of it."""
        plan.write_bytes(bytes(_LAYOUT.size))
        plan.chmod(0o666)
        with plan.open("r+b") as stream:
            self._shared = mmap.mmap(stream.fileno(), _LAYOUT.size)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FAULT_ROOT": str(root),
            "FAULT_PLAN": str(plan),
        }

    def arm(
        self, action: int, *, kinds: Kind = CHANGES, after: int = 0, times: int = _ENDLESS
    ) -> None:
        """From the operation `after` on, counted from now, `times` operations meet `action`: an
        errno, or KILL.
        """
        self._write(0, _ENDLESS, _ENDLESS, 0, kinds, action)
        self._write(0, after, after + times, 0, kinds, action)

    def count(self, kinds: Kind = CHANGES) -> None:
        """Let everything pass, and count it from now."""
        self._write(0, _ENDLESS, _ENDLESS, 0, kinds, 0)

    def disarm(self) -> None:
        self._write(0, _ENDLESS, _ENDLESS, self.fired, Kind(0), 0)

    @property
    def seen(self) -> int:
        """Operations since the last order."""
        return int(self._read()[0])

    @property
    def fired(self) -> int:
        """Operations that met the action since the last `arm`."""
        return int(self._read()[3])

    def close(self) -> None:
        self._shared.close()

    def _read(self) -> tuple[int, ...]:
        return _LAYOUT.unpack(self._shared[: _LAYOUT.size])

    def _write(
        self, seen: int, first: int, last: int, fired: int, kinds: Kind, action: int
    ) -> None:
        self._shared[: _LAYOUT.size] = _LAYOUT.pack(seen, first, last, fired, kinds, action)


class NoCompilerError(Exception):
    """Why the library can't be built here."""


@cache
def build() -> Path:
    """The library, built once in each process that asks. Raises NoCompilerError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompilerError("no C compiler (apt-get install gcc libc6-dev)")
    # Processes of other users load it, too.
    directory = Path(tempfile.mkdtemp(prefix="disk-faults"))
    directory.chmod(0o755)
    library = directory / "disk_faults.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(directory)
        raise NoCompilerError(f"the library can't be built: {done.stderr.strip()[-300:]}")
    return library


@contextmanager
def disk_faults(root: Path, directory: Path) -> Iterator[DiskFaults]:
    """Faults below `root`; the plan is kept in `directory`. Raises NoCompilerError."""
    faults = DiskFaults(build(), root, directory / f"faults-{os.getpid()}")
    faults.count()
    try:
        yield faults
    finally:
        faults.close()
