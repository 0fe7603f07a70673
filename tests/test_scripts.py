"""scripts/venv.sh: which Python it takes, and what it reports where there is none."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("basename", "cat", "grep", "head", "id", "sh", "sha256sum", "tail")
FAKE = """\
#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {without_venv} ;;
    -V) echo Python {version}.1 ;;
    *) echo "$0 $*" ;;
esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project's root and a PATH without any Python."""
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/venv.sh", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    return tmp_path


def add_python(tree: Path, name: str, version: str, *, without_venv: bool = False) -> None:
    program = tree / "bin" / name
    program.write_text(FAKE.format(version=version, without_venv=int(without_venv)))
    program.chmod(0o755)


def add_broken_shim(tree: Path, name: str) -> None:
    program = tree / "bin" / name
    program.write_text("#!/bin/sh\nexit 127\n")
    program.chmod(0o755)


def source(tree: Path, then: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Source the script as the others do, up to `then`."""
    text = (tree / "scripts/venv.sh").read_text()
    if then:
        head = text.partition("# An environment is kept")[0]
        text = f"{head}\n{then}\n"
    (tree / "scripts/try.sh").write_text(f"set -eu\n{text}")
    return subprocess.run(
        ["/bin/sh", "scripts/try.sh"],
        cwd=tree,
        env={"PATH": str(tree / "bin"), "HOME": str(tree), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_newest_supported_python_is_taken(tree: Path) -> None:
    add_python(tree, "python3", "3.9")
    add_python(tree, "python3.11", "3.11")
    add_python(tree, "python3.13", "3.13")
    add_python(tree, "python3.15", "3.15")
    add_broken_shim(tree, "python3.14")
    assert source(tree, "find_python").stdout.strip() == f"{tree}/bin/python3.13"


def test_an_older_python_that_makes_environments_is_preferred(tree: Path) -> None:
    add_python(tree, "python3.11", "3.11")
    add_python(tree, "python3.13", "3.13", without_venv=True)
    assert source(tree, "find_python").stdout.strip() == f"{tree}/bin/python3.11"


def test_a_python_without_venv_is_reported_with_its_package(tree: Path) -> None:
    add_python(tree, "python3.13", "3.13", without_venv=True)
    done = source(tree)
    assert done.returncode == 3
    assert "install python3.13-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_python_in_the_environment_decides(tree: Path) -> None:
    add_python(tree, "python3.13", "3.13")
    add_python(tree, "mine", "3.12")
    assert source(tree, "find_python", PYTHON="mine").stdout.strip() == f"{tree}/bin/mine"
    add_python(tree, "mine", "3.10")
    done = source(tree, PYTHON="mine")
    assert done.returncode == 2
    assert done.stderr == "Python 3.11 to 3.14 is needed: PYTHON=mine is Python 3.10.1\n"


@pytest.mark.parametrize(
    ("distribution", "version", "advice"),
    [
        ("ubuntu", "22.04", "python3.11 python3.11-venv"),
        ("rhel", "9.4", "python3.12"),
        ("rocky", "8.10", "python3.12"),
        ("sles", "15.6", "python311"),
        ("opensuse-leap", "15.6", "python311"),
        ("amzn", "2023", "python3.11"),
        ("debian", "11", "this release has no package of it"),
    ],
)
def test_without_a_suitable_python_the_message_names_the_package(
    tree: Path, distribution: str, version: str, advice: str
) -> None:
    release = tree / "os-release"
    release.write_text(f'ID="{distribution}"\nVERSION_ID="{version}"\n')
    add_python(tree, "python3", "3.9")
    done = source(tree, OS_RELEASE=str(release))
    assert done.returncode == 2
    assert advice in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("made", "needed", "is_kept"),
    [
        ("", "", True),
        ("[receiver]", "", True),
        ("[dev]", "", True),
        ("[dev]", "[receiver]", True),
        ("", "[receiver]", False),
        ("[receiver]", "[dev]", False),
    ],
)
def test_an_environment_is_made_again_only_where_it_lacks_something(
    tree: Path, made: str, needed: str, is_kept: bool
) -> None:
    head, _, rest = (tree / "scripts/venv.sh").read_text().partition("if ! is_complete")
    assert rest
    (tree / ".venv").mkdir()
    write = f"printf '%s' \"$sources{made}\" > .venv/made-for; made_for=$(cat .venv/made-for)"
    (tree / "scripts/try.sh").write_text(f"extra='{needed}'\n{head}\n{write}\nis_complete\n")
    done = subprocess.run(
        ["/bin/sh", "scripts/try.sh"], cwd=tree, env={"PATH": str(tree / "bin")}, check=False
    )
    assert (done.returncode == 0) is is_kept


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_network_one_sentence_is_printed(tree: Path) -> None:
    """A real environment, and an index that refuses connections."""
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    path = os.pathsep.join((str(tree / "bin"), os.environ["PATH"]))
    done = source(tree, PATH=path, PIP_CONFIG_FILE="/dev/null", **unreachable)
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.startswith("no network: pip does not reach its package index; ")
    assert len(done.stderr.splitlines()) == 1
