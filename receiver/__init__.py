"""A small PatchMon server for trying out, for tests and for development.

It keeps the contract that released servers keep with their agents: credentials, limits, strict reading of
submissions, replacement of older scans, the WebSocket. What it received lies in SQLite, to be asked afterwards.
"""

from receiver.policy import Policy, generate_credentials
from receiver.server import Receiver

__all__ = ["Policy", "Receiver", "generate_credentials"]
