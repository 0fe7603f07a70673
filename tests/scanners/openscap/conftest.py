"""An oscap that is newer than this host's."""

import re
import subprocess
from pathlib import Path

import pytest

from stages.scanners.openscap import oscap_program
from tests.booted.rootfs import NoRootError, archive

_PROGRAM = """\
#!/bin/sh
export OSCAP_SCHEMA_PATH={root}/usr/share/openscap/schemas
for loader in {root}/usr/lib/*-linux-gnu*/ld-linux-*.so.*; do
    exec "$loader" --library-path "${{loader%/*}}" {root}/usr/bin/oscap "$@"
done
"""


@pytest.fixture
def new_oscap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The version of Debian 13's program, started with the libraries of its own release; it is the
    one that is found."""
    try:
        packed = archive("trixie", ("openscap-scanner",))
    except NoRootError as error:
        pytest.skip(f"no Debian 13: {error}")
    root = tmp_path / "root"
    root.mkdir()
    unpack = ["tar", "--extract", "--file", str(packed), "--directory", str(root), "./usr"]
    subprocess.run(unpack, check=True, timeout=120)
    directory = tmp_path / "new-oscap"
    directory.mkdir()
    program = directory / "oscap"
    program.write_text(_PROGRAM.format(root=root))
    program.chmod(0o755)
    monkeypatch.setattr(oscap_program, "PATH", str(directory))
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"\(oscap\) (1\.4\.\d+)", shown.stdout)
    assert version, shown.stdout
    return version[1]
