"""The .deb and the .rpm: what they contain, how large they are, and what the linters find."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKED_LIMIT, INSTALLED_LIMIT = 10_000_000, 40_000_000

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]


def build(packager: str) -> Path:
    command = [sys.executable, str(ROOT / "packaging/build.py"), packager]
    dated = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dated)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.split()[-1])


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needs(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing: apt-get install {package}")


@pytest.fixture(scope="session")
def deb() -> Path:
    needs("dpkg-deb", "dpkg")
    return build("deb")


@pytest.fixture(scope="session")
def rpm() -> Path:
    needs("rpm", "rpm")
    return build("rpm")


@pytest.fixture(scope="session")
def root(rpm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty root in which the .rpm is installed, without its scripts."""
    place = tmp_path_factory.mktemp("root")
    options = ["--root", str(place), "--nodeps", "--noscripts"]
    output("rpm", *options, "--install", str(rpm))
    return place


def size(tree: Path) -> int:
    return sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir())


def test_the_deb_is_small_packed_and_installed(deb: Path, tmp_path: Path) -> None:
    assert deb.stat().st_size < PACKED_LIMIT
    output("dpkg-deb", "--extract", str(deb), str(tmp_path))
    # As the maintainer script does.
    library = tmp_path / "usr/lib/compliance-agent/lib"
    output(sys.executable, "-m", "compileall", "-q", "-q", str(library))
    assert size(tmp_path) < INSTALLED_LIMIT


def test_the_version_of_a_deb_has_the_release(deb: Path) -> None:
    release = platform.freedesktop_os_release()
    if release["ID"] != "debian" or "VERSION_ID" not in release:
        pytest.skip("this is no release of Debian")
    version = output("dpkg-deb", "--field", str(deb), "Version").strip()
    assert version.endswith(f"-1~deb{release['VERSION_ID']}")


def test_the_deb_brings_scanner_content_and_documents(deb: Path) -> None:
    recommended = output("dpkg-deb", "--field", str(deb), "Recommends")
    assert "openscap-scanner | libopenscap8" in recommended
    assert "ssg-deb" in recommended
    files = output("dpkg-deb", "--contents", str(deb))
    for name in ("README.md", "docs/operating.md", "docs/platforms.md", "examples/config.yml"):
        assert f"./usr/share/doc/compliance-agent/{name}" in files


def test_lintian_finds_nothing_in_the_deb(deb: Path) -> None:
    needs("lintian", "lintian")
    output("lintian", "--fail-on", "error,warning", str(deb))


@pytest.mark.parametrize("packager", ["deb", "rpm"])
def test_a_package_has_the_same_bytes_when_it_is_built_again(
    packager: str, request: pytest.FixtureRequest
) -> None:
    first: Path = request.getfixturevalue(packager)
    before = first.read_bytes()
    assert build(packager).read_bytes() == before


def test_rpmlint_finds_nothing_in_the_rpm(rpm: Path) -> None:
    needs("rpmlint", "rpmlint")
    output("rpmlint", "--config", str(ROOT / "packaging/rpm/rpmlint.toml"), "--strict", str(rpm))


def test_the_rpm_is_small_packed_and_installed(rpm: Path, root: Path) -> None:
    assert rpm.stat().st_size < PACKED_LIMIT
    output(sys.executable, "-m", "compileall", "-q", "-q", f"{root}/usr/lib/compliance-agent/lib")
    assert size(root / "usr") < INSTALLED_LIMIT


def test_the_rpm_names_its_python_by_path_and_brings_scanner_and_content(rpm: Path) -> None:
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    assert python in output("rpm", "--query", "--requires", "--package", str(rpm)).split()
    recommended = output("rpm", "--query", "--recommends", "--package", str(rpm)).split()
    assert {"/usr/bin/oscap", "scap-security-guide"} <= set(recommended)
    assert f".py3{sys.version_info.minor}." in rpm.name


def test_the_agent_of_the_rpm_runs(root: Path) -> None:
    home = root / "usr/lib/compliance-agent"
    (site,) = home.glob("lib/python3.*/site-packages")
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from spool import packing; packing.import_libraries();"
        "from stages.console.main import main; main()"
    )
    script = [sys.executable, "-I", "-S", "-c", program, str(site)]
    assert "scanners" in output(*script, "detect", "--json", "--config", "/dev/null")
