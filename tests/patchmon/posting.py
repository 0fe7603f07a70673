"""One request, from the transport alone."""

from typing import Any

from schemas.settings import ServerSettings
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import Outcome
from stages.patchmon.transport import Transport

KEY = "secret-key-0123456789"


BODY = b'{"scan_id": "x"}'


LONG = b"x" * 8_000_000


def post(
    url: str, body: bytes = BODY, *, progress_s: float = 5, connect_s: float = 5, **settings: Any
) -> Outcome:
    transport = Transport(
        ServerSettings(url=url, **settings), connect_s=connect_s, progress_s=progress_s
    )
    try:
        return transport.post(body, Credentials("patchmon_1", KEY), "scan-1", "1.2")
    finally:
        transport.close()
