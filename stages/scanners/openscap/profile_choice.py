"""Which profile is meant. Pure.

A profile is named by its full id, by the part after `_profile_`, or by its title. No other profile
takes the place of an unknown one. Of a list of names the first that the content has is used.
"""

import re
from collections.abc import Mapping, Sequence

from schemas.capabilities import ProfileInfo
from schemas.records import Struct

AUTO = "auto"
_MOST_NEAREST = 5
_LEVEL_1_SERVER = (
    "cis_level1_server",
    "cis_server_l1",
    "cis_l1_server",
    "cis_level1",
    "cis_l1",
)
"""The names that level 1 server profiles of CIS benchmarks have in content of different systems."""
_LEVEL_1_SERVER_TITLE = re.compile(r"\bCIS\b.*\bLevel 1\b.*\bServer\b", re.IGNORECASE)
_ALIASES = {"disa_stig": "stig"}
"""Names that the Ubuntu Security Guide has for profiles."""
_NEXT = ("cis", "standard", "linux_standard")
_NO_NAMES: Mapping[str, str] = {}


class Chosen(Struct, frozen=True):
    profile: ProfileInfo
    why: str | None = None
    """Why `auto` or a list of names means this one; None where it was named alone."""


class Unknown(Struct, frozen=True):
    reason: str


def resolve(
    wanted: str | Sequence[str],
    profiles: Sequence[ProfileInfo],
    names: Mapping[str, str] = _NO_NAMES,
) -> Chosen | Unknown:
    """The profile that is meant by `wanted`, or why there is none.

    `names`: further names of profiles, to their ids; `auto` is among them where a tailoring decides
    what it means.
    """
    if not profiles:
        return Unknown("the content has no profiles: install content for this host")
    if isinstance(wanted, str):
        return _resolve_one(wanted, profiles, names)
    listed = ", ".join(wanted)
    for name in wanted:
        found = _resolve_one(name, profiles, names)
        if isinstance(found, Chosen):
            reason = found.why or (
                f"profile {found.profile.short_name}: the first of {listed} that the content has"
            )
            return Chosen(found.profile, reason)
    nearest = ", ".join(_nearest(wanted, profiles))
    return Unknown(f"no profile of {listed} in the content; nearest: {nearest}")


def _resolve_one(
    wanted: str, profiles: Sequence[ProfileInfo], names: Mapping[str, str]
) -> Chosen | Unknown:
    further = names.get(wanted, _ALIASES.get(wanted, wanted))
    named = _named(wanted, profiles) or _named(further, profiles)
    if named:
        return Chosen(named)
    if wanted == AUTO:
        return _automatic(profiles)
    nearest = ", ".join(_nearest([wanted], profiles))
    return Unknown(f"unknown profile: {wanted!r} is not in the content; nearest: {nearest}")


def _named(wanted: str, profiles: Sequence[ProfileInfo]) -> ProfileInfo | None:
    """The first profile with this id, else with this short name, title, or title in any case."""
    for is_meant in (
        lambda profile: profile.id == wanted,
        lambda profile: profile.short_name == wanted,
        lambda profile: profile.title == wanted,
        lambda profile: profile.title.casefold() == wanted.casefold(),
    ):
        found = next(filter(is_meant, profiles), None)
        if found:
            return found
    return None


def _automatic(profiles: Sequence[ProfileInfo]) -> Chosen:
    """Level 1 before anything stricter, whatever it is called."""
    by_name = {profile.short_name: profile for profile in reversed(profiles)}
    for name in _LEVEL_1_SERVER:
        if name in by_name:
            return Chosen(by_name[name], f"profile auto: took {name}, a level 1 server profile")
    for profile in profiles:
        if _LEVEL_1_SERVER_TITLE.search(profile.title):
            reason = f"profile auto: took {profile.short_name}, by its title {profile.title}"
            return Chosen(profile, reason)
    preferred = ", ".join(_NEXT)
    for name in _NEXT:
        if name in by_name:
            reason = f"profile auto: took {name}, the first of {preferred} that the content has"
            return Chosen(by_name[name], reason)
    first = profiles[0]
    reason = (
        f"profile auto: took {first.short_name}, the first of the content, which has no level 1 "
        f"server profile and none of {preferred}"
    )
    return Chosen(first, reason)


def _nearest(wanted: Sequence[str], profiles: Sequence[ProfileInfo]) -> list[str]:
    """Up to five short names that are like one of the wanted; the first profiles where none is."""
    found = [near for name in wanted for near in _similar(name, profiles)]
    if not found:
        found = [profile.short_name for profile in profiles]
    return list(dict.fromkeys(found))[:_MOST_NEAREST]


def _similar(wanted: str, profiles: Sequence[ProfileInfo]) -> list[str]:
    """Short names that are like the wanted one, or whose titles are."""
    import difflib  # only a mistake needs it

    by_short_name = {profile.short_name.casefold(): profile.short_name for profile in profiles}
    by_title = {profile.title.casefold(): profile.short_name for profile in profiles}
    by_name = {**by_title, **by_short_name}
    whole = wanted.casefold()
    part = wanted.rpartition("_profile_")[2].casefold()
    near = [name for name in by_name if part in name]
    near += difflib.get_close_matches(part, by_short_name, n=3, cutoff=0.4)
    near += difflib.get_close_matches(whole, by_name, n=3, cutoff=0.4)
    return [by_name[name] for name in near]
