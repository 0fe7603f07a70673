"""What the tests of the worker process have done in it."""

import os
import signal
import subprocess
from pathlib import Path

from spool.errors import EntryDamagedError, StorageError


def echo(payload: bytes) -> bytes:
    return payload


def process_id(_: bytes) -> bytes:
    return str(os.getpid()).encode()


def grow(payload: bytes) -> bytes:
    return b"x" * int(payload)


def be_killed(_: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"never"


def divide(_: bytes) -> bytes:
    raise ZeroDivisionError("a mistake in the work")


def find_damage(_: bytes) -> bytes:
    raise EntryDamagedError("arf.xml.zst: SHA-256 differs")


def find_the_disk_full(_: bytes) -> bytes:
    raise StorageError("can't be written", Path("raw"), OSError(28, "No space left on device"))


def hang(_: bytes) -> bytes:
    signal.pause()
    return b"never"


def hang_with_a_child(payload: bytes) -> bytes:
    """Leaves the id of the child in the file that the payload names."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        Path(os.fsdecode(payload)).write_text(str(child.pid))
        signal.pause()
    return b"never"


def hang_through_signals(payload: bytes) -> bytes:
    """Leaves its own process id in the file that the payload names."""
    Path(os.fsdecode(payload)).write_text(str(os.getpid()))
    while True:
        signal.pause()


def end_in_silence(_: bytes) -> bytes:
    os._exit(0)


def print_something(_: bytes) -> bytes:
    print("printed by the work", flush=True)
    return b"%d" % len(os.read(0, 10))


def status_of_this_process(_: bytes) -> bytes:
    return Path("/proc/self/status").read_bytes()
