"""What this host is, in the server's form. Pure.

Source: `POST /api/v1/hosts/update` of the released servers.
"""

from schemas.records import Record


class HostUpdate(Record, frozen=True, kw_only=True, rename="camel"):
    """A partial update: it names the sections that it holds, so that the server leaves the rest
    alone.
    """

    sections: tuple[str, ...] = ("hostname",)
    hostname: str
    os_type: str
    os_version: str
    architecture: str
    agent_version: str
