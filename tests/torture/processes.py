"""The processes of a running agent, found from its first one."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spool.layout import STAGES


@dataclass(frozen=True)
class Running:
    """A process as it was found."""

    pid: int
    started: int
    """Distinguishes it from a later process with its number."""
    command: tuple[str, ...]

    @property
    def role(self) -> str:
        """`run`, the name of a stage, or `child`."""
        if "stages.console.main" not in self.command:
            return "child"
        if "stage" in self.command:
            place = self.command.index("stage") + 1
            if self.command[place] in STAGES:
                return self.command[place]
        return "run"

    def send(self, number: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def is_alive(self) -> bool:
        found = find(self.pid)
        return found is not None and found.started == self.started


def find(pid: int) -> Running | None:
    """A process; None if it has ended, also if its parent has not waited for it yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    if status[0] in "ZX":
        return None
    return Running(pid, int(status[19]), tuple(os.fsdecode(command).split("\0")[:-1]))


def tree(pid: int) -> Iterator[Running]:
    """A process and all that it has started, and they."""
    found = find(pid)
    if found is None:
        return
    yield found
    for thread in _threads(pid):
        children = ""
        with contextlib.suppress(OSError):
            children = (thread / "children").read_text()
        for child in children.split():
            yield from tree(int(child))


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def await_end(processes: Sequence[Running], limit_s: float) -> list[Running]:
    """Those that are still alive at the deadline."""
    end = time.monotonic() + limit_s
    while True:
        left = [process for process in processes if process.is_alive]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)
