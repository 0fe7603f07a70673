"""Under which name the server files a report.

A failed or cancelled scan is filed under the generic name of its scanner, which is also that of the
server's own row for a scan that runs: it ends that row and leaves the profile's last good result
alone. A profile whose title is that name is filed under another one.
"""

from hashlib import sha256

from schemas.ids import ScanId, scanner_of
from schemas.report import ScanStatus
from stages.scanners import registry

_LONGEST_NAME = 256


def name_at_the_server(scan_id: ScanId, profile: str, status: ScanStatus) -> str:
    """The flat `profile_name` of a submission."""
    spec = registry.find(scanner_of(scan_id))
    # A scanner of another version of this agent has none here.
    generic = scanner_of(scan_id)
    if spec is not None:
        generic = spec.generic_profile
    if status in ("failed", "cancelled"):
        return generic
    if profile == generic:
        return f"{profile} (profile)"
    return profile


def place(scan_id: ScanId, name: str) -> str:
    """What a newer scan replaces: the name, for each scanner.

    It is kept for every report that waits, so a long name is known by its digest.
    """
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}~{sha256(name.encode()).hexdigest()}"
    return f"{scanner_of(scan_id)}/{name}"


def name_in(place: str) -> str | None:
    """The name of a place; None where that is long, and only its digest is known."""
    name = place.partition("/")[2]
    if len(name) > _LONGEST_NAME:
        return None
    return name
