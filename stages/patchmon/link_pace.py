"""How patient the WebSocket is. Pure."""

from schemas.records import Struct


class LinkPace(Struct, frozen=True):
    """How patient the link is, in seconds."""

    connect_s: float = 5.0
    """An address that does not accept a connection is given up then, and the next one is tried."""
    open_s: float = 20.0
    """For all addresses, and for what follows until the WebSocket is open."""
    ping_every_s: float = 30.0
    pong_within_s: float = 60.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    after_loss_s: float = 5.0
    """The longest wait where a connection had stood or the server is away: a fleet must not come
    back in the same second.
    """
    stood_s: float = 60.0
    """A connection that lasted at least so long is not counted as a failure."""
    between_messages_s: float = 0.5
    """The shortest time between two messages to the server."""

    def longest_backoff_s(self, failures: int) -> float:
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures, 20))
