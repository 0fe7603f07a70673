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
_SOURCES: Mapping[Product, str] = {
    ("debian", "12"): (
        "the package ssg-debian of Debian 13 (for every architecture) has it, that of Debian 12 "
        "does not: apt-get install -y ./ssg-debian_VERSION_all.deb"
    ),
    ("ubuntu", "2204"): "Ubuntu's own content: pro enable usg, then apt-get install -y usg",
    ("ubuntu", "2404"): "Ubuntu's own content: pro enable usg, then apt-get install -y usg",
}
"""Where content comes from for releases whose own packages have none."""
_UPGRADES: Mapping[str, str] = {
    "dnf": "dnf upgrade -y scap-security-guide",
    "yum": "yum update -y scap-security-guide",
    "zypper": "zypper update -y scap-security-guide",
}
ELSEWHERE = (
    "compliance-agent content add FILE with a datastream of the ComplianceAsCode project, or "
    "compliance.openscap.content_from_server: missing"
)
"""Where content comes from on any system; it follows every advice."""


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


def content_advice(platform: Platform, installed: Collection[Product]) -> str:
    """How to get content for this very release, where `installed` is there and does not fit.

    Never to install a package that is installed: its content would not change.
    """
    base = base_of(platform)
    if base and base in _SOURCES:
        return _SOURCES[base]
    if not _is_packaged(platform, installed):
        return install_content(platform)
    upgrade = _UPGRADES.get(platform.installer or "")
    if upgrade:
        return upgrade
    return "the installed packages have none for it"


def _is_packaged(platform: Platform, installed: Collection[Product]) -> bool:
    """Whether the package of content is installed, as its files show."""
    if platform.installer != "apt":
        return bool(installed)
    name = "ubuntu" if is_ubuntu(platform) else "debian"
    return any(product == name for product, _ in installed)


def install_scanner(platform: Platform) -> str:
    """How to install oscap: the command, or advice where there is none."""
    command = scanner_command(platform)
    if command:
        return command
    if platform.installer == "pacman":
        return "install openscap from the AUR"
    return "install the package openscap-scanner (on some systems openscap or openscap-utils)"


def install_content(platform: Platform) -> str:
    """How to install content: the command, or advice where there is none."""
    command = content_command(platform)
    if command:
        return command
    if platform.installer == "pacman":
        return "install scap-security-guide from the AUR"
    if platform.installer == "apk":
        return "Alpine has no package of it"
    return "install the package scap-security-guide"
