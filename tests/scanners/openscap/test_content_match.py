from pathlib import PurePath

import pytest

from stages.scanners.docker_bench.docker_bench_packages import install_docker
from stages.scanners.openscap.content_match import choose, is_for_other_releases, products_in
from stages.scanners.openscap.openscap_packages import (
    content_advice,
    content_command,
    install_content,
    install_scanner,
    scanner_command,
)
from stages.scanners.platform import Platform, parse_os_release

HOW_TO_INSTALL = {"oscap": install_scanner, "content": install_content, "docker": install_docker}


def host(name: str, version: str, like: str = "", codename: str = "") -> Platform:
    names = codename if "=" in codename else f"VERSION_CODENAME={codename}"
    return parse_os_release(f'ID={name}\nVERSION_ID="{version}"\nID_LIKE="{like}"\n{names}\n')


def files(*products: str) -> list[PurePath]:
    return [
        PurePath(f"/usr/share/xml/scap/ssg/content/ssg-{product}-ds.xml") for product in products
    ]


ALL = files(
    *("debian10", "debian11", "debian12", "ubuntu1604", "ubuntu2004", "ubuntu2204", "ubuntu2404"),
    *(
        "rhel7",
        "rhel8",
        "rhel9",
        "centos7",
        "centos8",
        "cs9",
        "rl8",
        "rl9",
        "almalinux9",
        "ol7",
        "ol8",
        "ol9",
    ),
    *("sle12", "sle15", "opensuse", "fedora", "al2023", "slmicro5", "anolis8", "openeuler2203"),
)


@pytest.mark.parametrize(
    ("platform", "product"),
    [
        (host("debian", "12"), "debian12"),
        (host("ubuntu", "22.04", "debian"), "ubuntu2204"),
        (host("rhel", "9.4", "fedora"), "rhel9"),
        (host("rocky", "9.3", "rhel centos fedora"), "rl9"),
        (host("almalinux", "9.3", "rhel centos fedora"), "almalinux9"),
        (host("ol", "8.9", "fedora"), "ol8"),
        (host("centos", "7", "rhel fedora"), "centos7"),
        (host("centos", "9", "rhel fedora"), "cs9"),
        (host("sles", "15.5", "suse"), "sle15"),
        (host("sled", "15.5", "suse"), "sle15"),
        (host("opensuse-leap", "15.5", "suse opensuse"), "opensuse"),
        (host("fedora", "40"), "fedora"),
        (host("amzn", "2023", "fedora"), "al2023"),
        (host("openEuler", "22.03"), "openeuler2203"),
    ],
)
def test_content_of_this_very_version_fits_without_a_warning(
    platform: Platform, product: str
) -> None:
    chosen = choose(platform, ALL)
    assert chosen is not None
    assert chosen.path.name == f"ssg-{product}-ds.xml"
    assert (chosen.fit, chosen.mismatch) == ("exact", None)


@pytest.mark.parametrize(
    ("platform", "present", "product"),
    [
        (host("debian", "12"), ("debian10", "debian11", "debian13"), "debian11"),
        (host("ubuntu", "24.10", "debian"), ("ubuntu2004", "ubuntu2404", "debian12"), "ubuntu2404"),
        (host("rhel", "10.0"), ("rhel7", "rhel9", "rhel8"), "rhel9"),
        (host("rocky", "10.0", "rhel centos fedora"), ("rl8", "rl9"), "rl9"),
        (host("rocky", "10.0", "rhel centos fedora"), ("rhel8", "rhel9"), "rhel9"),
        (
            host("raspbian", "12", "debian", "bookworm"),
            ("debian10", "debian11", "ubuntu2004"),
            "debian11",
        ),
        (
            host("linuxmint", "22", "ubuntu debian", "UBUNTU_CODENAME=noble"),
            ("ubuntu2204", "debian12"),
            "ubuntu2204",
        ),
    ],
)
def test_the_nearest_lower_version_stands_in_with_a_warning(
    platform: Platform, present: tuple[str, ...], product: str
) -> None:
    chosen = choose(platform, files(*present))
    assert chosen is not None
    assert chosen.path.name == f"ssg-{product}-ds.xml"
    assert chosen.mismatch is not None
    assert "older version" in chosen.mismatch
    assert chosen.fit == "older"


@pytest.mark.parametrize(
    ("platform", "product"),
    [
        (host("rocky", "9.3", "rhel centos fedora"), "rhel9"),
        (
            host(
                "linuxmint",
                "21.3",
                "ubuntu debian",
                "UBUNTU_CODENAME=jammy\nVERSION_CODENAME=virginia",
            ),
            "ubuntu2204",
        ),
        (
            host("linuxmint", "6", "debian", "DEBIAN_CODENAME=bookworm\nVERSION_CODENAME=faye"),
            "debian12",
        ),
        (host("debian", "", "", "bookworm"), "debian12"),
        (host("opensuse-microos", "20241105", "suse opensuse opensuse-tumbleweed"), "opensuse"),
        (host("raspbian", "12", "debian", "bookworm"), "debian12"),
        (host("pop", "22.04", "ubuntu debian"), "ubuntu2204"),
        (host("eurolinux", "9", "rhel centos fedora"), "rhel9"),
    ],
)
def test_a_relatives_content_stands_in_with_a_warning(platform: Platform, product: str) -> None:
    chosen = choose(platform, files("debian12", "ubuntu2204", "rhel9", "opensuse"))
    assert chosen is not None
    assert chosen.path.name == f"ssg-{product}-ds.xml"
    assert chosen.mismatch is not None
    assert "related system" in chosen.mismatch
    assert chosen.fit == "related"


@pytest.mark.parametrize(
    "platform",
    [
        host("debian", "9"),
        host("arch", ""),
        host("debian", ""),
        host("nixos", "24.05"),
        host("linuxmint", "22", "ubuntu debian", "UBUNTU_CODENAME=jammy"),
        host("rhel", "9.4", "fedora"),
    ],
)
def test_content_for_other_systems_is_never_taken(platform: Platform) -> None:
    assert choose(platform, files("debian22", "rhel10", "fedora", "ubuntu2404")) is None


def test_the_advice_on_content_names_its_source_and_never_what_is_installed_or_allowed() -> None:
    for platform, present, advice in (
        (
            host("debian", "12"),
            "debian11",
            (
                "Matching content is in the package ssg-debian of Debian 13, for every "
                "architecture (apt-get install -y ./ssg-debian_VERSION_all.deb). That of Debian 12 "
                "has none."
            ),
        ),
        (
            host("debian", "13"),
            "debian11",
            "The installed packages have no matching content.",
        ),
        (
            host("ubuntu", "24.04", "debian", "noble"),
            "ubuntu2204",
            (
                "Matching content is the Ubuntu Security Guide (pro enable usg, then "
                "apt-get install -y usg)."
            ),
        ),
        (
            host("rocky", "9.3", "rhel centos fedora"),
            "rhel9",
            "A newer package may have matching content (dnf upgrade -y scap-security-guide).",
        ),
        (
            host("sles", "15.5", "suse"),
            "sle12",
            "A newer package may have matching content (zypper update -y scap-security-guide).",
        ),
    ):
        chosen = choose(platform, files(present))
        assert chosen is not None
        assert f"ssg-{present}-ds.xml is for " in (chosen.mismatch or "")
        installed = products_in(files(present))
        never = content_advice(platform, installed, is_server_allowed=False)
        assert never.startswith(f"{advice} You can also add a datastream ")
        assert "compliance-agent content add FILE" in never
        assert never.endswith("(compliance.openscap.content_from_server: missing).")
        allowed = content_advice(platform, installed, is_server_allowed=True)
        assert "compliance-agent content add FILE" in allowed
        assert "content_from_server" not in allowed


def test_the_first_directory_wins_for_the_same_version() -> None:
    first, second = PurePath("/a/ssg-debian12-ds.xml"), PurePath("/b/ssg-debian12-ds.xml")
    chosen = choose(host("debian", "12"), [first, second])
    assert chosen is not None
    assert chosen.path == first


@pytest.mark.parametrize(
    ("platform", "what", "command"),
    [
        (host("debian", "12"), "oscap", "apt-get install -y openscap-scanner"),
        (host("ubuntu", "24.04", "debian"), "oscap", "apt-get install -y openscap-scanner"),
        (host("ubuntu", "22.04", "debian"), "oscap", "apt-get install -y libopenscap8"),
        (
            host("linuxmint", "21.3", "ubuntu debian", "UBUNTU_CODENAME=jammy"),
            "oscap",
            "apt-get install -y libopenscap8",
        ),
        (host("debian", "12"), "content", "apt-get install -y ssg-base ssg-debian"),
        (
            host("ubuntu", "22.04", "debian"),
            "content",
            "apt-get install -y ssg-base ssg-debderived",
        ),
        (host("rhel", "9.4", "fedora"), "oscap", "dnf install -y openscap-scanner"),
        (host("centos", "7", "rhel fedora"), "content", "yum install -y scap-security-guide"),
        (host("sles", "15.5", "suse"), "oscap", "zypper install -y openscap-utils"),
        (
            host("opensuse-leap", "15.5", "suse opensuse"),
            "content",
            "zypper install -y scap-security-guide",
        ),
        (
            host("raspbian", "12", "debian", "bookworm"),
            "content",
            "apt-get install -y ssg-base ssg-debian",
        ),
        (
            host("kali", "2026.3", "debian", "kali-rolling"),
            "content",
            "apt-get install -y ssg-base ssg-debian",
        ),
        (
            host("linuxmint", "22", "ubuntu debian", "UBUNTU_CODENAME=noble"),
            "content",
            "apt-get install -y ssg-base ssg-debderived",
        ),
        (
            host("linuxmint", "6", "debian", "DEBIAN_CODENAME=bookworm"),
            "content",
            "apt-get install -y ssg-base ssg-debian",
        ),
        (
            host("pop", "22.04", "ubuntu debian"),
            "content",
            "apt-get install -y ssg-base ssg-debderived",
        ),
        (host("amzn", "2023", "fedora"), "content", "dnf install -y scap-security-guide"),
        (host("amzn", "2023", "fedora"), "docker", "dnf install -y docker"),
        (host("amzn", "2", "centos rhel fedora"), "oscap", "yum install -y openscap-scanner"),
        (host("fedora", "43"), "docker", "dnf install -y moby-engine"),
        (
            host("rhel", "9.4", "fedora"),
            "docker",
            "dnf install -y docker-ce, from Docker's own package source",
        ),
        (host("sl-micro", "6.0", "suse"), "oscap", "zypper install -y openscap-utils"),
        (host("alpine", "3.22.1"), "oscap", "apk add openscap"),
        (host("alpine", "3.22.1"), "docker", "apk add docker"),
        (host("arch", ""), "docker", "pacman -S docker"),
        (host("manjaro", "", "arch"), "oscap", "install openscap from the AUR"),
    ],
)
def test_every_distribution_has_its_own_install_command(
    platform: Platform, what: str, command: str
) -> None:
    assert HOW_TO_INSTALL[what](platform) == command


@pytest.mark.parametrize("what", ["oscap", "content", "docker"])
def test_an_unknown_system_gets_the_names_of_packages_and_no_command(
    what: str,
) -> None:
    for platform in (host("gentoo", ""), host("void", ""), parse_os_release("")):
        assert HOW_TO_INSTALL[what](platform).startswith("install the package ")
        assert scanner_command(platform) is None
        assert content_command(platform) is None
    assert content_command(host("alpine", "3.22.1")) is None
    assert install_content(host("alpine", "3.22.1")) == "Alpine has no package of it"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ID=alpine\nVERSION_ID=3.22.1\nNAME=Alpine", "alpine 3.22.1"),
        ("ID=arch\nPRETTY_NAME=''", "arch"),
        ("", "linux"),
    ],
)
def test_a_host_without_a_pretty_name_is_named_by_id_and_version(text: str, name: str) -> None:
    assert parse_os_release(text).name == name


def test_os_release_is_read_as_its_manual_says() -> None:
    platform = parse_os_release(
        '# comment\nID=\'debian\'\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\nBROKEN\n'
    )
    assert (platform.id, platform.version, platform.name) == ("debian", "12", "Debian GNU/Linux 12")


@pytest.mark.parametrize(
    ("platform", "cpe_names", "is_for_others"),
    [
        (host("debian", "12"), ["cpe:/o:debian:debian_linux:11"], True),
        (host("debian", "12"), ["cpe:/o:debian:debian_linux:12"], False),
        (host("debian", "12"), [], False),
        (host("debian", "12"), ["#machine"], False),
        (host("fedora", "40"), ["cpe:/o:fedoraproject:fedora:39", "cpe:/o:x:y:40"], False),
        (host("opensuse-leap", "15.5"), ["cpe:/o:opensuse:leap"], False),
        (
            host("ubuntu", "24.04"),
            ["cpe:/o:canonical:ubuntu_linux:22.04::~~lts~~~"],
            True,
        ),
        (
            host("linuxmint", "21.3", "ubuntu debian", "UBUNTU_CODENAME=jammy"),
            ["cpe:/o:canonical:ubuntu_linux:22.04::~~lts~~~"],
            False,
        ),
        (host("rhel", "10.0"), ["cpe:/o:redhat:enterprise_linux:9"], True),
        (host("rhel", "9.4"), ["cpe:/o:redhat:enterprise_linux:9"], False),
    ],
)
def test_content_is_for_other_releases_where_every_cpe_name_has_another_version(
    platform: Platform, cpe_names: list[str], is_for_others: bool
) -> None:
    assert is_for_other_releases(cpe_names, platform) is is_for_others
