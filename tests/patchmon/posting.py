"""One submission, sent by the client in the test's own process."""

from datetime import UTC, datetime
from typing import Any

from schemas.settings import ServerSettings
from stages.patchmon.client import HttpClient
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import Outcome, decide
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import SCANS, HttpRequest, ServerAccess

KEY = "secret-key-0123456789"
BODY = b'{"scan_id": "x"}'
LONG = b"x" * 8_000_000
SCAN = HttpRequest(
    path=SCANS, headers={"Content-Type": "application/json", "Idempotency-Key": "scan-1"}
)


def client(url: str, *, connect_s: float = 5, progress_s: float = 5, **settings: Any) -> HttpClient:
    access = ServerAccess(ServerSettings(url=url, **settings), Credentials("patchmon_1", KEY))
    return HttpClient(access, connect_s, progress_s)


def send(sender: HttpClient, body: bytes = BODY) -> Outcome:
    """Submit a body; returns the outcome."""
    answer = sender.send(SCAN, body)
    if isinstance(answer, Reply):
        return decide(answer, datetime.now(UTC))
    return answer


def post(url: str, body: bytes = BODY, **options: Any) -> Outcome:
    sender = client(url, **options)
    try:
        return send(sender, body)
    finally:
        sender.close()
