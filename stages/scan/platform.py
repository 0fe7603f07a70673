"""Which system this host is, and how software is installed on it. Pure.

Source: os-release(5); the names of the content files are those of the SCAP Security Guide's products.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

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
_CODENAMES: Mapping[str, str] = {
    "xenial": "ubuntu1604",
    "bionic": "ubuntu1804",
    "focal": "ubuntu2004",
    "jammy": "ubuntu2204",
    "noble": "ubuntu2404",
    "buster": "debian10",
    "bullseye": "debian11",
    "bookworm": "debian12",
    "trixie": "debian13",
}
REBUILDS = frozenset({"rhel", "centos", "sle"})
"""Products whose rebuilds share their version numbers, so that an older version of them may stand in, too."""
_RPM_LIKE = ("rhel", "centos", "fedora", "ol", "rocky", "almalinux", "amzn")


@dataclass(frozen=True)
class Platform:
    """One operating system release."""

    id: str
    version: str
    """VERSION_ID as written, `12` or `22.04`."""
    name: str
    like: tuple[str, ...]
    codename: str

    @property
    def product(self) -> str:
        """The SCAP Security Guide's product name without version: `debian`, `rl`."""
        if self.id == "centos" and self._major.isdigit() and int(self._major) >= 9:
            return "cs"
        return _PRODUCTS.get(self.id, self.id)

    @property
    def product_version(self) -> str:
        """The version as the guide writes it: `12`, `2204`, `9`; none for rolling products."""
        if self.product in _UNVERSIONED:
            return ""
        return self.version.replace(".", "") if self.id in ("ubuntu", "openEuler") else self._major

    @property
    def relatives(self) -> tuple[tuple[str, str], ...]:
        """Products (name, version) whose content may stand in, nearest first, from ID_LIKE and the codename."""
        found: list[tuple[str, str]] = []
        if self.codename in _CODENAMES and self.id not in ("debian", "ubuntu"):
            product = _CODENAMES[self.codename]
            name = product.rstrip("0123456789")
            found.append((name, product.removeprefix(name)))
        if self.id == "centos":
            found.append(("centos", self._major))
        for like in self.like:
            version = self.version.replace(".", "") if like == "ubuntu" else self._major
            found.append((_PRODUCTS.get(like, like), version))
        return tuple(dict.fromkeys(found))

    @property
    def _major(self) -> str:
        return self.version.partition(".")[0]

    @property
    def family(self) -> str:
        """debian, rhel, suse, or the system's own id."""
        return {"debian": "debian", "suse": "suse"}.get(
            _family(self), "rhel" if self.id in _RPM_LIKE else self.id
        )

    def install(self, what: str) -> str:
        """The command that installs `oscap`, the `content` or `docker` on this system."""
        family = _family(self)
        packages = _PACKAGES[family].get(what) or _PACKAGES["rpm"][what]
        if family == "debian" and what == "content" and self.id != "debian":
            packages = "ssg-base ssg-debderived"
        return f"{_INSTALLERS[family]} {packages}"


_INSTALLERS = {
    "debian": "apt-get install -y",
    "dnf": "dnf install -y",
    "rpm": "yum install -y",
    "suse": "zypper install -y",
}
_PACKAGES: Mapping[str, Mapping[str, str]] = {
    "debian": {"oscap": "openscap-scanner", "content": "ssg-base ssg-debian", "docker": "docker.io"},
    "dnf": {"docker": "docker-ce"},
    "rpm": {"oscap": "openscap-scanner", "content": "scap-security-guide", "docker": "docker"},
    "suse": {"oscap": "openscap-utils", "docker": "docker"},
}


def parse_os_release(text: str) -> Platform:
    """The platform that an os-release file describes; what is missing becomes an empty text."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values[key] = _unquoted(value)
    return Platform(
        id=values.get("ID", "linux"),
        version=values.get("VERSION_ID", ""),
        name=values.get("PRETTY_NAME") or values.get("NAME", "Linux"),
        like=tuple(values.get("ID_LIKE", "").split()),
        codename=values.get("UBUNTU_CODENAME") or values.get("VERSION_CODENAME", ""),
    )


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")


def _family(platform: Platform) -> str:
    names = {platform.id, *platform.like}
    if names & {"debian", "ubuntu"}:
        return "debian"
    if any("suse" in name or name.startswith("sle") for name in names):
        return "suse"
    if names & set(_RPM_LIKE):
        major = platform.version.partition(".")[0]
        old = major.isdigit() and int(major) < 8 and platform.id not in ("fedora", "amzn")
        return "rpm" if old else "dnf"
    return "rpm"
