"""The environment variables of oscap, by its version. Pure.

OSCAP_PROBE_MEMORY_USAGE_RATIO   1.3.7 and later
OSCAP_PROBE_MAX_COLLECTED_ITEMS  1.3.10 and later
OSCAP_PROBE_IGNORE_PATHS         1.3.10 and later
"""

import re
from collections.abc import Mapping, Sequence

from schemas.records import Struct
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings

_MEMORY_RATIO_FROM = (1, 3, 7)
_ITEMS_AND_PATHS_FROM = (1, 3, 10)
_SECTION = "compliance.openscap"


class OscapEnvironment(Struct, frozen=True):
    """Variables for oscap, and what an administrator should know of them."""

    variables: Mapping[str, str]
    warnings: tuple[str, ...]
    not_searched: tuple[str, ...] = ()
    """The paths that oscap leaves out."""


def can_ignore_paths(version: str | None) -> bool:
    return version_numbers(version) >= _ITEMS_AND_PATHS_FROM


def environment(
    settings: OpenSCAPSettings, version: str | None, left_out: Sequence[str] = ()
) -> OscapEnvironment:
    """The variables for these settings; a setting that this version ignores becomes a warning.

    `left_out` are the paths to leave out that exist on this host.
    """
    variables: dict[str, str] = {}
    warnings: list[str] = []
    knows_items_and_paths = can_ignore_paths(version)
    if version_numbers(version) >= _MEMORY_RATIO_FROM:
        variables["OSCAP_PROBE_MEMORY_USAGE_RATIO"] = f"{settings.memory_ratio:g}"
    if settings.max_collected_items is not None:
        if knows_items_and_paths:
            variables["OSCAP_PROBE_MAX_COLLECTED_ITEMS"] = str(settings.max_collected_items)
        else:
            warnings.append(_ignored("max_collected_items", version))
    not_searched: tuple[str, ...] = ()
    if left_out and knows_items_and_paths:
        not_searched = tuple(left_out)
        variables["OSCAP_PROBE_IGNORE_PATHS"] = ":".join(left_out)
    elif left_out:
        warnings.append(f"{_ignored('ignore_paths', version)}: {', '.join(left_out)} are searched")
    return OscapEnvironment(variables, tuple(warnings), not_searched)


def _ignored(key: str, version: str | None) -> str:
    return f"{_SECTION}.{key} has no effect: oscap {version} does not know it, 1.3.10 and later do"


def version_numbers(version: str | None) -> tuple[int, ...]:
    """The numbers of `1.3.7+dfsg`; none where no version is known, which is below all."""
    match = re.match(r"\d{1,9}(\.\d{1,9})*", version or "")
    if match is None:
        return ()
    return tuple(map(int, match[0].split(".")))
