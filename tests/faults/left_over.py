"""What kills and errors leave, and its owner removes."""

from tests.pipeline.agent import Agent, until
from tests.torture.verdict import left_over


def await_nothing_left_over(agent: Agent) -> None:
    try:
        until(lambda: not left_over(agent.spool), "nothing left over", 20)
    except AssertionError:
        assert left_over(agent.spool) == []
