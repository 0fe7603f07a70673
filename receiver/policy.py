"""What a receiver allows."""

from pathlib import Path
from typing import Literal

from receiver.hosts import generate_credentials
from schemas.records import Struct, field
from schemas.schedule import Mode
from stages.patchmon.credentials import Credentials
from stages.patchmon.enrolment import EnrolmentToken

Reader = Literal["released", "specification"]
MAX_BODY = 5 * 1024 * 1024
POSTS_PER_MINUTE = 10


class Policy(Struct, frozen=True):
    """The limits and switches of a receiver; the defaults are those of released servers."""

    hosts: tuple[Credentials, ...] = field(default_factory=lambda: (generate_credentials(),))
    """Who may send from the start. Each pair of credentials is one host."""
    max_body: int = MAX_BODY
    """Bytes of a submission; a larger one is refused."""
    posts_per_minute: int = POSTS_PER_MINUTE
    """Submissions that an api id may try in any 60 s."""
    reader: Reader = "released"
    """Which server answers: a released one, or the one that the specification describes."""
    scanners_off: frozenset[str] = frozenset()
    """Scanners that are switched off for every host, by their keys: their scans are answered with
    200, and not stored."""
    compliance_mode: Mode = "enabled"
    update_interval_s: float = 3600.0
    """How often a host has to show that it is alive."""
    ping_every_s: float = 30.0
    silence_s: float = 90.0
    """Seconds after which a silent agent is dropped; more than `ping_every_s`."""
    enrolment: EnrolmentToken | None = None
    """With this token a host may enrol itself."""
    max_enrolled: int = 100
    """Hosts that may enrol."""
    content: Path | None = None
    """A directory of SCAP content (`ssg-…-ds.xml`) that agents may fetch."""
    allowed_hosts: frozenset[str] | None = None
    """The values of the `Host` header that are accepted; None: any."""
