"""Builds a package, `.deb` or `.rpm`: the agent with all its libraries, run by the host's Python.

    packaging/build.py deb|rpm

The file tree is made by the modules that `install` uses, with the paths of a package; nfpm packs it
as nfpm.yaml describes. With SOURCE_DATE_EPOCH set, the same tree gives the same bytes.

A .deb is for the release that it is built on. An .rpm is for every distribution of the RHEL family
and SUSE that has the Python of .venv; it is built on any of them, or on Debian.
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template

from package_tree import HERE, ROOT, build_time, fill

from stages.runtime.version import AGENT_VERSION

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MINOR = sys.version_info.minor


def main() -> None:
    if sys.argv[1:] not in (["deb"], ["rpm"]):
        sys.exit("usage: packaging/build.py deb|rpm")
    packager = sys.argv[1]
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    # Built in a directory of its own and renamed, so that two builds at once do not mix.
    with tempfile.TemporaryDirectory(prefix=".build-", dir=dist) as place:
        tree = Path(place) / "tree"
        fill(tree, packager)
        built = pack(packager, tree, Path(place))
        package = dist / built.name
        built.rename(package)
    print(package)


def pack(packager: str, tree: Path, place: Path) -> Path:
    """Pack the tree; the path of the package."""
    description = Template((HERE / "nfpm.yaml").read_text()).substitute(
        architecture=ARCHITECTURES[platform.machine()],
        version=AGENT_VERSION,
        release=f"1{suffix(packager)}",
        minor=MINOR,
        content=content(),
        tree=tree,
        here=HERE,
    )
    (place / "nfpm.yaml").write_text(description)
    command = [f"{sys.prefix}/bin/nfpm", "package", "--config", str(place / "nfpm.yaml")]
    command += ["--packager", packager, "--target", str(place)]
    dated = os.environ | {"SOURCE_DATE_EPOCH": str(build_time())}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dated)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    (built,) = place.glob(f"*.{packager}")
    return built


def suffix(packager: str) -> str:
    """What tells packages of one version apart: the release, or for an .rpm the Python."""
    if packager == "rpm":
        return f".py3{MINOR}"
    release = platform.freedesktop_os_release()
    name = release["ID"].replace("debian", "deb")
    return f"~{name}{release.get('VERSION_ID', '')}"


def content() -> str:
    """Debian's package with content for this release."""
    if platform.freedesktop_os_release()["ID"] == "ubuntu":
        return "ssg-debderived"
    return "ssg-debian"


if __name__ == "__main__":
    main()
