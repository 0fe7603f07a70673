"""Files that are not Python are named in the package data: an installed agent has them too."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "spool", "stages", "receiver")


def package_of(path: Path) -> Path:
    """The nearest directory above that is a package."""
    return next(parent for parent in path.parents if (parent / "__init__.py").exists())


def test_every_data_file_is_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in (".py", ".pyc")]
    missing = [
        path
        for path in data
        if not any(fnmatch(str(path.relative_to(package_of(path))), each) for each in patterns)
    ]
    assert missing == []
    assert ROOT / "stages/formats/templates/report.html.jinja" in data
