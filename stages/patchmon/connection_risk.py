"""Whether others on the network can read or alter what is sent. Pure; without the TLS library, so
that commands start quickly.
"""

import ipaddress
from urllib.parse import urlsplit

from schemas.records import Struct
from schemas.settings import ServerSettings


class Risk(Struct, frozen=True):
    """Why others can read or alter what is sent, and what to do."""

    message: str
    action: str


def connection_risk(server: ServerSettings) -> Risk | None:
    """None where the connection is verified, or does not leave this host."""
    url = server.url or ""
    if url.startswith("http:") and not _is_this_host(url):
        return Risk(
            "plain http (server.url): others on the network can read and alter what is sent, "
            "the API key too",
            "set server.url to the server's https address",
        )
    if url.startswith("https:") and not server.verify:
        return Risk(
            "the certificate is not checked (server.verify: false): others on the network can read "
            "and alter what is sent, the API key too",
            "set server.verify: true, and server.ca_file if the server has its own authority",
        )
    return None


def _is_this_host(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
