"""How `oscap` and security content are installed on each system. Pure."""

from collections.abc import Mapping

from stages.scanners.openscap.products import is_ubuntu
from stages.scanners.platform import Platform

_SCANNER: Mapping[str, str] = {
    "apt": "openscap-scanner",
    "dnf": "openscap-scanner",
    "yum": "openscap-scanner",
    "zypper": "openscap-utils",
    "apk": "openscap",
}
_CONTENT: Mapping[str, str] = {
    "apt": "ssg-base ssg-debian",
    "dnf": "scap-security-guide",
    "yum": "scap-security-guide",
    "zypper": "scap-security-guide",
}
_CONTENT_OF_UBUNTU = {"apt": "ssg-base ssg-debderived"}
_BY_HAND = "put a datastream of the ComplianceAsCode project into /opt/scap/content"


def scanner_command(platform: Platform) -> str | None:
    """The command that installs oscap; None where there is no known one."""
    return platform.install_command(_SCANNER)


def content_command(platform: Platform) -> str | None:
    """The command that installs content for this system; None where there is no known one."""
    if is_ubuntu(platform):
        return platform.install_command(_CONTENT_OF_UBUNTU)
    return platform.install_command(_CONTENT)


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
        return f"Alpine has no package of it: {_BY_HAND}"
    return f"install the package scap-security-guide, or {_BY_HAND}"
