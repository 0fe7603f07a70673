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
"""Products whose rebuilds share their version numbers, so that an older version of them may stand in, too."""
_RPM_LIKE = frozenset(("rhel", "centos", "fedora", "ol", "rocky", "almalinux", "amzn", "openEuler"))


@dataclass(frozen=True)
class Platform:
    """One operating system release."""

    id: str
    version: str
    """VERSION_ID as written, `12` or `22.04`."""
    name: str
    like: tuple[str, ...]
    codename: str
    """That of the Debian or Ubuntu release that a derivative is made of, where it tells; else its own."""

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
    def base(self) -> tuple[str, str] | None:
        """The Debian or Ubuntu release that this is, or is made of, as a product (name, version)."""
        return _CODENAMES.get(self.codename)

    @property
    def relatives(self) -> tuple[tuple[str, str], ...]:
        """Products (name, version) whose content may stand in, nearest first, from the codename and ID_LIKE."""
        found = [self.base] if self.base else []
        if self.id == "centos":
            found.append(("centos", self._major))
        # A derivative counts its own versions: where its base is known by name, they say nothing of the base.
        known = ("debian", "ubuntu") if self.base else ()
        found += [self._relative(like) for like in self.like if like not in known]
        return tuple(dict.fromkeys(found))

    def _relative(self, like: str) -> tuple[str, str]:
        product = _PRODUCTS.get(like, like)
        if product == "opensuse":
            return product, ""
        return product, self.version.replace(".", "") if like == "ubuntu" else self._major

    @property
    def _major(self) -> str:
        return self.version.partition(".")[0]

    @property
    def family(self) -> str:
        """debian, rhel, suse, or the system's own id."""
        return {"apt": "debian", "zypper": "suse", "dnf": "rhel", "yum": "rhel"}.get(
            self._installer or "", self.id
        )

    def install(self, what: str) -> str:
        """How `oscap`, the `content` or `docker` comes to this system: a command, or words where there is none."""
        command = self.install_command(what)
        if command is None:
            return _BY_HAND.get((self._installer, what)) or _BY_HAND[None, what]
        ours = self._installer == "dnf" and what == "docker" and self.id not in _DOCKER_OF_THEIR_OWN
        return f"{command}, from Docker's own package source" if ours else command

    def install_command(self, what: str) -> str | None:
        """The command that installs it; None where this system has none that is known here."""
        packages = _PACKAGES.get(self._installer or "", {}).get(what)
        if self._installer == "apt" and what == "content":
            packages = f"ssg-base {'ssg-debderived' if self._is_ubuntu else 'ssg-debian'}"
        if self._installer == "dnf" and what == "docker":
            packages = _DOCKER_OF_THEIR_OWN.get(self.id, packages)
        return f"{_INSTALLERS[self._installer or '']} {packages}" if packages else None

    @property
    def _is_ubuntu(self) -> bool:
        return self.base[0] == "ubuntu" if self.base else "ubuntu" in (self.id, *self.like)

    @property
    def _installer(self) -> str | None:
        """The program that installs packages here; None for a system that is not known."""
        names = {self.id, *self.like}
        if names & {"debian", "ubuntu"}:
            return "apt"
        if any("suse" in name or name.startswith(("sle", "sl-micro")) for name in names):
            return "zypper"
        if names & _RPM_LIKE:
            return "yum" if self._is_old_rpm else "dnf"
        return next((program for name, program in _OTHERS.items() if name in names), None)

    @property
    def _is_old_rpm(self) -> bool:
        """From before dnf: Amazon counts in years, but for its second release."""
        if not self._major.isdigit() or self.id == "fedora":
            return False
        return int(self._major) < 8 or (self.id == "amzn" and int(self._major) < 2022)


_INSTALLERS = {
    "apt": "apt-get install -y",
    "dnf": "dnf install -y",
    "yum": "yum install -y",
    "zypper": "zypper install -y",
    "apk": "apk add",
    "pacman": "pacman -S",
}
_OTHERS = {"alpine": "apk", "arch": "pacman"}
_PACKAGES: Mapping[str, Mapping[str, str]] = {
    "apt": {"oscap": "openscap-scanner", "docker": "docker.io"},
    "dnf": {"oscap": "openscap-scanner", "content": "scap-security-guide", "docker": "docker-ce"},
    "yum": {"oscap": "openscap-scanner", "content": "scap-security-guide", "docker": "docker"},
    "zypper": {"oscap": "openscap-utils", "content": "scap-security-guide", "docker": "docker"},
    "apk": {"oscap": "openscap", "docker": "docker"},
    "pacman": {"docker": "docker"},
}
_DOCKER_OF_THEIR_OWN = {"fedora": "moby-engine", "amzn": "docker", "openEuler": "docker"}
_BY_HAND: Mapping[tuple[str | None, str], str] = {
    ("pacman", "oscap"): "install openscap from the AUR",
    ("pacman", "content"): "install scap-security-guide from the AUR",
    ("apk", "content"): (
        "Alpine has no package of it: put a datastream of the ComplianceAsCode project into /opt/scap/content"
    ),
    (
        None,
        "oscap",
    ): "install the package openscap-scanner (on some systems openscap or openscap-utils)",
    (None, "content"): (
        "install the package scap-security-guide, or put a datastream of the ComplianceAsCode project "
        "into /opt/scap/content"
    ),
    (None, "docker"): "install the package docker",
}


def parse_os_release(text: str) -> Platform:
    """The platform that an os-release file describes; what is missing becomes an empty text."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values[key] = _unquoted(value)
    identifier, version = values.get("ID") or "linux", values.get("VERSION_ID", "")
    codenames = (values.get(f"{of}_CODENAME") for of in ("UBUNTU", "DEBIAN", "VERSION"))
    return Platform(
        id=identifier,
        version=version,
        name=values.get("PRETTY_NAME") or f"{identifier} {version}".strip(),
        like=tuple(values.get("ID_LIKE", "").split()),
        codename=next(filter(None, codenames), ""),
    )


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")
