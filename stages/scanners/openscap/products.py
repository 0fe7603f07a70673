"""This host as a product of the SCAP Security Guide, whose content files are named after products.

Pure.
"""

from collections.abc import Mapping

from schemas.numbers import whole_number
from stages.scanners.platform import CODENAMES, Platform

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
    "kylin": "kylinserver",
}
_UNVERSIONED = frozenset({"fedora", "opensuse"})
_OF_WHOLE_VERSION = frozenset({"ubuntu", "openeuler"})
"""Products whose name has the version without its dots, and not the major version alone."""
REBUILDS = frozenset({"rhel", "centos", "sle"})
"""Products whose rebuilds have the same version numbers: an older version may stand in."""

_FEDORA_VERSIONS = range(28, 1000)
"""The versions of Fedora's relatives. RHEL and its relatives, which also name Fedora in ID_LIKE,
have lower ones; Amazon Linux has years."""

Product = tuple[str, str]
"""Name and version: `("ubuntu", "2204")`, `("fedora", "")`."""


def product_of(platform: Platform) -> Product:
    """The product that is this release; rolling products have no version."""
    return _with_version(_product_name(platform), platform)


def base_of(platform: Platform) -> Product | None:
    """The Debian or Ubuntu release that this is, or is built from."""
    if platform.codename in CODENAMES:
        return CODENAMES[platform.codename]
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
    if _is_fedora_relative(platform):
        # It has Fedora's version numbers: there is no RHEL of that version.
        return ("fedora", ""), *found
    for like in platform.like:
        # The version of a derivative is its own: the base is known by its codename already.
        if base and like in ("debian", "ubuntu"):
            continue
        # RHEL is made from Fedora, but Fedora's content is not for it.
        if like == "fedora":
            continue
        found.append(_with_version(_PRODUCTS.get(like, like), platform))
    return tuple(dict.fromkeys(found))


def _is_fedora_relative(platform: Platform) -> bool:
    if "fedora" not in platform.like:
        return False
    return whole_number(platform.major) in _FEDORA_VERSIONS


def is_ubuntu(platform: Platform) -> bool:
    """Whether this is Ubuntu, or built from it."""
    base = base_of(platform)
    if base:
        return base[0] == "ubuntu"
    return "ubuntu" in (platform.id, *platform.like)


def _product_name(platform: Platform) -> str:
    is_stream = (whole_number(platform.major) or 0) >= 9
    if platform.id == "centos" and is_stream:
        return "cs"
    if platform.id == "kylin" and platform.installer == "apt":
        # The desktop has the server's name and is another system.
        return "kylin"
    return _PRODUCTS.get(platform.id, platform.id)


def _with_version(name: str, platform: Platform) -> Product:
    """The product of this name whose version is that of the platform."""
    if name in _UNVERSIONED:
        return name, ""
    if name in _OF_WHOLE_VERSION:
        return name, platform.version.replace(".", "")
    if name == "kylinserver":
        # It writes its version V10.
        return name, platform.major.lower().removeprefix("v")
    return name, platform.major
