"""How Docker is installed on each system. Pure."""

from collections.abc import Mapping

from stages.scanners.platform import Platform

_DOCKER: Mapping[str, str] = {
    "apt": "docker.io",
    "dnf": "docker-ce",
    "yum": "docker",
    "zypper": "docker",
    "apk": "docker",
    "pacman": "docker",
}
_OWN_PACKAGES: Mapping[str, str] = {
    "fedora": "moby-engine",
    "amzn": "docker",
    "openEuler": "docker",
}
"""Systems with dnf that have a package of their own."""


def install_docker(platform: Platform) -> str:
    """How to install Docker: the command, or advice where there is none."""
    if platform.installer == "dnf" and platform.id in _OWN_PACKAGES:
        return platform.install_command({"dnf": _OWN_PACKAGES[platform.id]}) or ""
    command = platform.install_command(_DOCKER)
    if command is None:
        return "install the package docker"
    if platform.installer == "dnf":
        return f"{command}, from Docker's own package source"
    return command
