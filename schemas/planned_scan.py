"""The scans that a scanner's section of the settings is for, one or several."""

from typing import Annotated

from msgspec import Meta

from schemas.records import Record
from schemas.values import AbsolutePath, ContentName, ProfileText, ProfileTexts, Text

MOST_SCANS = 16
ListedSchedule = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4096,
        description="a cron expression of five fields, or null for a scan on request alone",
    ),
]


class PlannedScan(Record, frozen=True, kw_only=True):
    """One scan of the settings, with its schedule."""

    key: str = ""
    """Where it is listed in its scanner's section, `scans[1]`; empty for a section that is for one
    scan."""
    schedule: Text | None = None
    profile: ProfileText | ProfileTexts | None = None
    """None for a scanner without profiles."""
    tailoring: AbsolutePath | None = None
    content: ContentName | None = None
    tailoring_key: str = "tailoring"
    content_key: str = "content"
    """Where these two are set in the section: for this scan, or for all."""

    @property
    def profile_key(self) -> str:
        """Where its profile is set in the section."""
        return self._within("profile")

    @property
    def schedule_key(self) -> str:
        return self._within("schedule")

    def _within(self, name: str) -> str:
        if not self.key:
            return name
        return f"{self.key}.{name}"

    @property
    def target(self) -> tuple[object, ...]:
        """What is scanned with; no two scans of a scanner have the same."""
        return self.profile, self.tailoring, self.content

    @property
    def profile_text(self) -> str | None:
        """The profile for people."""
        return profile_text(self.profile)


class ConfiguredScan(Record, frozen=True, kw_only=True):
    """One scan of several, as the settings list them."""

    profile: ProfileText | ProfileTexts
    """Full id, the part after `_profile_`, or title; of a list the first that the content has."""
    schedule: ListedSchedule | None
    """A cron expression of five fields; null: no schedule, the scan runs on request alone."""
    tailoring: AbsolutePath | None = None
    """An XCCDF tailoring file for this scan. Default: that of the section."""
    content: ContentName | None = None
    """Content for this scan. Default: that of the section."""


ConfiguredScans = Annotated[
    tuple[ConfiguredScan, ...],
    Meta(max_length=MOST_SCANS, description=f"a list of at most {MOST_SCANS} scans"),
]


def profile_text(profile: str | tuple[str, ...] | None) -> str | None:
    """A profile, or several of which one is meant, for people."""
    if profile is None or isinstance(profile, str):
        return profile
    return ", ".join(profile)
