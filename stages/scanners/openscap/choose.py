"""Which content fits this host. Pure.

Exact version first; then a relative of this version, named by the codename or ID_LIKE; then the
nearest lower version of the same product, or of the one that it is a rebuild of. All but the first
carry a warning that goes into every report.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from stages.scanners.openscap.packages import install_content
from stages.scanners.openscap.products import (
    REBUILDS,
    Product,
    base_of,
    product_of,
    relatives_of,
)
from stages.scanners.platform import Platform

_NAME = re.compile(r"ssg-(?P<product>[a-zA-Z][a-zA-Z_-]*?)(?P<version>\d*)-ds\.xml")


@dataclass(frozen=True)
class Choice:
    """A datastream for this host, and why it does not quite fit (None where it does)."""

    path: PurePath
    warning: str | None = None


def choose(platform: Platform, files: Sequence[PurePath]) -> Choice | None:
    """The best of the files, given in order of preference; None where no file is for this host or a
    relative."""
    known = _by_product(files)
    product = product_of(platform)
    exact = known.get(product)
    if exact:
        return Choice(exact)
    relatives = relatives_of(platform)
    for relative in relatives:
        if relative in known:
            return _with_warning(platform, known[relative], "is for a related system")
    lower = _nearest_lower(known, product)
    if lower:
        return _with_warning(platform, lower, "is for an older version")
    for relative in relatives:
        shares_versions = relative[0] in REBUILDS or relative == base_of(platform)
        lower = _nearest_lower(known, relative) if shares_versions else None
        if lower:
            return _with_warning(platform, lower, "is for an older version of a related system")
    return None


def _by_product(files: Iterable[PurePath]) -> dict[Product, PurePath]:
    """The first file of each product."""
    known: dict[Product, PurePath] = {}
    for path in files:
        match = _NAME.fullmatch(path.name)
        if match:
            known.setdefault((match["product"], match["version"]), path)
    return known


def _nearest_lower(known: dict[Product, PurePath], product: Product) -> PurePath | None:
    """The file of the greatest version below this one."""
    name, version = product
    if not version.isdigit():
        return None
    lower: dict[int, PurePath] = {}
    for (other, number), path in known.items():
        if other == name and number and int(number) < int(version):
            lower[int(number)] = path
    if not lower:
        return None
    return lower[max(lower)]


def _with_warning(platform: Platform, path: PurePath, how: str) -> Choice:
    return Choice(
        path,
        f"{path.name} {how}, this host is {platform.name}: rules may not apply; for matching "
        "content: "
        f"{install_content(platform)}, or set compliance.openscap.content",
    )
