"""Fixtures of the command line's tests."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    settings = {"spool": {"path": str(tmp_path / "spool")}, "runtime_dir": str(tmp_path / "run")}
    path.write_text(json.dumps(settings))
    return path
