"""The hosts that a server knows: their keys, what is set for them, and whether they are alive.

A host is `pending` until its first ping, `active` afterwards, and `stale` once it has not pinged
for two update intervals.
"""

import secrets
import threading
import time
from collections.abc import Iterable
from typing import Literal

from schemas.records import Struct, field
from schemas.schedule import Mode
from stages.patchmon.credentials import Credentials

HostState = Literal["pending", "active", "stale"]


def generate_credentials() -> Credentials:
    """Credentials as servers make them: `patchmon_` and 16 hex digits, and a key of 64."""
    return Credentials(f"patchmon_{secrets.token_hex(8)}", secrets.token_hex(32))


class Host(Struct):
    """One host. What an administrator sets may change at any time."""

    credentials: Credentials
    mode: Mode
    scanners_off: frozenset[str]
    """The scanners that are switched off, by their keys."""
    name: str | None = None
    machine_id: str | None = None
    last_ping: float | None = None
    """On the monotonic clock."""

    def state(self, update_interval_s: float, now: float) -> HostState:
        if self.last_ping is None:
            return "pending"
        if now - self.last_ping > 2 * update_interval_s:
            return "stale"
        return "active"


class Hosts(Struct):
    """Every host, by its api id. Thread-safe."""

    mode: Mode
    """What a new host gets."""
    scanners_off: frozenset[str]
    _hosts: dict[str, Host] = field(default_factory=dict)
    _tokens: dict[str, Credentials] = field(default_factory=dict)
    """Bootstrap tokens that are not used up, with what they stand for."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, credentials: Credentials, name: str | None = None, machine_id: str | None = None
    ) -> Host:
        host = Host(credentials, self.mode, self.scanners_off, name, machine_id)
        with self._lock:
            self._hosts[credentials.id] = host
        return host

    def add_all(self, hosts: Iterable[Credentials]) -> None:
        for credentials in hosts:
            self.add(credentials)

    def get(self, api_id: str) -> Host:
        """Raises KeyError."""
        return self._hosts[api_id]

    def all(self) -> list[Host]:
        with self._lock:
            return list(self._hosts.values())

    def admits(self, api_id: str, key: str) -> bool:
        host = self._hosts.get(api_id)
        if host is None:
            return False
        return secrets.compare_digest(key.encode(), host.credentials.key.encode())

    def pinged(self, api_id: str) -> None:
        self._hosts[api_id].last_ping = time.monotonic()

    def regenerate(self, api_id: str) -> Credentials:
        """A new key for a host; the old one is refused from now on."""
        host = self._hosts[api_id]
        host.credentials = Credentials(api_id, generate_credentials().key)
        return host.credentials

    def bootstrap_token(self, credentials: Credentials) -> str:
        """A token that can be exchanged for these credentials once."""
        token = secrets.token_hex(32)
        with self._lock:
            self._tokens[token] = credentials
        return token

    def exchange(self, token: str) -> Credentials | None:
        """What the token stands for; None where it is unknown or used up."""
        with self._lock:
            return self._tokens.pop(token, None)
