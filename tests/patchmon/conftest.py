"""A scripted server, and one that is away."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.patchmon.scripted_server import ScriptedServer, serving


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


@pytest.fixture
def unreachable() -> Iterator[str]:
    """The URL of a server that is away: its port is taken, and no process listens there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """server.test has two addresses."""
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        names = ("127.0.0.2", "127.0.0.1") if host == "server.test" else (host,)
        return [found for name in names for found in real(name, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
