"""The server's address, how it is reached, what every request carries, and one request."""

from collections.abc import Mapping
from pathlib import Path

from schemas.ids import ScanId
from schemas.records import Record
from schemas.settings import ServerSettings, Settings
from stages.patchmon import credentials
from stages.patchmon.credentials import Credentials, NoCredentials

SCANS = "/api/v1/compliance/scans"
INTEGRATION_STATUS = "/api/v1/hosts/integration-status"
INTEGRATIONS = "/api/v1/hosts/integrations"
PING = "/api/v1/hosts/ping"
HOST_UPDATE = "/api/v1/hosts/update"
WEBSOCKET = "/api/v1/agents/ws"
ENROL = "/api/v1/auto-enrollment/enroll"
BOOTSTRAP = "/api/v1/hosts/bootstrap/exchange"
HEALTH = "/health"
_API = "/api/v1"
SSG_VERSION = "/api/v1/compliance/ssg-version"
SSG_CONTENT = "/api/v1/compliance/ssg-content/"
"""Followed by the name of a file."""
SETTLES_AFTER_S = 2.0
"""The server writes down that a scan of its own runs only after it has sent the command; a result
that arrives before leaves that row standing for hours.
"""
USER_AGENT = "compliance-agent"
AGENT_HEADERS = {"User-Agent": USER_AGENT}
JSON_HEADERS = {"Content-Type": "application/json", **AGENT_HEADERS}


class ServerAccess(Record, frozen=True, kw_only=False):
    """The section `server` of the settings, and the host's credentials."""

    settings: ServerSettings
    credentials: Credentials | None
    """None before the host is enrolled."""

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end.

        Without the prefix of the paths, too: it is in the URL that some copy from the server's
        documentation, and the server answers a doubled one like a wrong key.
        """
        return (self.settings.url or "").rstrip("/").removesuffix(_API)

    @property
    def websocket_url(self) -> str:
        return websocket_url(self.url + WEBSOCKET)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by which the server knows the host."""
        if self.credentials is None:
            return {}
        return {"X-API-ID": self.credentials.id, "X-API-KEY": self.credentials.key}


def websocket_url(url: str) -> str:
    """The URL of a WebSocket at this address; one of a WebSocket stays as it is."""
    if url.startswith("http"):
        return "ws" + url.removeprefix("http")
    return url


def find_access(
    settings: Settings, config: Path | None, environment: Mapping[str, str]
) -> ServerAccess | NoCredentials:
    """The server of the settings with today's credentials, or why nothing may be sent to it: there
    are none, or everyone on this host can read a secret of the connection.
    """
    found = credentials.find(settings.api, config, environment)
    if isinstance(found, NoCredentials):
        return found
    return exposed_secret(settings.server, config) or ServerAccess(settings.server, found)


def exposed_secret(server: ServerSettings, config: Path | None) -> NoCredentials | None:
    """The first secret of the connection that everyone on this host can read."""
    secrets = credentials.connection_secrets(server, config)
    exposed = next(credentials.exposed_files(secrets), None)
    if exposed is None:
        return None
    return NoCredentials(*exposed)


class HttpRequest(Record, frozen=True, kw_only=True):
    """One request to the server; its body is passed beside it."""

    method: str = "POST"
    path: str
    headers: Mapping[str, str] = {}
    """Beside the credentials and those that every request has."""
    retry_for_s: float = 0.0
    """Seconds within which temporary trouble is tried again before it is the result."""


class SinkError(Exception):
    """What receives the body of a reply can't go on; the text is one line."""


def submission(scan_id: ScanId, agent_version: str) -> HttpRequest:
    """The request that brings a report; a server that has it already knows it by its key."""
    return HttpRequest(
        path=SCANS,
        headers={
            **JSON_HEADERS,
            "User-Agent": f"{USER_AGENT}/{agent_version}",
            "Idempotency-Key": scan_id,
        },
    )
