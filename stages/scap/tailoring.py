"""An XCCDF tailoring file: the profiles that it adds, and what they extend.

Diagnostics: ScapError for a file that cannot be read as a tailoring, OSError for one that cannot be
opened.
"""

from pathlib import Path

from schemas.capabilities import ProfileInfo
from schemas.records import Record as Frozen
from spool.packing import unpacked
from stages.scap.content_profiles import read_profile
from stages.scap.xml_records import Limits, RecordLayout, ScapError, local, records

_LIMITS = Limits(bytes=16 * 1024 * 1024, seconds=20.0)
_LAYOUT = RecordLayout(roots=frozenset(("Tailoring",)), structure=frozenset(("Tailoring",)))


class TailoredProfile(Frozen, frozen=True, kw_only=True):
    """A profile of a tailoring."""

    profile: ProfileInfo
    extends: str | None = None
    """The id of the profile in the content that it changes."""


def read_tailoring(path: Path) -> tuple[TailoredProfile, ...]:
    """The profiles of the file, in its order. Raises ScapError, OSError."""
    found: list[TailoredProfile] = []
    with path.open("rb") as file:
        for _, record in records(unpacked(file, _LIMITS.bytes), _LAYOUT, _LIMITS):
            if local(record) == "Profile":
                profile = read_profile(record, str(path))
                found.append(TailoredProfile(profile=profile, extends=record.get("extends")))
    if not found:
        raise ScapError("the tailoring has no profile")
    return tuple(found)
