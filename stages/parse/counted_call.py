"""A call of the reader that counts its deaths: work that kills it is not retried forever."""

from spool.errors import SpoolError
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerError

MAX_ATTEMPTS = 3


class ReaderDiedError(Exception):
    """The reader gave no answer, as often as it may be tried; the text is how it ended."""


def call(
    process: Process,
    worker: Worker,
    payload: bytes,
    limit_s: float,
    *,
    entry_id: str,
    id_name: str,
) -> bytes:
    """What the reader answers. The caller ends the attempt when the outcome is written.

    `id_name` is how log lines call the id of the entry. Raises ReaderDiedError, WorkerStoppedError,
    and SpoolErrors of the reader.
    """
    how_it_ended = "the reader died with the stage"
    while process.state_store.start_attempt(entry_id) < MAX_ATTEMPTS:
        try:
            return worker.call(payload, limit_s)
        except WorkerError as error:
            how_it_ended = f"the reader {error}"
            process.log.warning(how_it_ended, **{id_name: entry_id})
        except SpoolError:
            # The reader did not die: the disk or the host had trouble, or the entry can't be
            # used. Only deaths of the reader count.
            process.state_store.end(entry_id)
            raise
    raise ReaderDiedError(f"{how_it_ended}, {MAX_ATTEMPTS} times")
