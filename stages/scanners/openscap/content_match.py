"""Which content fits this host, and how well. Pure.

Exact version first; then a relative of this version, named by the codename or ID_LIKE; then the
nearest lower version of the same product, or of the one that it is a rebuild of. All but the first
carry a mismatch, which becomes a warning in every report.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from schemas.manifest import ContentFit
from schemas.numbers import whole_number
from schemas.records import Struct
from stages.scanners.openscap.products import (
    REBUILDS,
    Product,
    base_of,
    product_of,
    relatives_of,
)
from stages.scanners.platform import Platform

_NAME = re.compile(
    r"ssg-(?P<product>[a-zA-Z][a-zA-Z_-]*?)(?P<version>\d*)-(ds\.xml(\.gz|\.bz2)?|xccdf\.xml)"
)
_VERSION_IN_CPE = re.compile(r"cpe:/o:[^:]*:[^:]*:([^:]*)")


class ContentMatch(Struct, frozen=True):
    """A datastream for this host, and how well it fits."""

    path: PurePath
    product: Product
    """The one that its name names."""
    fit: ContentFit
    mismatch: str | None = None
    """Why it does not fit exactly, as a clause; None where it does."""


def choose(platform: Platform, files: Sequence[PurePath]) -> ContentMatch | None:
    """The best of the files, which are in order of preference; None where none is for this host or
    for a related system."""
    known = _by_product(files)
    product = product_of(platform)
    exact = known.get(product)
    if exact:
        return ContentMatch(exact, product, "exact")
    relatives = relatives_of(platform)
    for relative in relatives:
        if relative in known:
            return _inexact(platform, known, relative, "related", "is for a related system")
    lower = _nearest_lower(known, product)
    if lower:
        return _inexact(platform, known, lower, "older", "is for an older version")
    for relative in relatives:
        shares_versions = relative[0] in REBUILDS or relative == base_of(platform)
        if not shares_versions:
            continue
        lower = _nearest_lower(known, relative)
        if lower:
            how = "is for an older version of a related system"
            return _inexact(platform, known, lower, "older", how)
    return None


def fit_of(platform: Platform, path: PurePath) -> ContentFit:
    """How well one file fits, by its name; `unknown` where it names no product, or one that is not
    related to this host."""
    choice = choose(platform, [path])
    if choice is None:
        return "unknown"
    return choice.fit


def product_of_file(path: PurePath) -> Product | None:
    """The product in the name of a content file; None where there is none."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    return match["product"], match["version"]


def product_name(path: PurePath) -> str | None:
    """`debian12` of `ssg-debian12-ds.xml`; None for a file whose name has no product."""
    product = product_of_file(path)
    if product is None:
        return None
    return "".join(product)


def products_in(files: Iterable[PurePath]) -> frozenset[Product]:
    """The products whose content the files are."""
    return frozenset(_by_product(files))


def is_for_other_releases(cpe_names: Iterable[str], platform: Platform) -> bool:
    """Whether every platform that a benchmark is for is another release than this host: then the
    scanner finds none of its rules applicable.

    A CPE name reads `cpe:/o:debian:debian_linux:11`. A benchmark without one is for any system.
    """
    # A name without a version is for any release.
    releases = {platform.version.replace(".", ""), platform.major, ""}
    base = base_of(platform)
    if base:
        releases.add(base[1])
    versions = list(map(_version_in_cpe, cpe_names))
    return bool(versions) and releases.isdisjoint(versions)


def _version_in_cpe(name: str) -> str:
    """The version of an operating system's CPE name, without dots; empty where there is none."""
    found = _VERSION_IN_CPE.match(name)
    if found is None:
        return ""
    return found[1].replace(".", "")


def _by_product(files: Iterable[PurePath]) -> dict[Product, PurePath]:
    """The first file of each product."""
    known: dict[Product, PurePath] = {}
    for path in files:
        product = product_of_file(path)
        if product:
            known.setdefault(product, path)
    return known


def _nearest_lower(known: dict[Product, PurePath], product: Product) -> Product | None:
    """The product of the same name with the greatest version below this one."""
    name, version = product
    below = range(whole_number(version) or 0)
    lower = [one for one in known if one[0] == name and whole_number(one[1]) in below]
    return max(lower, key=lambda one: int(one[1]), default=None)


def _inexact(
    platform: Platform, known: dict[Product, PurePath], product: Product, fit: ContentFit, how: str
) -> ContentMatch:
    path = known[product]
    return ContentMatch(path, product, fit, f"{path.name} {how}, and this host is {platform.name}")
