"""Which content fits this host. Pure.

Exact version first; then a relative of this version, named by the codename or ID_LIKE; then the nearest lower version
of the same product, or of what it is a rebuild of. All but the first carry a warning that goes into every report.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from stages.scanners.platform import REBUILDS, Platform

_NAME = re.compile(r"ssg-(?P<product>[a-zA-Z][a-zA-Z_-]*?)(?P<version>\d*)-ds\.xml")


@dataclass(frozen=True)
class Choice:
    """A datastream for this host, and why it does not quite fit (None where it does)."""

    path: PurePath
    warning: str | None = None


def choose(platform: Platform, files: Sequence[PurePath]) -> Choice | None:
    """The best of the files, given in order of preference; None where no file has to do with this host."""
    known = [
        (match["product"], match["version"], path)
        for path in files
        if (match := _NAME.fullmatch(path.name))
    ]
    exact = _find(known, platform.product, platform.product_version)
    if exact:
        return Choice(exact)
    for product, version in platform.relatives:
        relative = _find(known, product, version)
        if relative:
            return Choice(relative, _warning(platform, relative, "is for a related system"))
    lower = _nearest_lower(known, platform.product, platform.product_version)
    if lower:
        return Choice(lower, _warning(platform, lower, "is for an older version"))
    for product, version in platform.relatives:
        if product in REBUILDS or (product, version) == platform.base:
            lower = _nearest_lower(known, product, version)
            if lower:
                return Choice(
                    lower, _warning(platform, lower, "is for an older version of a related system")
                )
    return None


def _find(
    known: Sequence[tuple[str, str, PurePath]], product: str, version: str
) -> PurePath | None:
    return next(
        (path for name, number, path in known if (name, number) == (product, version)), None
    )


def _nearest_lower(
    known: Sequence[tuple[str, str, PurePath]], product: str, version: str
) -> PurePath | None:
    if not version.isdigit():
        return None
    lower = [
        (int(n), path) for name, n, path in known if name == product and n and int(n) < int(version)
    ]
    if not lower:
        return None
    best = max(number for number, _ in lower)
    return next(path for number, path in lower if number == best)


def _warning(platform: Platform, path: PurePath, how: str) -> str:
    return (
        f"{path.name} {how}, this host is {platform.name}: rules may not apply; for matching content: "
        f"{platform.install('content')}, or set compliance.openscap.content"
    )
