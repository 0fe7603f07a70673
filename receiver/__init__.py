"""A small PatchMon server for demonstrations, tests and development.

It behaves towards agents as released servers do: credentials, limits, strict reading of
submissions, replacement of older scans, the WebSocket. What it receives is stored in SQLite.
"""

from receiver.hosts import generate_credentials
from receiver.policy import Policy
from receiver.server import Receiver

__all__ = ["Policy", "Receiver", "generate_credentials"]
