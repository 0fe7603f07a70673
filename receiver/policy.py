"""What a receiver allows."""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from stages.patchmon.credentials import Credentials

Reader = Literal["released", "specification"]


def generate_credentials() -> Credentials:
    """Credentials as servers make them: `patchmon_` and 16 hex digits, and a key of 64."""
    return Credentials(f"patchmon_{secrets.token_hex(8)}", secrets.token_hex(32))


@dataclass(frozen=True)
class Policy:
    """The limits and switches of a receiver; the defaults are those of released servers."""

    hosts: tuple[Credentials, ...] = field(default_factory=lambda: (generate_credentials(),))
    """Who may send. Each pair of credentials is one host."""
    max_body: int = 5 * 1024 * 1024
    """Bytes of a submission; a larger one is refused."""
    posts_per_minute: int = 10
    """Submissions that an api id may try in any 60 s."""
    reader: Reader = "released"
    """Which server answers: a released one, or the one that the specification describes."""
    openscap_enabled: bool = True
    docker_bench_enabled: bool = True
    """A scanner that is switched off: its scans are answered with 200, and not stored."""
    compliance_mode: Literal["disabled", "on-demand", "enabled"] = "enabled"
    ping_every_s: float = 30.0
    silence_s: float = 90.0
    """Seconds after which a silent agent is dropped; more than `ping_every_s`."""

    def admits(self, api_id: str, key: str) -> bool:
        expected = next((host.key for host in self.hosts if host.id == api_id), "")
        return secrets.compare_digest(key.encode(), expected.encode()) and bool(expected)

    def stores(self, profile_type: str) -> bool:
        """Whether scans of this type are kept. Only the two scanners have a switch."""
        switches = {"openscap": self.openscap_enabled, "docker-bench": self.docker_bench_enabled}
        return switches.get(profile_type, True)
