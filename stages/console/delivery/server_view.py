"""What the server has, as the ship stage knows it: which scan of each profile, and which are newer.

Where the state was lost, or the settings name another server by now, nothing is known.
"""

from collections.abc import Mapping

from schemas.destination import SHIP_STATE, ShipState
from schemas.ids import ScanId
from schemas.report import ReportHeader
from schemas.settings import Settings
from spool.errors import EntryError
from spool.spool import Spool
from stages.ship import filing, order
from stages.ship.order import Superseded, Waiting


class ServerView:
    """The scans at the server."""

    def __init__(self, spool: Spool, settings: Settings) -> None:
        self._spool = spool
        self._delivery = settings.delivery
        state = spool.state_store("ship").read(SHIP_STATE, ShipState)
        url = (settings.server.url or "").rstrip("/")
        if state is None or state.url != url:
            state = ShipState()
        self._state = state

    def displaced(self) -> Mapping[ScanId, ScanId]:
        """The scans that the server has because they were sent by force, each with the newer one
        that it had before.
        """
        found: dict[ScanId, ScanId] = {}
        for place, stored in self._state.stored.items():
            newest = self._state.accepted.get(place, stored.scan_id)
            if newest > stored.scan_id:
                found[stored.scan_id] = ScanId(newest)
        return found

    def superseded(self, scan_id: ScanId) -> Superseded | None:
        """Why a report would not be sent without force; None where it would be."""
        try:
            header = self._spool.reports.header(scan_id)
        except EntryError:
            # The ship stage finds out what is wrong with it.
            return None
        return self.would_supersede(scan_id, header)

    def would_supersede(self, scan_id: ScanId, header: ReportHeader) -> Superseded | None:
        """The same for a report that is still to come."""
        name = filing.name_at_the_server(scan_id, header.profile, header.status)
        place = filing.place(scan_id, name)
        scan = Waiting(scan_id, place, header.status, header.answered_by)
        return order.superseded(scan, self._state.accepted.get(place), self._delivery, forced=False)
