"""Which system this host is, and how software is installed on it. Pure.

Source: os-release(5).
"""

import shlex
from collections.abc import Mapping

from schemas.numbers import whole_number
from schemas.records import Struct

_RPM_LIKE = frozenset(
    ("rhel", "centos", "fedora", "ol", "rocky", "almalinux", "amzn", "openEuler", "kylin")
)
CODENAMES: Mapping[str, tuple[str, str]] = {
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
    # Devuan's and PureOS's own names.
    "beowulf": ("debian", "10"),
    "chimaera": ("debian", "11"),
    "daedalus": ("debian", "12"),
    "excalibur": ("debian", "13"),
    "byzantium": ("debian", "11"),
    "crimson": ("debian", "12"),
}
"""The release of Debian or Ubuntu that a codename means."""
_FIRST_RELEASE_WITH_DNF = 8
_FIRST_WITH_DNF: Mapping[str, int] = {"amzn": 2022, "fedora": 0}
"""Amazon Linux counts in years, except for its second release."""
_CODENAME_KEYS = ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME")
"""The codename of the base comes before a derivative's own."""
_INSTALLERS: Mapping[str, str] = {
    "apt": "apt-get install -y",
    "dnf": "dnf install -y",
    "yum": "yum install -y",
    "zypper": "zypper install -y",
    "apk": "apk add",
    "pacman": "pacman -S",
}
_OTHER_INSTALLERS: Mapping[str, str] = {"alpine": "apk", "arch": "pacman"}
_FAMILIES: Mapping[str | None, str] = {
    "apt": "debian",
    "zypper": "suse",
    "dnf": "rhel",
    "yum": "rhel",
}


class Platform(Struct, frozen=True):
    """One operating system release."""

    id: str
    version: str
    """VERSION_ID as written, `12` or `22.04`."""
    name: str
    like: tuple[str, ...]
    codename: str
    """The codename of the Debian or Ubuntu release that this is built from, else its own."""

    @property
    def major(self) -> str:
        return self.version.partition(".")[0]

    @property
    def family(self) -> str:
        """debian, rhel, suse, or the system's own id."""
        return _FAMILIES.get(self.installer, self.id)

    @property
    def installer(self) -> str | None:
        """The program that installs packages here; None for an unknown system."""
        names = {self.id, *self.like}
        if names & {"debian", "ubuntu"} or self.codename in CODENAMES:
            return "apt"
        if any(map(_is_suse, names)):
            return "zypper"
        if names & _RPM_LIKE:
            return self._rpm_installer
        for name, installer in _OTHER_INSTALLERS.items():
            if name in names:
                return installer
        return None

    def install_command(self, packages: Mapping[str, str]) -> str | None:
        """The command that installs a package, whose name differs by installer; None where the
        installer of this system is not among them."""
        installer = self.installer or ""
        if installer not in packages:
            return None
        return f"{_INSTALLERS[installer]} {packages[installer]}"

    @property
    def _rpm_installer(self) -> str:
        with_yum = range(_FIRST_WITH_DNF.get(self.id, _FIRST_RELEASE_WITH_DNF))
        if whole_number(self.major) in with_yum:
            return "yum"
        return "dnf"


def parse_os_release(text: str) -> Platform:
    """The platform that an os-release file describes; what is missing becomes an empty text."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        values[key] = _unquoted(value)
    identifier = values.get("ID", "linux")
    version = values.get("VERSION_ID", "")
    codenames = [values.get(key, "") for key in _CODENAME_KEYS]
    return Platform(
        id=identifier,
        version=version,
        name=values.get("PRETTY_NAME") or f"{identifier} {version}".strip(),
        like=tuple(values.get("ID_LIKE", "").split()),
        codename=next(filter(None, codenames), ""),
    )


def _is_suse(name: str) -> bool:
    return "suse" in name or name.startswith(("sle", "sl-micro"))


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")
