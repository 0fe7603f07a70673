"""The services while their program is replaced: stopped, started again, and looked at.

Promises: what ran before runs afterwards, also where the replacing fails; where it is killed, the next one knows what
to start, from a note that lasts until the next boot (which starts what is enabled anyway).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.console.install.layout import SERVICES, TARGET
from stages.console.install.steps import Steps, answer

NOTE = Path("/run/compliance-agent.start")
_SYSTEMD_RUNS = Path("/run/systemd/system")


def systemd_runs() -> bool:
    return _SYSTEMD_RUNS.exists()


@contextmanager
def replaced(steps: Steps, *, fresh: bool) -> Iterator[None]:
    """What runs is stopped meanwhile: a service must not load half of its modules from each of two versions."""
    start = [*dict.fromkeys((*([TARGET] if fresh else _in_state("active", "activating")), *_noted()))]
    if not systemd_runs() or not start:
        yield
        return
    services = [unit for unit in start if unit != TARGET]
    steps.write(NOTE, "\n".join(start) + "\n")
    if services:
        steps.run("systemctl", "stop", *services)
    try:
        yield
    finally:
        if services:
            steps.run("systemctl", "start", *services)
        if TARGET not in start:
            steps.remove(NOTE)
    if TARGET in start:
        steps.run("systemctl", "enable", "--now", TARGET)
        steps.remove(NOTE)


def failing() -> list[str]:
    """The services that are to run, and do not."""
    return _in_state("activating", "failed")


def _in_state(*wanted: str) -> list[str]:
    if not systemd_runs():
        return []
    states = [
        word for word in answer("systemctl", "show", "--property=ActiveState", "--value", *SERVICES) if word
    ]
    return [unit for unit, state in zip(SERVICES, states, strict=False) if state in wanted]


def _noted() -> list[str]:
    """What an installation that was killed had stopped."""
    try:
        words = NOTE.read_text().split()
    except OSError:
        return []
    return [word for word in words if word in (TARGET, *SERVICES)]
