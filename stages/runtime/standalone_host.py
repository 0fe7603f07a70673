"""A process that is not a stage, as a worker needs it: it waits for its worker and nothing else."""

import select
from collections.abc import Callable, Sequence


class StandaloneHost:
    """Implements `stages.runtime.worker.Host`."""

    def __init__(self) -> None:
        self.stopping = False
        self.readers: dict[int, Callable[[], None]] = {}

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]:
        return select.select(handles, [], [], timeout_s)[0]
