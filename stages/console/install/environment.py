"""The virtual environment of the services: a copy of what this program runs with, and nothing else.

Nothing is downloaded: the distributions that `compliance-agent` requires are copied from where they
are installed, in the same versions. So what was tested is installed, and no network is needed.

Diagnostics: CommandError if there is no interpreter that services can use.
"""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from stages.console.install.install_paths import SHIPPED
from stages.runtime.command_error import CommandError

_NAME = "compliance-agent"
_PACKAGES = ("schemas", "spool", "stages")
_HERE = Path(__file__).parents[3]
"""The directory of the packages: a source tree, or where a wheel was installed."""
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# Services cannot read home directories.
_HOMES = frozenset({"root", "home"})
# Parts of libraries that no program needs at run time: caches, sources in C, type stubs, and the
# time zones of dateutil, for which the agent uses those of the system.
_UNUSED_PARTS = frozenset({"..", "tests"})
_UNUSED_SUFFIXES = frozenset({".pyc", ".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx", ".gz"})
# Requirements of extras, of other systems and of other implementations of Python.
_FOREIGN = re.compile(r"extra ==|win32|emscripten|pypy", re.IGNORECASE)
_METADATA = frozenset({"METADATA", "RECORD", "WHEEL"})
_SCRIPT = """\
#!{home}/bin/python3 -I
from stages.console.entry import main

raise SystemExit(main())
"""


def interpreter() -> Path:
    """The Python that the services run: the system's own, or the one that runs this program."""
    here = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for path in (Path(f"/usr/bin/python{_VERSION}"), here):
        if path.exists() and path.resolve().parts[1] not in _HOMES:
            return path
    raise CommandError(
        f"{here}: services cannot use an interpreter in a home directory, and there is no "
        f"/usr/bin/python{_VERSION}: run this with the system's Python "
        "(PYTHON=/usr/bin/python3 scripts/install)"
    )


def make(place: Path, home: Path, python: Path, *, compiled: bool = True) -> None:
    """Make in `place` the environment that will lie at `home`."""
    site = place / "lib" / f"python{_VERSION}" / "site-packages"
    site.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin/python3").symlink_to(python)
    (place / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\nversion = {_VERSION}\n"
    )
    script = place / "bin" / _NAME
    script.write_text(_SCRIPT.format(home=home))
    script.chmod(0o755)
    for distribution in closure():
        _copy(distribution, site)
    _copy_own(site)
    if compiled:
        _compile(site, place, home, python)
    _let_all_read(place)


def closure() -> list[metadata.Distribution]:
    """What the agent requires, as installed here, without the agent itself."""
    try:
        agent = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError as error:
        raise CommandError(
            "this program runs from a source tree: use scripts/install, or install the wheel "
            "into a virtual environment"
        ) from error
    found: dict[str, metadata.Distribution] = {}
    requirements = _requirements(agent)
    while requirements:
        requirement = requirements.pop()
        name = _normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
        if name in found or _FOREIGN.search(requirement):
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            if ";" in requirement:
                # For another version of Python.
                continue
            raise CommandError(f"{name}: is missing: install the agent again") from error
        requirements += _requirements(found[name])
    return [found[name] for name in sorted(found)]


def shipped(name: str) -> Path:
    """A unit or another file beside the packages: in the source tree, or where a wheel puts it."""
    path = Path(sys.prefix, "share", _NAME, name)
    if (_HERE / "pyproject.toml").exists():
        path = _HERE / name
    if not path.exists():
        raise CommandError(
            f"{path}: is missing: install the wheel into a virtual environment again"
        )
    return path


def _requirements(distribution: metadata.Distribution) -> list[str]:
    return list(distribution.requires or ())


def _files(distribution: metadata.Distribution) -> list[metadata.PackagePath]:
    return list(distribution.files or ())


def _copy(distribution: metadata.Distribution, site: Path) -> None:
    for file in _files(distribution):
        # Commands and data outside the packages are of no use to the agent.
        if file.suffix not in _UNUSED_SUFFIXES and _UNUSED_PARTS.isdisjoint(file.parts):
            _copy_file(Path(str(file.locate())), site / file)


def _copy_own(site: Path) -> None:
    for name in _PACKAGES:
        shutil.copytree(_HERE / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in _files(metadata.distribution(_NAME)):
        if file.parent.suffix == ".dist-info" and file.name in _METADATA:
            _copy_file(Path(str(file.locate())), site / file)
    for name in SHIPPED:
        _copy_file(shipped(name), site.parents[2] / "share" / _NAME / name)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _let_all_read(place: Path) -> None:
    """The services run as other users, and the umask of the installing one may exclude them."""
    for path in (place, *place.rglob("*")):
        if path.is_symlink():
            continue
        mode = 0o644
        if path.is_dir() or path.parent == place / "bin":
            mode = 0o755
        path.chmod(mode)


def _compile(site: Path, place: Path, home: Path, python: Path) -> None:
    """Compile once, for the paths that the files will have: the services can't write there."""
    options = ("-I", "-m", "compileall", "-q", "-q", "-s", str(place), "-p", str(home), str(site))
    subprocess.run([str(python), *options], check=False, stdin=subprocess.DEVNULL)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
