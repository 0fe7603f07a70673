"""Which profile is meant. Pure.

A profile is named by its full id, by the part after `_profile_`, or by its title. An unknown name is never answered
with another profile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.capabilities import ProfileInfo

AUTO = "auto"
_PREFERRED = ("cis_level1_server", "cis", "standard")


@dataclass(frozen=True)
class Chosen:
    profile: ProfileInfo
    why: str | None = None
    """How `auto` came to it; None where it was named."""


@dataclass(frozen=True)
class Unknown:
    reason: str


def short_name(profile_id: str) -> str:
    return profile_id.rpartition("_profile_")[2]


def resolve(wanted: str, profiles: Sequence[ProfileInfo]) -> Chosen | Unknown:
    """The profile that is meant by `wanted`, or why there is none."""
    if not profiles:
        return Unknown("the content has no profiles: install content for this host")
    if wanted == AUTO:
        return _automatic(profiles)
    for matches in (
        [p for p in profiles if p.id == wanted],
        [p for p in profiles if short_name(p.id) == wanted],
        [p for p in profiles if p.title == wanted],
        [p for p in profiles if p.title.casefold() == wanted.casefold()],
    ):
        if matches:
            return Chosen(matches[0])
    return Unknown(
        f"no profile {wanted!r} in the content; nearest: {', '.join(_nearest(wanted, profiles))}"
    )


def _automatic(profiles: Sequence[ProfileInfo]) -> Chosen:
    preferred = ", ".join(_PREFERRED)
    for name in _PREFERRED:
        for profile in profiles:
            if short_name(profile.id) == name:
                return Chosen(
                    profile,
                    f"profile auto: took {name}, the first of {preferred} that the content has",
                )
    first = short_name(profiles[0].id)
    return Chosen(
        profiles[0],
        f"profile auto: took {first}, the first of the content, which has none of {preferred}",
    )


def _nearest(wanted: str, profiles: Sequence[ProfileInfo]) -> list[str]:
    import difflib  # only a mistake needs it

    short = {short_name(profile.id).casefold(): short_name(profile.id) for profile in profiles}
    known = {profile.title.casefold(): short_name(profile.id) for profile in profiles} | short
    part, whole = short_name(wanted).casefold(), wanted.casefold()
    near = [name for name in known if part in name]
    near += difflib.get_close_matches(part, short, n=3, cutoff=0.4)
    near += difflib.get_close_matches(whole, known, n=3, cutoff=0.4)
    return list(dict.fromkeys(known[name] for name in near))[:5] or list(short.values())[:5]
