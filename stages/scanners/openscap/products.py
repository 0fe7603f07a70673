"""This host as a product of the SCAP Security Guide, whose content files are named after products.

Pure.
"""

from collections.abc import Mapping

from stages.scanners.platform import Platform

# Products whose file name is not ID + VERSION_ID.
_PRODUCTS: Mapping[str, str] = {
    "rocky": "rl",
    "suse": "sle",
    "sles": "sle",
    "sled": "sle",
    "sles_sap": "sle",
    "sl-micro": "slmicro",
    "sle-micro": "slmicro",
    "suse-microos": "slmicro",
    "opensuse-leap": "opensuse",
    "opensuse-tumbleweed": "opensuse",
    "amzn": "al",
    "alinux": "alinux",
    "openEuler": "openeuler",
}
_UNVERSIONED = frozenset({"fedora", "opensuse"})
_CODENAMES: Mapping[str, tuple[str, str]] = {
    "xenial": ("ubuntu", "1604"),
    "bionic": ("ubuntu", "1804"),
    "focal": ("ubuntu", "2004"),
    "jammy": ("ubuntu", "2204"),
    "noble": ("ubuntu", "2404"),
    "resolute": ("ubuntu", "2604"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
    "forky": ("debian", "14"),
}
REBUILDS = frozenset({"rhel", "centos", "sle"})
"""Products whose rebuilds share their version numbers, so an older version of them may stand in,
too."""

Product = tuple[str, str]
"""Name and version: `("ubuntu", "2204")`, `("fedora", "")`."""


def product_of(platform: Platform) -> Product:
    """The product that this very release is; rolling products have no version."""
    name = _product_name(platform)
    if name in _UNVERSIONED:
        return name, ""
    if platform.id in ("ubuntu", "openEuler"):
        return name, platform.version.replace(".", "")
    return name, platform.major


def base_of(platform: Platform) -> Product | None:
    """The Debian or Ubuntu release that this is, or is built from."""
    if platform.codename in _CODENAMES:
        return _CODENAMES[platform.codename]
    if platform.id in ("debian", "ubuntu") and platform.version:
        return platform.id, platform.version.replace(".", "")
    return None


def relatives_of(platform: Platform) -> tuple[Product, ...]:
    """Products whose content may stand in, nearest first, from the codename and ID_LIKE."""
    base = base_of(platform)
    found: list[Product] = []
    if base:
        found.append(base)
    if platform.id == "centos":
        found.append(("centos", platform.major))
    for like in platform.like:
        # A derivative counts its own versions: where its base is known by name, they say nothing of
        # the base.
        if base and like in ("debian", "ubuntu"):
            continue
        found.append(_relative(platform, like))
    return tuple(dict.fromkeys(found))


def is_ubuntu(platform: Platform) -> bool:
    """Whether this is Ubuntu, or built from it."""
    base = base_of(platform)
    if base:
        return base[0] == "ubuntu"
    return "ubuntu" in (platform.id, *platform.like)


def _product_name(platform: Platform) -> str:
    is_stream = platform.major.isdigit() and int(platform.major) >= 9
    if platform.id == "centos" and is_stream:
        return "cs"
    return _PRODUCTS.get(platform.id, platform.id)


def _relative(platform: Platform, like: str) -> Product:
    name = _PRODUCTS.get(like, like)
    if name == "opensuse":
        return name, ""
    if like == "ubuntu":
        return name, platform.version.replace(".", "")
    return name, platform.major
