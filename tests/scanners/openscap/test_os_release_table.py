"""What content each system gets where content for all is installed, and how well it fits.

A line of the table: ID, VERSION_ID, ID_LIKE, codenames; the product and the fit.
"""

from pathlib import PurePath

import pytest

from stages.scanners.openscap.content_match import choose
from stages.scanners.platform import Platform, parse_os_release

PRODUCTS = (
    *("al2023", "alinux2", "alinux3", "almalinux9", "anolis8", "anolis23", "centos7", "centos8"),
    *("cs9", "cs10", "debian10", "debian11", "debian12", "fedora", "kylinserver10", "ol7", "ol8"),
    *("ol9", "openeuler2203", "openeuler2403", "opensuse", "rhel7", "rhel8", "rhel9", "rhel10"),
    *("rl8", "rl9", "sle12", "sle15", "slmicro5", "slmicro6", "ubuntu1604", "ubuntu1804"),
    *("ubuntu2004", "ubuntu2204", "ubuntu2404", "tencentos4", "uos20"),
)
FILES = [PurePath(f"/usr/share/xml/scap/ssg/content/ssg-{name}-ds.xml") for name in PRODUCTS]
TABLE = """
debian       | 10      |                        | VERSION=buster     | debian10      | exact
debian       | 11      |                        | VERSION=bullseye   | debian11      | exact
debian       | 12      |                        | VERSION=bookworm   | debian12      | exact
debian       | 13      |                        | VERSION=trixie     | debian12      | older
debian       |         |                        | VERSION=bookworm   | debian12      | related
debian       |         |                        | VERSION=forky      | debian12      | older
debian       | 9       |                        | VERSION=stretch    | none          |
ubuntu       | 16.04   | debian                 | VERSION=xenial     | ubuntu1604    | exact
ubuntu       | 18.04   | debian                 | VERSION=bionic     | ubuntu1804    | exact
ubuntu       | 20.04   | debian                 | VERSION=focal      | ubuntu2004    | exact
ubuntu       | 22.04   | debian                 | UBUNTU=jammy       | ubuntu2204    | exact
ubuntu       | 24.04   | debian                 | UBUNTU=noble       | ubuntu2404    | exact
ubuntu       | 24.10   | debian                 | UBUNTU=oracular    | ubuntu2404    | older
ubuntu       | 26.04   | debian                 | UBUNTU=resolute    | ubuntu2404    | older
raspbian     | 12      | debian                 | VERSION=bookworm   | debian12      | related
raspbian     | 10      | debian                 | VERSION=buster     | debian10      | related
linuxmint    | 21.3    | ubuntu debian          | UBUNTU=jammy       | ubuntu2204    | related
linuxmint    | 22      | ubuntu debian          | UBUNTU=noble       | ubuntu2404    | related
linuxmint    | 6       | debian                 | DEBIAN=bookworm    | debian12      | related
pop          | 22.04   | ubuntu debian          | UBUNTU=jammy       | ubuntu2204    | related
elementary   | 7.1     | ubuntu                 | UBUNTU=jammy       | ubuntu2204    | related
elementary   | 8       | ubuntu                 | UBUNTU=noble       | ubuntu2404    | related
zorin        | 17      | ubuntu debian          | UBUNTU=jammy       | ubuntu2204    | related
neon         | 24.04   | ubuntu debian          | UBUNTU=noble       | ubuntu2404    | related
tuxedo       | 24.04   | ubuntu debian          | UBUNTU=noble       | ubuntu2404    | related
devuan       | 5       | debian                 | VERSION=daedalus   | debian12      | related
devuan       | 4       | debian                 | VERSION=chimaera   | debian11      | related
devuan       | 6       | debian                 | VERSION=excalibur  | debian12      | older
pureos       | 10      | debian                 | VERSION=byzantium  | debian11      | related
pureos       | 11      | debian                 | VERSION=crimson    | debian12      | related
appliance    | 7       |                        | VERSION=bookworm   | debian12      | related
gateway      | 2.1     |                        | UBUNTU=noble       | ubuntu2404    | related
kali         | 2026.3  | debian                 | VERSION=kali-rolling | none        |
deepin       | 23      |                        | VERSION=beige      | none          |
rhel         | 7.9     | fedora                 |                    | rhel7         | exact
rhel         | 8.10    | fedora                 |                    | rhel8         | exact
rhel         | 9.4     | fedora                 |                    | rhel9         | exact
rhel         | 10.0    | fedora                 |                    | rhel10        | exact
rhel         | 11.0    | fedora                 |                    | rhel10        | older
centos       | 7       | rhel fedora            |                    | centos7       | exact
centos       | 8       | rhel fedora            |                    | centos8       | exact
centos       | 9       | rhel fedora            |                    | cs9           | exact
centos       | 10      | rhel fedora            |                    | cs10          | exact
rocky        | 8.9     | rhel centos fedora     |                    | rl8           | exact
rocky        | 9.3     | rhel centos fedora     |                    | rl9           | exact
rocky        | 10.0    | rhel centos fedora     |                    | rhel10        | related
almalinux    | 9.3     | rhel centos fedora     |                    | almalinux9    | exact
almalinux    | 8.9     | rhel centos fedora     |                    | rhel8         | related
almalinux    | 10.0    | rhel centos fedora     |                    | rhel10        | related
eurolinux    | 9       | rhel centos fedora     |                    | rhel9         | related
circle       | 9.3     | rhel centos fedora     |                    | rhel9         | related
virtuozzo    | 8.9     | rhel centos fedora     |                    | rhel8         | related
scientific   | 7.9     | rhel centos fedora     |                    | rhel7         | related
ol           | 7.9     | fedora                 |                    | ol7           | exact
ol           | 8.9     | fedora                 |                    | ol8           | exact
ol           | 9.3     | fedora                 |                    | ol9           | exact
ol           | 10.0    | fedora                 |                    | ol9           | older
amzn         | 2023    | fedora                 |                    | al2023        | exact
amzn         | 2       | centos rhel fedora     |                    | none          |
fedora       | 40      |                        |                    | fedora        | exact
fedora       | 43      |                        |                    | fedora        | exact
fedora-asahi-remix | 42 | fedora                |                    | fedora        | related
bazzite      | 41      | fedora                 |                    | fedora        | related
aurora       | 42      | fedora                 |                    | fedora        | related
bluefin      | 42      | fedora                 |                    | fedora        | related
ultramarine  | 41      | fedora                 |                    | fedora        | related
nobara       | 41      | rhel centos fedora     |                    | fedora        | related
qubes        | 4.2     |                        |                    | none          |
sles         | 12.5    | suse                   |                    | sle12         | exact
sles         | 15.5    | suse                   |                    | sle15         | exact
sled         | 15.5    | suse                   |                    | sle15         | exact
sles_sap     | 15.5    | suse                   |                    | sle15         | exact
sles         | 16.0    | suse                   |                    | sle15         | older
sl-micro     | 6.0     | suse                   |                    | slmicro6      | exact
sle-micro    | 5.5     | suse                   |                    | slmicro5      | exact
opensuse-leap | 15.5   | suse opensuse          |                    | opensuse      | exact
opensuse-tumbleweed | 20261105 | opensuse suse  |                    | opensuse      | exact
opensuse-microos | 20261105 | suse opensuse opensuse-tumbleweed |   | opensuse      | related
openEuler    | 22.03   |                        |                    | openeuler2203 | exact
openEuler    | 24.03   |                        |                    | openeuler2403 | exact
anolis       | 8.8     | rhel fedora centos     |                    | anolis8       | exact
anolis       | 23      | rhel fedora centos     |                    | anolis23      | exact
alinux       | 3       | rhel fedora centos     |                    | alinux3       | exact
kylin        | V10     |                        |                    | kylinserver10 | exact
kylin        | V10     | debian                 | VERSION=kylin      | none          |
kylin        | V11     |                        |                    | kylinserver10 | older
alpine       | 3.22.1  |                        |                    | none          |
arch         |         |                        |                    | none          |
gentoo       | 2.17    |                        |                    | none          |
nixos        | 26.05   |                        |                    | none          |
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


def platform_of(row: list[str]) -> Platform:
    name, version, like, codename = row[:4]
    of, _, value = codename.partition("=")
    return parse_os_release(
        f'ID={name}\nVERSION_ID="{version}"\nID_LIKE="{like}"\n{of}_CODENAME={value}\n'
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:2]))
def test_every_system_gets_its_content(row: list[str]) -> None:
    product, fit = row[4:]
    choice = choose(platform_of(row), FILES)
    if product == "none":
        assert choice is None
        return
    assert choice is not None
    assert (choice.path.name, choice.fit) == (f"ssg-{product}-ds.xml", fit)
    assert (choice.mismatch is None) is (fit == "exact")


def test_the_table_has_80_systems() -> None:
    assert len(ROWS) >= 80


def test_a_relative_of_fedora_never_gets_content_of_rhel() -> None:
    rhel = [path for path in FILES if "rhel" in path.name or "centos" in path.name]
    nobara = parse_os_release('ID=nobara\nVERSION_ID=41\nID_LIKE="rhel centos fedora"')
    assert choose(nobara, rhel) is None


def test_derivatives_known_by_codename_alone_have_the_install_commands_of_debian() -> None:
    appliance = parse_os_release("ID=appliance\nVERSION_ID=7\nVERSION_CODENAME=bookworm")
    assert appliance.installer == "apt"
    assert parse_os_release("ID=kylin\nVERSION_ID=V10").installer == "dnf"
