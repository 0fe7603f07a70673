import threading
from pathlib import Path

from spool.lock import Lock, is_held


def test_a_stage_that_starts_while_others_ask_whether_it_runs_starts(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            is_held(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(500):
            lock = Lock(path)
            lock.acquire("parse stage")
            lock.release()
    finally:
        end.set()
        asking.join()
