"""The Dask cluster of a command: a running one, or workers on this machine."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster

from stages.runtime.command_error import CommandError

_CONNECT_S = 30


@contextmanager
def cluster(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of a running scheduler, or of workers on this machine. Raises CommandError."""
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise CommandError(f"{scheduler}: no scheduler answers there: {error}") from error
        with client:
            yield client
        return
    with _workers_here(workers) as local, Client(local) as client:
        yield client


def _workers_here(workers: int) -> LocalCluster:
    """Workers on this machine, which ignore Ctrl-C.

    Ctrl-C reaches every process of a terminal. This process ends the workers, and prints one line
    where they would print a traceback each.
    """
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        )
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
