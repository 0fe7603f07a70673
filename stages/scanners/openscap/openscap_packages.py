"""How `oscap` and security content are installed on each system. Pure."""

from collections.abc import Collection, Mapping

from stages.scanners.openscap.products import Product, base_of, is_ubuntu
from stages.scanners.platform import Platform

_SCANNER: Mapping[str, str] = {
    "apt": "openscap-scanner",
    "dnf": "openscap-scanner",
    "yum": "openscap-scanner",
    "zypper": "openscap-utils",
    "apk": "openscap",
}
_LIBOPENSCAP8 = {"apt": "libopenscap8"}
_WITH_LIBOPENSCAP8 = frozenset(
    (
        *(("debian", "10"), ("debian", "11")),
        *(("ubuntu", "1804"), ("ubuntu", "2004"), ("ubuntu", "2204")),
    )
)
"""Releases that have the program in the package of the library."""
_CONTENT: Mapping[str, str] = {
    "apt": "ssg-base ssg-debian",
    "dnf": "scap-security-guide",
    "yum": "scap-security-guide",
    "zypper": "scap-security-guide",
}
_CONTENT_OF_UBUNTU = {"apt": "ssg-base ssg-debderived"}
_GUIDE = (
    "Matching content is the Ubuntu Security Guide (pro enable usg, then apt-get install -y usg)."
)
_SOURCES: Mapping[Product | None, str] = {
    ("debian", "12"): (
        "Matching content is in the package ssg-debian of Debian 13, for every architecture "
        "(apt-get install -y ./ssg-debian_VERSION_all.deb). That of Debian 12 has none."
    ),
    ("ubuntu", "2204"): _GUIDE,
    ("ubuntu", "2404"): _GUIDE,
}
"""Where content comes from for releases whose own packages have none, as sentences."""
_UPGRADES: Mapping[str | None, str] = {
    "dnf": "dnf upgrade -y scap-security-guide",
    "yum": "yum update -y scap-security-guide",
    "zypper": "zypper update -y scap-security-guide",
}
_SCANNER_ADVICE: Mapping[str | None, str] = {"pacman": "install openscap from the AUR"}
_CONTENT_ADVICE: Mapping[str | None, str] = {
    "pacman": "install scap-security-guide from the AUR",
    "apk": "Alpine has no package of it",
}
"""For systems without such a package, by the program that installs packages."""
_ADDED = (
    "You can also add a datastream of the ComplianceAsCode project "
    "(compliance-agent content add FILE)"
)
_FROM_SERVER = "or allow content from the server (compliance.openscap.content_from_server: missing)"


def scanner_command(platform: Platform) -> str | None:
    """The command that installs oscap; None where there is no known one."""
    if base_of(platform) in _WITH_LIBOPENSCAP8:
        return platform.install_command(_LIBOPENSCAP8)
    return platform.install_command(_SCANNER)


def content_command(platform: Platform) -> str | None:
    """The command that installs content for this system; None where there is no known one."""
    if is_ubuntu(platform):
        return platform.install_command(_CONTENT_OF_UBUNTU)
    return platform.install_command(_CONTENT)


def content_advice(
    platform: Platform, installed: Collection[Product], *, is_server_allowed: bool
) -> str:
    """How to get content for this release where the `installed` content does not fit, in sentences.

    What is done already is not advised: an installed package would give the same content again, and
    the server may be allowed already.
    """
    packages = _package_advice(platform, installed)
    if is_server_allowed:
        return f"{packages} {_ADDED}."
    return f"{packages} {_ADDED}, {_FROM_SERVER}."


def _package_advice(platform: Platform, installed: Collection[Product]) -> str:
    base = base_of(platform)
    if base in _SOURCES:
        return _SOURCES[base]
    if not _is_packaged(platform, installed):
        return _package_with_content(platform)
    upgrade = _UPGRADES.get(platform.installer)
    if upgrade:
        return f"A newer package may have matching content ({upgrade})."
    return "The installed packages have no matching content."


def _package_with_content(platform: Platform) -> str:
    command = content_command(platform)
    if command:
        return f"Content is in a package ({command})."
    advice = install_content(platform)
    return f"{advice[0].upper()}{advice[1:]}."


def _is_packaged(platform: Platform, installed: Collection[Product]) -> bool:
    """Whether the package of content is installed, as its files show."""
    if platform.installer != "apt":
        return bool(installed)
    name = "debian"
    if is_ubuntu(platform):
        name = "ubuntu"
    return any(product == name for product, _ in installed)


def install_scanner(platform: Platform) -> str:
    """How to install oscap: the command, or advice where there is none."""
    advice = _SCANNER_ADVICE.get(
        platform.installer,
        "install the package openscap-scanner (on some systems openscap or openscap-utils)",
    )
    return scanner_command(platform) or advice


def install_content(platform: Platform) -> str:
    """How to install content: the command, or advice where there is none."""
    advice = _CONTENT_ADVICE.get(platform.installer, "install the package scap-security-guide")
    return content_command(platform) or advice
