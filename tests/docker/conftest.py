import os
from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine, NoEngineError, engine


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    try:
        with engine() as running:
            yield running
    except NoEngineError as error:
        if os.environ.get("CI"):
            pytest.fail(f"no Docker engine, and CI must have one: {error}")
        pytest.skip(f"no Docker engine: {error}")
