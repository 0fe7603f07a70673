"""The WebSocket library's client, with this agent's rule for redirects."""

from websockets.exceptions import InvalidStatus
from websockets.sync.client import reconnect

from stages.patchmon import redirects
from stages.patchmon.outcome import Paused
from stages.patchmon.server_access import websocket_url


class WithinOrigin(reconnect):
    """The library itself would take the credentials to any host."""

    _followed = 0

    def process_redirect(self, exc: Exception) -> Exception | str:
        """The error that ends the attempt, or where to try again."""
        if not isinstance(exc, InvalidStatus) or self._followed == redirects.MOST:
            return exc
        response = exc.response
        if response.status_code not in redirects.STATUSES:
            return exc
        locations = response.headers.get_all("Location")
        if len(locations) != 1:
            return exc
        target = redirects.target_of(self.uri, locations[0])
        if isinstance(target, Paused):
            return exc
        self._followed += 1
        return websocket_url(target)
