"""Fixtures of the command line's tests."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A host without content: a scan with any profile can be requested."""
    path = tmp_path / "config.yml"
    without_content = {"content_dirs": [str(tmp_path / "none")], "content_fallback": "none"}
    settings = {
        "spool": {"path": str(tmp_path / "spool")},
        "runtime_dir": str(tmp_path / "run"),
        "compliance": {"openscap": without_content},
    }
    path.write_text(json.dumps(settings))
    return path
