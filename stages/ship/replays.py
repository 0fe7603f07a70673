"""Replays: the receipts of scans that an operator wants sent again go to history, once for each
command.

Promises: a command that was applied is recorded before anything is sent for it, so it is not
applied again when an operator removes history and receipts. A forced scan is forced until it is
concluded, and not again.
"""

from collections.abc import Sequence

from schemas.ids import ScanId
from spool.errors import StorageError
from spool.layout import archived_name, entry_name
from stages.runtime import maintenance
from stages.runtime.process import Process
from stages.ship.ship_state import DeliveryState


class Replays:
    """The replay commands in `commands/`."""

    def __init__(self, process: Process, delivery_state: DeliveryState) -> None:
        self._process = process
        self._spool = process.spool
        self._delivery_state = delivery_state

    def carry_out(self) -> None:
        """Archive the receipts. The receipt of a report that is parsed again stays until the old
        report is gone.
        """
        applied: dict[str, tuple[str, ...]] = {}
        commands = [
            *maintenance.replays(self._spool, "parse"),
            *maintenance.replays(self._spool, "ship"),
        ]
        for command_id, replay in sorted(commands, key=lambda command: command[1].at):
            before = self._delivery_state.replayed.get(command_id, ())
            ready = [scan_id for scan_id in replay.scan_ids if scan_id not in before]
            if replay.step == "parse":
                ready = self._parsed_again(command_id, ready)
            if ready:
                self._archive(command_id, ready)
                self._force(ready, force=replay.force)
            applied[command_id] = (*before, *ready)
        self._delivery_state.note_replayed(applied)

    def _parsed_again(self, command_id: str, scan_ids: Sequence[ScanId]) -> list[ScanId]:
        """The scans whose old report the parse stage has archived. Before that, the old report
        would be sent once more.
        """
        archived = set(self._spool.reports.archived())
        found: list[ScanId] = []
        for scan_id in scan_ids:
            if archived_name(entry_name(scan_id, "report"), command_id) in archived:
                found.append(scan_id)
        return found

    def _archive(self, command_id: str, scan_ids: Sequence[ScanId]) -> None:
        # Before the receipts go: after a crash the state is learned from the receipts that are
        # there, and what the server has accepted must not be forgotten with them.
        self._delivery_state.save()
        for scan_id in maintenance.archive_replayed(
            self._spool.receipts,
            "receipt",
            command_id,
            scan_ids,
            self._process.alive,
            self._not_archived,
        ):
            self._process.log.info("receipt archived, the report is sent again", scan_id=scan_id)

    def _not_archived(self, scan_id: ScanId, error: StorageError) -> None:
        self._process.log.error(
            "receipt can't be archived, so the report is not sent again; the other work goes on",
            scan_id=scan_id,
            reason=error.why,
            action=f"{maintenance.FREE_THE_NAME}; then repeat the replay",
        )

    def _force(self, scan_ids: Sequence[ScanId], *, force: bool) -> None:
        """The last command decides.

        A scan that has a receipt was already concluded for this command; the record of that was
        lost.
        """
        if not force:
            self._delivery_state.forced.difference_update(scan_ids)
            return
        concluded = self._spool.receipts.ids()
        self._delivery_state.forced.update(set(scan_ids).difference(concluded))
