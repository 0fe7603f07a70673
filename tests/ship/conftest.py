"""A ship stage that sends to a scripted server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patchmon.conftest import server, unreachable
from tests.patchmon.scripted_server import ScriptedServer
from tests.ship.ship_spool import Ship

__all__ = ["server", "unreachable"]


@pytest.fixture
def ship(tmp_path: Path, server: ScriptedServer) -> Iterator[Ship]:
    one = Ship(tmp_path, server.url)
    yield one
    one.close()
