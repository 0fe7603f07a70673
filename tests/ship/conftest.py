"""A scripted server, and a ship stage that sends to it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ship.scripted_server import ScriptedServer, serving
from tests.ship.ship_spool import Ship


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


@pytest.fixture
def ship(tmp_path: Path, server: ScriptedServer) -> Iterator[Ship]:
    one = Ship(tmp_path, server.url)
    yield one
    one.close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a server that is away: its port is taken, and nobody listens there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
