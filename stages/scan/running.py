"""The scan in progress, as the scan stage keeps it in its state. Commands read it too."""

from pathlib import Path

from schemas.ids import ScanId
from schemas.records import Record

STATE = "running"


class Running(Record, frozen=True, kw_only=True):
    """By this the leftovers of a crash are found."""

    scan_id: ScanId
    pid: int
    start_ticks: int


def start_ticks(pid: int) -> int | None:
    """When a process started, in ticks since boot (proc(5), field 22); None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])
