"""Replays: the receipts of scans that the operator wants sent again go to history, once for each command.

Promises: a command that was carried out stays so when an operator removes history and receipts: the stage remembers
the scans that were sent for it. What was to be forced is forced until it is sent, and not again.
"""

from collections.abc import Collection

from schemas.command import Replay
from schemas.ids import ScanId
from spool.layout import attic_name, entry_name
from stages.process import upkeep
from stages.process.process import Process
from stages.ship.ledger import Ledger


class Replays:
    """The replay commands that lie there."""

    def __init__(self, process: Process, ledger: Ledger) -> None:
        self._process = process
        self._spool = process.spool
        self._ledger = ledger
        self.forced: set[ScanId] = set()
        """Scans that are sent even where the server has a newer one."""
        self._commands: list[tuple[str, Replay]] = []

    def carry_out(self) -> None:
        """Take the receipts away; of a report that is parsed again, when the old report is gone."""
        self.forced.clear()
        commands = [*upkeep.replays(self._spool, "parse"), *upkeep.replays(self._spool, "ship")]
        self._commands = sorted(commands, key=lambda command: command[1].at)
        for command_id, replay in self._commands:
            sent = self._ledger.replayed.get(command_id, ())
            left = [scan_id for scan_id in replay.scan_ids if scan_id not in sent]
            change = self.forced.update if replay.force else self.forced.difference_update
            change(left)
            self._retire(command_id, left if replay.step == "ship" else self._parsed_again(command_id, left))

    def note_sent(self) -> None:
        """Remember what was concluded since its receipt was taken away."""
        done, retired = set(self._spool.receipts.ids("receipt")), set(self._spool.receipts.retired())
        replayed: dict[str, Collection[str]] = {}
        for command_id, replay in self._commands:
            sent = {
                scan_id
                for scan_id in replay.scan_ids
                if scan_id in done and attic_name(entry_name(scan_id, "receipt"), command_id) in retired
            }
            replayed[command_id] = sent.union(self._ledger.replayed.get(command_id, ()))
        self._ledger.note_replayed(replayed)

    def _parsed_again(self, command_id: str, scan_ids: Collection[ScanId]) -> list[ScanId]:
        """Those whose old report the parse stage has taken away; until then it would be sent once more."""
        retired = set(self._spool.reports.retired())
        return [i for i in scan_ids if attic_name(entry_name(i, "report"), command_id) in retired]

    def _retire(self, command_id: str, scan_ids: Collection[ScanId]) -> None:
        if not scan_ids:
            return
        self._ledger.save()
        for scan_id in upkeep.retire_replayed(self._spool.receipts, "receipt", command_id, scan_ids):
            self._process.log.info("receipt taken to history, the report is sent again", scan_id=scan_id)
