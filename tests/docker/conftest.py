"""The engine that the tests share; without one they are skipped, and in CI they fail."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine, NoEngineError, engine


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    try:
        with engine() as running:
            yield running
    except NoEngineError as error:
        _missing(f"no Docker engine: {error}")


@pytest.fixture
def docker_client() -> None:
    """For tests that need the client alone."""
    if shutil.which("docker") is None:
        _missing("docker is missing: apt-get install docker.io")


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what}; CI must have it")
    pytest.skip(what)
