"""A quick agent, whose file operations can be made to fail."""

from collections.abc import Iterator

import pytest

from receiver import Receiver
from tests.conftest import missing
from tests.faults.quick_agent import QuickAgent, a_quick_agent
from tests.pipeline.conftest import server
from tests.torture.disk_faults import DiskFaults, NoCompilerError, disk_faults

__all__ = ["server"]


@pytest.fixture
def agent(server: Receiver) -> Iterator[QuickAgent]:
    with a_quick_agent(server) as agent:
        yield agent


@pytest.fixture
def faults(agent: QuickAgent) -> Iterator[DiskFaults]:
    """Faults of the stages that are started by `agent.start_with`."""
    try:
        with disk_faults(agent.spool.root, agent.home) as faults:
            yield faults
            agent.kill_all()
    except NoCompilerError as error:
        missing(str(error))
