"""The ship stage: every report gets a receipt, in order, for as long as it takes.

Oldest first per place at the server, one request at a time. Trouble with the server concerns the
destination, not a report, and nothing is discarded for it. A report whose outcome is not known (a
timeout, a crash) is sent again under the same id. A report that need not be sent (answered by
another scan, or overtaken by a newer one) gets its receipt without.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from schemas.event import Event
from schemas.ids import ScanId, requested_at
from schemas.request import Cancellation, Request
from spool.errors import EntryError, EntryMissingError, SpoolError, StorageError
from spool.layout import command_time
from stages.patchmon.credentials import NoCredentials
from stages.patchmon.server_access import SETTLES_AFTER_S, find_access
from stages.runtime.allowance import Allowance
from stages.runtime.process import Process
from stages.ship.backlog import Backlog
from stages.ship.destination import ShipDestination
from stages.ship.metrics_file import MetricsFile
from stages.ship.notices import Notices
from stages.ship.order import Waiting
from stages.ship.replays import Replays
from stages.ship.sender import Sender
from stages.ship.ship_state import DeliveryState

# Any stage can send the event that the server was reached: it must not make this one try all the
# time.
_HINTS_AT_ONCE, _HINT_EVERY_S = 3, 30.0
_AFTER_A_COMMAND, _A_SECOND = timedelta(seconds=SETTLES_AFTER_S), timedelta(seconds=1)


class ShipStage:
    """The stage's side of the main loop."""

    def __init__(self, process: Process, clock: Callable[[], float] = time.monotonic) -> None:
        self._process = process
        self._delivery_state = DeliveryState(process)
        self._replays = Replays(process, self._delivery_state)
        self._backlog = Backlog(process, self._delivery_state)
        self._destination = ShipDestination(process, clock)
        self._hints = Allowance(_HINTS_AT_ONCE, _HINT_EVERY_S, clock)
        self._sender = Sender(process, self._delivery_state, self._destination, self._backlog)
        self._notices = Notices(process)
        self._metrics_file = MetricsFile(process)
        self._wait_s = float("inf")

    def run_once(self) -> None:
        self._wait_s = float("inf")
        self._sender.forget_prepared()
        # Receipts that could not be written come first: all that follows counts those on the disk.
        self._sender.settle()
        if self._delivery_state.use_server(self._process.settings.server.url):
            self._sender.forget_attempts()
            self._backlog.forget_attempts()
        self._apply_retry()
        self._replays.carry_out()
        self._backlog.refresh(self._warm_up)
        while not self._process.stopping and self._step():
            self._process.alive()
        self._sender.settle()
        self._delivery_state.save()
        self._notices.run_once()
        self._metrics_file.run_once()

    def timeout_s(self) -> float:
        return self._wait_s

    def on_event(self, event: Event) -> None:
        """Any event makes the stage check for work; after the end of a scan a report comes soon."""
        if event.name == "ScanFinished":
            self._warm_up()
        elif event.name == "ServerReached" and self._hints.take():
            self._destination.reached()

    def reloaded(self) -> None:
        self._sender.stop()

    def close(self) -> None:
        self._sender.stop()
        self._notices.close()
        self._metrics_file.close()

    def _warm_up(self) -> None:
        """Start the sending process ahead; where that fails now, it is started for the report."""
        if self._process.settings.server.url is not None:
            with suppress(SpoolError):
                self._sender.warm_up()

    def _step(self) -> bool:
        """Conclude what need not be sent, then send one report; whether there may be more to do."""
        for scan, reason in self._backlog.superseded():
            self._sender.supersede(scan, reason)
            self._sender.settle()
            self._process.alive()
            if self._process.stopping:
                return False
        scan_to_send = self._backlog.next(self._sender.failures)
        return scan_to_send is not None and self._send(scan_to_send)

    def _send(self, scan: Waiting) -> bool:
        """Send a report, if it may go now; otherwise know when to look again."""
        if self._process.settings.server.url is None:
            self._destination.not_set()
            return False
        access = find_access(self._process.settings, self._process.config, os.environ)
        if isinstance(access, NoCredentials):
            self._destination.no_credentials(access.reason)
            return False
        self._wait_s = max(self._destination.due_in_s(access), self._after_commands_s())
        if self._wait_s > 0:
            return False
        if self._sender.deliver(scan, access):
            return True
        self._wait_s = self._destination.due_in_s(access)
        return False

    def _after_commands_s(self) -> float:
        """Seconds until the server's last command has settled there.

        Where a request may not be read, it may be the server's, and the wait is needless for others
        but does no harm.
        """
        now = self._process.now()
        requests = self._process.spool.requests
        # The ids of cancellations are times of the clock, those of requests may be ahead of it.
        cancellations = requests.cancellations.ids()
        first = bisect_left(cancellations, command_time(now - _AFTER_A_COMMAND))
        end = bisect_left(cancellations, command_time(now + _A_SECOND + _A_SECOND))
        waits = [
            *self._waits(requests.ids(), requests.read, now),
            *self._waits(cancellations[first:end], requests.cancellations.read, now),
        ]
        return max([0.0, *waits])

    def _waits(
        self, ids: Sequence[str], read: Callable[[str], Request | Cancellation], now: datetime
    ) -> Iterator[float]:
        """Seconds until each of the server's last commands has settled.

        Ids are in the order of the commands, at least to the second. So the first that is too old
        ends the search, and so does one of a moment that has not come yet: the clock was set back
        after it.
        """
        for entry_id in reversed(ids):
            try:
                reason = read(entry_id).reason
            except EntryMissingError:
                continue
            except (EntryError, StorageError):
                # To the second, cut off.
                at, may_be_of_server = requested_at(ScanId(entry_id)) + _A_SECOND, True
            else:
                at, may_be_of_server = reason.at, reason.source == "server"
            left = at + _AFTER_A_COMMAND - now
            if not -_A_SECOND <= left <= _AFTER_A_COMMAND + _A_SECOND:
                return
            if may_be_of_server:
                yield left.total_seconds()

    def _apply_retry(self) -> None:
        if self._delivery_state.apply(self._process.spool.commands.retries.ids()):
            self._process.log.info(
                "the operator has requested an attempt: it is made as soon as a report may be sent"
            )
            self._destination.try_now()
