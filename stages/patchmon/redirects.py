"""Where a redirect leads: the one rule for HTTP and for the WebSocket. Pure.

At most three are followed, and only within the origin, so no byte of a body or of credentials goes
anywhere else.
"""

from urllib.parse import urljoin, urlsplit

from stages.patchmon.outcome import Paused
from stages.patchmon.proxies import DEFAULT_PORTS

MOST = 3
STATUSES = frozenset({301, 302, 307, 308})
_OVER_HTTP = {"ws": "http", "wss": "https"}


def target_of(url: str, location: str | None) -> str | Paused:
    """Where a redirect leads, if that is the same origin."""
    try:
        target = urljoin(url, location or "")
        if location and origin(target) == origin(url):
            return target
        shown = without_secrets(target)
    except ValueError:
        return Paused("redirected to an address that can't be read", "check server.url")
    return Paused(
        f"redirected to {shown}, another origin than {without_secrets(url)}; nothing was sent "
        "there",
        "if that is the server, set server.url to it",
    )


def origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Raises ValueError for what is not a URL."""
    parts = urlsplit(url)
    scheme = _OVER_HTTP.get(parts.scheme, parts.scheme)
    return scheme, parts.username, parts.hostname, parts.port or DEFAULT_PORTS.get(scheme)


def without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]
