"""A process that has a worker and waits for it: to be killed by a test."""

import sys
from pathlib import Path

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.runtime.worker import Worker

if __name__ == "__main__":
    directory, file = Path(sys.argv[1]), sys.argv[2]
    process = Process(
        "parse", Settings(), None, Spool(directory / "spool"), Log("parse"), NoDoorbell()
    )
    worker = Worker(process, "tests.runtime.worker_tasks:hang_through_signals")
    worker.call(file.encode(), 600)
