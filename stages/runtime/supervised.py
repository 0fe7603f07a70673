"""A stage that `run` has started ends with it.

The kernel kills a child whose parent dies (prctl(2), PR_SET_PDEATHSIG), but only after the child
has requested that: a parent that was killed just before leaves a stage that holds its lock forever.
So each stage is given the number of its parent, and checks at its start whether that is still its
parent.
"""

import os
from collections.abc import Mapping

_VARIABLE = "COMPLIANCE_AGENT_SUPERVISOR"


def environment() -> Mapping[str, str]:
    """For the stages that this process starts."""
    return {**os.environ, _VARIABLE: str(os.getpid())}


def is_orphan() -> bool:
    """Whether the process that started this one as its stage has ended already."""
    supervisor = os.environ.pop(_VARIABLE, None)
    return supervisor not in (None, str(os.getppid()))
