"""Fixtures of the tests that run the four real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from tests.pipeline.agent import Agent, an_agent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000), database=tmp_path / "receiver.db") as receiver:
        yield receiver


@pytest.fixture
def agent(server: Receiver) -> Iterator[Agent]:
    with an_agent(server) as agent:
        yield agent
