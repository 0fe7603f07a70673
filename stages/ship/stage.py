"""The ship stage: every report gets a receipt, in order, for as long as it takes.

Oldest first per profile, one request at a time. Trouble with the server concerns the destination, not a scan, and
nothing is discarded for it. A scan whose outcome is not known (a timeout, a crash) is sent again under the same id.
A report that need not be sent (answered by another scan, or overtaken by a newer one) gets its receipt without.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from schemas.event import Event
from schemas.receipt import Receipt
from schemas.report import Report
from spool.layout import parse_name
from stages.patchmon import credentials
from stages.runtime.process import Process
from stages.ship import receipts
from stages.ship.destination import Destination
from stages.ship.order import Waiting, next_of
from stages.ship.sender import Sender
from stages.ship.ship_queue import Queue
from stages.ship.ship_state import DeliveryState

_AFTER_A_COMMAND, _A_SECOND = timedelta(seconds=2), timedelta(seconds=1)


class ShipStage:
    """The worker of the ship stage."""

    def __init__(self, process: Process, clock: Callable[[], float] = time.monotonic) -> None:
        self._process = process
        self._delivery_state = DeliveryState(process)
        self._queue = Queue(process, self._delivery_state)
        self._destination = Destination(process, clock)
        self._sender = Sender(
            process, self._delivery_state, self._destination, self._queue.attempted
        )
        self._learned = False
        self._wait_s = float("inf")

    def run_once(self) -> None:
        self._wait_s = float("inf")
        self._delivery_state.settle()
        self._delivery_state.serve(self._process.settings.server.url, self._queue.pending)
        self._learn()
        self._apply_retry()
        self._queue.start_run()
        while not self._process.stopping and self._step():
            self._process.alive()
        self._sender.rest()
        self._delivery_state.save()

    def timeout_s(self) -> float:
        return self._wait_s

    def on_event(self, event: Event) -> None:
        """A ring is enough to look; what it says does not matter."""

    def reloaded(self) -> None:
        self._sender.rest()

    def verify(self, name: str) -> object:
        parsed = parse_name(name)
        return self._process.spool.receipts.read(parsed[0], "receipt", Receipt) if parsed else None

    def close(self) -> None:
        self._sender.rest()

    def _step(self) -> bool:
        """Conclude what need not be sent, then send one report; whether there may be more to do."""
        scans = self._queue.waiting()
        concluded = False
        for report, reason in self._queue.superseded(scans):
            self._sender.supersede(report, reason)
            concluded = True
            if self._process.stopping:
                return False
        if concluded:
            return True
        ready = self._queue.candidates(scans)
        if not ready and self._delivery_state.of_another_server:
            self._destination.not_meant(len(self._delivery_state.of_another_server))
        return bool(ready) and self._send(ready)

    def _send(self, ready: list[Waiting]) -> bool:
        """Send the next report, if it may go now; otherwise know when to look again."""
        if self._process.settings.server.url is None:
            self._destination.not_set()
            return False
        found = credentials.find(self._process.settings.api, self._process.config, os.environ)
        problem = found.reason if isinstance(found, credentials.NoCredentials) else self._exposed()
        if problem or isinstance(found, credentials.NoCredentials):
            self._destination.no_secrets(problem or "")
            return False
        self._wait_s = self._destination.due_in_s(found)
        if self._wait_s > 0:
            return False
        report = self._queue.read(next_of(ready, self._sender.stuck).scan_id)
        if report is None:
            return True
        self._wait_s = self._too_early_s(report)
        if self._wait_s > 0:
            return False
        if self._sender.deliver(report, found):
            return True
        self._wait_s = self._destination.due_in_s(found)
        return False

    def _exposed(self) -> str | None:
        """A secret of the settings, beside the API key, that everyone on this host can read, and its mend."""
        server = self._process.settings.server
        files = [Path(path) for path in (server.client_key or server.client_certificate,) if path]
        if server.proxy and "@" in server.proxy and self._process.config:
            files.append(self._process.config)
        return next((problem for file in files if (problem := credentials.exposed(file))), None)

    def _too_early_s(self, report: Report) -> float:
        """A server writes down that a scan of its own runs only after it has sent the command.

        Where the entries of requests can't be read, their names tell the second and not the source: for those of a
        schedule or an operator the wait is then needless, and no harm.
        """
        now, scan_id = self._process.now(), receipts.id_of(report)
        ends = [
            reason.at + _AFTER_A_COMMAND for reason in report.reasons if reason.source == "server"
        ]
        begun = now - _AFTER_A_COMMAND - _A_SECOND
        ends += [
            at + _AFTER_A_COMMAND + _A_SECOND for at in self._queue.asked_since(begun, scan_id)
        ]
        # A moment that has not come yet was told by another clock.
        left = [end - now for end in ends if end - now <= _AFTER_A_COMMAND + _A_SECOND]
        return max(0.0, max((wait.total_seconds() for wait in left), default=0.0))

    def _learn(self) -> None:
        """What was accepted; and once, what the server has counted within its last minute."""
        accepted = self._delivery_state.learn()
        if not self._learned:
            self._queue.forget_marks()
            self._destination.sent_before([*accepted, *self._queue.attempted_at()])
            self._learned = True

    def _apply_retry(self) -> None:
        if self._delivery_state.apply(self._process.spool.commands.ids("retry")):
            self._process.log.info("trying the server now, by the operator's wish")
            self._destination.try_now()
