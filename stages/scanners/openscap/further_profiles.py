"""The chosen content as it was read, and profiles of other channels of the Ubuntu Security Guide.

Diagnostics: each as a problem of the content that was read, with the file and the reason.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.capabilities import DetectedContent, ProfileInfo
from schemas.codec import replace
from schemas.records import Struct, field
from schemas.settings_check import KeyProblem
from spool.packing import PackingError
from stages.scanners.openscap import usg
from stages.scanners.openscap.openscap_details import OpenSCAPDetails, OtherContent
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scap.content_profiles import ProfileCache
from stages.scap.xml_errors import ScapError


class ReadableContent(Struct):
    """The chosen content as it was read."""

    details: OpenSCAPDetails
    content: DetectedContent | None = None
    """None where it can't be read."""
    profiles: tuple[ProfileInfo, ...] = ()
    problems: list[str] = field(default_factory=list)
    settings_problems: list[KeyProblem] = field(default_factory=list)
    """What is wrong with files that the settings name, each with its key."""


def add_channels(
    readable: ReadableContent,
    file: Path,
    channels: Sequence[usg.Channel],
    cache: ProfileCache,
) -> None:
    """For a file of a channel: further names of its profiles, with and without a version, and the
    profiles of the other channels, each with its own file."""
    chosen = next((channel for channel in channels if channel.path == file), None)
    if chosen is None:
        return
    names = _full_ids({**chosen.profiles, **chosen.aliases}, readable.profiles)
    readable.details = replace(readable.details, profile_names=names)
    for channel in channels:
        if channel is not chosen and channel.product == chosen.product:
            _add_other_channel(readable, channel, cache)


def name_default_tailoring(readable: ReadableContent, settings: OpenSCAPSettings) -> None:
    """Add a remark on usg's default tailoring, which is used only where a setting names it."""
    if str(usg.DEFAULT_TAILORING) == settings.tailoring or not usg.DEFAULT_TAILORING.exists():
        return
    add_remark(
        readable,
        f"{usg.DEFAULT_TAILORING} is not used: to scan with it, set compliance.openscap.tailoring",
    )


def unreadable(path: Path, reason: str) -> str:
    return f"{path}: the content can't be read: {reason}; install it again"


def _full_ids(short_names: Mapping[str, str], profiles: Sequence[ProfileInfo]) -> dict[str, str]:
    """Names to ids, of the profiles that the content has."""
    ids = {info.short_name: info.id for info in profiles}
    full = {}
    for name, short in short_names.items():
        if short in ids:
            full[name] = ids[short]
    return full


def _add_other_channel(
    readable: ReadableContent, channel: usg.Channel, cache: ProfileCache
) -> None:
    try:
        datastream = cache.get(channel.path)
    except (ScapError, PackingError, OSError) as error:
        readable.problems.append(unreadable(channel.path, str(error)))
        return
    by_short_name = {info.short_name: info for info in datastream.profiles}
    options = dict(readable.details.profile_options)
    for name, short in channel.profiles.items():
        info = by_short_name.get(short)
        if info is None or name in readable.details.profile_names:
            continue
        prefix = info.id.removesuffix(short)
        named = replace(info, id=f"{prefix}{name}", title=f"{info.title} ({channel.title})")
        options[named.id] = ("--profile", info.id)
        readable.profiles = (*readable.profiles, named)
    other = OtherContent(sha256=channel.sha256, version=channel.version, origin=channel.origin)
    readable.details = replace(
        readable.details,
        profile_options=options,
        other_content={**readable.details.other_content, str(channel.path): other},
    )


def add_remark(readable: ReadableContent, remark: str) -> None:
    if readable.content:
        remarks = (*readable.content.remarks, remark)
        readable.content = replace(readable.content, remarks=remarks)
